"""Layers kept by the digest of what they are made from, so that a second build makes only what changed."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from image import components, oci
from image.components import Component

# In a kept layer's folder: the unpacked files, their packages, the packed layer, and the digest of the tar within.
ROOT = "root"
COMPONENTS = "components.json"
PACKED = "layer.tar.gz"
DIFF_ID = "diff-id.json"
# Fills an empty folder and returns the packages that are in it.
Make = Callable[[Path], list[Component]]


@dataclass(frozen=True)
class KeptLayer:
    """A layer, the folder with its unpacked files, as paths in the image, and the packages that they are of."""

    root: Path
    layer: oci.Layer
    components: list[Component]


def layer_digest(*ingredients: str | bytes | Path) -> str:
    """Return one short digest of texts and of the content of files, in this order."""
    hashed = hashlib.sha256()
    for ingredient in ingredients:
        content = ingredient.read_bytes() if isinstance(ingredient, Path) else ingredient
        content = content.encode() if isinstance(content, str) else content
        hashed.update(len(content).to_bytes(8) + content)
    return hashed.hexdigest()[:24]


def is_kept(folder: Path, kind: str, key: str, *, epoch: int) -> bool:
    """Return whether `kept` would return this layer at once."""
    return (folder / f"{kind}-{key}-{epoch}" / DIFF_ID).is_file()


def kept(  # noqa: PLR0913 - what a layer is named by
    folder: Path, kind: str, key: str, make: Make, *, epoch: int, renew: bool = False
) -> KeptLayer:
    """Return the layer of this kind and key, made now by `make` unless it is kept, or if it is to be renewed.

    One layer of each kind is kept: another key's is removed.
    """
    place = folder / f"{kind}-{key}-{epoch}"
    if renew or not is_kept(folder, kind, key, epoch=epoch):
        _make(place, make, epoch)
        for path in folder.glob(f"{kind}-*"):
            if path != place:
                shutil.rmtree(path)
    diff_id = json.loads((place / DIFF_ID).read_text())
    packed = oci.Layer((place / PACKED).read_bytes(), diff_id)
    return KeptLayer(place / ROOT, packed, components.read(place / COMPONENTS))


def _make(place: Path, make: Make, epoch: int) -> None:
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        (draft / ROOT).mkdir(parents=True)
        components.keep(make(draft / ROOT), draft / COMPONENTS)
        packed = oci.layer({"": draft / ROOT}, epoch)
        (draft / PACKED).write_bytes(packed.content)
        (draft / DIFF_ID).write_text(json.dumps(packed.diff_id))
        shutil.rmtree(place, ignore_errors=True)
        draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
