"""What controllers and a kubelet do beside an API server that runs without them, as far as a Kepler can see it.

Pods are made on the real API server from the workloads' templates, so that its admission says why one cannot be. What
only a kubelet knows, such as an image that cannot be pulled, a case says by a function from a pod to a `Symptom`.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cli.doctor.check import missing_fields
from local.admin_client import ObjectNotFound
from local.local_errors import CommandFailed
from local.stack import Stack
from runtime.client import path
from runtime.objects import (
    DAEMON_SET,
    DEPLOYMENT,
    EVENT,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    Kind,
    Manifest,
    Ref,
    controller,
    generation,
    metadata,
    name,
    terminates,
    uid,
)

POD = Kind("v1", "Pod", "pods")
QUOTA = Kind("v1", "ResourceQuota", "resourcequotas")
STORAGE_CLASS = Kind("storage.k8s.io/v1", "StorageClass", "storageclasses", namespaced=False)
DIGEST = "tests/template"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
# Provisioners of which nothing comes: of volumes that an administrator makes, and one that nobody has installed.
NO_PROVISIONER, ABSENT_PROVISIONER = "kubernetes.io/no-provisioner", "kepler.example/absent"
UNBOUND_ON_NODE = "1 node(s) didn't find available persistent volumes to bind. no new claims to deallocate"
# Events that are Normal (k8s.io/kubernetes v1.35: pkg/controller/volume/persistentvolume/pv_controller.go,
# pkg/kubelet/images/image_manager.go). All others that pods and claims are waiting by are Warnings.
NORMAL = (
    r"^FailedBinding: no persistent volumes available",
    r"^(WaitForFirstConsumer|WaitForPodScheduled|ExternalProvisioning|ProvisioningSucceeded): ",
    r"^BackOff: Back-off pulling image",
)
WORKLOADS = ((DAEMON_SET, "kepler-exporter"), (DEPLOYMENT, "kepler-model-server"))


@dataclass(frozen=True)
class PodSymptom:
    """Why a pod is not ready: the reason and message of an Event, and why its container waits, if that is known."""

    event: str
    message: str
    container: str = ""
    waits: str = ""

    @property
    def type(self) -> str:
        """The type that the real program gives the Event."""
        return "Normal" if any(re.search(pattern, f"{self.event}: {self.message}") for pattern in NORMAL) else "Warning"


Kubelet = Callable[[Manifest], PodSymptom | None]


def well(_pod: Manifest) -> None:
    """Every pod becomes ready."""


@dataclass
class WorkloadControllers:
    """Of one namespace: quotas are counted, garbage is collected, claims are bound, pods are made and become ready.

    `late` says that the Deployment has used up its deadline, `counts` that the controller of quotas is at work. A pod
    that could not be made is tried again once its workload changes, or after `back_off_ends`.
    """

    stack: Stack
    namespace: str
    kubelet: Kubelet = well
    late: bool = False
    counts: bool = True
    _refused: set[tuple[str, str]] = field(default_factory=set)
    _told: set[tuple[str, ...]] = field(default_factory=set)
    _acted: str = ""
    _read: list[dict[str, Any]] | None = None

    def act(self) -> str:
        """Do what is to be done now; return the last thing that was, empty where there was nothing."""
        self._acted, self._read = "", None
        workloads = [(kind, self._get(Ref(kind, self.namespace, called))) for kind, called in WORKLOADS]
        if self.counts:
            self._count()
        self._collect({uid(workload) for _, workload in workloads if workload})
        self._bind()
        for kind, workload in workloads:
            if workload:
                self._roll_out(kind, workload)
        return self._acted

    def back_off_ends(self) -> None:
        """Let the controllers try again what they could not do before."""
        self._refused.clear()

    def pods(self, owner: Manifest) -> list[Manifest]:
        """Return the pods of a workload."""
        return [pod for pod in self._pods() if (owned := controller(pod)) and owned.uid == uid(owner)]

    def _pods(self) -> list[dict[str, Any]]:
        """Every pod of the namespace, read once for as long as nobody here changes one."""
        if self._read is None:
            self._read = self._list(POD)
        return self._read

    def _done(self, what: str) -> None:
        """Take note that something was done, after which nothing that was read holds."""
        self._acted, self._read = what, None

    def _list(self, kind: Kind) -> list[dict[str, Any]]:
        return self.stack.api.items(path(kind, self.namespace if kind.namespaced else ""))

    def _get(self, ref: Ref) -> dict[str, Any] | None:
        try:
            return self.stack.api.get(path(ref.kind, ref.namespace, ref.name))
        except ObjectNotFound:
            return None

    def _status(self, kind: Kind, workload: Manifest, status: dict[str, Any]) -> None:
        unsaid = {field: 0 for field, value in status.items() if value == 0}
        if missing_fields(status, {**unsaid, **(workload.get("status") or {})}):
            body = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {"name": name(workload)}}
            self.stack.api.apply(path(kind, self.namespace, name(workload), "status"), {**body, "status": status})
            self._done(f"status of {kind.name} '{name(workload)}': {status}")

    def _delete(self, kind: Kind, called: str) -> None:
        self.stack.api.delete(path(kind, self.namespace, called) + "?gracePeriodSeconds=0")
        self._done("an object made or deleted")

    def _count(self) -> None:
        """As the controller of quotas: what is hard is in force, and as much is used as there was before."""
        for quota in self._list(QUOTA):
            hard, used = quota["spec"]["hard"], (quota.get("status") or {}).get("used") or {}
            self._status(QUOTA, quota, {"hard": hard, "used": {key: used.get(key, "0") for key in hard}})

    def _collect(self, alive: set[str]) -> None:
        """As the garbage collector: what belongs to a workload that is gone goes; `OperatedNamespace` does the rest."""
        for pod in self._pods():
            if (owner := controller(pod)) and owner.uid not in alive:
                self._delete(POD, name(pod))

    # Claims

    def _bind(self) -> None:
        """As the controllers of claims: bound where the class exists; a deleted one goes once no pod runs on it."""
        for claim in self._list(PERSISTENT_VOLUME_CLAIM):
            if terminates(claim):
                self._release(claim)
            elif trouble := self._unbound(claim):
                self._say(PERSISTENT_VOLUME_CLAIM, claim, trouble)
            else:
                self._status(PERSISTENT_VOLUME_CLAIM, claim, {"phase": "Bound"})

    def _unbound(self, claim: Manifest) -> PodSymptom | None:
        called = claim["spec"].get("storageClassName")
        if called is None:
            classes = self._list(STORAGE_CLASS)
            if any(DEFAULT_CLASS in (metadata(entry).get("annotations") or {}) for entry in classes):
                return None
            return PodSymptom(
                "FailedBinding", "no persistent volumes available for this claim and no storage class is set"
            )
        storage = self._get(Ref(STORAGE_CLASS, "", called))
        if storage is None:
            return PodSymptom("ProvisioningFailed", f'storageclass.storage.k8s.io "{called}" not found')
        if storage["provisioner"] == NO_PROVISIONER:
            return PodSymptom("WaitForFirstConsumer", "waiting for first consumer to be created before binding")
        if storage["provisioner"] == ABSENT_PROVISIONER:
            text = f"Waiting for a volume to be created either by the external provisioner '{ABSENT_PROVISIONER}'"
            return PodSymptom("ExternalProvisioning", f"{text} or manually by the system administrator.")
        return None

    def _release(self, claim: Manifest) -> None:
        if not any(_runs(pod) and name(claim) in _claims(pod) for pod in self._pods()):
            patch = json.dumps({"metadata": {"finalizers": None}})
            self.stack.kubectl("-n", self.namespace, "patch", "pvc", name(claim), "--type=merge", "-p", patch)
            self._done("an object made or deleted")

    # Pods

    def _roll_out(self, kind: Kind, workload: Manifest) -> None:
        template = workload["spec"]["template"]
        digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]
        wanted = self._nodes(template["spec"]) if kind == DAEMON_SET else 1
        by_hand = (workload["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"
        for pod in self.pods(workload):
            if not wanted or (_digest(pod) != digest and not by_hand):
                self._delete(POD, name(pod))
        if wanted and not self.pods(workload):
            self._make(kind, workload, digest)
        pods = self.pods(workload)
        ready = sum(self._start(pod) for pod in pods)
        updated = sum(_digest(pod) == digest for pod in pods)
        self._progress(kind, workload, (wanted, len(pods), updated, ready))

    def _nodes(self, spec: Manifest) -> int:
        wanted = spec.get("nodeSelector") or {}
        nodes = self._list(NODE)
        return sum(wanted.items() <= (metadata(node).get("labels") or {}).items() for node in nodes)

    def _make(self, kind: Kind, workload: Manifest, digest: str) -> None:
        tried = (uid(workload), str(generation(workload)))
        if tried in self._refused:
            return
        template = workload["spec"]["template"]
        called = {"apiVersion": kind.api_version, "kind": kind.name, "name": name(workload), "uid": uid(workload)}
        described = {
            **template["metadata"],
            "name": f"{name(workload)}-{digest[:5]}",
            "annotations": {**(template["metadata"].get("annotations") or {}), DIGEST: digest},
            "ownerReferences": [{**called, "controller": True}],
        }
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": described, "spec": template["spec"]}
        try:
            self.stack.api.create(path(POD, self.namespace), pod)
            self._done("an object made or deleted")
        except CommandFailed as refused:
            self._refused.add(tried)
            message = str(refused).split(": ", 1)[1].partition(" ")[2]
            self._say(kind, workload, PodSymptom("FailedCreate", f"Error creating: {message}"))

    def _start(self, pod: Manifest) -> bool:
        """Whether a pod becomes ready; else it says why not."""
        symptom = self._waits_for_claim(pod) or self.kubelet(pod)
        if symptom is None:
            ready = {"type": "Ready", "status": "True"}
            self._status(POD, pod, {"phase": "Running", "conditions": [ready]})
            return True
        self._say(POD, pod, symptom)
        self._status(POD, pod, {"phase": "Pending", **_waiting(pod, symptom)})
        return False

    def _waits_for_claim(self, pod: Manifest) -> PodSymptom | None:
        for called in _claims(pod):
            claim = self._get(Ref(PERSISTENT_VOLUME_CLAIM, self.namespace, called))
            if not claim or (claim.get("status") or {}).get("phase") != "Bound":
                waits = self._unbound(claim) if claim else None
                on_node = waits is not None and waits.event == "WaitForFirstConsumer"
                why = UNBOUND_ON_NODE if on_node else "pod has unbound immediate PersistentVolumeClaims."
                return PodSymptom("FailedScheduling", f"0/1 nodes are available: {why}")
        return None

    def _progress(self, kind: Kind, workload: Manifest, counts: tuple[int, int, int, int]) -> None:
        wanted, there, updated, ready = counts
        seen = {"observedGeneration": generation(workload)}
        if kind == DAEMON_SET:
            scheduled = {"desiredNumberScheduled": wanted, "currentNumberScheduled": there}
            more = {"updatedNumberScheduled": updated, "numberAvailable": ready, "numberReady": ready}
            self._status(kind, workload, {**seen, **scheduled, **more, "numberMisscheduled": 0})
            return
        complete = {"reason": "NewReplicaSetAvailable"} if ready and updated == wanted else {}
        progressing = {"type": "Progressing", "status": "False" if self.late and not ready else "True", **complete}
        counted = {"replicas": there, "updatedReplicas": updated, "readyReplicas": ready, "availableReplicas": ready}
        self._status(kind, workload, {**seen, **counted, "conditions": [progressing]})

    def _say(self, kind: Kind, about: Manifest, symptom: PodSymptom) -> None:
        """An Event, once for what it is about as it is now; nothing of a symptom without an Event."""
        if not symptom.event:
            return
        once = (uid(about), str(generation(about)), symptom.event, symptom.message)
        if once in self._told:
            return
        self._told.add(once)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        involved = {"apiVersion": kind.api_version, "kind": kind.name, "name": name(about), "uid": uid(about)}
        place = {"namespace": self.namespace, **({"fieldPath": _field(about, symptom)} if symptom.container else {})}
        event = {
            "metadata": {"generateName": f"{name(about)}."},
            "involvedObject": {**involved, **place},
            "reason": symptom.event,
            "message": symptom.message,
            "type": symptom.type,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        self.stack.api.create(path(EVENT, self.namespace), event)
        self._done("an object made or deleted")


def _digest(pod: Manifest) -> str:
    return str((metadata(pod).get("annotations") or {}).get(DIGEST))


def _runs(pod: Manifest) -> bool:
    return (pod.get("status") or {}).get("phase") == "Running"


def _claims(pod: Manifest) -> list[str]:
    claims = (volume.get("persistentVolumeClaim") for volume in pod["spec"].get("volumes") or ())
    return [str(claim["claimName"]) for claim in claims if claim]


def _initial(pod: Manifest) -> set[str]:
    return {str(init_container["name"]) for init_container in pod["spec"].get("initContainers") or ()}


def _field(pod: Manifest, symptom: PodSymptom) -> str:
    """The path of a container, as the kubelet gives it."""
    containers = "initContainers" if symptom.container in _initial(pod) else "containers"
    return f"spec.{containers}{{{symptom.container}}}"


def _waiting(pod: Manifest, symptom: PodSymptom) -> dict[str, Any]:
    """The part of a pod's status that says why its container waits, or that it has no node."""
    if symptom.event == "FailedScheduling":
        cause = {"reason": "Unschedulable", "message": symptom.message}
        return {"conditions": [{"type": "PodScheduled", "status": "False", **cause}]}
    if not symptom.waits:
        return {"conditions": [{"type": "Ready", "status": "False"}]}
    waits = {"waiting": {"reason": symptom.waits, "message": symptom.message}}
    answer = {"name": symptom.container, "image": "", "imageID": "", "ready": False, "restartCount": 0, "state": waits}
    statuses = "initContainerStatuses" if symptom.container in _initial(pod) else "containerStatuses"
    return {statuses: [answer]}


def containers(pod: Manifest) -> Iterator[Manifest]:
    """Every container of a pod."""
    yield from pod["spec"].get("initContainers") or ()
    yield from pod["spec"]["containers"]
