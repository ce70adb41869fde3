"""Facts for an explanation: a Kepler, an installation and pods, well but for what is changed."""

from datetime import UTC, datetime
from typing import Any

from audit.answer_models import DeadLetter, DeadLetterEvent
from cli.explanation.facts import Facts, Workload
from cli.explanation.function_parts import Installation, Parts
from functions import status
from runtime.envelope import object_name
from runtime.objects import KEPLER, Ref

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
LONG_AGO = "2026-01-01T00:00:00Z"
KEY = Ref(KEPLER, "energy", "kepler")
READY = {"type": "Ready", "status": "True"}
LETTER = DeadLetter(
    name="dead-letter-1",
    time=NOW,
    destination="http://kepler-collector",
    code="500",
    answer="",
    event=DeadLetterEvent(
        id="1",
        type="t",
        source="s",
        object=object_name(KEY),
    ),
)


def condition(kind: str, value: str = "True", generation: int = 2, reason: str = "R", message: str = "m") -> Any:
    """A condition as the API server has it."""
    answer = {"type": kind, "status": value, "reason": reason, "message": message, "observedGeneration": generation}
    return answer | {"lastTransitionTime": LONG_AGO}


def kepler(*changed: Any, edited: str = LONG_AGO, **more: Any) -> dict[str, Any]:
    """A Kepler of generation 2 on which everybody has reported, but for what is `changed`."""
    known = {
        kind: condition(kind) for kind in (*status.GATING_CONDITIONS, "MachineSpecReconciled", "Available", "Ready")
    }
    known |= {entry["type"]: entry for entry in changed}
    return {
        "apiVersion": KEPLER.api_version,
        "kind": "Kepler",
        "metadata": {
            "name": "kepler",
            "namespace": "energy",
            "uid": "u",
            "generation": 2,
            "managedFields": [{"manager": "kubectl", "operation": "Update", "time": edited}],
        },
        "spec": more,
        "status": {
            "conditions": list(known.values()),
            "images": {"collector": "registry.example/kepler:v0.7.12"},
            "nodes": {"desired": 3, "updated": 3, "available": 2},
        },
    }


def installed(**changed: Any) -> Installation:
    """Every Trigger and Knative Service Ready, but for what is changed."""
    well = {"status": {"conditions": [READY], "subscriberUri": "http://x.kepler-operator.svc"}}
    names = ("collector", "collected-metric", "estimator", "status")
    parts = {f"kepler-{name}": Parts(well, {"status": {"conditions": [READY]}}) for name in names}
    return Installation(parts={**parts, **changed})


def pod(name: str, **pod_status: Any) -> dict[str, Any]:
    """A pod of the exporter."""
    spec = {"containers": [{"name": "kepler-exporter", "image": "registry.example/typo:1"}]}
    return {"metadata": {"name": name, "namespace": "energy"}, "spec": spec, "status": pod_status}


def waits(reason: str, message: str = "") -> dict[str, Any]:
    """The status of a pod whose container waits."""
    return {
        "containerStatuses": [{"name": "kepler-exporter", "state": {"waiting": {"reason": reason, "message": message}}}]
    }


NOT_READY = condition("Ready", "False")
HALF = condition("Available", "False", reason="PartiallyAvailable", message="2 of 3 nodes have a ready exporter")


def facts(resource: Any, **more: Any) -> Facts:
    """With an installation that is well."""
    return Facts(KEY, resource, NOW, **{"installed": installed(), **more})


def of_pods(*pods: Any, **more: Any) -> Facts:
    """An exporter that is not ready everywhere."""
    return facts(kepler(HALF, NOT_READY), exporter=Workload({"metadata": {"uid": "d"}}, pods, **more))
