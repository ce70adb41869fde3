"""Why a workload's pods are not ready, from Events of its namespace: a reason, a sentence, and a next step.

Controllers, the scheduler and kubelets write these Events (k8s.io/kubernetes v1.35: pkg/controller/controller_utils.go,
pkg/controller/volume/persistentvolume/pv_controller.go, pkg/scheduler/schedule_one.go, pkg/kubelet/events/event.go).
Pods would contain more, but permission to list Events gives a function less than permission to read every pod of the
cluster. The reasons are this project's own, so a Kepler has the same reason whichever program found the problem.
Nearly all are Warnings; those that are not are about the model server's claim (`operands.claim_trouble`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from crds.collector_fields import ReleaseLine
from operands import children, claim_trouble, kepler_v07, model_store, namespaces, release, sidecar
from runtime.differences import owned_time
from runtime.event import parse_time
from runtime.field_owners import foreign_fields
from runtime.objects import DAEMON_SET, DEPLOYMENT, EVENT, PERSISTENT_VOLUME_CLAIM, Collection, Manifest, Ref, metadata
from runtime.printable import visible_line
from runtime.refusals import LIMIT_RANGE, POLICY, QUOTA

# The most Events to read, and the longest sentence of one, in characters.
MOST = 1000
LONGEST = 600
# The most fields set by others that a message names.
FIELDS = 3
# The longest that a controller waits before it tries once more to make a pod: 1,000 s, in minutes
# (k8s.io/client-go v0.35:util/workqueue/default_rate_limiters.go, DefaultTypedControllerRateLimiter).
BACK_OFF = 17


class Reason(StrEnum):
    """The reason of a condition whose workload has no ready pods."""

    PODS_FORBIDDEN = "PodsForbidden"
    QUOTA_EXCEEDED = "QuotaExceeded"
    LIMIT_RANGE = "LimitRange"
    PRIORITY_CLASS_MISSING = "PriorityClassMissing"
    RUNTIME_CLASS_MISSING = "RuntimeClassMissing"
    REFUSED_BY_POLICY = "RefusedByPolicy"
    PODS_NOT_CREATED = "PodsNotCreated"
    CLAIM_PENDING = "ClaimPending"
    VOLUME_NOT_MOUNTED = "VolumeNotMounted"
    SANDBOX_FAILED = "SandboxFailed"
    CONTAINER_CONFIG = "ContainerConfigError"
    IMAGE_PULL = "ImagePull"
    CRASH_LOOP = "CrashLoop"
    UNSCHEDULABLE = "Unschedulable"
    UNHEALTHY = "Unhealthy"


@dataclass(frozen=True)
class EventKind:
    """One cause of pods that are not ready: the reason of an Event, and a pattern in its message."""

    event: str
    message: str
    reason: Reason


# The first match counts. If a pod cannot be made, the controller's Event has reason `FailedCreate`, whatever the cause.
KINDS = (
    EventKind("FailedCreate", r"violates PodSecurity", Reason.PODS_FORBIDDEN),
    EventKind("FailedCreate", "|".join(QUOTA), Reason.QUOTA_EXCEEDED),
    EventKind("FailedCreate", r"no PriorityClass with name", Reason.PRIORITY_CLASS_MISSING),
    EventKind("FailedCreate", r'RuntimeClass "[^"]*" not found', Reason.RUNTIME_CLASS_MISSING),
    # The last pattern: a LimitRange gives a container without a limit one that is below its request.
    EventKind("FailedCreate", "|".join((*LIMIT_RANGE, r"must be less than or equal to \w+ limit")), Reason.LIMIT_RANGE),
    EventKind("FailedCreate", "|".join(POLICY), Reason.REFUSED_BY_POLICY),
    EventKind("FailedCreate", r"", Reason.PODS_NOT_CREATED),
    EventKind(
        "FailedMount",
        r'(secret|configmap) "[^"]*" not found|references non-existent (secret|config) key',
        Reason.CONTAINER_CONFIG,
    ),
    EventKind("FailedMount", r"", Reason.VOLUME_NOT_MOUNTED),
    EventKind("FailedAttachVolume", r"", Reason.VOLUME_NOT_MOUNTED),
    # The container runtime or the network plugin of the node (pkg/kubelet/events/event.go).
    EventKind("FailedCreatePodSandBox", r"", Reason.SANDBOX_FAILED),
    EventKind("NetworkNotReady", r"", Reason.SANDBOX_FAILED),
    EventKind("Failed", r"(secret|configmap) \".*\" not found|couldn't find key", Reason.CONTAINER_CONFIG),
    EventKind("Failed", r"[Pp]ull|Image|image", Reason.IMAGE_PULL),
    EventKind("InspectFailed", r"", Reason.IMAGE_PULL),
    EventKind("BackOff", r"restarting failed container", Reason.CRASH_LOOP),
    EventKind(claim_trouble.SCHEDULING, r"", Reason.UNSCHEDULABLE),
    EventKind("Unhealthy", r"", Reason.UNHEALTHY),
)
# Reasons of pods that could not be made: stale once all pods exist.
NOT_MADE = frozenset(kind.reason for kind in KINDS if kind.event == "FailedCreate")


@dataclass(frozen=True)
class Operand:
    """A workload of a Kepler: its object, its field manager, and the field of the Kepler that it is made from.

    `metered`: its program exits on a node without a power meter, as Kepler v0.11 does.
    """

    ref: Ref
    manager: str
    field: str
    metered: bool = False

    def owns(self, event: Manifest) -> bool:
        """Return whether an Event is about the workload, its pods or ReplicaSets, or the model server's claim."""
        about = event.get("involvedObject") or {}
        kind, called = str(about.get("kind")), str(about.get("name"))
        if kind == PERSISTENT_VOLUME_CLAIM.name:
            return self.ref.kind == DEPLOYMENT and called == children.CLAIM
        if kind == self.ref.kind.name:
            return called == self.ref.name
        return kind in ("Pod", "ReplicaSet") and called.startswith(f"{self.ref.name}-")


