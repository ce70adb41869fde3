"""An image's archive, unpacked, and run as a container would be: its user, its environment, a read-only root."""

import json
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

# `exec` keeps the process that signals go to; the image's PATH is not this machine's.
SCRIPT = """
image=$PATH; PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" || exit 125
[ -z "$3" ] || mount -t tmpfs -o mode=1777 kept "$1$3" || exit 125
chroot=$(command -v chroot) root=$1 user=$2; shift 3
PATH=$image exec "$chroot" --userspec "$user" "$root" "$@"
"""
# A mount namespace of its own, in which the root is read-only.
CONTAINER = ("unshare", "--mount", "sh", "-c", SCRIPT, "sh")


@dataclass(frozen=True)
class UnpackedImage:
    """An image's configuration, its layers from the lowest, and its files."""

    archive: Path
    config: Mapping[str, Any]
    layers: tuple[bytes, ...]
    root: Path

    def start(
        self, *arguments: str, environment: Mapping[str, str] | None = None, writable: str = ""
    ) -> subprocess.Popen[str]:
        """Start a program of the image, or its entrypoint if none is named.

        `writable` is a folder of the image that can be written, as a volume in a pod can.
        """
        inherited = dict(line.split("=", 1) for line in self.config["Env"])
        command = (*CONTAINER, str(self.root), self.config["User"], writable, *(arguments or self.config["Entrypoint"]))
        return subprocess.Popen(
            command,
            env={**inherited, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def python(self, code: str) -> str:
        """Run some code by the image's Python, and return what it prints."""
        process = self.start("python3", "-c", code)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        return out.strip()


def unpack(archive: Path, root: Path) -> UnpackedImage:
    """Unpack the layers of an OCI archive, one over the other."""
    with tarfile.open(archive) as tar:
        index = json.loads(_read(tar, "index.json"))
        manifest = json.loads(_blob(tar, index["manifests"][0]["digest"]))
        config = json.loads(_blob(tar, manifest["config"]["digest"]))["config"]
        layers = tuple(_blob(tar, layer["digest"]) for layer in manifest["layers"])
    root.mkdir()
    for layer in layers:
        with tarfile.open(fileobj=BytesIO(layer)) as tar:
            tar.extractall(root, filter="fully_trusted")
    root.parent.chmod(0o755)
    return UnpackedImage(archive, config, layers, root)


def _blob(tar: tarfile.TarFile, digest: str) -> bytes:
    return _read(tar, f"blobs/sha256/{digest.removeprefix('sha256:')}")


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()
