"""The state of the model server for which exporters are restarted changes once for each configuration."""

from dataclasses import dataclass
from typing import Any

import pytest

from operands import children, model_server_state

DONE, AT_IT, LATE = "NewReplicaSetAvailable", "ReplicaSetUpdated", "ProgressDeadlineExceeded"


@dataclass(frozen=True)
class Rollout:
    """A Deployment as its controller reports on it, the state before, and the state that follows."""

    says: str
    before: str
    after: str
    configuration: str = "b"
    reason: str | None = DONE
    observed: int = 2
    available: int = 1


CASES = (
    Rollout("just made", "", "", reason=None, observed=0, available=0),
    Rollout("starting", "", "", reason=AT_IT, available=0),
    Rollout("not available within its deadline", "", "", reason=LATE, available=0),
    Rollout("available for the first time", "", "available/b"),
    Rollout("still available", "available/b", "available/b"),
    Rollout("its pod is replaced", "available/b", "available/b", available=0),
    Rollout("a new configuration is rolled out", "available/a", "available/a", reason=AT_IT),
    Rollout("a change that the controller has not seen", "available/a", "available/a", observed=1),
    Rollout("available with a new configuration", "available/a", "available/b"),
    Rollout("a configuration that never works", "available/a", "available/a", reason=LATE),
)


def deployment(case: Rollout) -> dict[str, Any]:
    """The model server's Deployment."""
    conditions = [{"type": "Available", "status": str(case.available > 0)}]
    if case.reason:
        conditions.append({"type": "Progressing", "status": str(case.reason != LATE), "reason": case.reason})
    return {
        "metadata": {"generation": 2},
        "spec": {"template": {"metadata": {"annotations": {children.CONFIG_HASH: case.configuration}}}},
        "status": {
            "observedGeneration": case.observed,
            "availableReplicas": case.available,
            "conditions": conditions,
        },
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_exporters_are_restarted_once_for_each_configuration(case: Rollout) -> None:
    """Not while the server starts, and not when its pod is replaced."""
    assert model_server_state.state(deployment(case), case.before) == case.after


def test_without_a_server_there_is_no_state() -> None:
    """Whatever it was."""
    assert model_server_state.state(None, "available/a") == ""


def test_the_state_before_is_that_of_the_pods() -> None:
    """It is an annotation of their template, and so survives every restart of a function."""
    annotations = {model_server_state.ANNOTATION: "available/a"}
    daemon_set = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    assert model_server_state.noted(daemon_set) == "available/a"
    assert model_server_state.noted(None) == model_server_state.noted({"spec": {"template": {}}}) == ""
