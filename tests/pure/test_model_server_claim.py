"""The claim of the model server: when it is kept or removed, what of it can change, and which of its events wake."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from functions import model_server
from operands import children, model_store
from runtime.adoption import MANAGED_BY
from runtime.wake import nothing_to_do
from tests.pure.test_exporter import KEY, intent
from tests.pure.test_model_server import decide, kepler
from tests.pure.test_wake import OURS, about
from tests.workbench import update

CLAIM = children.claim(KEY)


def claim(on_delete: str = "Retain", *, owner: bool = False, ours: bool = True) -> dict[str, Any]:
    """A claim in the cluster, with or without an owner, made by us or by hand."""
    fields: dict[str, Any] = {
        "f:metadata": {
            "f:labels": {f"f:{label}": {} for label in children.LABELS},
            "f:annotations": {f"f:{model_store.ON_DELETE}": {}},
            **({"f:ownerReferences": {'k:{"uid":"u"}': {}}} if owner else {}),
        },
        "f:spec": {"f:accessModes": {}, "f:resources": {"f:requests": {"f:storage": {}}}},
    }
    entry = {"manager": "kepler-model-server" if ours else "kubectl", "operation": "Apply", "fieldsV1": fields}
    allowed = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": CLAIM.name,
            "uid": "c",
            "labels": dict(MANAGED_BY),
            "annotations": {model_store.ON_DELETE: on_delete},
            "managedFields": [entry],
            **({"ownerReferences": [OURS]} if owner else {}),
        },
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}, "volumeName": "v"},
    }
    return about(allowed)


@dataclass(frozen=True)
class Unused:
    """A claim that nothing asks for, and what becomes of it."""

    on_delete: str
    found: dict[str, Any]
    owner: bool | None  # None: it is not written
    removed: bool


UNUSED = [
    Unused("Retain", claim(), owner=False, removed=False),
    Unused("Retain", claim("Delete", owner=True), owner=False, removed=False),
    Unused("Delete", claim("Delete", owner=True), owner=None, removed=True),
    Unused("Delete", claim(), owner=True, removed=False),  # removed in the next round, then as ours
    Unused("Delete", claim(ours=False), owner=None, removed=False),
    Unused("Retain", claim(ours=False), owner=None, removed=False),
]


@pytest.mark.parametrize("case", UNUSED, ids=lambda case: f"{case.on_delete} owner={case.owner} gone={case.removed}")
@pytest.mark.parametrize("fields", [{"enabled": False}, {"storage": {"type": "local"}}], ids=["off", "elsewhere"])
def test_a_claim_that_is_not_used_is_kept_or_removed(fields: dict[str, Any], case: Unused) -> None:
    """As `on-delete` says, whether the server is off or keeps its models elsewhere; never what somebody made."""
    storage = {**fields.get("storage", {}), "claim": {"on-delete": case.on_delete}}
    outcome = decide(kepler(**{**fields, "storage": storage}), claim=case.found)
    written = [intent.body for intent in outcome.intents if intent.ref == CLAIM]
    assert [bool(manifest["metadata"].get("ownerReferences")) for manifest in written] == [case.owner][
        : case.owner is not None
    ]
    assert (CLAIM in outcome.absent) is case.removed
    for manifest in written:  # only what is ours: the rest of a claim's spec cannot be written again
        assert manifest["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}


@pytest.mark.parametrize("on_delete", ["Retain", "Delete"])
@pytest.mark.parametrize("enabled", [True, False], ids=["in use", "not in use"])
def test_the_claim_is_no_part_of_an_instance(enabled: bool, on_delete: str) -> None:  # noqa: FBT001
    """Tools that track an application by this label would prune the claim, and the models in it, as left over."""
    asked = kepler(enabled=enabled, storage={"type": "claim", "claim": {"on-delete": on_delete}})
    labels = intent(decide(asked, claim=claim(on_delete)), children.claim)["metadata"]["labels"]
    assert children.INSTANCE == "app.kubernetes.io/instance"
    assert children.INSTANCE not in labels
    assert labels.items() >= MANAGED_BY.items()


@pytest.mark.parametrize(("on_delete", "owners"), [("Retain", 0), ("Delete", 1)])
def test_the_claim_in_use(on_delete: str, owners: int) -> None:
    """Its size, class and access mode; with an owner it goes along with the Kepler."""
    wanted = {"size": "1Gi", "storage-class": "", "access-mode": "ReadWriteMany", "on-delete": on_delete}
    manifest = intent(decide(kepler(storage={"type": "claim", "claim": wanted})), children.claim)
    assert manifest["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "",
    }
    assert len(manifest["metadata"].get("ownerReferences", [])) == owners
    assert manifest["metadata"]["annotations"] == {model_store.ON_DELETE: on_delete}


def test_a_claim_without_a_class_takes_the_clusters_default() -> None:
    """Blank is not the empty string."""
    manifest = intent(decide(kepler(storage={"type": "claim"})), children.claim)
    assert "storageClassName" not in manifest["spec"]


def test_a_claim_that_is_there_keeps_its_class_where_none_is_named() -> None:
    """The cluster's default came to it when it was made, or a name that was taken out again: neither can change."""
    there = claim()
    there["spec"]["storageClassName"] = "fast"
    manifest = intent(decide(kepler(storage={"type": "claim"}), claim=there), children.claim)
    assert manifest["spec"]["storageClassName"] == "fast"


