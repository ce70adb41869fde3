"""The image as users get it: built from kept layers, unpacked from its archive."""

import os
from pathlib import Path

import pytest

from image import assemble
from tests.image.unpacked import UnpackedImage, unpack


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> UnpackedImage:
    """The image of this checkout. Skips where its lower layers, which take minutes, have not been made."""
    if os.geteuid():
        pytest.skip("the image's own Python is started by chroot, which needs root")
    if not assemble.is_quick():
        pytest.skip("the image's lower layers are not there: run `make image` once")
    folder: Path = tmp_path_factory.mktemp("image")
    assemble.build(assemble.TAG, folder / "image.tar", print)
    return unpack(folder / "image.tar", folder / "root")
