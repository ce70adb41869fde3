"""What a cluster would hold for a set of resources: every function's real decision, put together without an API server.

Functions decide in turn until none decides otherwise, as events make them in a cluster. What is applied is merged field
by field, and `managedFields` say whose each field is, since `collector` starts nothing before every key has its owner.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from crds.crd_files import RESOURCES
from crds.meta import API_VERSION, Resource
from functions import monitoring
from functions.function_catalogue import FUNCTIONS
from operands import children, namespaces, openshift
from runtime.adoption import MANAGED_BY
from runtime.declaration import Function, Observed
from runtime.objects import (
    COLLECTED_METRIC,
    EXPORTED_POWER,
    KEPLER,
    MACHINE_CONFIG,
    NODE,
    PROMETHEUS_RULE,
    SERVICE_MONITOR,
    Collection,
    Manifest,
    Ref,
    name,
)
from runtime.outcome import Outcome
from runtime.protocol import decide
from runtime.statuses import status_of
from tests.pure.test_machine_config import node, pool
from tests.pure.test_monitoring import defined

# Turns until nothing is decided otherwise: the owners of keys, whoever waits for them, and one to see it.
ROUNDS = 4

PLACES: Mapping[str, Ref] = {
    KEPLER.name: Ref(KEPLER, "energy", "kepler"),
    COLLECTED_METRIC.name: Ref(COLLECTED_METRIC, "energy", "sources"),
    EXPORTED_POWER.name: Ref(EXPORTED_POWER, "energy", "power"),
    MACHINE_CONFIG.name: Ref(MACHINE_CONFIG, "", "machines"),
}
KEY = PLACES[KEPLER.name]
MODELS: Mapping[str, type[Resource]] = {one.names.kind: one for one in RESOURCES.values()}


@dataclass(frozen=True)
class RenderedCluster:
    """The specs that a user wrote, by kind, and what the cluster has besides.

    `monitored`: the Prometheus operator is installed; `openshift`: there are MachineConfigs and two pools; `there` are
    further objects, and parts of those that functions write, as somebody else put them there.
    """

    specs: Mapping[str, Manifest] = field(default_factory=dict)
    monitored: bool = True
    openshift: bool = False
    there: Mapping[Ref, Manifest] = field(default_factory=dict)

    def resource(self, kind: str) -> dict[str, Any] | None:
        """The resource of this kind, None where the user wrote none; there is always a Kepler."""
        if kind not in self.specs and kind != KEPLER.name:
            return None
        ref = PLACES[kind]
        described = {"name": ref.name, "namespace": ref.namespace, "uid": kind, "generation": 1}
        return {"apiVersion": API_VERSION, "kind": kind, "metadata": described, "spec": self.specs.get(kind, {})}


@dataclass(frozen=True)
class Rendered:
    """What came of it: each function's last outcome, and each object as all its writers together have it."""

    outcomes: Mapping[str, Outcome]
    objects: Mapping[Ref, Manifest]
    resources: Mapping[str, Manifest]

    def data(self, config_map: str) -> dict[str, str]:
        """The keys of a ConfigMap in the Kepler's namespace; empty where there is none."""
        found = [one for ref, one in self.objects.items() if (ref.kind.name, ref.name) == ("ConfigMap", config_map)]
        return dict(found[0].get("data") or {}) if found else {}

    def pod(self, ref: Ref) -> Manifest:
        """The pod of a DaemonSet or Deployment."""
        found: Manifest = self.objects[ref]["spec"]["template"]["spec"]
        return found

    @property
    def absent(self) -> frozenset[Ref]:
        """What is to be removed where it is there."""
        return frozenset(ref for outcome in self.outcomes.values() for ref in outcome.absent)


