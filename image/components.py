"""What an image is made of: packages of Debian and of Python, with the digests of the archives that they came in."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, order=True)
class Component:
    """One package. `ecosystem` is the type of its package URL; `license` is an SPDX expression, or empty if unknown."""

    ecosystem: Literal["deb", "generic", "pypi"]
    name: str
    version: str
    sha256: str
    license: str = ""
    architecture: str = ""


def keep(components: Iterable[Component], file: Path) -> None:
    """Write components to a file beside the layer that has them."""
    file.write_text(json.dumps([asdict(component) for component in sorted(components)], indent=1))


def read(file: Path) -> list[Component]:
    """Return the components that `keep` has written."""
    return [Component(**fields) for fields in json.loads(file.read_text())]


def file_digest(file: Path) -> str:
    """Return the hexadecimal SHA-256 digest of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
