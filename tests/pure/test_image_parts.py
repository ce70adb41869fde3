"""The parts of the image's build that need no image: archives, kept layers, the bill of materials."""

import json
import os
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from image import base, layer_cache, materials, oci, product, trim
from image.components import Component
from image.failure import ImageError

COMPONENTS = [
    Component("deb", "libc6", "2.41-12+deb13u5", "a" * 64, architecture="amd64"),
    Component("pypi", "flask", "3.1.3", "b" * 64, "BSD-3-Clause"),
    Component("generic", "kepler-on-knative", "0.1.0", "c" * 64, "Apache-2.0"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file, a program, a link and a folder within."""
    root = tmp_path / "folder"
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text("root")
    (root / "program").write_text("run")
    (root / "program").chmod(0o755)
    (root / "link").symlink_to("etc/passwd")
    return root


def test_a_layer_has_the_same_bytes_whatever_the_times_of_its_files(folder: Path) -> None:
    """Times, owners and the order of a file system are the builder's; an image has none of them."""
    first = oci.layer({"": folder})
    os.utime(folder / "program", (1, 1))
    assert oci.layer({"": folder}) == first


def test_a_layer_keeps_modes_and_links(folder: Path) -> None:
    """Programs stay programs, links stay links, and everything belongs to root."""
    with tarfile.open(fileobj=BytesIO(oci.layer({"opt": folder}).content)) as tar:
        entries = {entry.name: entry for entry in tar}
    assert sorted(entries) == ["opt", "opt/etc", "opt/etc/passwd", "opt/link", "opt/program"]
    assert entries["opt/program"].mode == 0o755
    assert entries["opt/link"].linkname == "etc/passwd"
    assert {(entry.uid, entry.gid, entry.mtime) for entry in entries.values()} == {(0, 0, 0)}


def test_an_archive_leads_from_its_index_to_every_layer(folder: Path, tmp_path: Path) -> None:
    """As `ctr images import` reads it: by digest, each blob with the size that its descriptor says."""
    archive = tmp_path / "image.tar"
    layer = oci.layer({"": folder})
    digest = oci.write(archive, "dev.local/test:1", [layer], product.config())
    with tarfile.open(archive) as tar:
        blobs = {file.name: _content(tar, file.name) for file in tar}
    descriptor = json.loads(blobs["index.json"])["manifests"][0]
    assert descriptor["digest"] == digest
    assert descriptor["annotations"]["io.containerd.image.name"] == "dev.local/test:1"
    manifest = json.loads(_blob(blobs, descriptor))
    assert _blob(blobs, manifest["layers"][0]) == layer.content
    assert json.loads(_blob(blobs, manifest["config"]))["rootfs"]["diff_ids"] == [layer.diff_id]


def test_a_kept_layer_is_made_once(tmp_path: Path) -> None:
    """A second build takes it as it is; another key makes it anew, and removes the one before."""
    made: list[Path] = []

    def make(root: Path) -> list[Component]:
        made.append(root)
        (root / "file").write_text("content")
        return COMPONENTS

    first = layer_cache.kept(tmp_path, "base", "1", make, epoch=0)
    assert layer_cache.kept(tmp_path, "base", "1", make, epoch=0) == first
    assert len(made) == 1
    assert first.components == sorted(COMPONENTS)
    layer_cache.kept(tmp_path, "base", "2", make, epoch=0)
    assert [path.name for path in tmp_path.iterdir()] == ["base-2-0"]


def test_a_layer_that_could_not_be_made_leaves_nothing(tmp_path: Path) -> None:
    """The next build begins anew."""

    def make(root: Path) -> list[Component]:
        (root / "half").write_text("")
        raise ImageError("no network")

    with pytest.raises(ImageError):
        layer_cache.kept(tmp_path, "base", "1", make, epoch=0)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_mmdebstrap_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, and nothing of the distribution is installed by itself."""
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ImageError, match="apt-get install --no-install-recommends mmdebstrap"):
        base.require_mmdebstrap()


def test_trimmed_packages_do_not_name_the_machine_that_built_them(tmp_path: Path) -> None:
    """pip records where a wheel was, and digests of scripts that name an interpreter; neither is in the image."""
    metadata = tmp_path / "a-1.dist-info"
    metadata.mkdir()
    (metadata / "direct_url.json").write_text("file:///home/somebody/a.whl")
    (metadata / "RECORD").write_text("a/__init__.py,,\na-1.dist-info/direct_url.json,,\n../../bin/a,sha256=1,1\n")
    (tmp_path / "a/tests").mkdir(parents=True)
    (tmp_path / "a/__init__.py").touch()
    trim.python_packages(tmp_path)
    assert (metadata / "RECORD").read_text() == "a/__init__.py,,\n"
    assert not (metadata / "direct_url.json").exists()
    assert not (tmp_path / "a/tests").exists()


def test_the_bill_of_materials_is_valid_cyclonedx() -> None:
    """By the schema of CycloneDX 1.6, and the same for the same image."""
    text = materials.document("kepler-on-knative", "0.1.0", f"sha256:{'d' * 64}", COMPONENTS, 0)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert materials.document("kepler-on-knative", "0.1.0", f"sha256:{'d' * 64}", COMPONENTS, 0) == text
    assert {component["purl"] for component in json.loads(text)["components"]} == {
        "pkg:deb/debian/libc6@2.41-12%2Bdeb13u5?arch=amd64&distro=trixie",
        "pkg:pypi/flask@3.1.3",
        "pkg:generic/kepler-on-knative@0.1.0",
    }


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()


def _blob(blobs: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    content = blobs[f"blobs/sha256/{descriptor['digest'].removeprefix('sha256:')}"]
    assert len(content) == descriptor["size"]
    assert oci.sha256(content) == descriptor["digest"]
    return content
