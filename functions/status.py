"""Whether Kepler works, in one condition: `Ready`, from every function's own and the progress of what runs.

Wakes on the Kepler, on the DaemonSet and on the model server's Deployment. Writes nothing but status: when a reason
changes, or when progress has moved by a twentieth, not at each pod.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from functions import children, collected_metric, collector, estimator, exported_power, model_server, monitoring
from runtime.adoption import OWNED_BY_ANOTHER
from runtime.conditions import conditions, current
from runtime.function import Function, Observed, Wake
from runtime.objects import DAEMON_SET, DEPLOYMENT, KEPLER, Manifest, generation
from runtime.outcome import Condition, Outcome, Status, Word
from runtime.ownership import belongs_to

AVAILABLE = "Available"
SERVES = "ModelServerAvailable"
READY = "Ready"

# What must be True before Ready is; in the order in which a user would look for what is wrong.
RECONCILED = (
    collected_metric.CONDITION,
    exported_power.CONDITION,
    estimator.CONDITION,
    model_server.CONDITION,
    collector.CONDITION,
    monitoring.CONDITION,
)

TWENTIETH = 20


@dataclass(frozen=True)
class Nodes:
    """How many nodes should run an exporter, run the latest one, and run one that is ready."""

    desired: int
    updated: int
    available: int

    def near(self, other: "Nodes") -> bool:
        """Whether `other` differs by less than a twentieth of the nodes (and so never where there are few)."""
        moved = max(abs(self.updated - other.updated), abs(self.available - other.available))
        return self.desired == other.desired and moved * TWENTIETH < self.desired


def desired(observed: Observed) -> Outcome:
    """`Available`, `ModelServerAvailable` where there is to be one, `Ready` and the node counts."""
    assert observed.parent is not None  # noqa: S101 (the protocol calls `gone` otherwise)
    parent = observed.parent
    found = observed.get(children.daemon_set(observed.key))
    nodes = counts(parent, found)
    availability = available(parent, found, nodes)
    server = serves(parent, observed.get(children.deployment(observed.key)))
    parts = (availability, *([server] if server else []))
    summary = ready(parent, parts)
    return Outcome(
        Word.CONVERGED,
        summary.reason,
        summary.message,
        conditions=(summary, *parts),
        status={"observedGeneration": generation(parent), "nodes": asdict(nodes)},
    )


def counts(parent: Manifest, daemon_set: Manifest | None) -> Nodes:
    """The DaemonSet's progress, or what the Kepler already says while that is near and the reason is the same."""
    now = _counted(daemon_set) if daemon_set and belongs_to(parent, daemon_set) else Nodes(0, 0, 0)
    said = (parent.get("status") or {}).get("nodes") or {}
    before = Nodes(said.get("desired", 0), said.get("updated", 0), said.get("available", 0))
    reported = current(parent, AVAILABLE)
    same_reason = reported is not None and reported.reason == available(parent, daemon_set, now).reason
    return before if same_reason and now.near(before) else now


def _counted(daemon_set: Manifest) -> Nodes:
    status = daemon_set.get("status") or {}
    seen = status.get("observedGeneration") == generation(daemon_set)
    return Nodes(
        desired=status.get("desiredNumberScheduled", 0),
        updated=status.get("updatedNumberScheduled", 0) if seen else 0,
        available=status.get("numberAvailable", 0),
    )


def available(parent: Manifest, daemon_set: Manifest | None, nodes: Nodes) -> Condition:
    """Whether an exporter of the latest revision is ready on every node it should be on."""
    if daemon_set is None or not belongs_to(parent, daemon_set):
        return Condition(AVAILABLE, Status.FALSE, "NotDeployed", f"DaemonSet '{children.EXPORTER}' does not exist yet")
    if (daemon_set.get("status") or {}).get("observedGeneration") != generation(daemon_set):
        return Condition(AVAILABLE, Status.UNKNOWN, "RolloutInProgress", "the rollout has not begun")
    if nodes.desired == 0:
        return Condition(
            AVAILABLE,
            Status.FALSE,
            "NoNodes",
            "no node takes the exporter: check `collector.node-selector`, `collector.tolerations` and "
            "`collector.affinity` against the nodes' labels and taints",
        )
    return _progress(daemon_set, nodes)


