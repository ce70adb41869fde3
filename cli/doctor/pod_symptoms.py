"""Why a function does not run, by its pods and its newest Revision. Pure.

A Revision's conditions are those of serving v0.50 (`pkg/apis/serving/v1/revision_lifecycle.go`). Knative copies a
waiting container's reason to them only after the Deployment's deadline of ten minutes; pods show it at once.
"""

from collections.abc import Iterator
from typing import Any

from cli.doctor.check import Symptom
from runtime.conditions import conditions
from runtime.objects import Manifest, metadata, name, terminates

# Labels that Knative Serving sets on the pods of a Service and of a Revision.
OF_SERVICE, OF_REVISION = "serving.knative.dev/service", "serving.knative.dev/revision"
# Reasons for which a kubelet does not have an image (kubernetes v1.35:pkg/kubelet/images/types.go).
UNPULLED = frozenset(
    {
        "ErrImageNeverPull",
        "ErrImagePull",
        "ErrImagePullBackOff",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
# Reasons of a container that has not started yet, without a problem.
STARTING = frozenset({"ContainerCreating", "PodInitializing"})
OVER = ("Succeeded", "Failed")
OUT_OF_MEMORY = "OOMKilled"
# Conditions of a Revision: about its image and process, and about its Deployment and pods.
HEALTHY, AVAILABLE = "ContainerHealthy", "ResourcesAvailable"
MISSING_IMAGE = "ContainerMissing"
MAX_MESSAGE = 200

PULL = (
    "push the image to where the nodes can pull it, name it by `images` in your overlay (docs/install.md) and apply "
    "that; a private registry needs `imagePullSecrets` in the functions' ServiceAccounts"
)
SCHEDULE = (
    "free CPU or memory, or add a node: a function's pod asks for 50m CPU with its queue-proxy, and `apply` on an idle "
    "cluster starts eight at once"
)


def of_pods(service: Manifest, pods: tuple[Manifest, ...], namespace: str) -> Iterator[Symptom]:
    """Yield the problems that keep the pods of a Knative Service from running."""
    for pod in pods:
        ours = (metadata(pod).get("labels") or {}).get(OF_SERVICE) == name(service)
        if ours and not terminates(pod) and (pod.get("status") or {}).get("phase") not in OVER:
            yield from _of_pod(pod, namespace)


def _of_pod(pod: Manifest, namespace: str) -> Iterator[Symptom]:
    scheduled = conditions(pod).get("PodScheduled") or {}
    if scheduled.get("status") == "False":
        sentence = f"a pod cannot be scheduled: {_short(scheduled.get('message') or scheduled.get('reason'))}"
        yield Symptom("unschedulable", sentence, SCHEDULE)
    status = pod.get("status") or {}
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        yield from _of_container(pod, container, namespace)


def _of_container(pod: Manifest, container: Any, namespace: str) -> Iterator[Symptom]:
    state = container.get("state") or {}
    waiting = state.get("waiting") or {}
    reason = str(waiting.get("reason") or "")
    ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated")
    if reason in UNPULLED:
        image = _image(pod, container)
        detail = f"{reason}: {_short(waiting.get('message'))}" if waiting.get("message") else reason
        yield Symptom(f"image {image}", f"image '{image}' cannot be pulled ({detail})", PULL)
    elif ended and not container.get("ready") and "running" not in state:
        yield _exit(pod, container, ended, namespace)
    elif reason and reason not in STARTING:
        do = f"kubectl -n {namespace} describe pod {name(pod)}"
        sentence = f"container '{container['name']}' cannot start ({reason}: {_short(waiting.get('message'))})"
        yield Symptom(f"start {reason} {waiting.get('message')}", sentence, do)


def _exit(pod: Manifest, container: Any, ended: Any, namespace: str) -> Symptom:
    """Return the symptom of a container that ended although it should run."""
    code, reason, called = ended.get("exitCode"), str(ended.get("reason") or ""), container["name"]
    if reason == OUT_OF_MEMORY:
        sentence = f"container '{called}' needed more memory than its limit, and was killed"
        return Symptom(
            f"memory {called}", sentence, "raise `resources.limits.memory` of the Knative Service in an overlay"
        )
    last = _short(ended.get("message")) or "its log says why"
    sentence = f"container '{called}' exits with code {code}: {last}"
    do = f"kubectl -n {namespace} logs {name(pod)} -c {called} --previous"
    return Symptom(f"exit {called} {code} {last}", sentence, do)


def _image(pod: Manifest, container: Any) -> str:
    """Return the image as the pod's spec names it; the status may have its digest instead, or nothing."""
    spec = pod.get("spec") or {}
    containers = (*(spec.get("initContainers") or ()), *(spec.get("containers") or ()))
    named = (entry.get("image") for entry in containers if entry.get("name") == container["name"])
    return str(next(named, None) or container.get("image") or "")


def of_revision(service: Manifest, revisions: tuple[Manifest, ...], namespace: str) -> Symptom | None:
    """Return why the newest Revision of a Knative Service does not run; None if its conditions do not say so."""
    newest = str((service.get("status") or {}).get("latestCreatedRevisionName") or "")
    revision = next((revision for revision in revisions if name(revision) == newest), None)
    if revision is None:
        return None
    for kind in (HEALTHY, AVAILABLE):
        condition = conditions(revision).get(kind) or {}
        reason, message = str(condition.get("reason") or ""), _short(condition.get("message"))
        if condition.get("status") == "False" or (condition.get("status") == "Unknown" and message):
            return _of_condition(reason, message, f"kubectl -n {namespace} describe revision {newest}")
    return None


def _of_condition(reason: str, message: str, describe: str) -> Symptom:
    if reason in UNPULLED | {MISSING_IMAGE}:
        return Symptom(f"image {message}", f"its image cannot be pulled ({reason}: {message})", PULL)
    if reason == "Unschedulable":
        return Symptom("unschedulable", f"a pod cannot be scheduled: {message}", SCHEDULE)
    sentence = f"its newest Revision does not run ({': '.join(part for part in (reason, message) if part)})"
    return Symptom(f"{reason} {message}", sentence, describe)


def _short(message: object) -> str:
    """Return a message in one line of bounded length."""
    line = " ".join(str(message or "").split())
    return f"{line[:MAX_MESSAGE]}..." if len(line) > MAX_MESSAGE else line
