"""Function `status`: writes `Ready`, `Available`, `ModelServerAvailable` and the node counts of a Kepler.

Woken by the Kepler, the exporter's DaemonSet and the model server's Deployment. Writes only status: when a reason
changes, or when at least 5% of the nodes have progressed, and not for each pod. While a workload is not available, it
reads the namespace's Warning events, and for a model server with a claim all events of the claim, and reports the one
that is the cause. Events wake no function, so it schedules another reconcile.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from events.outcome_words import ConditionStatus, Word
from functions import collector
from functions.reconcilers import RECONCILERS
from operands import architecture, children, model_server_state, pod_trouble
from runtime.adoption import OWNED_BY_ANOTHER
from runtime.conditions import READY, conditions, current
from runtime.declaration import Function, Input, Observed, Permission, Wake
from runtime.objects import DAEMON_SET, DEPLOYMENT, EVENT, KEPLER, Manifest, Ref, generation
from runtime.outcome import FunctionCondition, Outcome
from runtime.ownership import belongs_to

AVAILABLE = "Available"
MODEL_SERVER_AVAILABLE = "ModelServerAvailable"
NOT_DEPLOYED = "NotDeployed"

# Conditions that must be True before `Ready` is. The first False one becomes the reason of `Ready`.
GATING_CONDITIONS = tuple(function.condition for function in RECONCILERS if function.gates_ready)

# Node counts are reported in steps of 1/20 of the nodes.
PROGRESS_STEPS = 20


@dataclass(frozen=True)
class RolloutNodes:
    """How many nodes should run an exporter, run the latest one, and run one that is ready."""

    desired: int
    updated: int
    available: int

    def is_near(self, other: "RolloutNodes") -> bool:
        """Return whether `other` differs by less than 5% of the nodes; up to 20 nodes, only equal counts are near."""
        moved = max(abs(self.updated - other.updated), abs(self.available - other.available))
        return self.desired == other.desired and moved * PROGRESS_STEPS < self.desired


@dataclass(frozen=True)
class ObservedWorkload:
    """A DaemonSet or Deployment as it is, and the Events that may say why it is not available, where they were read."""

    operand: pod_trouble.Operand
    object: Manifest | None
    events: tuple[Manifest, ...] = ()

    def trouble(self, *, missing: bool) -> pod_trouble.PodTrouble | None:
        """Return why its pods are not ready, if an Event says so; `missing`: some of the pods do not exist."""
        return pod_trouble.trouble(self.operand, self.object or {}, self.events, missing=missing)


def references(key: Ref, parent: Manifest | None) -> tuple[Input, ...]:
    """Return the model server's Deployment if one is wanted, and the Events to read while pods are missing.

    Warnings of the namespace are read while a workload of the Kepler exists and is not available, as the Kepler's
    conditions say. They change when the workload does, and after a condition is written, the references are read again
    (step 6 of the protocol): so the Events are read then. Normal events of the claim are read as well while the model
    server waits and has one.
    """
    if parent is None:
        return ()
    waits = [part for part in (AVAILABLE, MODEL_SERVER_AVAILABLE) if _has_unready_pods(parent, part)]
    claimed = MODEL_SERVER_AVAILABLE in waits and model_server_state.has_claim(parent)
    return (
        *([children.deployment(key)] if model_server_state.is_wanted(parent) else []),
        *([pod_trouble.warnings(key)] if waits else []),
        *([pod_trouble.claim_notices(key)] if claimed else []),
    )


def _has_unready_pods(parent: Manifest, condition_type: str) -> bool:
    """Return whether a workload that is wanted exists and is not available, as its condition says."""
    wanted = condition_type == AVAILABLE or model_server_state.is_wanted(parent)
    part = current(parent, condition_type) if wanted else None
    return part is not None and part.status is not ConditionStatus.TRUE and part.reason != NOT_DEPLOYED


def desired(observed: Observed) -> Outcome:
    """Decide `Available`, `ModelServerAvailable` if a model server is wanted, `Ready` and the node counts."""
    assert observed.parent is not None  # noqa: S101 (if it is None, `runtime.protocol` calls `clean_up`)
    parent = observed.parent
    key = observed.key
    events = observed.collections.get(pod_trouble.warnings(key), ())
    notices = observed.collections.get(pod_trouble.claim_notices(key), ())
    exporters = ObservedWorkload(pod_trouble.exporter(key, parent), observed.get(children.daemon_set(key)), events)
    nodes = counts(parent, exporters)
    availability = available(parent, exporters, nodes)
    server = model_server_available(observed, (*events, *notices))
    parts = (availability, *([server] if server else []))
    summary = ready(parent, parts)
    return Outcome(
        Word.CONVERGED,
        summary.reason,
        summary.message,
        conditions=(summary, *parts),
        status={"observedGeneration": generation(parent), "nodes": asdict(nodes)},
        recheck=any(part.status is not ConditionStatus.TRUE for part in parts),
    )


def counts(parent: Manifest, exporters: ObservedWorkload) -> RolloutNodes:
    """Return the DaemonSet's node counts, or those in status if they differ little and the reason is the same."""
    daemon_set = exporters.object
    now = _counted(daemon_set) if daemon_set and belongs_to(parent, daemon_set) else RolloutNodes(0, 0, 0)
    nodes = (parent.get("status") or {}).get("nodes") or {}
    before = RolloutNodes(nodes.get("desired", 0), nodes.get("updated", 0), nodes.get("available", 0))
    reported = current(parent, AVAILABLE)
    same_reason = reported is not None and reported.reason == available(parent, exporters, now).reason
    return before if same_reason and now.is_near(before) else now


