"""Byte code that stays valid in an image.

A `.pyc` usually names the time of its source. Images that are reproducible have other times, so Python would compile
every module at every start, and cannot keep the result on a read-only root: 1.6 CPU seconds instead of 0.4. An
unchecked hash (PEP 552) names no time and is not compared with anything.
"""

from pathlib import Path

from image.interpreter import ImageInterpreter

# Prints each source with a `.pyc` that is missing, or not marked as unchecked (PEP 552: flags 0b01).
STALE = """
import importlib.util, pathlib, sys
for source in sorted(pathlib.Path(sys.argv[1]).rglob("*.py")):
    cached = pathlib.Path(importlib.util.cache_from_source(source))
    if not cached.is_file() or cached.read_bytes()[:8] != importlib.util.MAGIC_NUMBER + bytes([1, 0, 0, 0]):
        print(source)
"""


def compile_all(python: ImageInterpreter, root: Path, folder: Path) -> None:
    """Compile every module below `folder` of a layer that is unpacked in `root`.

    Paths in the byte code, which tracebacks show, are those in the image. One process compiles all, in one order, so
    that equal sources become equal bytes.
    """
    python.run(
        "-m",
        "compileall",
        "-q",
        "-f",
        "-j1",
        *("--invalidation-mode", "unchecked-hash"),
        *("-s", str(root), "-p", "/"),
        str(root / folder),
    )


def stale(python: ImageInterpreter, folder: Path) -> list[str]:
    """Return the sources below a folder that Python would compile at each start."""
    return python.run("-c", STALE, str(folder)).splitlines()
