"""The layer of our own packages, and what a container of the image runs."""

import subprocess
import sys
import tempfile
from pathlib import Path

from image import bytecode, oci
from image.components import Component, file_digest
from image.dependencies import ROOT, install
from image.failure import ImageError
from image.interpreter import ImageInterpreter
from runtime.settings import VERSION

TITLE = "kepler-on-knative"
# 65532 is `nonroot` by convention of distroless images; no file of the image belongs to it.
USER = "65532:65532"


def config() -> oci.ImageConfig:
    """Return what a container runs: as user `nonroot`, with SIGTERM to stop, so that it completes running requests."""
    return oci.ImageConfig(
        entrypoint=("python3", "-m", "functions"),
        user=USER,
        env={
            "PATH": "/usr/local/bin:/usr/bin",
            "LISTEN_ADDRESS": "[::]:8080",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
        },
        exposed_ports=("8080/tcp",),
        stop_signal="SIGTERM",
        labels={
            "org.opencontainers.image.title": TITLE,
            "org.opencontainers.image.version": VERSION,
            "org.opencontainers.image.licenses": "Apache-2.0",
        },
    )


def wheel(folder: Path) -> Path:
    """Build this checkout's wheel into a folder, without fetching anything."""
    options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise ImageError(f"the wheel cannot be built: {' | '.join(done.stderr.strip().splitlines()[-3:])}")
    return next(folder.glob("*.whl"))


def make(root: Path, python: ImageInterpreter) -> list[Component]:
    """Fill an empty folder with our packages, installed from our wheel, and their byte code."""
    with tempfile.TemporaryDirectory() as built:
        archive = wheel(Path(built))
        install(python, root / python.packages, "--no-index", str(archive))
        # Not as `pkg:pypi/function`: on PyPI that is somebody else's package.
        ours = Component("generic", TITLE, VERSION, file_digest(archive), "Apache-2.0")
    bytecode.compile_all(python, root, python.packages)
    return [ours]
