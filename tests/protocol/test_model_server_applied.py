"""The model server and its storage: each function under its own ServiceAccount, on a real API server."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.workbench import Workbench, kepler

CHILDREN = (
    "configmap/kepler-cfm",
    "configmap/kepler-model-server-cfm",
    "daemonset/kepler-exporter",
    "deployment/kepler-model-server",
    "persistentvolumeclaim/kepler-model-server-pvc",
    "service/kepler-exporter",
    "service/kepler-model-server",
    "serviceaccount/kepler",
)
CLAIM = "persistentvolumeclaim/kepler-model-server-pvc"
DEPLOYMENT = "deployment/kepler-model-server"
S3 = {
    "endpoint": "https://s3.example.com",
    "region": "eu-1",
    "bucket": "kepler",
    "prefix": "models",
    "credentials": {"secret": "kepler-s3"},
}
STORAGES: dict[str, dict[str, Any]] = {
    "local": {},
    "hostpath": {"hostpath": {"path": "/var/lib/kepler"}},
    "nfs": {"nfs": {"server": "10.0.0.5", "export": "/srv/kepler"}},
    "claim": {"claim": {"size": "1024Mi", "storage-class": "standard"}},
    "external": {"external": S3},
}


def storage(kind: str, **more: Any) -> dict[str, Any]:
    """`storage` of this type."""
    return {"type": kind, **STORAGES[kind], **more}


def serving(**model_server: Any) -> dict[str, Any]:
    """A Kepler with a model server."""
    return kepler(model_server={"enabled": True, **model_server})


def claiming(**claim: Any) -> dict[str, Any]:
    """A Kepler whose model server keeps its models in a claim."""
    return serving(storage={"type": "claim", "claim": claim})


def footprint(workbench: Workbench) -> dict[str, Any]:
    """All that a Kepler leaves in its namespace, but for the hash over what names the namespace."""
    document = {child: workbench.get(child) for child in CHILDREN}
    contents = {
        child: {"labels": manifest["metadata"]["labels"], "spec": manifest.get("spec"), "data": manifest.get("data")}
        for child, manifest in document.items()
        if manifest and not manifest["metadata"].get("deletionTimestamp")
    }
    return {**contents, "images": workbench.kepler()["status"].get("images")}


def wipe(workbench: Workbench) -> None:
    """The Kepler is deleted, and its children are, as the garbage collector does."""
    workbench.delete("kepler/kepler")
    for child in CHILDREN:
        if workbench.get(child):
            workbench.delete(child)
    release(workbench)


def release(workbench: Workbench) -> None:
    """Lets a deleted claim go, as the controller does once no pod uses it."""
    if workbench.get(CLAIM):
        workbench.patch(CLAIM, {"metadata": {"finalizers": None}})


def pod(workbench: Workbench) -> Any:
    """The model server's pod."""
    return workbench.get(DEPLOYMENT)["spec"]["template"]["spec"]


@pytest.mark.parametrize("kind", STORAGES)
def test_each_storage_is_accepted_and_comes_to_rest(workbench: Workbench, kind: str) -> None:
    """The API server takes what is intended, and nothing that it adds is taken for a difference."""
    workbench.apply(serving(storage=storage(kind)))
    workbench.settle()

    reported = workbench.conditions()["ModelServerReconciled"]
    assert (reported["status"], reported["reason"]) == ("True", "Reconciled"), reported
    assert workbench.get(DEPLOYMENT)["spec"]["replicas"] == 1
    assert workbench.settle() == 0


def test_every_change_leaves_what_a_fresh_apply_gives(workbench: Workbench) -> None:
    """Every state after every other one: nothing of the state before is left, nothing is missing."""
    changes_leave_no_trace(workbench, dict(_states()))


def changes_leave_no_trace(workbench: Workbench, states: dict[str, dict[str, Any]]) -> None:
    """Whatever was before it, a state leaves what it leaves in a namespace where nothing was."""
    fresh = {}
    for name, state in states.items():
        workbench.apply(state)
        workbench.settle()
        fresh[name] = footprint(workbench)
        wipe(workbench)
    there = ""
    for first, second in itertools.combinations(states, 2):
        for name in (first, second, first):
            if name != there:
                workbench.apply(states[name])
                workbench.settle()
                release_deleted(workbench)
                assert footprint(workbench) == fresh[name], f"{there} -> {name}"
                there = name


def _states() -> Iterator[tuple[str, dict[str, Any]]]:
    gone = {"claim": {"on-delete": "Delete"}}
    yield "off", kepler(model_server={"enabled": False, "storage": gone})
    yield "claim", serving(storage={"type": "claim", **gone}, pipelines=["http://a/b.zip"])
    yield "external", serving(storage={"path": "a/b", **storage("external"), **gone})


