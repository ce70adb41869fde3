"""Finds the problems that keep pods of a workload from running, in their status. Pure.

Reasons are those of the kubelet and the scheduler (k8s.io/kubernetes v1.35:pkg/kubelet/images/types.go,
pkg/kubelet/kuberuntime, pkg/scheduler).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from operands import pod_trouble
from operands.claim_trouble import SCHEDULING
from operands.pod_trouble import Operand, Reason, TroubleSubject
from runtime import redact
from runtime.objects import Manifest, metadata, name, terminates
from runtime.printable import visible_line

REASONS: Mapping[str, Reason] = {
    **dict.fromkeys(("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"), Reason.IMAGE_PULL),
    **dict.fromkeys(("CrashLoopBackOff", "RunContainerError", "StartError"), Reason.CRASH_LOOP),
    "CreateContainerConfigError": Reason.CONTAINER_CONFIG,
}
# States of a pod without a node: the message says whether nodes or the claim are why.
WAITS_FOR_NODE = frozenset({"Unschedulable", "SchedulingGated"})
# Characters of a container's last line.
MAX_LAST_LINE = 300
# Reasons of a pod that starts without a problem.
STARTING = frozenset({"ContainerCreating", "PodInitializing", ""})


@dataclass(frozen=True)
class Trouble:
    """A problem: the number of pods that have it, the message and the name of one of them, and what to do.

    `reason` is the one of a condition, None if conditions have none for it; `state` is the kubelet's or scheduler's.
    """

    reason: Reason | None
    state: str
    message: str
    pods: int
    example: str
    step: str


def troubles(pods: Iterable[Manifest], operand: Operand) -> tuple[Trouble, ...]:
    """Return the problems that keep pods from being ready, the most frequent first; pods that just start have none."""
    counts: Counter[str] = Counter()
    first: dict[str, tuple[Manifest, str]] = {}
    for pod in pods:
        for state, message in _troubled(pod):
            counts[state] += 1
            first.setdefault(state, (pod, message))
            break
    return tuple(_trouble(state, count, *first[state], operand) for state, count in counts.most_common())


def _trouble(state: str, count: int, pod: Manifest, message: str, operand: Operand) -> Trouble:
    reason = pod_trouble.reason_of(operand, SCHEDULING, message) if state in WAITS_FOR_NODE else REASONS.get(state)
    described = f"kubectl describe pod -n {operand.ref.namespace} {name(pod)}"
    container = re.match(r"container '([^']+)'", message)
    about = TroubleSubject(name(pod), container[1] if container else "", SCHEDULING, message)
    step = pod_trouble.step(operand, reason, about) if reason else described
    return Trouble(reason, state, message, count, name(pod), step)


def _troubled(pod: Manifest) -> Iterator[tuple[str, str]]:
    """Yield state and message of every problem of a pod; the first one explains the others."""
    status = pod.get("status") or {}
    if terminates(pod):
        return
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            yield str(condition.get("reason") or "Unschedulable"), str(condition.get("message") or "")
    if status.get("phase") == "Failed":
        yield str(status.get("reason") or "Failed"), str(status.get("message") or "")
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        yield from _waiting(container)


def _waiting(container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    waits = (container.get("state") or {}).get("waiting") or {}
    reason = str(waits.get("reason") or "")
    if reason in STARTING:
        return
    ended = (container.get("lastState") or {}).get("terminated") or {}
    because = f"it ended with {ended.get('exitCode')} ({ended.get('reason', 'Error')})" if ended else ""
    message = str(waits.get("message") or because)
    yield reason, f"container '{container.get('name')}': {message}{_last_line(ended)}"


def _last_line(ended: Mapping[str, Any]) -> str:
    """Return the last line that a container wrote before it ended, cut to `MAX_LAST_LINE`; empty if unknown."""
    lines = str(ended.get("message") or "").strip().splitlines()
    return f", its last words were '{visible_line(redact.text(lines[-1][:MAX_LAST_LINE]))}'" if lines else ""


def matching(nodes: Iterable[Manifest], selector: Mapping[str, str]) -> int:
    """Return how many nodes have all of these labels."""
    return sum(selector.items() <= (metadata(node).get("labels") or {}).items() for node in nodes)
