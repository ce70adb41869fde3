"""The whole build: three layers, of which an upgrade changes the last and smallest, and the archive of the image."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from image import base, dependencies, oci, product
from image.interpreter import ImageInterpreter
from image.kept import KeptLayer, digest, kept
from runtime.settings import VERSION

FOLDER = dependencies.ROOT / ".local/image"
# Knative resolves no tags of `dev.local`: an image of this name runs where it was imported, without a registry.
TAG = f"dev.local/{product.TITLE}:{VERSION}"
OUTPUT = FOLDER / f"{product.TITLE}-{VERSION}.tar"
HERE = Path(__file__).parent


@dataclass(frozen=True)
class ImageLayers:
    """The layers of an image, from the lowest: Debian packages, Python packages, our own."""

    base: KeptLayer
    dependencies: KeptLayer
    product: oci.Layer


def build(tag: str, output: Path, say: Callable[[str], None], *, epoch: int = oci.EPOCH, update: bool = False) -> None:
    """Write the OCI archive of the image; raises BuildError with what is missing.

    `update` downloads the Debian packages again, for their fixes; otherwise they are those of the first build.
    """
    layers = make_layers(say, epoch=epoch, update=update)
    packed = (layers.base.layer, layers.dependencies.layer, layers.product)
    manifest = oci.write(output, tag, packed, product.config(), architecture=base.architecture(), epoch=epoch)
    sizes = " + ".join(f"{len(layer.content) / 1e6:.1f}" for layer in packed)
    say(f"{output}: {tag}, {manifest}, {sizes} MB")


def make_layers(say: Callable[[str], None], *, epoch: int = oci.EPOCH, update: bool = False) -> ImageLayers:
    """Return the layers, made now or kept from the build before."""
    architecture = base.architecture()
    recipe = (HERE / "bytecode.py", HERE / "interpreter.py", HERE / "trim.py", HERE / "oci.py")
    bottom_key = digest(architecture, HERE / "base.py", *recipe)
    bottom = kept(FOLDER, "base", bottom_key, _said(base.make, say, "base: Debian packages"), epoch=epoch, renew=update)
    python = ImageInterpreter(bottom.root)
    middle_key = digest(architecture, python.version, dependencies.REQUIREMENTS, HERE / "dependencies.py", *recipe)
    install = _said(partial(dependencies.make, python=python), say, "dependencies: locked Python packages")
    middle = kept(FOLDER, "dependencies", middle_key, install, epoch=epoch)
    with TemporaryDirectory(dir=FOLDER, prefix=".product-") as folder:
        product.make(Path(folder), python)
        top = oci.layer({"": Path(folder)}, epoch)
    return ImageLayers(bottom, middle, top)


def _said(make: Callable[[Path], None], say: Callable[[str], None], line: str) -> Callable[[Path], None]:
    def said(root: Path) -> None:
        say(line)
        make(root)

    return said