def _counted(daemon_set: Manifest) -> RolloutNodes:
    status = daemon_set.get("status") or {}
    seen = status.get("observedGeneration") == generation(daemon_set)
    return RolloutNodes(
        desired=status.get("desiredNumberScheduled", 0),
        updated=status.get("updatedNumberScheduled", 0) if seen else 0,
        available=status.get("numberAvailable", 0),
    )


def available(parent: Manifest, exporters: ObservedWorkload, nodes: RolloutNodes) -> FunctionCondition:
    """Return `Available`: whether an exporter of the latest revision is ready on every node that should have one."""
    daemon_set = exporters.object
    if daemon_set is None or not belongs_to(parent, daemon_set):
        # The same words if there is one of another Kepler: that one's events wake nobody here.
        return FunctionCondition(
            AVAILABLE, ConditionStatus.FALSE, NOT_DEPLOYED, f"it has no DaemonSet '{children.EXPORTER}' yet"
        )
    if (daemon_set.get("status") or {}).get("observedGeneration") != generation(daemon_set):
        return FunctionCondition(AVAILABLE, ConditionStatus.UNKNOWN, "RolloutInProgress", "the rollout has not begun")
    if nodes.desired == 0:
        return FunctionCondition(
            AVAILABLE,
            ConditionStatus.FALSE,
            "NoNodes",
            f"no node takes the exporter: check `collector.node-selector`{_selected(parent)}, `collector.tolerations` "
            f"and `collector.affinity` against the nodes' labels and taints{_architecture_clause(parent, daemon_set)}",
        )
    if nodes.available < nodes.desired and (wrong := exporters.trouble(missing=_missing(daemon_set))):
        message = f"{nodes.available} of {nodes.desired} nodes have a ready exporter: {wrong}"
        return FunctionCondition(AVAILABLE, ConditionStatus.FALSE, wrong.reason.value, message)
    return _progress(exporters.operand.ref, daemon_set, nodes)


def _selected(parent: Manifest) -> str:
    """Return the labels of the Kepler's node selector, the first three, in brackets; empty if it has none."""
    asked = ((parent.get("spec") or {}).get("collector") or {}).get("node-selector") or {}
    shown = ", ".join(f"'{key}: {value}'" for key, value in sorted(asked.items())[:3])
    more = f" and {len(asked) - 3} more" if len(asked) > 3 else ""
    return f" ({shown}{more})" if shown else ""


def _architecture_clause(parent: Manifest, daemon_set: Manifest) -> str:
    """Return a clause for the message if the estimator's image limits the architecture, and not the user."""
    template = (daemon_set.get("spec") or {}).get("template") or {}
    needed = ((template.get("spec") or {}).get("nodeSelector") or {}).get(architecture.LABEL)
    asked = ((parent.get("spec") or {}).get("collector") or {}).get("node-selector") or {}
    if not needed or architecture.LABEL in asked:
        return ""
    return f" (the estimator's image is built for {needed} only: nodes need `{architecture.LABEL}: {needed}`)"


def _missing(daemon_set: Manifest) -> bool:
    """Return whether some of the DaemonSet's pods do not exist yet."""
    status = daemon_set.get("status") or {}
    return int(status.get("currentNumberScheduled", 0)) < int(status.get("desiredNumberScheduled", 0))


def _progress(ref: Ref, daemon_set: Manifest, nodes: RolloutNodes) -> FunctionCondition:
    pods = f"pods -n {ref.namespace} -l app.kubernetes.io/name={ref.name}"
    if nodes.updated < nodes.desired:
        strategy = ((daemon_set.get("spec") or {}).get("updateStrategy") or {}).get("type")
        by_hand = f"; with `collector.update-strategy` 'OnDelete' delete the old pods: `kubectl delete {pods}`"
        shown = by_hand if strategy == "OnDelete" else ""
        message = f"{nodes.updated} of {nodes.desired} nodes have the latest exporter{shown}"
        return FunctionCondition(AVAILABLE, ConditionStatus.UNKNOWN, "RolloutInProgress", message)
    if nodes.available < nodes.desired:
        message = (
            f"{nodes.available} of {nodes.desired} nodes have a ready exporter; if that stays so, look at the pods: "
            f"`kubectl get {pods}`"
        )
        return FunctionCondition(AVAILABLE, ConditionStatus.FALSE, "PartiallyAvailable", message)
    return FunctionCondition(
        AVAILABLE, ConditionStatus.TRUE, "Available", f"the exporter is ready on all {nodes.desired} nodes"
    )


