"""The copy from an object store: the container's own command, by a real rclone, against a real S3 server."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crds.kepler import Kepler
from local import pki
from operands import kepler_v07, model_pod, model_store

BIN = Path(sys.executable).parent
RCLONE = BIN / "rclone"
ACCESS = {"accessKeyID": "AKIDEXAMPLE", "accessSecret": "wJalrXUtnFEMI-K7MDENG"}


@dataclass(frozen=True)
class S3Bucket:
    """An S3 server, the directory behind it, and the pod's volume."""

    url: str
    buckets: Path
    volume: Path
    ca: Path

    def pull(self, **external: Any) -> Any:
        """The container that copies, for bucket 'kepler' here."""
        external = {"endpoint": self.url, "bucket": "kepler", "prefix": "models", **external}
        storage = {"type": "external", "external": {**external, "credentials": {"secret": "s"}}}
        kepler = Kepler.model_validate({"spec": {"model-server": {"enabled": True, "storage": storage}}})
        [container] = model_store.copies(kepler, kepler_v07.RCLONE_IMAGE)
        return container

    def start(self, container: dict[str, Any], **access: str) -> subprocess.Popen[str]:
        """The container's command in its environment, with the volume at another path than '/mnt'."""
        command = [str(value).replace(kepler_v07.MNT_PATH, str(self.volume)) for value in container["command"]]
        arguments = [str(arg).replace(kepler_v07.MNT_PATH, str(self.volume)) for arg in container["args"]]
        secrets = ACCESS | access
        given = {
            entry["name"]: entry["value"] if "value" in entry else secrets[entry["valueFrom"]["secretKeyRef"]["key"]]
            for entry in container["env"]
        }
        given = {name: value.replace(model_store.CA_DIRECTORY, str(self.ca)) for name, value in given.items()}
        environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(self.volume), **given}
        return subprocess.Popen(
            [*command, *arguments], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def run(self, container: dict[str, Any], **access: str) -> tuple[int, str]:
        """Its exit code and what it said."""
        ended = self.start(container, **access)
        output, _ = ended.communicate(timeout=60)
        return ended.returncode, output


@pytest.fixture
def store(tmp_path: Path) -> Iterator[S3Bucket]:
    """A server that takes no request without a valid signature, with an empty bucket 'kepler'."""
    with serving(tmp_path, "http") as served:
        yield served


@pytest.fixture
def certified(tmp_path: Path) -> Iterator[S3Bucket]:
    """The same over TLS, with a certificate of an authority that nobody knows."""
    made = pki.create(tmp_path / "ca")
    with serving(tmp_path, "https", f"--cert={made.certificate}", f"--key={made.key}") as served:
        yield served


@contextmanager
def serving(tmp_path: Path, scheme: str, *flags: str) -> Iterator[S3Bucket]:
    """A server of one test."""
    with socket.socket() as served:
        served.bind(("127.0.0.1", 0))
        port = served.getsockname()[1]
    buckets, volume = tmp_path / "buckets", tmp_path / "mnt"
    (buckets / "kepler").mkdir(parents=True)
    (volume / "models").mkdir(parents=True)
    key = f"{ACCESS['accessKeyID']},{ACCESS['accessSecret']}"
    command = [str(RCLONE), "serve", "s3", f"--addr=127.0.0.1:{port}", f"--auth-key={key}", *flags, str(buckets)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        _await_port(port)
        yield S3Bucket(f"{scheme}://127.0.0.1:{port}", buckets, volume, tmp_path / "ca")
        server.terminate()


def _await_port(port: int) -> None:
    for _ in range(200):
        with socket.socket() as tried:
            if not tried.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)
    raise AssertionError("the S3 server does not listen")


def write(path: Path, content: str) -> None:
    """A file and the directories above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_models_are_there_before_the_server_starts(store: S3Bucket) -> None:
    """Everything below the prefix comes into the directory of the models; nothing else does, and nothing is deleted."""
    write(store.volume / "models/mine/metadata.json", "{}")
    write(store.buckets / "kepler/models/std_v0.7.11/metadata.json", "{}")
    write(store.buckets / "kepler/other/secret.txt", "x")

    code, output = store.run(store.pull())

    assert code == 0, output
    assert (store.volume / "models/std_v0.7.11/metadata.json").read_text() == "{}"
    assert not list(store.volume.rglob("secret.txt"))
    assert (store.volume / "models/mine/metadata.json").exists()


def test_an_empty_bucket_is_a_beginning(store: S3Bucket) -> None:
    """The first start finds no models, and is no failure."""
    code, output = store.run(store.pull())
    assert code == 0, output


def test_a_bucket_without_a_prefix_is_taken_as_a_whole(store: S3Bucket) -> None:
    """Blank means all of it."""
    write(store.buckets / "kepler/std_v0.7.11/metadata.json", "{}")
    code, output = store.run(store.pull(prefix=""))
    assert code == 0, output
    assert (store.volume / "models/std_v0.7.11/metadata.json").exists()


def test_wrong_credentials_fail_aloud(store: S3Bucket) -> None:
    """The pod does not start with no models and no reason."""
    code, output = store.run(store.pull(), accessSecret="wrong")
    assert code != 0
    assert "403" in output


def test_the_credentials_are_the_secrets_and_nowhere_else(store: S3Bucket) -> None:
    """Not in an argument, where every user of the node could read them, and not in the pod's specification."""
    container = store.pull()
    secrets = {entry["name"]: entry["valueFrom"]["secretKeyRef"] for entry in container["env"] if "valueFrom" in entry}
    assert secrets == {
        "RCLONE_S3_ACCESS_KEY_ID": {"name": "s", "key": "accessKeyID"},
        "RCLONE_S3_SECRET_ACCESS_KEY": {"name": "s", "key": "accessSecret"},
    }
    assert not any("KEY" in word for word in (*container["command"], *container["args"]))


AUTHORITIES = {"config-map": "authorities", "key": "bundle.pem"}


def test_a_store_of_an_authority_of_the_users_is_trusted(certified: S3Bucket) -> None:
    """By the file that the ConfigMap is mounted as; without it, the store's certificate is refused."""
    write(certified.buckets / "kepler/models/std_v0.7.11/metadata.json", "{}")

    trusting = certified.pull(ca=AUTHORITIES)
    assert "RCLONE_CA_CERT" in {variable["name"] for variable in trusting["env"]}
    code, output = certified.run(trusting)
    assert code == 0, output
    assert (certified.volume / "models/std_v0.7.11/metadata.json").exists()

    pull = certified.pull()
    code, output = certified.run({**pull, "args": [*pull["args"], "--retries=1", "--low-level-retries=1"]})
    assert code != 0
    assert "certificate signed by unknown authority" in output


def test_the_authorities_are_for_the_copy_alone() -> None:
    """One key of the ConfigMap, under a name that does not depend on it; none of it with another storage."""
    external = {"endpoint": "https://s3", "bucket": "kepler", "credentials": {"secret": "s"}, "ca": AUTHORITIES}
    storage = {"type": "external", "external": external}
    server = {"enabled": True, "storage": storage}
    pod = model_pod.pod(Kepler.model_validate({"spec": {"model-server": server}}), "x/y:1", "x/z:1")
    [volume] = [volume for volume in pod["volumes"] if volume["name"] == model_store.CA_VOLUME]
    assert volume["configMap"] == {"name": "authorities", "items": [{"key": "bundle.pem", "path": "ca.crt"}]}
    for container in (*pod["containers"], *pod["initContainers"]):
        mounted = {volume_mount["name"]: volume_mount["mountPath"] for volume_mount in container["volumeMounts"]}
        assert (mounted.get(volume["name"]) == "/etc/kepler-ca") is (container["name"] == "pull")
    elsewhere = {**server, "storage": {**storage, "type": "local"}}
    assert (
        volume not in model_pod.pod(Kepler.model_validate({"spec": {"model-server": elsewhere}}), "a", "b")["volumes"]
    )
