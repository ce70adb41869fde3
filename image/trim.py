"""What is not needed to run, and left out of the image."""

import csv
import shutil
from collections.abc import Iterable
from pathlib import Path

# Folders of Python packages, wherever they are; byte code is compiled anew.
FOLDERS = ("__pycache__", "test", "tests")
# Type stubs, and sources of extension modules.
SUFFIXES = (".pyi", ".pyx", ".pxd", ".c", ".h")
# The generated parts of the Kubernetes client, 125 of 127 MB with byte code: classes of every API and every kind, which
# the client loads when somebody asks for one. `runtime.transport` uses ApiClient and configuration with plain JSON, and
# asks for none. `aio` is all of it once more, for asyncio, and nothing outside imports it.
KUBERNETES = ("kubernetes/client/api", "kubernetes/client/models")
KUBERNETES_ASYNCIO = "kubernetes/aio"
ONLY_ASYNCIO = (
    "aiohappyeyeballs",
    "aiohttp",
    "aiohttp-retry",
    "aiosignal",
    "frozenlist",
    "multidict",
    "propcache",
    "yarl",
)


def python_packages(folder: Path) -> None:
    """Remove what no package needs to run: tests, byte code, stubs, scripts, and the file that names this machine."""
    remove(path for name in FOLDERS for path in sorted(folder.rglob(name)) if path.is_dir())
    remove(path for suffix in SUFFIXES for path in sorted(folder.rglob(f"*{suffix}")))
    remove([folder / "bin"])
    remove(folder.glob("*.dist-info/direct_url.json"))
    _correct_records(folder)


def kubernetes_client(folder: Path) -> None:
    """Remove what the Kubernetes client loads on demand only, and the packages that only its asyncio half uses.

    `kubernetes.client` stays importable: its classes of APIs and kinds are attributes that are loaded when used.
    """
    remove([folder / KUBERNETES_ASYNCIO])
    for package in KUBERNETES:
        remove(module for module in sorted((folder / package).glob("*.py")) if module.name != "__init__.py")
    for name in ONLY_ASYNCIO:
        _distribution(folder, name)
    _correct_records(folder)


def remove(paths: Iterable[Path]) -> None:
    """Remove files, links and whole folders; what is not there is no error."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _distribution(folder: Path, name: str) -> None:
    """Remove the folders that one installed distribution's files are in."""
    for metadata in folder.glob(f"{name.replace('-', '_')}-*.dist-info"):
        paths = {line.partition("/")[0] for line in (metadata / "RECORD").read_text().splitlines()}
        remove(folder / path for path in sorted(paths) if path != "..")


def _correct_records(folder: Path) -> None:
    """Let each distribution's RECORD list what is there: a script's digest would depend on the builder's paths."""
    for record in folder.glob("*.dist-info/RECORD"):
        with record.open(newline="") as file:
            rows = [row for row in csv.reader(file) if (folder / row[0]).exists()]
        with record.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