def exporter(key: Ref, parent: Manifest | None = None) -> Operand:
    """Return the exporter of a Kepler as an operand; `parent` is the Kepler."""
    metered = parent is not None and release.line_of_manifest(parent) is ReleaseLine.V0_11
    return Operand(children.daemon_set(key), "kepler-collector", "collector", metered)


def server(key: Ref) -> Operand:
    """Return the model server of a Kepler as an operand."""
    return Operand(children.deployment(key), "kepler-model-server", "model-server")


@dataclass(frozen=True)
class PodTrouble:
    """Why pods are not ready: `says` is the cluster's own sentence, `step` says what to do about it."""

    reason: Reason
    says: str
    step: str

    def __str__(self) -> str:
        """Return the sentences of a condition's message."""
        return f"{self.says}; {self.step}"


def warnings(key: Ref) -> Collection:
    """Return the collection of Warning events to read."""
    return Collection(EVENT, key.namespace, fields="type=Warning", most=MOST)


def claim_notices(key: Ref) -> Collection:
    """Return the collection of Normal events to read while the model server waits for its claim."""
    return claim_trouble.notices(key, MOST)


def trouble(operand: Operand, workload: Manifest, events: Iterable[Manifest], *, missing: bool) -> PodTrouble | None:
    """Return why the workload's pods are not ready, or None if no Event says so.

    Events from before the last write of the workload are ignored. `missing` means that some of its pods do not exist.
    The newest Event counts, except that the claim's own Event takes precedence over that of a pod waiting for the
    claim, and failed probes come last. What was said of the claim before a volume was made for it is ignored.
    """
    about_operand = [event for event in events if operand.owns(event)]
    since = owned_time(workload, manager=operand.manager)
    provisioned = max(map(_time, filter(claim_trouble.tells_of_volume, about_operand)), default="")
    candidates = [
        (time, reason, event)
        for event in about_operand
        if (reason := _reason(operand, event)) and (time := _time(event)) >= since
        if missing or reason not in NOT_MADE
        if reason is not Reason.CLAIM_PENDING or time > provisioned
    ]
    if not candidates:
        return None
    _, reason, event = max(candidates, key=lambda candidate: (_weight(candidate[1], candidate[2]), candidate[0]))
    says = " ".join(str(event.get("message") or reason).split())[:LONGEST].rstrip(".")
    foreign, done = _changed_by_others(operand, workload), step(operand, reason, _subject(event))
    return PodTrouble(reason, says + foreign, f"{_removal(operand)}, or {done}" if foreign else done)


