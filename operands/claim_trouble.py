"""Why the model server's claim has no volume: the Events that say so, and a step for each.

The controller of claims writes the reasons `FailedBinding` (if the claim has no class) and `ExternalProvisioning` as
Normal events, and repeats them while the claim waits (k8s.io/kubernetes v1.35:
pkg/controller/volume/persistentvolume/pv_controller.go). The scheduler writes Warnings about the pod that waits for the
claim (pkg/scheduler/framework/plugins/volumebinding); the claim's own Event, if there is one, says more.
"""

import re
from dataclasses import dataclass

from operands import children
from runtime.objects import DEPLOYMENT, EVENT, PERSISTENT_VOLUME_CLAIM, Collection, Manifest, Ref

SCHEDULING = "FailedScheduling"
# The Event of a volume that was made: older Events about the claim are stale.
PROVISIONED = "ProvisioningSucceeded"
# The Event of a claim that waits for a program outside Kubernetes: no more than a delay, unless it lasts.
EXTERNAL = "ExternalProvisioning"
# What the scheduler says of a volume on other nodes (pkg/scheduler/framework/plugins/volumebinding/binder.go), also
# before v1.35.
OUT_OF_REACH = r"PersistentVolume's node affinity|volume node affinity conflict|had no available volume zone"
STORAGE_CLASS = "`model-server.storage.claim.storage-class`"


@dataclass(frozen=True)
class ClaimEventKind:
    """One cause of a claim without a volume: the reason of an Event, a pattern in its message, and the step.

    `{delete}` in a step is the command that deletes the claim: a class that is set cannot be changed otherwise.
    `{replace}` is the same command for a claim that had models.
    """

    event: str
    message: str
    step: str


# The first match counts.
KINDS = (
    ClaimEventKind(
        "FailedBinding",
        r"no storage class is set",
        "create a default StorageClass or a volume for the claim, or set "
        f"{STORAGE_CLASS} to a StorageClass that exists",
    ),
    ClaimEventKind("FailedBinding", r"", "create another volume for the claim, or change what the message names"),
    ClaimEventKind(
        "ClaimLost",
        r"",
        "restore that volume, or if it is gone for good, run {replace}, after which the model server gets a new claim",
    ),
    ClaimEventKind("VolumeMismatch", r"", "create another volume for the claim, or change what the message names"),
    ClaimEventKind(
        "ProvisioningFailed",
        r"not found$",
        f"create that StorageClass or a volume for the claim, or set {STORAGE_CLASS} to one that exists and run "
        "{delete}",
    ),
    ClaimEventKind(
        "ProvisioningFailed",
        r"",
        f"mend what the message names, or create a volume for the claim, or set {STORAGE_CLASS} to another "
        "StorageClass and run {delete}",
    ),
    ClaimEventKind(
        EXTERNAL,
        r"",
        "if it stays so, have that provisioner installed and running, or create a volume for the claim, or set "
        f"{STORAGE_CLASS} to a StorageClass with another provisioner and run {{delete}}",
    ),
    ClaimEventKind(
        SCHEDULING,
        r"find available persistent volumes to bind",
        "create a volume of the claim's StorageClass that a node can reach, or set "
        f"{STORAGE_CLASS} to a StorageClass with a provisioner and run {{delete}}",
    ),
    ClaimEventKind(
        SCHEDULING,
        r"did not have enough free storage",
        "free storage on a node that can run the model server, or lower `model-server.storage.claim.size` or set "
        f"{STORAGE_CLASS} to another StorageClass and run {{delete}}",
    ),
    ClaimEventKind(
        SCHEDULING,
        r"unbound (immediate )?PersistentVolumeClaims|binding volumes:",
        f"read why by {{describe}}, then create a volume for the claim, or set {STORAGE_CLASS} to another StorageClass "
        "and run {delete}",
    ),
)


def is_about_claim(event: str, message: str) -> bool:
    """Return whether an Event of this reason and message says that the claim has no volume."""
    return _kind(event, message) is not None


def tells_of_volume(event: Manifest) -> bool:
    """Return whether an Event says that a volume was made for the claim."""
    return event.get("reason") == PROVISIONED


def step(key: Ref, event: str = SCHEDULING, message: str = "") -> str:
    """Return how to get a volume for the claim, by the Event that says why there is none; `key` is of its namespace."""
    kind = _kind(event, message) or KINDS[-1]
    where = f"pvc -n {key.namespace} {children.CLAIM}"
    return kind.step.format(
        delete=f"`kubectl delete {where}`, in which no models are yet",
        replace=f"`kubectl delete {where}`",
        describe=f"`kubectl describe {where}`",
    )


def node_step(workload: Ref, message: str) -> str:
    """Return what to do if no node that the model server may run on reaches the claim's volume; empty otherwise.

    The claim is bound, so it has models: the nodes have to follow.
    """
    if workload.kind != DEPLOYMENT or not re.search(OUT_OF_REACH, message):
        return ""
    return (
        "have a node that reaches the claim's volume take the pod by `model-server.node-selector` or "
        f"`model-server.tolerations` (`kubectl describe pvc -n {workload.namespace} {children.CLAIM}` names the volume)"
    )


def notices(key: Ref, most: int) -> Collection:
    """Return the collection of Normal events about the claim, of which there are few."""
    about = f"involvedObject.kind={PERSISTENT_VOLUME_CLAIM.name},involvedObject.name={children.CLAIM}"
    return Collection(EVENT, key.namespace, fields=f"type=Normal,{about}", most=most)


def _kind(event: str, message: str) -> ClaimEventKind | None:
    return next((kind for kind in KINDS if kind.event == event and re.search(kind.message, message)), None)
