"""Layers kept by the digest of what they are made from, so that a second build makes only what changed."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from image import oci

# In a kept layer's folder: the unpacked files, the packed layer, and the digest of the tar within.
ROOT = "root"
PACKED = "layer.tar.gz"
DIFF_ID = "diff-id.json"


@dataclass(frozen=True)
class KeptLayer:
    """A layer, and the folder with its unpacked files, as paths in the image."""

    root: Path
    layer: oci.Layer


def digest(*ingredients: str | bytes | Path) -> str:
    """Return one short digest of texts and of the content of files, in this order."""
    hashed = hashlib.sha256()
    for ingredient in ingredients:
        content = ingredient.read_bytes() if isinstance(ingredient, Path) else ingredient
        content = content.encode() if isinstance(content, str) else content
        hashed.update(len(content).to_bytes(8) + content)
    return hashed.hexdigest()[:24]


def kept(  # noqa: PLR0913 - what a layer is named by
    folder: Path, kind: str, key: str, make: Callable[[Path], None], *, epoch: int, renew: bool = False
) -> KeptLayer:
    """Return the layer of this kind and key, made now by `make` unless it is kept, or if it is to be renewed.

    `make` fills an empty folder. One layer of each kind is kept: another key's is removed.
    """
    place = folder / f"{kind}-{key}-{epoch}"
    if renew or not (place / DIFF_ID).is_file():
        _make(place, make, epoch)
        for path in folder.glob(f"{kind}-*"):
            if path != place:
                shutil.rmtree(path)
    diff_id = json.loads((place / DIFF_ID).read_text())
    return KeptLayer(place / ROOT, oci.Layer((place / PACKED).read_bytes(), diff_id))


def _make(place: Path, make: Callable[[Path], None], epoch: int) -> None:
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        (draft / ROOT).mkdir(parents=True)
        make(draft / ROOT)
        packed = oci.layer({"": draft / ROOT}, epoch)
        (draft / PACKED).write_bytes(packed.content)
        (draft / DIFF_ID).write_text(json.dumps(packed.diff_id))
        shutil.rmtree(place, ignore_errors=True)
        draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
