"""`Available`, `Ready` and the node counts, from a Kepler and a DaemonSet."""

from dataclasses import dataclass
from typing import Any

import pytest

from functions import status
from operands import children
from runtime.conditions import step_in
from runtime.declaration import Observed
from runtime.objects import KEPLER, Ref
from runtime.outcome import Outcome

KEY = Ref(KEPLER, "ns", "kepler")
UID = "11111111-1111-1111-1111-111111111111"


def condition(kind: str, value: str, generation: int = 1, reason: str = "R", message: str = "m") -> dict[str, Any]:
    """A condition as the API server has it."""
    entry = {"type": kind, "status": value, "reason": reason, "message": message, "observedGeneration": generation}
    return entry | {"lastTransitionTime": "2026-01-01T00:00:00Z"}


DONE = [condition(name, "True") for name in status.GATING_CONDITIONS]


def parent(conditions: list[dict[str, Any]], nodes: dict[str, int] | None = None) -> dict[str, Any]:
    """A Kepler of generation 1."""
    return {
        "apiVersion": KEPLER.api_version,
        "kind": "Kepler",
        "metadata": {"name": "kepler", "namespace": "ns", "uid": UID, "generation": 1},
        "status": {"conditions": conditions, **({"nodes": nodes} if nodes else {})},
    }


def daemon_set(desired: int, updated: int, available: int, *, observed: int = 1, **spec: Any) -> dict[str, Any]:
    """A DaemonSet of the Kepler, generation 1."""
    owner = {"apiVersion": KEPLER.api_version, "kind": "Kepler", "name": "kepler", "uid": UID, "controller": True}
    return {
        "metadata": {"name": "kepler-exporter", "generation": 1, "ownerReferences": [owner]},
        "spec": spec,
        "status": {
            "observedGeneration": observed,
            "desiredNumberScheduled": desired,
            "updatedNumberScheduled": updated,
            "numberAvailable": available,
        },
    }


def decide(kepler: dict[str, Any], workload: dict[str, Any] | None, server: dict[str, Any] | None = None) -> Outcome:
    """What `status` says of them."""
    there = {children.daemon_set(KEY): workload, children.deployment(KEY): server}
    return status.desired(Observed(KEY, kepler, there))


@dataclass(frozen=True)
class StatusCase:
    """What is observed, and the `Ready` that follows."""

    says: str
    conditions: list[dict[str, Any]]
    daemon_set: dict[str, Any] | None
    ready: tuple[str, str]


