"""Many Keplers of two namespaces, each with the status that the functions would write: the console at a glance."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from local.stack import Stack
from runtime.client import path
from runtime.objects import KEPLER, Manifest
from tests.workbench import create_namespace, kepler

NORTH, SOUTH = "glance-north", "glance-south"
NODES = {"desired": 12, "updated": 12, "available": 12}
PODS = f"kubectl get pods -n {NORTH} -l app.kubernetes.io/name=kepler-exporter"
PARTIAL = f"7 of 12 nodes have a ready exporter; if that stays so, look at the pods: `{PODS}`"
LACKS = "this cluster has no ServiceMonitor: install the Prometheus operator, or have your Prometheus collect itself"
MISSING = "there is no KeplerCollectedMetric 'later': create it, or name another one in `collected-metric`"
# Writers at a time.
WRITERS = 8


@dataclass(frozen=True)
class Sort:
    """What one sort of Kepler says besides `Ready`, which repeats `says`, and how many of them there are."""

    name: str
    count: int
    conditions: tuple[tuple[str, str, str, str], ...] = ()
    says: str = ""

    @property
    def status(self) -> Manifest:
        """As the functions would write it; nothing where none has looked."""
        if self.name == "silent":
            return {}
        parts = {condition[0]: condition for condition in (*WELL, *self.conditions)}.values()
        wrong = next((part for part in parts if part[1] != "True" and self.says in ("", part[0])), None)
        ready = ("Ready", *wrong[1:]) if wrong else ("Ready", "True", "Ready", "the exporter is ready on all 12 nodes")
        return {"observedGeneration": 1, "nodes": NODES, "conditions": [_condition(*part) for part in (ready, *parts)]}


WELL = (
    ("Available", "True", "Available", "the exporter is ready on all 12 nodes"),
    ("CollectedMetricReconciled", "True", "Reconciled", "the sources of 'default'"),
    ("EstimatorReconciled", "True", "Disabled", "`estimator-sidecar.enabled` is off"),
    ("MonitoringReconciled", "True", "Reconciled", "Prometheus collects every 30s"),
)
CROWD = (
    Sort("partial", 40, (("Available", "False", "PartiallyAvailable", PARTIAL),)),
    Sort(
        "refused",
        20,
        (
            ("EstimatorReconciled", "False", "SourceRequired", "the estimator needs `counter`"),
            ("Available", "False", "NotDeployed", "DaemonSet 'kepler-exporter' does not exist yet"),
        ),
        says="EstimatorReconciled",
    ),
    Sort("waiting", 30, (("CollectedMetricReconciled", "Unknown", "Missing", MISSING),)),
    Sort("silent", 1),
    Sort("unscraped", 9, (("MonitoringReconciled", "True", "NotInstalled", LACKS),)),
    Sort("well", 200),
)
TOTAL = sum(sort.count for sort in CROWD)


def gather(stack: Stack, sorts: tuple[Sort, ...] = CROWD) -> None:
    """Create them, the one half in the north, the other in the south."""
    for namespace in (NORTH, SOUTH):
        create_namespace(stack, namespace)
    keplers = [(sort, number) for sort in sorts for number in range(sort.count)]
    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(partial(_create, stack), keplers))


def _create(stack: Stack, entry: tuple[Sort, int]) -> None:
    sort, number = entry
    namespace, name = (NORTH, SOUTH)[number % 2], f"{sort.name}-{number:04}"
    body = {**kepler(name), "metadata": {"name": name, "namespace": namespace}}
    where = path(KEPLER, namespace, name)
    stack.api.apply(where, body)
    if sort.status:
        about = {key: body[key] for key in ("apiVersion", "kind", "metadata")}
        stack.api.apply(f"{where}/status", {**about, "status": sort.status})


def _condition(kind: str, status: str, reason: str, message: str) -> dict[str, Any]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {"type": kind, "status": status, "reason": reason, "message": message}
    return {**condition, "observedGeneration": 1, "lastTransitionTime": now}
