"""Which events are answered without a look, and which objects the others concern."""

from typing import Any

import pytest

from events.types import RESOURCE_ADD, RESOURCE_DELETE, RESYNC_REQUESTED
from functions import collected_metric, collector, model_server
from operands import children
from runtime.client import ApiResponse, Client, Request
from runtime.declaration import Function
from runtime.event import Event
from runtime.objects import CONFIG_MAP, DAEMON_SET, KEPLER, Ref
from runtime.wake import nothing_to_do, parents
from tests.pure.test_exporter import ALL_DONE, DONE, config, parent
from tests.workbench import resync, update

OURS = {
    "apiVersion": KEPLER.api_version,
    "kind": "Kepler",
    "name": "kepler",
    "uid": "u",
    "controller": True,
}


def about(manifest: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """The manifest with what an event needs of its metadata."""
    described = {"namespace": "energy", "uid": "u", "resourceVersion": "1", **manifest["metadata"], **metadata}
    return {**manifest, "metadata": described}


def kepler(*conditions: dict[str, Any]) -> Event:
    """An update of a Kepler with these conditions."""
    manifest = about(parent())
    return update({**manifest, "status": {"conditions": list(conditions)}})


def reported(kind: str, value: str = "True", message: str = "m") -> dict[str, Any]:
    """A condition of generation 1."""
    return {**DONE, "type": kind, "status": value, "message": message}


OWNED: dict[str, Any] = {
    "f:labels": {f"f:{label}": {} for label in children.LABELS},
    "f:ownerReferences": {'k:{"uid":"u"}': {}},
}


def daemon_set(generation: int = 2, observed: int = 2, owned: dict[str, Any] = OWNED, **metadata: Any) -> Event:
    """An update of the exporter's DaemonSet, of whose metadata this much is still `collector`'s."""
    entry = {"manager": "kepler-collector", "operation": "Apply", "fieldsV1": {"f:metadata": owned}}
    meta = {"name": "kepler-exporter", "generation": generation, "ownerReferences": [OURS], "managedFields": [entry]}
    allowed = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": meta,
        "status": {"observedGeneration": observed},
    }
    return update(about(allowed, **metadata))


def test_an_echo_is_idle() -> None:
    """The function's own report on the present generation, coming back."""
    assert nothing_to_do(collected_metric.FUNCTION, kepler(reported(collected_metric.CONDITION)))
    assert nothing_to_do(collector.FUNCTION, kepler(*ALL_DONE, reported(collector.CONDITION)))


def test_a_new_generation_is_no_echo() -> None:
    """A report on an older spec promises nothing."""
    assert not nothing_to_do(collected_metric.FUNCTION, kepler({**DONE, "observedGeneration": 0}))


def test_a_rejection_of_its_own_is_looked_at_again() -> None:
    """What was wrong may have been mended elsewhere."""
    assert not nothing_to_do(collected_metric.FUNCTION, kepler(reported(collected_metric.CONDITION, "False")))


def test_the_exporter_leaves_it_to_whose_turn_it_is() -> None:
    """As long as another function has to report first, its report is the event to act on."""
    assert nothing_to_do(collector.FUNCTION, kepler())
    assert not nothing_to_do(collector.FUNCTION, kepler(*ALL_DONE))


def test_a_waiting_report_is_an_echo_only_for_the_same_reason() -> None:
    """When the other function's message changes, ours does."""
    blocked = reported(collected_metric.CONDITION, "False", "create it")
    passed = f"the exporter is left as it is until `{collected_metric.CONDITION}` is True: "
    condition = {**reported(collector.CONDITION, "Unknown", f"{passed}create it"), "reason": "Waiting"}
    assert nothing_to_do(collector.FUNCTION, kepler(blocked, condition))
    assert not nothing_to_do(collector.FUNCTION, kepler(blocked, {**condition, "message": f"{passed}something else"}))
    assert not nothing_to_do(collector.FUNCTION, kepler(blocked))


def test_pods_that_come_and_go_do_not_concern_the_exporters_function() -> None:
    """Progress leaves generation, labels and owner alone; drift does not."""
    assert nothing_to_do(collector.FUNCTION, daemon_set())
    assert not nothing_to_do(collector.FUNCTION, daemon_set(generation=3))
    for taken in ("f:labels", "f:ownerReferences"):
        assert not nothing_to_do(
            collector.FUNCTION, daemon_set(owned={key: OWNED[key] for key in OWNED if key != taken})
        )


def test_keys_in_place_are_an_echo() -> None:
    """Another owner's write to `kepler-cfm` is none of ours; a key taken from us is."""
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", **about(config())}
    assert nothing_to_do(collected_metric.FUNCTION, update(manifest))
    taken = manifest["metadata"]["managedFields"][0]["fieldsV1"]["f:data"]
    del taken["f:ENABLE_GPU"]
    assert not nothing_to_do(collected_metric.FUNCTION, update(manifest))


@pytest.mark.parametrize("kind", [RESOURCE_DELETE, RESYNC_REQUESTED])
def test_deletions_and_resyncs_are_never_idle(kind: str) -> None:
    """A deletion's object is the last known one, and a resync has none: both are looked at."""
    manifest = about(parent())
    event = update({**manifest, "status": {"conditions": [*ALL_DONE, reported(collector.CONDITION)]}}, kind)
    assert not nothing_to_do(collector.FUNCTION, event)