def _progress(daemon_set: Manifest, nodes: Nodes) -> Condition:
    if nodes.updated < nodes.desired:
        strategy = ((daemon_set.get("spec") or {}).get("updateStrategy") or {}).get("type")
        by_hand = "; with `collector.update-strategy` 'OnDelete' delete the old pods" if strategy == "OnDelete" else ""
        message = f"{nodes.updated} of {nodes.desired} nodes have the latest exporter{by_hand}"
        return Condition(AVAILABLE, Status.UNKNOWN, "RolloutInProgress", message)
    if nodes.available < nodes.desired:
        message = (
            f"{nodes.available} of {nodes.desired} nodes have a ready exporter; if that stays so, look at the pods: "
            f"kubectl get pods -l app.kubernetes.io/name={children.EXPORTER}"
        )
        return Condition(AVAILABLE, Status.FALSE, "PartiallyAvailable", message)
    return Condition(AVAILABLE, Status.TRUE, "Available", f"the exporter is ready on all {nodes.desired} nodes")


def serves(parent: Manifest, deployment: Manifest | None) -> Condition | None:
    """Whether the model server answers, by its Deployment; None where none is wanted."""
    if not wanted(parent):
        return None
    if deployment is None or not belongs_to(parent, deployment):
        return Condition(SERVES, Status.UNKNOWN, "NotDeployed", "there is no model server yet")
    status = deployment.get("status") or {}
    if status.get("observedGeneration") == generation(deployment) and status.get("availableReplicas"):
        return Condition(SERVES, Status.TRUE, "Available", "the model server answers")
    progressing = conditions(deployment).get("Progressing") or {}
    if progressing.get("status") != "False":
        return Condition(SERVES, Status.UNKNOWN, "Starting", "the model server starts: it answers once it has models")
    message = (
        "the model server has no ready pod, which it is once it has models; it fetches them at its start from "
        f"`model-server.pipelines`, or else from the internet: kubectl logs deployment/{children.MODEL_SERVER}"
    )
    return Condition(SERVES, Status.FALSE, "ModelServerNotAvailable", message)


def wanted(parent: Manifest) -> bool:
    """Whether there is to be a model server."""
    server = (parent.get("spec") or {}).get("model-server") or {}
    return bool(server.get("enabled"))


def ready(parent: Manifest, parts: Sequence[Condition]) -> Condition:
    """The first thing that is wrong, else the first that is awaited, of the functions and then of what runs."""
    known = [current(parent, condition) for condition in RECONCILED]
    for wrong in sorted((one for one in known if one and one.status is Status.FALSE), key=_last_if_partial):
        return Condition(READY, Status.FALSE, wrong.reason, wrong.message)
    if any(condition is None for condition in known):
        return Condition(READY, Status.UNKNOWN, "Reconciling", "not every function has reported on this generation")
    told = [condition for condition in known if condition]
    for awaited in (condition for condition in (*told, *parts) if condition.status is not Status.TRUE):
        return Condition(READY, awaited.status, awaited.reason, awaited.message)
    return Condition(READY, Status.TRUE, "Ready", parts[0].message)


def _last_if_partial(condition: Condition) -> bool:
    """Whether the collector may say the same more completely: of objects that others made it knows the most."""
    return condition.reason == OWNED_BY_ANOTHER and condition.type != collector.CONDITION


def _idle(kepler: Manifest) -> bool:
    """Whether the Kepler says what follows from itself; what runs has events of its own."""
    expected = (AVAILABLE, *([SERVES] if wanted(kepler) else []))
    parts = [one for one in (current(kepler, part) for part in expected) if one is not None]
    stale = not wanted(kepler) and current(kepler, SERVES) is not None
    return len(parts) == len(expected) and not stale and current(kepler, READY) == ready(kepler, parts)


FUNCTION = Function(
    name="status",
    condition=READY,
    wakes=(
        Wake(KEPLER, idle=_idle),
        Wake(DAEMON_SET, (children.EXPORTER,)),
        Wake(DEPLOYMENT, (children.MODEL_SERVER,)),
    ),
    inputs=lambda key: (children.daemon_set(key), children.deployment(key)),
    desired=desired,
)