def model_server_available(observed: Observed, events: tuple[Manifest, ...]) -> FunctionCondition | None:
    """Return `ModelServerAvailable`, from its Deployment and Warning events; None if no model server is wanted."""
    parent, key = observed.parent, observed.key
    if parent is None or not model_server_state.is_wanted(parent):
        return None
    deployment = observed.get(children.deployment(key))
    server = ObservedWorkload(pod_trouble.server(key), deployment, events)
    if deployment is None or not belongs_to(parent, deployment):
        return FunctionCondition(
            MODEL_SERVER_AVAILABLE, ConditionStatus.UNKNOWN, NOT_DEPLOYED, "there is no model server yet"
        )
    status = deployment.get("status") or {}
    if status.get("observedGeneration") == generation(deployment) and status.get("availableReplicas"):
        return FunctionCondition(MODEL_SERVER_AVAILABLE, ConditionStatus.TRUE, "Available", "the model server answers")
    if wrong := server.trouble(missing=not status.get("replicas")):
        return FunctionCondition(
            MODEL_SERVER_AVAILABLE,
            ConditionStatus.FALSE,
            wrong.reason.value,
            f"the model server has no ready pod: {wrong}",
        )
    progressing = conditions(deployment).get("Progressing") or {}
    if progressing.get("status") != "False":
        return FunctionCondition(
            MODEL_SERVER_AVAILABLE,
            ConditionStatus.UNKNOWN,
            "Starting",
            "the model server starts: it listens once it has loaded what it can",
        )
    message = (
        "the model server has no ready pod; it is ready once it has loaded what it can of `model-server.pipelines`, or "
        "else of Kepler's public database: read its log by `kubectl logs -n "
        f"{server.operand.ref.namespace} deployment/{children.MODEL_SERVER} --all-containers`"
    )
    return FunctionCondition(MODEL_SERVER_AVAILABLE, ConditionStatus.FALSE, "ModelServerNotAvailable", message)


def ready(parent: Manifest, parts: Sequence[FunctionCondition]) -> FunctionCondition:
    """Return `Ready`: from a function's False, else a missing report, else the first condition that is not True."""
    known = [current(parent, condition) for condition in GATING_CONDITIONS]
    for wrong in sorted(
        (condition for condition in known if condition and condition.status is ConditionStatus.FALSE),
        key=_last_if_partial,
    ):
        return FunctionCondition(READY, ConditionStatus.FALSE, wrong.reason, wrong.message)
    if any(condition is None for condition in known):
        return FunctionCondition(
            READY, ConditionStatus.UNKNOWN, "Reconciling", "not every function has reported on this generation"
        )
    given = [condition for condition in known if condition]
    for awaited in (condition for condition in (*given, *parts) if condition.status is not ConditionStatus.TRUE):
        return FunctionCondition(READY, awaited.status, awaited.reason, awaited.message)
    return FunctionCondition(READY, ConditionStatus.TRUE, "Ready", parts[0].message)


def _last_if_partial(condition: FunctionCondition) -> bool:
    """Sort key: `OwnedByAnother` of other functions comes last, since the collector names more of the objects."""
    return condition.reason == OWNED_BY_ANOTHER and condition.type != collector.CONDITION


def _nothing_to_do(kepler: Manifest) -> bool:
    """Return whether `Ready` already follows from the Kepler's other conditions; workloads send their own events."""
    expected = (AVAILABLE, *([MODEL_SERVER_AVAILABLE] if model_server_state.is_wanted(kepler) else []))
    parts = [condition for condition in (current(kepler, part) for part in expected) if condition is not None]
    stale = not model_server_state.is_wanted(kepler) and current(kepler, MODEL_SERVER_AVAILABLE) is not None
    return len(parts) == len(expected) and not stale and current(kepler, READY) == ready(kepler, parts)


FUNCTION = Function(
    name="status",
    condition=READY,
    gates_ready=False,
    wakes=(
        Wake(KEPLER, nothing_to_do=_nothing_to_do),
        Wake(DAEMON_SET, (children.EXPORTER,)),
        Wake(DEPLOYMENT, (children.MODEL_SERVER,)),
    ),
    inputs=lambda key: (children.daemon_set(key),),
    references=references,
    lists=(EVENT,),
    rules=(Permission("apps", "deployments", ("get",), (children.MODEL_SERVER,)),),
    desired=desired,
)
