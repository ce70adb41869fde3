"""Exporters ask the model server once, at their start: they start again when it is available for the first time."""

from typing import Any

from operands.model_server_state import ANNOTATION
from tests.workbench import Workbench, kepler

SERVER = "deployment/kepler-model-server"
EXPORTER = "daemonset/kepler-exporter"


def server_status(workbench: Workbench, reason: str, available: int) -> None:
    """What the Deployment's controller says, and the event of it."""
    status = {
        "observedGeneration": workbench.get(SERVER)["metadata"]["generation"],
        "replicas": 1,
        "availableReplicas": available,
        "readyReplicas": available,
        "conditions": [{"type": "Progressing", "status": "True", "reason": reason}],
    }
    workbench.patch(SERVER, {"status": status}, subresource="status")
    for event in workbench.events(SERVER):
        workbench.wake("collector", event)


def template(workbench: Workbench) -> Any:
    """The annotations of the exporters' pods."""
    return workbench.get(EXPORTER)["spec"]["template"]["metadata"]["annotations"]


def test_exporters_start_again_once_the_model_server_is_available(workbench: Workbench) -> None:
    """Once for each configuration of the server: neither before nor when its pod comes and goes."""
    workbench.apply(kepler(model_server={"enabled": True}))
    workbench.settle()
    first = workbench.get(EXPORTER)["metadata"]["generation"]

    server_status(workbench, "ReplicaSetUpdated", 0)
    assert ANNOTATION not in template(workbench)

    server_status(workbench, "NewReplicaSetAvailable", 1)
    state = template(workbench)[ANNOTATION]
    assert state.startswith("available/")
    assert workbench.get(EXPORTER)["metadata"]["generation"] == first + 1

    server_status(workbench, "NewReplicaSetAvailable", 0)
    server_status(workbench, "NewReplicaSetAvailable", 1)
    assert workbench.get(EXPORTER)["metadata"]["generation"] == first + 1

    workbench.patch("kepler/kepler", {"spec": {"model-server": {"pipelines": ["http://models.energy.svc/mine.zip"]}}})
    workbench.settle()
    assert template(workbench)[ANNOTATION] == state
    server_status(workbench, "NewReplicaSetAvailable", 1)
    assert template(workbench)[ANNOTATION] != state


def test_without_a_model_server_nothing_is_noted(workbench: Workbench) -> None:
    """Turned off, its state goes."""
    workbench.apply(kepler(model_server={"enabled": True}))
    workbench.settle()
    server_status(workbench, "NewReplicaSetAvailable", 1)
    assert ANNOTATION in template(workbench)

    workbench.patch("kepler/kepler", {"spec": {"model-server": {"enabled": False}}})
    workbench.settle()
    assert ANNOTATION not in template(workbench)
    assert workbench.settle() == 0
