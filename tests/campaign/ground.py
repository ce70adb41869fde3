"""What the campaign stands on: one namespace, the resources that a user wrote, and what there is to say of them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crds.meta import API_VERSION
from crds.model_server_fields import OnDelete, StorageType
from effects.rendered_cluster import ADDITIONS, PLACES
from events.outcome_words import ConditionStatus
from functions import machine_config
from local.local_errors import CommandFailed
from local.stack import Stack
from operands import children
from operands.model_store import ON_DELETE
from runtime.client import APPLY, ApiResponse, Request, path
from runtime.conditions import READY, conditions
from runtime.objects import (
    CONFIG_MAP,
    DAEMON_SET,
    DEPLOYMENT,
    MACHINE_CONFIG,
    NODES_CONFIG,
    PERSISTENT_VOLUME_CLAIM,
    Manifest,
    Ref,
    metadata,
)
from runtime.transport import connect
from tests.campaign.values import filled
from tests.faults import oracles
from tests.faults.fault_world import FaultWorld
from tests.faults.plane import INSTALLED, NAMESPACE

# Those that a Kepler refers to come before it, so that it is not refused for want of them.
ORDER = (*(kind for kind in PLACES if kind != "Kepler"), "Kepler")
ADDED = {"data": {"config.yaml": "monitor: {minTerminatedEnergyThreshold: 0}"}}
OPERANDS = (DAEMON_SET, DEPLOYMENT)
Specs = Mapping[str, Manifest]


@dataclass(frozen=True, order=True)
class Rejection:
    """A condition that is False: on what, which one, and what it says."""

    resource: str
    condition: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"`{self.condition}` of {self.resource} is False, {self.reason}: {self.message}"


@dataclass(frozen=True)
class Settled:
    """Where a change begins: the specs, all that came of them, and what is wrong already."""

    specs: Specs
    state: Mapping[str, Any]
    rejections: frozenset[Rejection]
    operands: Mapping[str, str]
    wrong: tuple[str, ...] = ()


class Ground:
    """The world, and what is written in it. `specs` are those that the API server took last, by kind."""

    def __init__(self, stack: Stack) -> None:
        self.world = FaultWorld(stack, NAMESPACE, INSTALLED)
        self.specs: dict[str, Manifest] = {}
        self._settled: Settled | None = None
        self._send = connect({"KUBECONFIG": str(stack.admin)}, user_agent="campaign")
        self.clear()

    def clear(self) -> None:
        """Nothing is left but the ConfigMap that `collector.additional-config` names."""
        self.world.clear()
        self.world.apply({"apiVersion": "v1", "kind": CONFIG_MAP.name, "metadata": {"name": ADDITIONS.name}, **ADDED})
        self.specs, self._settled = {}, None

    def write(self, specs: Specs) -> str:
        """Each resource as the user wants it, and none besides; why the API server refuses one, empty if it takes all.

        Nothing is awaited.
        """
        self.world.begin()
        for kind in self.specs.keys() - specs.keys():
            self.world.delete(self.ref(kind))
            del self.specs[kind]
        for kind in ORDER:
            if kind in specs and self.specs.get(kind) != specs[kind]:
                try:
                    self.world.apply(document(kind, specs[kind]))
                except CommandFailed as refused:
                    return str(refused)
                self.specs[kind] = specs[kind]
        return ""

    def rest(self) -> list[str]:
        """Everything that follows from it, until nothing moves; what is wrong then."""
        try:
            self.world.drain()
        except AssertionError as restless:
            self.world.queue.clear()
            return [str(restless)]
        letters = [f"dead letter: {letter}" for letter in self.world.letters]
        return [*self.world.defects, *letters, *self._unfinished()]

    def _unfinished(self) -> Iterator[str]:
        """What a sweep would ask for; not of a function whose write the API server refuses, which tries it again."""
        refused = {rejection.condition for rejection in self.rejections() if rejection.reason == "Invalid"}
        names = tuple(f"{function.name} of " for function in self.world.functions if function.condition in refused)
        yield from (text for text in oracles.unfinished(self.world) if not text.startswith(names))

    def begin(self, specs: Specs) -> Settled:
        """These resources, at rest, and nothing that was kept from what was there before.

        Whoever leaves them leaves the ground as it was, or clears it.
        """
        if self._settled and self.specs == specs == self._settled.specs:
            return self._settled
        problems = self._become(specs)
        claim = children.claim(self.ref("Kepler"))
        if not problems and claim in self.world.objects:
            self.world.delete(claim)
            problems = self.rest()
        self._settled = Settled(specs, self.state(), self.rejections(), self.operands(), tuple(problems))
        return self._settled

    def _become(self, specs: Specs) -> list[str]:
        refused = self.write(specs)
        return [refused] if refused else self.rest()

    def strictly(self, kind: str, spec: Any) -> ApiResponse:
        """Server-side apply with every field validated; what the API server answers."""
        ref, query = self.ref(kind), {"fieldManager": "kepler-local", "force": "true", "fieldValidation": "Strict"}
        request = Request("PATCH", path(ref.kind, ref.namespace, ref.name), query, document(kind, spec), APPLY)
        return self._send(request)

    def ref(self, kind: str) -> Ref:
        """The resource of this kind."""
        place = PLACES[kind]
        return Ref(place.kind, self.world.namespace if place.kind.namespaced else "", place.name)

    def resource(self, kind: str) -> Manifest:
        """The resource as it is; empty where there is none."""
        return self.world.objects.get(self.ref(kind)) or {}

    def rejections(self) -> frozenset[Rejection]:
        """Every condition that is False, of any resource of ours; what only sums up others is left out."""
        return frozenset(
            Rejection(str(ref), kind, str(condition["reason"]), str(condition["message"]))
            for ref, manifest in self.world.objects.items()
            if ref.kind.group == PLACES["Kepler"].kind.group
            for kind, condition in conditions(manifest).items()
            if condition["status"] == ConditionStatus.FALSE and kind != READY
        )

    def operands(self) -> dict[str, str]:
        """What runs: the specs of the workloads, to the byte."""
        return {
            str(ref): json.dumps(manifest["spec"], sort_keys=True)
            for ref, manifest in self.world.objects.items()
            if ref.kind in OPERANDS
        }

    def versions(self) -> dict[str, str]:
        """The version of every object, as the API server has it now."""
        objects = {ref: self.world.read(ref) for ref in self.world.objects}
        return {str(ref): str(metadata(entry or {}).get("resourceVersion")) for ref, entry in objects.items()}

    def state(self) -> dict[str, Any]:
        """All there is, with nothing in it that differs from run to run, or that is to depend on the way there."""
        state = oracles.state(self.world)
        for ref in [*self.world.objects]:
            if self._kept(ref):
                del state[str(ref)]
        claim = str(children.claim(self.ref("Kepler")))
        if claim in state and self._storage().get("claim", {}).get("storage-class") is None:
            state[claim] = _classless(state[claim])
        exporter = str(children.daemon_set(self.ref("Kepler")))
        if exporter in state:
            state[exporter] = _strategic(state[exporter])
        for kind in self.specs:
            state[str(self.ref(kind))] = _told(state[str(self.ref(kind))])
        if self._undecided():
            entry = state[str(self.ref(MACHINE_CONFIG.name))]
            conditions = [
                condition for condition in entry["status"]["conditions"] if condition["type"] not in UNDECIDED
            ]
            state[str(self.ref(MACHINE_CONFIG.name))] = {
                **entry,
                "status": {**entry["status"], "conditions": conditions},
            }
        return state

    def _kept(self, ref: Ref) -> bool:
        """What the user said is to stay, and so tells of what was there before.

        A claim with models in it, which `on-delete` 'Retain' keeps when no server asks for it; and MachineConfigs,
        none of which is written or removed without leave to reboot.
        """
        if ref.kind == PERSISTENT_VOLUME_CLAIM:
            annotation = (metadata(self.world.objects[ref]).get("annotations") or {}).get(ON_DELETE)
            return annotation == OnDelete.RETAIN and not self._claimed()
        return ref.kind == NODES_CONFIG and self._undecided()

    def _claimed(self) -> bool:
        server = (self.specs.get("Kepler") or {}).get("model-server") or {}
        return bool(server.get("enabled")) and self._storage().get("type") == StorageType.CLAIM

    def _storage(self) -> dict[str, Any]:
        spec: dict[str, Any] = filled(self.specs.get("Kepler") or {})
        document: dict[str, Any] = spec.get("model-server", {}).get("storage", {})
        return document

    def _undecided(self) -> bool:
        """Whether what is asked of the machines may be in place or not, as `allow-reboot` was before."""
        asked = self.specs.get(MACHINE_CONFIG.name)
        return asked is not None and not asked.get("allow-reboot")


def _classless(claim: dict[str, Any]) -> dict[str, Any]:
    """A claim whose class nobody names keeps the one that it has: the API server lets it have no other, nor none."""
    spec = {field: value for field, value in claim["spec"].items() if field != "storageClassName"}
    text = json.dumps(claim["metadata"]["managedFields"]).replace('"f:storageClassName": {}, ', "")
    owners = json.loads(text.replace(', "f:storageClassName": {}', ""))
    return {**claim, "spec": spec, "metadata": {**claim["metadata"], "managedFields": owners}}


def _strategic(workload: dict[str, Any]) -> dict[str, Any]:
    """A DaemonSet's strategy: what the API server filled in for 'RollingUpdate' stays, and counts for no other."""
    strategy = {key: value for key, value in workload["spec"]["updateStrategy"].items() if key != "rollingUpdate"}
    if strategy["type"] == "RollingUpdate":
        return workload
    return {**workload, "spec": {**workload["spec"], "updateStrategy": strategy}}


def _told(resource: dict[str, Any]) -> dict[str, Any]:
    """A resource of ours, with what the API server makes of applies that say the same left out.

    A block or list that loses what is in it becomes null where it was applied as empty: both are blank. And whoever
    applies nothing but what is empty is no manager of fields any more.
    """
    described = resource["metadata"]
    functions = [
        managed_field for managed_field in described.get("managedFields", ()) if managed_field["manager"] not in USERS
    ]
    return {**resource, "metadata": {**described, "managedFields": functions}, "spec": filled(resource["spec"])}


# Who writes a spec: the campaign, and the name that the API server has for whoever wrote before.
USERS = ("kepler-local", "before-first-apply", "kubectl-patch")
UNDECIDED = (machine_config.CONDITION, READY)


def document(kind: str, spec: Any) -> dict[str, Any]:
    """The resource with this spec."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": PLACES[kind].name}, "spec": spec}


def without_intent(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state without what the user wrote, which may say the same in more ways than one."""
    ours = {f"{place.kind.name} '{place.name}'" for place in PLACES.values()}
    return {name: {"status": entry.get("status")} if name in ours else entry for name, entry in state.items()}
