"""OCI image archives, as `ctr images import`, `skopeo copy oci-archive:` and `podman load` read them.

Format: opencontainers/image-spec v1.1 `image-layout.md`, `config.md`, `manifest.md`. The same input gives the same
bytes: entries of a layer are sorted, and owners and times are fixed.
"""

import gzip
import hashlib
import io
import json
import os
import stat
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CONFIG = "application/vnd.oci.image.config.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"

# The time of all files, and of the image, unless `SOURCE_DATE_EPOCH` says another: seconds since 1970.
EPOCH = 0
# gzip's level: 9 takes three times as long for a hundredth less.
LEVEL = 6


@dataclass(frozen=True)
class Layer:
    """A gzipped tar with its two digests: `digest` of what is stored, `diff_id` of the tar within."""

    content: bytes
    diff_id: str

    @property
    def digest(self) -> str:
        """`sha256:` and the hexadecimal digest of the gzipped tar."""
        return sha256(self.content)


@dataclass(frozen=True)
class ImageConfig:
    """What a container of the image runs, by the names of the OCI configuration."""

    entrypoint: Sequence[str]
    user: str = "65532:65532"
    working_dir: str = "/"
    env: Mapping[str, str] = field(default_factory=dict)
    exposed_ports: Sequence[str] = ()
    stop_signal: str = "SIGTERM"
    labels: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the `config` object of the image's configuration."""
        return {
            "User": self.user,
            "WorkingDir": self.working_dir,
            "Entrypoint": list(self.entrypoint),
            "Env": [f"{name}={value}" for name, value in self.env.items()],
            "ExposedPorts": {port: {} for port in self.exposed_ports},
            "StopSignal": self.stop_signal,
            "Labels": dict(self.labels),
        }


def layer(folders: Mapping[str, Path], epoch: int = EPOCH) -> Layer:
    """Return a layer of folders and files: path in the image (without the leading `/`) -> path here.

    Symbolic links stay links, modes stay, devices and sockets are left out; everything belongs to root.
    """
    packed = io.BytesIO()
    hashed = hashlib.sha256()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=LEVEL, mtime=0) as zipped,
        tarfile.open(fileobj=_Tee(zipped, hashed), mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, path in sorted(_entries(folders)):
            _add(tar, name, path, epoch)
    return Layer(packed.getvalue(), f"sha256:{hashed.hexdigest()}")


def write(  # noqa: PLR0913 - the parts of an image
    archive: Path,
    name: str,
    layers: Sequence[Layer],
    config: ImageConfig,
    *,
    architecture: str = "amd64",
    epoch: int = EPOCH,
) -> str:
    """Write the OCI archive of one image and return the digest of its manifest.

    `name` is the reference by which containerd will know it, such as `dev.local/kepler-on-knative:0.1.0`.
    """
    blobs: dict[str, bytes] = {layer.digest: layer.content for layer in layers}
    configuration = _blob(blobs, CONFIG, _configuration(layers, config, architecture, epoch))
    packed = [{"mediaType": LAYER, "digest": layer.digest, "size": len(layer.content)} for layer in layers]
    manifest = _blob(
        blobs, MANIFEST, {"schemaVersion": 2, "mediaType": MANIFEST, "config": configuration, "layers": packed}
    )
    archive.parent.mkdir(parents=True, exist_ok=True)
    draft = archive.with_name(f".{archive.name}.{os.getpid()}.tmp")
    try:
        with tarfile.open(draft, "w", format=tarfile.PAX_FORMAT) as tar:
            _write(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
            _write(tar, "index.json", _json(_index(manifest, name, architecture)))
            for digest, content in sorted(blobs.items()):
                _write(tar, f"blobs/sha256/{digest.removeprefix('sha256:')}", content)
        draft.replace(archive)
    finally:
        draft.unlink(missing_ok=True)
    return str(manifest["digest"])


def sha256(content: bytes) -> str:
    """Return the OCI digest of some bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class _Tee(io.RawIOBase):
    """Writes through to a file and to a hash."""

    def __init__(self, file: gzip.GzipFile, hashed: Any) -> None:
        self._file = file
        self._hashed = hashed

    def write(self, content: Any) -> int:
        self._hashed.update(content)
        return self._file.write(content)


def _entries(folders: Mapping[str, Path]) -> Iterator[tuple[str, Path | None]]:
    """Every path of the layer, with the folders above it (None: a folder that exists only in the image)."""
    seen: set[str] = set()
    for name, path in folders.items():
        inner = [""] if path.is_symlink() or not path.is_dir() else ["", *_below(path)]
        for relative in inner:
            full = "/".join(part for part in (name.strip("/"), relative) if part)
            if full and full not in seen:
                seen.add(full)
                yield full, path / relative if relative else path
    for parent in {str(parent) for name in seen.copy() for parent in Path(name).parents} - {"."} - seen:
        yield parent, None


def _below(folder: Path) -> Iterable[str]:
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield os.path.relpath(os.path.join(parent, name), folder)  # noqa: PTH118 - links are not followed


def _add(tar: tarfile.TarFile, name: str, path: Path | None, epoch: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.mtime = epoch
    if path is None:
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(entry)
        return
    status = path.lstat()
    entry.mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, os.readlink(path), 0o777  # noqa: PTH115 - as text
        tar.addfile(entry)
    elif stat.S_ISDIR(status.st_mode):
        entry.type = tarfile.DIRTYPE
        tar.addfile(entry)
    elif stat.S_ISREG(status.st_mode):
        entry.size = status.st_size
        with path.open("rb") as file:
            tar.addfile(entry, file)


def _configuration(layers: Sequence[Layer], config: ImageConfig, architecture: str, epoch: int) -> dict[str, Any]:
    """The image's configuration: what a container runs, and the layers in their order."""
    return {
        "created": _timestamp(epoch),
        "architecture": architecture,
        "os": "linux",
        "config": config.document(),
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created": _timestamp(epoch), "created_by": "make image"} for _ in layers],
    }


def _index(manifest: Mapping[str, Any], name: str, architecture: str) -> dict[str, Any]:
    """The archive's index: its one image, by the descriptor of its manifest, under its name."""
    tag = name.rpartition(":")[2]
    annotations = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": tag}
    platform = {"architecture": architecture, "os": "linux"}
    return {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [{**manifest, "platform": platform, "annotations": annotations}],
    }


def _blob(blobs: dict[str, bytes], media_type: str, document: Mapping[str, Any]) -> dict[str, Any]:
    content = _json(document)
    digest = sha256(content)
    blobs[digest] = content
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


def _timestamp(epoch: int) -> str:

    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _write(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = len(content), EPOCH, 0o644
    tar.addfile(entry, io.BytesIO(content))
