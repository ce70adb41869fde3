"""The layer of locked Python packages: exactly those of `requirements/runtime.txt`, by hash, and only built ones."""

import tempfile
from importlib.metadata import files
from pathlib import Path

from image import bytecode, trim
from image.errors import BuildError
from image.interpreter import ImageInterpreter

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements/runtime.txt"


def make(root: Path, python: ImageInterpreter) -> None:
    """Fill an empty folder with the packages, for the Python of the base, with their byte code."""
    folder = root / python.packages
    install(python, folder, "--require-hashes", "--requirement", str(REQUIREMENTS))
    trim.kubernetes_client(folder)
    bytecode.compile_all(python, root, python.packages)


def install(python: ImageInterpreter, folder: Path, *wanted: str) -> None:
    """Install packages into a folder, by the pip of this environment in the image's interpreter.

    So markers are evaluated, and wheels are chosen, for the Python and the C library of the image.
    """
    with tempfile.TemporaryDirectory() as only_pip:
        (Path(only_pip) / "pip").symlink_to(_pip())
        options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile", "--only-binary", ":all:")
        python.run("-m", "pip", "install", *options, "--target", str(folder), *wanted, path=[Path(only_pip)])
    trim.python_packages(folder)


def _pip() -> Path:
    for file in files("pip") or ():
        if file.as_posix() == "pip/__init__.py":
            return Path(str(file.locate())).parent
    raise BuildError("there is no pip beside this Python: run `make lint` once, which makes `.venv`, and use that one")
