"""The image's own Python, run from the folder that its root file system is unpacked in.

It is started by the image's own dynamic loader, with the image's libraries. So the host needs no Python of that
version, and whoever builds needs no right to change root.
"""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from image.failure import ImageError

# Seconds for one run: pip downloads 100 MB, on a slow line.
LONGEST = 1800


class ImageInterpreter:
    """The Python of one unpacked root file system."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    @property
    def version(self) -> str:
        """Major and minor version, such as `3.13`; raises ImageError if the root has no Python."""
        link = self.root / "usr/bin/python3"
        if not link.is_symlink():
            raise ImageError(f"there is no Python in {self.root}: remove that folder and build again")
        return link.readlink().name.removeprefix("python")

    @property
    def packages(self) -> Path:
        """The folder, relative to the root, in which Debian's Python finds packages that are not Debian's."""
        return Path(f"usr/local/lib/python{self.version}/dist-packages")

    def run(self, *arguments: str, path: Iterable[Path] = ()) -> str:
        """Run it and return what it prints; raises ImageError with the last lines of its standard error.

        `path` is searched for modules first. The hash seed is fixed, so that equal sources become equal byte code.
        """
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
            "PYTHONHOME": str(self.root / "usr"),
            "PYTHONPATH": os.pathsep.join(str(folder) for folder in path),
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONNOUSERSITE": "1",
        }
        done = subprocess.run(
            [*self._loader(), str(self.root / f"usr/bin/python{self.version}"), *arguments],
            env=environment,
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        if done.returncode:
            raise ImageError(f"{' '.join(arguments[:3])} failed: {_last(done.stderr)}")
        return done.stdout

    def _loader(self) -> list[str]:
        loaders = sorted(self.root.glob("usr/lib*/ld-linux-*.so.*"))
        libraries = [str(folder) for folder in sorted(self.root.glob("usr/lib/*-linux-gnu"))]
        if not loaders or not libraries:
            raise ImageError(f"there is no C library in {self.root}: remove that folder and build again")
        return [str(loaders[0]), "--library-path", ":".join(libraries)]


def _last(text: str) -> str:
    return " | ".join(text.strip().splitlines()[-3:]) or "no message"
