"""The whole build: three layers, of which an upgrade changes the last and smallest only, and the image's archive."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from image import base, dependencies, materials, oci, product
from image.components import Component
from image.interpreter import ImageInterpreter
from image.layer_cache import KeptLayer, Make, is_kept, kept, layer_digest
from runtime.settings import VERSION

FOLDER = dependencies.ROOT / ".local/image"
# Knative resolves no tags of `dev.local`, so an imported image of this name runs without a registry.
TAG = f"dev.local/{product.TITLE}:{VERSION}"
OUTPUT = FOLDER / f"{product.TITLE}-{VERSION}.tar"
HERE = Path(__file__).parent
# The modules that make both lower layers; a change of one makes the layers anew.
RECIPE = tuple(
    HERE / f"{module}.py" for module in ("bytecode", "components", "interpreter", "layer_cache", "oci", "trim")
)


@dataclass(frozen=True)
class ImageLayers:
    """The layers of an image, from the lowest: Debian packages, Python packages, our own packages."""

    base: KeptLayer
    dependencies: KeptLayer
    product: oci.Layer
    components: list[Component]


def build(tag: str, output: Path, say: Callable[[str], None], *, epoch: int = oci.EPOCH, update: bool = False) -> None:
    """Write the OCI archive of the image, and its bill of materials; raises ImageError with what is missing.

    `update` downloads the Debian packages again, for their fixes; otherwise they are those of the first build.
    """
    layers = make_layers(say, epoch=epoch, update=update)
    packed = (layers.base.layer, layers.dependencies.layer, layers.product)
    manifest = oci.write(output, tag, packed, product.config(), architecture=base.architecture(), epoch=epoch)
    materials_file = output.with_suffix(".cdx.json")
    materials_file.write_text(materials.document(product.TITLE, VERSION, manifest, layers.components, epoch))
    sizes = " + ".join(f"{len(layer.content) / 1e6:.1f}" for layer in packed)
    say(f"{output}: {tag}, {manifest}, {sizes} MB")


def make_layers(say: Callable[[str], None], *, epoch: int = oci.EPOCH, update: bool = False) -> ImageLayers:
    """Return the layers, made now or cached by an earlier build."""
    make_base = _announced(base.make, say, "base: Debian packages")
    bottom = kept(FOLDER, "base", base_key(), make_base, epoch=epoch, renew=update)
    python = ImageInterpreter(bottom.root)
    install = _announced(partial(dependencies.make, python=python), say, "dependencies: locked Python packages")
    middle = kept(FOLDER, "dependencies", dependencies_key(), install, epoch=epoch)
    with TemporaryDirectory(dir=FOLDER, prefix=".product-") as folder:
        ours = product.make(Path(folder), python)
        top = oci.layer({"": Path(folder)}, epoch)
    return ImageLayers(bottom, middle, top, [*bottom.components, *middle.components, *ours])


def is_quick(*, epoch: int = oci.EPOCH) -> bool:
    """Return whether the two lower layers are cached, so that a build downloads nothing."""
    keys = {"base": base_key(), "dependencies": dependencies_key()}
    return all(is_kept(FOLDER, kind, key, epoch=epoch) for kind, key in keys.items())


def base_key() -> str:
    """Return the digest of the base layer's inputs. Debian's fixes are not among them; `update` gets these."""
    return layer_digest(base.architecture(), HERE / "base.py", *RECIPE)


def dependencies_key() -> str:
    """Return the digest of the inputs of the layer with Python packages."""
    return layer_digest(base.architecture(), base.RELEASE, dependencies.REQUIREMENTS, HERE / "dependencies.py", *RECIPE)


def _announced(make: Make, say: Callable[[str], None], line: str) -> Make:
    def said(root: Path) -> list[Component]:
        say(line)
        return make(root)

    return said