@pytest.mark.parametrize(
    "nonsense", [{"status": {"conditions": [{"type": 1}]}}, {"status": {"conditions": "x"}}, {"metadata": "x"}]
)
def test_a_malformed_object_is_looked_at(nonsense: dict[str, Any]) -> None:
    """Nothing is concluded from what cannot be read, and nothing breaks on it."""
    event = kepler()
    broken = Event(**{**event.__dict__, "object": {**event.object, **nonsense}})
    assert not nothing_to_do(collected_metric.FUNCTION, broken)


def test_other_kinds_and_names_are_idle() -> None:
    """What a trigger should have kept away."""
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", **about(config(), name="somebody-elses")}
    assert nothing_to_do(collected_metric.FUNCTION, update(manifest))


def asked(*keplers: dict[str, Any]) -> tuple[Client, list[Request]]:
    """A client that answers every list with these Keplers, and what it was asked."""
    requests: list[Request] = []

    def answer(request: Request) -> ApiResponse:
        requests.append(request)
        return ApiResponse(200, {"items": list(keplers)})

    return Client(answer, manager="kepler-test"), requests


def test_a_kepler_concerns_itself() -> None:
    """By its attributes, without a call."""
    client, requests = asked()
    assert parents(collector.FUNCTION, resync("energy", "mine"), client) == (Ref(KEPLER, "energy", "mine"),)
    assert not requests


def test_a_child_concerns_its_controller() -> None:
    """By the owner reference in the event, without a call."""
    client, requests = asked()
    assert parents(collector.FUNCTION, daemon_set(generation=3), client) == (Ref(KEPLER, "energy", "kepler"),)
    assert not requests


def test_a_deleted_child_concerns_every_kepler_of_the_namespace() -> None:
    """Its owner makes it again, or another one takes over."""
    client, _ = asked(parent(), {"metadata": {"name": "second"}, "spec": {}})
    deleted = update(dict(daemon_set().object), RESOURCE_DELETE)
    names = [parent.name for parent in parents(collector.FUNCTION, deleted, client)]
    assert names == ["kepler", "second"]


def test_a_shared_resource_concerns_those_who_name_it() -> None:
    """Of all Keplers of the namespace, the ones whose `collected-metric` it is."""
    client, _ = asked(
        {"metadata": {"name": "a"}, "spec": {"collected-metric": "shared"}},
        {"metadata": {"name": "b"}, "spec": {"collected-metric": "other"}},
        {"metadata": {"name": "c"}, "spec": {}},
    )
    shared = {"apiVersion": KEPLER.api_version, "kind": "KeplerCollectedMetric", "metadata": {"name": "shared"}}
    refs = parents(collected_metric.FUNCTION, update(about(shared), RESOURCE_ADD), client)
    assert [ref.name for ref in refs] == ["a"]


@pytest.mark.parametrize("kind", ["KeplerCollectedMetric", "KeplerExportedPower"])
def test_a_shared_resource_wakes_collector_for_keplers_of_v011_alone(kind: str) -> None:
    """For v0.7, the event of `kepler-cfm` follows."""
    named = {"collected-metric": "shared", "exported-power": "shared"}
    client, _ = asked(
        {"metadata": {"name": "a"}, "spec": {**named, "collector": {"release": "v0.11"}}},
        {"metadata": {"name": "b"}, "spec": named},
        {"metadata": {"name": "c"}, "spec": {**named, "collector": {"release": "of a later version"}}},
    )
    shared = {"apiVersion": KEPLER.api_version, "kind": kind, "metadata": {"name": "shared"}}
    refs = parents(collector.FUNCTION, update(about(shared), RESOURCE_ADD), client)
    assert [ref.name for ref in refs] == ["a", "c"]


@pytest.mark.parametrize("kind", [RESOURCE_ADD, RESOURCE_DELETE])
@pytest.mark.parametrize("function", [collector.FUNCTION, model_server.FUNCTION], ids=lambda it: it.name)
def test_a_namespace_concerns_the_keplers_in_it(function: Function, kind: str) -> None:
    """One that has become open to privileged pods, or closed; no other namespace is listed."""
    client, requests = asked({"metadata": {"name": "first"}, "spec": {}})
    event = update(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "energy", "uid": "u", "resourceVersion": "1"}},
        kind,
    )
    assert not nothing_to_do(function, event)
    assert parents(function, event, client) == (Ref(KEPLER, "energy", "first"),)
    assert [request.path for request in requests] == [
        "/apis/sustainable-computing.io/v1alpha1/namespaces/energy/keplers"
    ]


@pytest.mark.parametrize(
    "owner", [{**OURS, "name": "../../secrets"}, {**OURS, "kind": "Deployment"}, "x", {"controller": True}]
)
def test_an_owner_that_cannot_be_is_not_believed(owner: Any) -> None:
    """A forged reference ends in a list of the namespace, never in a path of the forger's."""
    client, requests = asked()
    event = daemon_set(generation=3, ownerReferences=[owner])
    assert parents(collector.FUNCTION, event, client) == ()
    assert [request.path for request in requests] == [
        "/apis/sustainable-computing.io/v1alpha1/namespaces/energy/keplers"
    ]


def test_what_a_child_is_follows_from_its_declaration() -> None:
    """Kinds and names in `wakes` are those of the children."""
    wakes = {(wake.kind, name) for wake in collector.FUNCTION.wakes for name in wake.names}
    assert {(CONFIG_MAP, "kepler-cfm"), (DAEMON_SET, "kepler-exporter")} <= wakes