@pytest.mark.parametrize(
    ("field", "value", "changed"),
    [
        ("access-mode", "ReadWriteMany", False),
        ("size", "4Gi", False),
        ("size", "6Gi", True),
        ("size", "5120Mi", True),
        ("storage-class", "slow", False),
    ],
)
def test_what_of_a_claim_cannot_change_is_told_by_its_field(field: str, value: str, changed: bool) -> None:  # noqa: FBT001
    """It only grows; the server that runs is left as it is."""
    there = claim()
    there["spec"]["storageClassName"] = "fast"
    outcome = decide(kepler(storage={"type": "claim", "claim": {field: value}}), claim=there)
    assert (outcome.word == "converged") is changed
    if not changed:
        assert (outcome.reason, outcome.intents) == ("ClaimUnchangeable", ())
        assert f"`model-server.storage.claim.{field}` is '{value}'" in outcome.message


@pytest.mark.parametrize(("phase", "lost"), [("Bound", "the models in it"), ("Pending", "no models are yet")])
def test_a_claim_without_a_volume_has_no_models_to_lose(phase: str, lost: str) -> None:
    """The step to delete the claim says what goes with it."""
    there = claim() | {"status": {"phase": phase}}
    outcome = decide(kepler(storage={"type": "claim", "claim": {"size": "4Gi"}}), claim=there)
    assert lost in outcome.message


@pytest.mark.parametrize("manifest", [claim(), claim("Delete", owner=True)], ids=["kept", "owned"])
def test_events_of_a_claim_that_only_binds_are_idle(manifest: dict[str, Any]) -> None:
    """The volume controller's own updates of the claim count as nothing to do."""
    assert nothing_to_do(model_server.FUNCTION, update({**manifest, "status": {"phase": "Bound"}}))


@pytest.mark.parametrize(
    "taken",
    [
        lambda fields: fields["f:metadata"].pop("f:labels"),
        lambda fields: fields["f:metadata"].pop("f:annotations"),
        lambda fields: fields["f:metadata"].pop("f:ownerReferences"),
        lambda fields: fields["f:spec"]["f:resources"].pop("f:requests"),
    ],
)
def test_events_of_a_claim_that_somebody_changed_are_not(taken: Callable[[Any], Any]) -> None:
    """Whoever changes or removes a field takes it from us."""
    manifest = claim("Delete", owner=True)
    taken(manifest["metadata"]["managedFields"][0]["fieldsV1"])
    assert not nothing_to_do(model_server.FUNCTION, update(manifest))
