"""Images of single programs: each is an archive with one file, made once and imported into the node's containerd.

They are named `dev.local/...`: Knative resolves no tags there, and a tag other than `latest` is not pulled again.
"""

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from image import oci
from local.layout import Layout
from node.node_files import CONTAINERD_SOCKET, PAUSE_IMAGE
from node.sandbox import Sandbox

REGISTRY = "dev.local"
ROOT_USER = "0:0"
NOBODY = "65532:65532"
IMPORT_SECONDS = 300.0


@dataclass(frozen=True)
class ProgramImage:
    """An image with one program at `path`, and folders of files: path in the image -> path below the programs."""

    name: str
    program: str
    user: str = NOBODY
    path: str = "/program"
    files: tuple[tuple[str, str], ...] = ()

    def archive(self, folder: Path) -> Path:
        """Return the path of the image's archive below a folder."""
        return folder / f"{self.name.replace('/', '_').replace(':', '_')}.tar"


def image_reference(program: str) -> str:
    """Return the reference of the image of a program that has no other name."""
    return f"{REGISTRY}/{program}:v1"


PAUSE = ProgramImage(PAUSE_IMAGE, "pause", ROOT_USER)


def make(images: Iterable[ProgramImage], layout: Layout, folder: Path) -> dict[str, Path]:
    """Write the archives that are missing, or older than their program; return all, by the image's name."""

    def write(image: ProgramImage) -> None:
        archive, program = image.archive(folder), Path(layout.program(image.program))
        if archive.exists() and archive.stat().st_mtime >= program.stat().st_mtime:
            return
        folders = {image.path: program} | {there: layout.programs / here for there, here in image.files}
        config = oci.ImageConfig(entrypoint=(image.path,), user=image.user, env={"PATH": "/"})
        oci.write(archive, image.name, [oci.layer(folders)], config)

    images = tuple(images)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(write, images))
    return {image.name: image.archive(folder) for image in images}


def load(sandbox: Sandbox, archives: Mapping[str, Path]) -> None:
    """Import archives into the node's containerd, in the kubelet's namespace. Raises PartFailed."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(lambda archive: ctr(sandbox, "images", "import", str(archive)), archives.values()))


def ctr(sandbox: Sandbox, *arguments: str) -> str:
    """Run containerd's own client in the kubelet's namespace and return its output."""
    return sandbox.run("ctr", "--address", CONTAINERD_SOCKET, "-n", "k8s.io", *arguments, seconds=IMPORT_SECONDS)
