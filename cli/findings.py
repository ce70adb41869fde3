"""What keeps pods of a workload from running, from what the API server says of them. Pure.

Reasons are the kubelet's and the scheduler's own words (k8s.io/kubernetes v1.35:pkg/kubelet/images/types.go,
pkg/kubelet/kuberuntime, pkg/scheduler).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runtime.objects import Manifest, metadata, name, terminates

IMAGE_REASONS = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
# Not worth a word for as long as a pod may be starting.
STARTING = frozenset({"ContainerCreating", "PodInitializing", ""})


@dataclass(frozen=True)
class Trouble:
    """One kind of trouble, how many pods have it, what one of them says of it, and what to do."""

    reason: str
    message: str
    pods: int
    example: str
    step: str


def troubles(pods: Iterable[Manifest], namespace: str) -> tuple[Trouble, ...]:
    """What keeps pods from being ready, the most frequent first; those that just start have nothing to say."""
    found: Counter[str] = Counter()
    first: dict[str, tuple[Manifest, str]] = {}
    for pod in pods:
        for reason, message in _troubled(pod):
            found[reason] += 1
            first.setdefault(reason, (pod, message))
            break
    return tuple(
        Trouble(reason, first[reason][1], count, name(first[reason][0]), _step(reason, first[reason][0], namespace))
        for reason, count in found.most_common()
    )


def _troubled(pod: Manifest) -> Iterator[tuple[str, str]]:
    """Everything that is wrong with a pod, what explains the rest first."""
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
    yield reason, f"container '{container.get('name')}': {message}"


def _step(reason: str, pod: Manifest, namespace: str) -> str:
    where = f"-n {namespace}"
    if reason in IMAGE_REASONS:
        images = ", ".join(sorted({one["image"] for one in _containers(pod)}))
        return f"check that the nodes can pull {images}; credentials go into `collector.image-pull-secrets`"
    if reason in ("Unschedulable", "SchedulingGated"):
        return (
            "make room, or change `collector.node-selector`, `collector.tolerations` or `collector.resources`; "
            f"kubectl describe pod {where} {name(pod)}"
        )
    if reason in ("CrashLoopBackOff", "RunContainerError", "StartError"):
        return f"see what it says: kubectl logs {where} {name(pod)} --all-containers --previous"
    return f"kubectl describe pod {where} {name(pod)}"


def _containers(pod: Manifest) -> Iterator[Mapping[str, Any]]:
    spec = pod.get("spec") or {}
    yield from (*(spec.get("initContainers") or ()), *(spec.get("containers") or ()))


def refused(workload: Manifest | None, events: Iterable[Manifest]) -> str:
    """Why the controller of a workload cannot make pods, by its latest Event (`FailedCreate`); empty if it can."""
    told = [
        one
        for one in events
        if one.get("reason") == "FailedCreate"
        and workload is not None
        and (one.get("involvedObject") or {}).get("uid") == metadata(workload).get("uid")
    ]
    return str(told[-1].get("message") or "") if told else ""


def matching(nodes: Iterable[Manifest], selector: Mapping[str, str]) -> int:
    """How many nodes carry all of these labels."""
    return sum(selector.items() <= (metadata(node).get("labels") or {}).items() for node in nodes)
