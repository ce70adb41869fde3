"""The layer of locked Python packages: exactly those of `requirements/runtime.txt`, by hash, and only built ones."""

import json
import tempfile
from collections.abc import Mapping
from importlib.metadata import distributions, files
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from image import bytecode, trim
from image.components import Component
from image.failure import ImageError
from image.interpreter import ImageInterpreter

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements/runtime.txt"


def make(root: Path, python: ImageInterpreter) -> list[Component]:
    """Fill an empty folder with the packages, for the Python of the base, with their byte code."""
    folder = root / python.packages
    installed = install(python, folder, "--require-hashes", "--requirement", str(REQUIREMENTS))
    trim.kubernetes_client(folder)
    bytecode.compile_all(python, root, python.packages)
    return [package for package in installed if package.name not in trim.ONLY_ASYNCIO]


def install(python: ImageInterpreter, folder: Path, *wanted: str) -> list[Component]:
    """Install packages into a folder, by the pip of this environment in the image's interpreter.

    So markers are evaluated, and wheels are chosen, for the Python and the C library of the image.
    """
    with tempfile.TemporaryDirectory() as temporary:
        (Path(temporary) / "pip").symlink_to(_pip())
        report = Path(temporary) / "report.json"
        options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile", "--only-binary", ":all:")
        places = ("--target", str(folder), "--report", str(report))
        python.run("-m", "pip", "install", *options, *places, *wanted, path=[Path(temporary)])
        installed = json.loads(report.read_text())["install"]
    trim.python_packages(folder)
    metadata = [package.metadata.json for package in distributions(path=[str(folder)])]
    licenses = {str(fields["name"]): str(fields.get("license_expression", "")) for fields in metadata}
    return [_component(package, licenses) for package in installed]


def _component(package: dict[str, Any], licenses: Mapping[str, str]) -> Component:
    """Return what pip reports about one package (pip's installation report, version 1)."""
    name, version = package["metadata"]["name"], package["metadata"]["version"]
    digest = package["download_info"]["archive_info"]["hashes"]["sha256"]
    return Component("pypi", canonicalize_name(name), version, digest, licenses.get(name, ""))


def _pip() -> Path:
    for file in files("pip") or ():
        if file.as_posix() == "pip/__init__.py":
            return Path(str(file.locate())).parent
    raise ImageError("there is no pip beside this Python: run `make lint` once, which makes `.venv`, and use that one")