WAITS = condition(status.GATING_CONDITIONS[-1], "Unknown", reason="Waiting")
CASES = [
    StatusCase("nobody has reported", [], None, ("Unknown", "Reconciling")),
    StatusCase("one has not reported", DONE[:1], None, ("Unknown", "Reconciling")),
    StatusCase(
        "a report on an older spec is none",
        [*DONE[:-1], condition(status.GATING_CONDITIONS[-1], "True", 0)],
        None,
        ("Unknown", "Reconciling"),
    ),
    StatusCase(
        "what is wrong comes first",
        [condition(status.GATING_CONDITIONS[0], "False", reason="Wrong"), *DONE[1:-1], WAITS],
        None,
        ("False", "Wrong"),
    ),
    StatusCase("then what is awaited", [*DONE[:-1], WAITS], None, ("Unknown", "Waiting")),
    StatusCase("then the DaemonSet", DONE, None, ("False", "NotDeployed")),
    StatusCase("a rollout not begun", DONE, daemon_set(3, 3, 3, observed=0), ("Unknown", "RolloutInProgress")),
    StatusCase("no node at all", DONE, daemon_set(0, 0, 0), ("False", "NoNodes")),
    StatusCase("a rollout under way", DONE, daemon_set(3, 1, 3), ("Unknown", "RolloutInProgress")),
    StatusCase("pods that are not ready", DONE, daemon_set(3, 3, 2), ("False", "PartiallyAvailable")),
    StatusCase("everything runs", DONE, daemon_set(3, 3, 3), ("True", "Ready")),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_ready(case: StatusCase) -> None:
    """The first thing that is wrong, then what is awaited, then the nodes."""
    outcome = decide(parent(case.conditions), case.daemon_set)
    ready, _ = outcome.conditions
    assert (ready.status.value, ready.reason) == case.ready


@pytest.mark.parametrize(("chosen", "told"), [({}, True), ({"kubernetes.io/arch": "amd64"}, False)])
def test_a_cluster_without_nodes_for_the_estimator_is_told_so(chosen: dict[str, str], *, told: bool) -> None:
    """The user asked for no architecture: the estimator's image is why no node takes the exporter."""
    template = {"spec": {"nodeSelector": {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}}}
    kepler = {**parent(DONE), "spec": {"collector": {"node-selector": chosen}}}
    ready, _ = decide(kepler, daemon_set(0, 0, 0, template=template)).conditions
    sentence = " (the estimator's image is built for amd64 only: nodes need `kubernetes.io/arch: amd64`)"
    assert ready.reason == "NoNodes"
    assert step_in(ready.message).startswith("check `collector.node-selector`")
    assert ("('kubernetes.io/arch: amd64')" in ready.message) is not told
    assert ready.message.endswith(sentence) == told


def deployment(observed: int = 1, available: int = 0, progressing: str = "True", owner: str = UID) -> dict[str, Any]:
    """The model server's Deployment, generation 1."""
    entry = {"type": "Progressing", "status": progressing}
    status = {"observedGeneration": observed, "availableReplicas": available, "conditions": [entry]}
    reference = {"apiVersion": KEPLER.api_version, "kind": "Kepler", "name": "kepler", "uid": owner, "controller": True}
    return {"metadata": {"generation": 1, "ownerReferences": [reference]}, "status": status}


@dataclass(frozen=True)
class ModelServerStatus:
    """The model server's Deployment, and what is then said of it; `Ready` says the same where it is not there."""

    says: str
    deployment: dict[str, Any] | None
    said: tuple[str, str]


SERVERS = [
    ModelServerStatus("none yet", None, ("Unknown", "NotDeployed")),
    ModelServerStatus("somebody else's", deployment(available=1, owner="another"), ("Unknown", "NotDeployed")),
    ModelServerStatus("just changed", deployment(observed=0, available=1), ("Unknown", "Starting")),
    ModelServerStatus("starting", deployment(), ("Unknown", "Starting")),
    ModelServerStatus(
        "no models for ten minutes", deployment(progressing="False"), ("False", "ModelServerNotAvailable")
    ),
    ModelServerStatus("up", deployment(available=1), ("True", "Available")),
]


@pytest.mark.parametrize("case", SERVERS, ids=lambda case: case.says)
def test_ready_waits_for_the_model_server(case: ModelServerStatus) -> None:
    """Where one is wanted; the exporters' own progress comes first."""
    kepler = {**parent(DONE), "spec": {"model-server": {"enabled": True}}}
    outcome = decide(kepler, daemon_set(3, 3, 3), case.deployment)
    ready, _, serves = outcome.conditions
    assert (serves.status.value, serves.reason) == case.said
    assert (ready.status.value, ready.reason) == (("True", "Ready") if case.says == "up" else case.said)


def test_without_a_model_server_nothing_is_said_of_one() -> None:
    """Also where the Deployment is still going."""
    outcome = decide(parent(DONE), daemon_set(3, 3, 3), deployment())
    assert [condition.type for condition in outcome.conditions] == ["Ready", "Available"]
    assert outcome.conditions[0].reason == "Ready"


def test_a_model_server_turned_on_or_off_is_looked_at() -> None:
    """The Kepler does not say yet what follows."""
    idle = status.FUNCTION.wakes[0].nothing_to_do
    decided = decide(parent(DONE), daemon_set(3, 3, 3))
    written = [
        *DONE,
        *(
            condition(
                condition_written.type,
                condition_written.status.value,
                reason=condition_written.reason,
                message=condition_written.message,
            )
            for condition_written in decided.conditions
        ),
    ]
    served = condition(status.MODEL_SERVER_AVAILABLE, "True", reason="Available")
    assert not idle({**parent(written), "spec": {"model-server": {"enabled": True}}})
    assert idle({**parent([*written, served]), "spec": {"model-server": {"enabled": True}}})
    assert not idle(parent([*written, served]))


def test_somebody_elses_daemon_set_is_not_counted() -> None:
    """A Kepler that came second does not show the first one's nodes."""
    manifest = daemon_set(3, 3, 3)
    manifest["metadata"]["ownerReferences"][0]["uid"] = "another"
    outcome = decide(parent(DONE), manifest)
    assert outcome.status["nodes"] == {"desired": 0, "updated": 0, "available": 0}
    assert outcome.conditions[1].reason == "NotDeployed"


def test_progress_is_told_in_twentieths() -> None:
    """With 100 nodes, four more pods are not worth a write; five are; and the last one is, since the reason changes."""
    shown = {"desired": 100, "updated": 100, "available": 50}
    before = [*DONE, condition("Available", "False", reason="PartiallyAvailable")]
    availables = [
        decide(parent(before, shown), daemon_set(100, 100, now)).status["nodes"]["available"] for now in (54, 55, 100)
    ]
    assert availables == [50, 55, 100]


def test_few_nodes_are_told_one_by_one() -> None:
    """With twenty nodes or fewer every pod is a twentieth."""
    before = [*DONE, condition("Available", "False", reason="PartiallyAvailable")]
    shown = {"desired": 20, "updated": 20, "available": 5}
    assert decide(parent(before, shown), daemon_set(20, 20, 6)).status["nodes"]["available"] == 6


def test_on_delete_says_who_must_act() -> None:
    """With the strategy OnDelete nothing rolls until the user deletes pods."""
    outcome = decide(parent(DONE), daemon_set(3, 1, 3, updateStrategy={"type": "OnDelete"}))
    assert "delete the old pods" in outcome.message


def test_its_own_write_is_an_echo() -> None:
    """A Kepler that says what follows from itself needs no look; one whose function has just reported does."""
    idle = status.FUNCTION.wakes[0].nothing_to_do
    decided = decide(parent(DONE), daemon_set(3, 3, 3))
    written = [
        condition(
            condition_written.type,
            condition_written.status.value,
            reason=condition_written.reason,
            message=condition_written.message,
        )
        for condition_written in decided.conditions
    ]
    assert idle(parent([*DONE, *written]))
    assert not idle(parent([*DONE[:-1], condition(status.GATING_CONDITIONS[-1], "False"), *written]))
    assert not idle(parent(DONE))