def _changed_by_others(operand: Operand, workload: Manifest) -> str:
    """Return which fields of the workload others set, and when: they may be why its pods are not ready."""
    fields = [field for field in foreign_fields(workload, (operand.manager,)) if not field.restart]
    phrases = [f"`{field.path}` by {visible_line(field.manager)}{_when(field.time)}" for field in fields[:FIELDS]]
    more = f" and {len(fields) - FIELDS} more" if len(fields) > FIELDS else ""
    return f" (others set {', '.join(phrases)}{more} in {operand.ref})" if phrases else ""


def _removal(operand: Operand) -> str:
    """Return where the commands are that remove what others set: with it, no other step may be needed."""
    explained = f"kubectl kepler explain {operand.ref.kind.name}/{operand.ref.name} -n {operand.ref.namespace}"
    return f"remove what others set by the commands of `{explained}`"


def _when(time: datetime | None) -> str:
    return f" at {time:%Y-%m-%d %H:%M:%S} UTC" if time else ""


def reason_of(operand: Operand, event: str, message: str) -> Reason | None:
    """Return the reason for an Event of this reason and message; None if it is no cause of pods that are not ready.

    Only the model server has a claim.
    """
    if operand.ref.kind == DEPLOYMENT and claim_trouble.is_about_claim(event, message):
        return Reason.CLAIM_PENDING
    return next((kind.reason for kind in KINDS if kind.event == event and re.search(kind.message, message)), None)


def _reason(operand: Operand, event: Manifest) -> Reason | None:
    return reason_of(operand, str(event.get("reason")), _message(event))


def _message(event: Manifest) -> str:
    return str(event.get("message") or "")


def _weight(reason: Reason, event: Manifest) -> int:
    """Return how well an Event explains the problem; a higher weight takes precedence over a newer Event."""
    if reason is Reason.UNHEALTHY:
        return 0
    if reason is Reason.CLAIM_PENDING:
        return {claim_trouble.SCHEDULING: 1, claim_trouble.EXTERNAL: 2}.get(str(event.get("reason")), 3)
    return 3