def release_deleted(workbench: Workbench) -> None:
    """Lets the claim go if it is deleted."""
    manifest = workbench.get(CLAIM)
    if manifest and manifest["metadata"].get("deletionTimestamp"):
        release(workbench)


def test_turned_off_the_children_are_gone_and_the_claim_is_kept(workbench: Workbench) -> None:
    """By default models are kept: the claim loses nothing, and is used again when the server comes back."""
    workbench.apply(claiming())
    workbench.settle()
    kept = workbench.get(CLAIM)

    workbench.patch("kepler/kepler", {"spec": {"model-server": {"enabled": False}}})
    workbench.settle()

    for gone in (DEPLOYMENT, "service/kepler-model-server", "configmap/kepler-model-server-cfm"):
        assert workbench.get(gone) is None
    assert workbench.conditions()["ModelServerReconciled"]["reason"] == "Disabled"
    assert workbench.get("configmap/kepler-cfm")["data"]["MODEL_SERVER_ENABLE"] == "false"
    assert "modelServer" not in workbench.kepler()["status"]["images"]

    workbench.patch("kepler/kepler", {"spec": {"model-server": {"enabled": True}}})
    workbench.settle()

    assert workbench.get(CLAIM)["metadata"]["uid"] == kept["metadata"]["uid"]
    assert workbench.get(DEPLOYMENT)


def owners(workbench: Workbench) -> list[str]:
    """Whom garbage collection would take the claim along with."""
    return [owner_reference["uid"] for owner_reference in workbench.get(CLAIM)["metadata"].get("ownerReferences", [])]


@pytest.mark.parametrize("used", [True, False], ids=["used", "off"])
def test_the_claim_changes_hands_both_ways(workbench: Workbench, used: bool) -> None:  # noqa: FBT001
    """'Retain' has no owner, 'Delete' the Kepler; unused and to be deleted it is deleted at once."""
    workbench.apply(claiming(**{"on-delete": "Delete"}))
    workbench.settle()
    assert owners(workbench) == [workbench.kepler()["metadata"]["uid"]]

    server: dict[str, Any] = {"enabled": used, "storage": {"claim": {"on-delete": "Retain"}}}
    workbench.patch("kepler/kepler", {"spec": {"model-server": server}})
    workbench.settle()
    assert owners(workbench) == []
    assert not workbench.get(CLAIM)["metadata"].get("deletionTimestamp")

    workbench.patch("kepler/kepler", {"spec": {"model-server": {"storage": {"claim": {"on-delete": "Delete"}}}}})
    workbench.settle()
    assert owners(workbench) == [workbench.kepler()["metadata"]["uid"]]
    assert bool(workbench.get(CLAIM)["metadata"].get("deletionTimestamp")) is not used


def test_a_claim_made_by_hand_is_not_deleted(workbench: Workbench) -> None:
    """One of our name that no Kepler ever used is somebody's."""
    theirs = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "kepler-model-server-pvc"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    workbench.apply(theirs, serving(storage={"type": "local", "claim": {"on-delete": "Delete"}}))
    before = workbench.get(CLAIM)
    workbench.settle()
    assert workbench.get(CLAIM) == before


@pytest.mark.parametrize(
    "change", [{"storage-class": "fast"}, {"access-mode": "ReadWriteMany"}, {"size": "1Gi"}], ids=str
)
def test_what_a_claim_cannot_become_is_said(workbench: Workbench, change: dict[str, str]) -> None:
    """The server that runs, and its models, are left alone; taking the change back is the cure."""
    workbench.apply(claiming(**{"storage-class": "standard"}))
    workbench.settle()
    before = workbench.get(DEPLOYMENT)["spec"]

    workbench.apply(claiming(**{"storage-class": "standard", **change}))
    workbench.settle()

    refused = workbench.conditions()["Ready"]
    assert (refused["status"], refused["reason"]) == ("False", "ClaimUnchangeable")
    assert f"`model-server.storage.claim.{next(iter(change))}`" in refused["message"]
    assert workbench.get(DEPLOYMENT)["spec"] == before

    workbench.apply(claiming(**{"storage-class": "standard"}))
    workbench.settle()
    assert workbench.conditions()["ModelServerReconciled"]["status"] == "True"


def test_a_volume_that_cannot_grow_is_said(workbench: Workbench) -> None:
    """The API server forbids it for its class; that is the user's to cure, not a missing permission of ours."""
    workbench.apply(claiming(**{"storage-class": "standard"}))
    workbench.settle()
    bound = {"status": {"phase": "Bound", "capacity": {"storage": "5Gi"}}}
    workbench.patch(CLAIM, bound, subresource="status")

    workbench.apply(claiming(**{"storage-class": "standard", "size": "6Gi"}))
    workbench.settle()

    refused = workbench.conditions()["Ready"]
    assert refused["message"].startswith("`model-server.storage.claim`: ")
    assert "only dynamically provisioned pvc can be resized" in refused["message"]
    assert "lacks a permission" not in refused["message"]
    assert "change the field" in refused["message"]


