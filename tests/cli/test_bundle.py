"""What never gets into a support bundle, wherever it stands; and what does."""

import io
import json
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from cli.command_errors import Exit
from cli.support_files import Gathered, files
from runtime.redact import LONGEST
from tests.cli.terminal import Terminal
from tests.dead_letter_samples import given_up, store
from tests.workbench import Workbench, kepler

MIB = 1 << 20
# Of CPU: most of it is for writing YAML.
SECONDS = 5.0
PLANTED = "pl4nted-s3cret"
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": PLANTED}}
CREDENTIALS = f"https://user:{PLANTED}@models.example/x.zip"
SPEC: dict[str, Any] = {
    "collector": {"env": [{"name": "LIBVIRT_METADATA_TOKEN", "value": PLANTED}]},
    "estimator_sidecar": {"enabled": True, "models": {"node-total": {"init-url": CREDENTIALS}}},
}


def everything(archive: bytes) -> dict[str, str]:
    """Each file of an archive."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        names = opened.getnames()
        return {name: (opened.extractfile(name) or io.BytesIO()).read().decode() for name in names}


def plant(workbench: Workbench) -> None:
    """Puts a secret wherever one may be: the spec, `kepler-cfm`, an Event of the DaemonSet, a letter."""
    place = workbench.namespace
    workbench.apply(kepler(**SPEC), SECRET)
    workbench.settle()
    workbench.patch("configmaps/kepler-cfm", {"data": {"API_TOKEN": PLANTED, "WHERE": f"http://{PLANTED}@x.example"}})
    uid = workbench.get("daemonsets/kepler-exporter")["metadata"]["uid"]
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "told"},
        "involvedObject": {"kind": "DaemonSet", "name": "kepler-exporter", "namespace": place, "uid": uid},
        "message": f"container ended with {PLANTED} in its arguments",
    }
    workbench.apply(event)
    letter = given_up(namespace=place, id=f"letter-{place}", data={"spec": {"env": [{"name": "A", "value": PLANTED}]}})
    store(workbench.stack)(letter)


def test_a_planted_secret_never_gets_in(workbench: Workbench, terminal: Terminal, tmp_path: Path) -> None:
    """In the spec, in what kubectl keeps of it, in the pods' environment, in `kepler-cfm`, in a letter, in an Event."""
    place = workbench.namespace
    plant(workbench)

    path = tmp_path / "bundle.tar.gz"
    result = terminal("support-bundle", "-o", str(path))

    assert (result.code, result.err) == (Exit.OK, "")
    contents = everything(path.read_bytes())
    assert not [name for name, content in contents.items() if PLANTED in content]
    assert path.stat().st_mode & 0o077 == 0
    root = "kepler-support"
    assert {
        f"{root}/resources/{place}/kepler-kepler.yaml",
        f"{root}/children/{place}/daemonset-kepler-exporter.yaml",
        f"{root}/children/{place}/configmap-kepler-cfm.yaml",
        f"{root}/children/{place}/event-told.yaml",
        f"{root}/installation/clusterrole-kepler-collector.yaml",
        f"{root}/explained/{place}-kepler.json",
        f"{root}/dead-letters.yaml",
        f"{root}/doctor.json",
    } <= {*contents}
    assert "(hidden)" in contents[f"{root}/children/{place}/daemonset-kepler-exporter.yaml"]
    assert f"letter-{place}" in contents[f"{root}/dead-letters.yaml"]
    answer = json.loads(contents[f"{root}/MANIFEST.json"])
    assert {f"{root}/{name}" for name in answer["files"]} == {*contents} - {f"{root}/MANIFEST.json"}
    assert any("reports and traces" in value for value in answer["leftOut"])
    token = json.loads(json.dumps(workbench.stack.admin.read_text())).rpartition("token: ")[2].split()[0]
    assert not [name for name, content in contents.items() if token in content]


def test_a_bundle_that_cannot_be_written(terminal: Terminal) -> None:
    """In one line."""
    result = terminal("support-bundle", "-o", "/nowhere/x.tar.gz")
    assert (result.code, "cannot be written" in result.err) == (Exit.REFUSED, True)


@pytest.mark.parametrize(
    "data", ["{", json.dumps(PLANTED), json.dumps({"undecoded": PLANTED}), json.dumps({"token": PLANTED})]
)
def test_a_letter_that_holds_anything(data: str) -> None:
    """What cannot be read is left out; what can, is hidden."""
    letter = {"metadata": {"name": "l"}, "data": {"attributes": "{}", "data": data, "answer": f"token={PLANTED}"}}
    assert PLANTED not in "".join(files(Gathered(letters=(letter,))).values())


@pytest.mark.parametrize(
    "hostile", ["m" * MIB, "token" * 200_000, "a://" * 260_000, 'token="' * 130_000, "[" * MIB, '{"a":' * 200_000]
)
def test_a_bundle_ends_quickly_whatever_is_in_it(hostile: str) -> None:
    """A letter and an object that hold a megabyte of hostile text, as text, as JSON and as many small fields."""
    many = {f"{hostile[:200]}{number}": hostile[:200] for number in range(500)}
    letter = {"metadata": {"name": "l"}, "data": {"attributes": "{}", "data": hostile, "answer": hostile}}
    listed = {"metadata": {"name": "m"}, "data": {"attributes": "{}", "data": json.dumps({"a": hostile, "b": many})}}
    allowed = {"kind": "ConfigMap", "metadata": {"name": "x", "annotations": {"a": hostile[: MIB // 4]}}, "data": many}
    began = time.process_time()
    contents = files(Gathered(objects={"children": (allowed,)}, letters=(letter, listed)))
    assert time.process_time() - began < SECONDS
    assert "characters)" in contents["dead-letters.yaml"]


def test_what_one_object_hides_is_hidden_in_every_other() -> None:
    """Also half of it, where a long text is cut in the middle of it."""
    env = [{"name": "A", "value": f"{PLANTED}-{PLANTED}"}]
    pod = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "env": env}]}}
    text = f"{' ' * (LONGEST - 20)}{PLANTED}-{PLANTED}{' ' * LONGEST}"
    event = {"kind": "Event", "metadata": {"name": "e"}, "message": text}
    contents = files(Gathered(objects={"children": (pod, event)}))
    assert PLANTED not in "".join(contents.values())


def test_the_users_own_token_is_hidden_wherever_it_stands() -> None:
    """Even where nobody would look for it."""
    allowed = {"kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"note": f"I use {PLANTED} for that"}}
    contents = files(Gathered(objects={"children": (allowed,)}, confidential=(PLANTED,)))
    assert PLANTED not in "".join(contents.values())