def _time(event: Manifest) -> str:
    """Return when an Event was last seen, to the second, in the API server's format, which sorts as text."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    latest = max((str(time) for time in times if time), default=str(metadata(event).get("creationTimestamp") or ""))
    return f"{latest[:19]}Z" if parse_time(latest) else ""


@dataclass(frozen=True)
class TroubleSubject:
    """The subject of a step: a container of a pod (an empty name stands for any of them), or the claim.

    `event` and `message` are those of the Event.
    """

    pod: str = ""
    container: str = ""
    event: str = ""
    message: str = ""


def _subject(event: Manifest) -> TroubleSubject:
    """Return the pod that an Event is about, and its container if the kubelet names one."""
    about, message = event.get("involvedObject") or {}, _message(event)
    pod = str(about.get("name")) if about.get("kind") == "Pod" else ""
    by_field = re.search(r"\{([a-z0-9-]+)\}$", str(about.get("fieldPath") or ""))
    named = by_field or re.search(r"container ([a-z0-9-]+) in pod", message)
    return TroubleSubject(pod, named[1] if pod and named else "", str(event.get("reason")), message)


def step(operand: Operand, reason: Reason, about: TroubleSubject = TroubleSubject()) -> str:
    """Return what to do: one sentence without a semicolon that names the fields of the Kepler or a command."""
    done = _steps(operand, about)[reason]
    return f"{done}{_retried(operand)}" if reason in NOT_MADE else done


def _retried(operand: Operand) -> str:
    """Return the end of the sentence: no event tells the controller that a pod is possible now, so it retries later."""
    return (
        f", then wait for the controller, which tries again within {BACK_OFF} minutes, or run `kubectl rollout restart "
        f"-n {operand.ref.namespace} {_workload(operand)}`, which makes it try at once"
    )


# Kepler v0.11 exits without RAPL (kepler v0.11.4:internal/device/cpu_power_meter.go).
_METERS = (
    ", and if it finds no power meter (RAPL), as on most virtual machines, set `collector.release` to 'v0.7', the line "
    "that estimates power, or keep it off those nodes by `collector.node-selector`"
)


def _workload(operand: Operand) -> str:
    return f"{operand.ref.kind.name.lower()}/{operand.ref.name}"


def _steps(operand: Operand, about: TroubleSubject) -> Mapping[Reason, str]:
    namespace, where = operand.ref.namespace, f"-n {operand.ref.namespace}"
    described = f"kubectl describe pods {where} -l app.kubernetes.io/name={operand.ref.name}"
    container = f"-c {about.container}" if about.container else "--all-containers"
    field, logs = operand.field, f"kubectl logs {where} {about.pod or _workload(operand)} {container}"
    return {
        Reason.PODS_FORBIDDEN: f"let an administrator run `{namespaces.command(namespace)}`",
        Reason.QUOTA_EXCEEDED: f"{_less(operand)}have the ResourceQuota of namespace '{namespace}' raised",
        Reason.LIMIT_RANGE: f"{_less(operand)}have the LimitRange of namespace '{namespace}' changed",
        Reason.PRIORITY_CLASS_MISSING: f"create that PriorityClass, or change `{field}.priority-class`",
        Reason.RUNTIME_CLASS_MISSING: f"create that RuntimeClass, or change `{field}.runtime-class`",
        Reason.REFUSED_BY_POLICY: "a policy of this cluster says so: ask whoever runs it for an exception",
        Reason.PODS_NOT_CREATED: f"mend what the message names (`kubectl describe {where} {_workload(operand)}` has "
        "every attempt)",
        Reason.CLAIM_PENDING: claim_trouble.step(operand.ref, about.event, about.message),
        Reason.VOLUME_NOT_MOUNTED: f"make what the message names available to the node (`{described}`), and the "
        "kubelet tries again by itself",
        Reason.SANDBOX_FAILED: "have whoever runs the node mend its container runtime or network plugin "
        f"(`{described}` names node and cause), and the kubelet tries again by itself",
        Reason.CONTAINER_CONFIG: f"create what the message names in namespace '{namespace}', and the kubelet tries "
        "again by itself",
        Reason.IMAGE_PULL: f"check {_image(operand, about.container)}, and that nodes can pull it (credentials go into "
        f"`{field}.image-pull-secrets`), and the kubelet tries again within 5 minutes",
        Reason.CRASH_LOOP: f"read its log: `{logs} --previous`{_METERS if operand.metered else ''}",
        Reason.UNSCHEDULABLE: claim_trouble.node_step(operand.ref, about.message)
        or f"{_placement(operand)} (`{described}`)",
        Reason.UNHEALTHY: f"read its log: `{logs}`",
    }


def _image(operand: Operand, container: str) -> str:
    """Return the field, or the administrator's setting, that names the image of a container."""
    if container == model_store.PULL:
        return f"`{kepler_v07.RCLONE_IMAGE_SETTING}` in the functions' environment"
    beside = "`estimator-sidecar.image`"
    if container == sidecar.NAME:
        return beside
    known = container or operand.ref.kind == DEPLOYMENT
    return f"`{operand.field}.image`{'' if known else f' (or {beside}, where it is on)'}"


def _less(operand: Operand) -> str:
    """Return the fields that set the pod's resource requests; a quota may require limits for each container."""
    beside = " (and `estimator-sidecar.resources`, where it is on)" if operand.ref.kind == DAEMON_SET else ""
    return f"set or lower `{operand.field}.resources`{beside}, or "


def _placement(operand: Operand) -> str:
    fields = ("node-selector", "tolerations", "resources")
    first, second, third = (f"`{operand.field}.{field}`" for field in fields)
    where = "the nodes" if operand.ref.kind == DAEMON_SET else "a node that runs Linux"
    return f"make room on {where}, or change {first}, {second} or {third}"