def test_training_leaves_what_runs(workbench: Workbench) -> None:
    """The condition says that no release trains, the exporter waits, and the cure is one edit."""
    workbench.apply(serving())
    workbench.settle()
    before = footprint(workbench)

    workbench.apply(serving(training={"online": True}))
    workbench.settle()
    assert workbench.conditions()["Ready"]["reason"] == "NotWorkingInThisRelease"
    assert footprint(workbench)[DEPLOYMENT] == before[DEPLOYMENT]

    workbench.apply(serving(training={"online": False}))
    workbench.settle()
    assert workbench.conditions()["CollectorReconciled"]["status"] == "True"
    assert footprint(workbench) == before


def test_one_edit_of_everything_is_one_rollout_of_each(workbench: Workbench) -> None:
    """Estimator, model server and a port: the exporters restart once, with all of it; the server starts once."""
    workbench.apply(kepler())
    workbench.settle()

    changed = serving(storage=storage("claim"))
    changed["spec"]["estimator-sidecar"] = {"enabled": True}
    changed["spec"]["collector"] = {"port": 9103}
    workbench.apply(changed)
    workbench.settle()

    exporter = workbench.get("daemonset/kepler-exporter")
    assert exporter["metadata"]["generation"] == 2
    assert exporter["spec"]["template"]["spec"]["initContainers"][0]["name"] == "estimator"
    assert workbench.get("configmap/kepler-cfm")["data"]["MODEL_SERVER_ENABLE"] == "true"
    assert workbench.get(DEPLOYMENT)["metadata"]["generation"] == 1


def test_a_changed_and_a_removed_key_are_one_rollout_of_the_server(workbench: Workbench) -> None:
    """A pipeline that goes away leaves no trace in the hash."""
    workbench.apply(serving(pipelines=["http://a/b.zip"]))
    workbench.settle()
    workbench.apply(serving())
    workbench.settle()
    assert "INITIAL_PIPELINE_URL" not in workbench.get("configmap/kepler-model-server-cfm")["data"]
    assert workbench.get(DEPLOYMENT)["metadata"]["generation"] == 2


def test_a_key_the_user_added_to_the_models_configuration_reaches_the_server(workbench: Workbench) -> None:
    """It is kept, and the server is rolled for it, once."""
    workbench.apply(serving())
    workbench.settle()
    workbench.patch("configmap/kepler-model-server-cfm", {"data": {"MODEL_TOPURL": "http://mirror"}})
    [event] = workbench.events("configmap/kepler-model-server-cfm")
    workbench.wake("model_server", event)
    workbench.settle()
    assert workbench.get("configmap/kepler-model-server-cfm")["data"]["MODEL_TOPURL"] == "http://mirror"
    assert workbench.get(DEPLOYMENT)["metadata"]["generation"] == 2


def test_deleted_and_changed_children_come_back(workbench: Workbench) -> None:
    """Their events wake the function, which mends them."""
    workbench.apply(serving())
    workbench.settle()
    workbench.delete("service/kepler-model-server")
    workbench.delete("configmap/kepler-model-server-cfm")
    workbench.patch(DEPLOYMENT, {"spec": {"replicas": 3}})
    [event] = workbench.events(DEPLOYMENT)
    assert workbench.wake("model_server", event).reports
    assert workbench.get("service/kepler-model-server")
    assert workbench.get("configmap/kepler-model-server-cfm")
    assert workbench.get(DEPLOYMENT)["spec"]["replicas"] == 1


@pytest.mark.parametrize("sample", ["s3", "nfs", "hostpath"])
def test_a_sample_of_storage_works(workbench: Workbench, sample: str) -> None:
    """Applied after the samples, as its own comment says, Secret and all."""
    secret = ("create", "secret", "generic", "kepler-models", "--from-literal=accessKeyID=a")
    workbench.stack.kubectl("-n", workbench.namespace, *secret, "--from-literal=accessSecret=b")
    workbench.apply_sample(sample)
    reported = workbench.conditions(workbench.namespace)
    assert {message["status"] for text, message in reported.items() if text.endswith("Reconciled")} == {"True"}
    assert workbench.get(DEPLOYMENT)


def test_the_sample_with_everything_on_works(workbench: Workbench) -> None:
    """Applied after the samples, it turns everything on, as it says."""
    workbench.apply_sample("models")
    reported = workbench.conditions(workbench.namespace)
    assert {message["status"] for text, message in reported.items() if text.endswith("Reconciled")} == {"True"}
    assert [container["name"] for container in pod(workbench)["containers"]] == ["server-api"]
    assert workbench.get(CLAIM)