@dataclass
class _Store:
    """An API server's memory, for as long as one rendering takes."""

    cluster: RenderedCluster
    resources: dict[str, Manifest]
    applied: dict[Ref, dict[str, Manifest]] = field(default_factory=dict)

    def get(self, ref: Ref) -> Manifest | None:
        """The object as all who applied it together have it."""
        mine = self.resources.get(ref.kind.name)
        if mine is not None and name(mine) == ref.name:
            return mine
        bodies, there = self.applied.get(ref, {}), self.cluster.there.get(ref) or _given(self.cluster).get(ref)
        if not bodies:
            return there
        merged = reduce(_merged, bodies.values(), there or {})
        described = {**merged.get("metadata", {}), "name": ref.name, "namespace": ref.namespace}
        owned = [*described.get("managedFields", ()), *(_entry(who, body) for who, body in bodies.items())]
        return {**merged, "metadata": {**described, "managedFields": owned}}

    def list(self, collection: Collection) -> tuple[Manifest, ...]:
        """All objects of a kind."""
        if collection.kind == NODE:
            return (node(),)
        found = self.resources.get(collection.kind.name)
        return (found,) if found else ()

    def observed(self, function: Function, parent: Manifest) -> Observed:
        """What a function reads of this parent, by its own declarations."""
        return function.observed(PLACES[function.parent.name], parent, self.get, self.list)

    def write(self, function: Function, outcome: Outcome, parent: Manifest) -> None:
        """Every intent, absence and status field of an outcome."""
        for intent in outcome.intents:
            self.applied.setdefault(intent.ref, {})[function.manager] = intent.body
        for ref in outcome.absent:
            self.applied.pop(ref, None)
        said = status_of(function, outcome, parent)
        before = parent.get("status") or {}
        types = {one["type"] for one in said["conditions"]}
        others = [one for one in before.get("conditions", ()) if one["type"] not in types]
        status = {**_merged(before, said), "conditions": [*others, *said["conditions"]]}
        self.resources[function.parent.name] = {**parent, "status": status}


def with_keys(data: Mapping[str, str], ref: Ref | None = None) -> dict[Ref, Manifest]:
    """A ConfigMap made here, `kepler-cfm` unless another is named, to which a user has added these keys."""
    return {ref or children.cfm(KEY): {"metadata": {"labels": MANAGED_BY}, "data": data}}


def rendered(cluster: RenderedCluster) -> Rendered:
    """What the functions bring about for these resources, once they have all come to rest."""
    written = {kind: cluster.resource(kind) for kind in PLACES}
    store = _Store(cluster, {kind: one for kind, one in written.items() if one is not None})
    outcomes: dict[str, Outcome] = {}
    for _ in range(ROUNDS):
        before, outcomes = outcomes, dict(_turn(store))
        if outcomes == before:
            break
    else:
        raise AssertionError("the functions do not come to rest")
    removed = {ref for outcome in outcomes.values() for ref in outcome.absent}
    refs = {*store.applied, *cluster.there} - removed
    objects = {ref: found for ref in sorted(refs) if (found := store.get(ref)) is not None}
    return Rendered(outcomes, objects, store.resources)


def _turn(store: _Store) -> Iterator[tuple[str, Outcome]]:
    for function in FUNCTIONS:
        parent = store.resources.get(function.parent.name)
        outcome = parent and decide(function, store.observed(function, parent))
        if parent and outcome:
            if not outcome.quiet:
                store.write(function, outcome, parent)
            yield function.name, outcome


def _given(cluster: RenderedCluster) -> dict[Ref, Manifest]:
    """What is in the cluster before any function writes: what `config/` ships, and what others have installed."""
    allowed = {"metadata": {"name": KEY.namespace, "labels": namespaces.LABELS}}
    found: dict[Ref, Manifest] = {
        children.binding(KEY): {"metadata": {"name": children.EXPORTER}},
        namespaces.ref(KEY): allowed,
    }
    if cluster.monitored:
        found |= {monitoring.definition(kind): defined(kind) for kind in (SERVICE_MONITOR, PROMETHEUS_RULE)}
    if cluster.openshift:
        found |= {openshift.API: {"metadata": {"name": openshift.API.name}}}
        found |= {openshift.pool(role): pool(role) for role in ("master", "worker")}
    return found


def _merged(one: Manifest, other: Manifest) -> Manifest:
    """Both, the second counting more; a list is taken as a whole."""
    both = {
        key: _merged(one[key], other[key])
        for key in one.keys() & other.keys()
        if isinstance(one[key], Mapping) and isinstance(other[key], Mapping)
    }
    return {**one, **other, **both}


def _entry(manager: str, body: Manifest) -> Manifest:
    """A manager's entry in `managedFields`."""
    return {"manager": manager, "operation": "Apply", "fieldsV1": _fields(body)}


def _fields(body: Manifest) -> dict[str, Any]:
    """Which fields a body sets, as FieldsV1 has them; of lists, only that of the owners has its items told apart."""
    return {
        f"f:{key}": _fields(value)
        if isinstance(value, Mapping)
        else {f'k:{{"uid":"{one["uid"]}"}}': {} for one in value}
        if key == "ownerReferences"
        else {}
        for key, value in body.items()
    }
