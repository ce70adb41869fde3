"""The objects that a cluster would have for a set of resources: every function's decision, without an API server.

`cli.prediction.simulate` runs the functions, as `kubectl kepler diff` does. This module makes the cluster that they
see, and keeps the result of the run.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cli.prediction.simulate import Memory, simulate
from crds.crd_files import RESOURCES
from crds.meta import API_VERSION, Resource
from effects.cluster_objects import definition, node, pool
from functions import monitoring
from operands import children, namespaces, openshift
from runtime.adoption import MANAGED_BY
from runtime.objects import (
    COLLECTED_METRIC,
    CONFIG_MAP,
    EXPORTED_POWER,
    KEPLER,
    MACHINE_CONFIG,
    NODE,
    PROMETHEUS_RULE,
    SERVICE_MONITOR,
    Collection,
    Manifest,
    Ref,
)
from runtime.outcome import Outcome

PLACES: Mapping[str, Ref] = {
    KEPLER.name: Ref(KEPLER, "energy", "kepler"),
    COLLECTED_METRIC.name: Ref(COLLECTED_METRIC, "energy", "sources"),
    EXPORTED_POWER.name: Ref(EXPORTED_POWER, "energy", "power"),
    MACHINE_CONFIG.name: Ref(MACHINE_CONFIG, "", "machines"),
}
KEY = PLACES[KEPLER.name]
# The ConfigMap with which a user adds to the configuration of Kepler v0.11.
ADDITIONS = Ref(CONFIG_MAP, KEY.namespace, "additions")
MODELS: Mapping[str, type[Resource]] = {resource.names.kind: resource for resource in RESOURCES.values()}


@dataclass(frozen=True)
class RenderedCluster:
    """The specs that a user wrote, by kind, and the other objects of the cluster.

    `monitored`: the Prometheus operator is installed. `openshift`: there are MachineConfigs and two pools. `there` are
    further objects, and fields that somebody else has set in objects that functions write.
    """

    specs: Mapping[str, Manifest] = field(default_factory=dict)
    monitored: bool = True
    openshift: bool = False
    there: Mapping[Ref, Manifest] = field(default_factory=dict)

    def resource(self, kind: str) -> dict[str, Any] | None:
        """Return the resource of this kind, None if the user wrote none; there is always a Kepler."""
        if kind not in self.specs and kind != KEPLER.name:
            return None
        ref = PLACES[kind]
        described = {"name": ref.name, "namespace": ref.namespace, "uid": kind, "generation": 1}
        return {"apiVersion": API_VERSION, "kind": kind, "metadata": described, "spec": self.specs.get(kind, {})}


@dataclass(frozen=True)
class Rendered:
    """The result of a run: last outcomes by function, objects with the fields of all writers, and resources by kind."""

    outcomes: Mapping[str, Outcome]
    objects: Mapping[Ref, Manifest]
    resources: Mapping[str, Manifest]

    def data(self, config_map: str) -> dict[str, str]:
        """Return the data of a ConfigMap in the Kepler's namespace; empty if there is none."""
        return dict(self.objects.get(Ref(CONFIG_MAP, KEY.namespace, config_map), {}).get("data") or {})

    def pod(self, ref: Ref) -> Manifest:
        """Return the pod spec of a DaemonSet or Deployment."""
        pod: Manifest = self.objects[ref]["spec"]["template"]["spec"]
        return pod

    @property
    def absent(self) -> frozenset[Ref]:
        """Return the objects to remove, if they exist."""
        return frozenset(ref for outcome in self.outcomes.values() for ref in outcome.absent)


def with_keys(data: Mapping[str, str], ref: Ref | None = None) -> dict[Ref, Manifest]:
    """Return a ConfigMap made by the functions, by default `kepler-cfm`, to which a user has added these keys."""
    return {ref or children.cfm(KEY): {"metadata": {"labels": MANAGED_BY}, "data": data}}


def run_functions(cluster: RenderedCluster) -> Rendered:
    """Run the functions until no decision changes. Raises AssertionError if that never happens."""
    resources = {PLACES[kind]: resource for kind in PLACES if (resource := cluster.resource(kind)) is not None}
    before: Mapping[Ref, Manifest] = {**_given(cluster), **cluster.there, **resources}

    def collect(collection: Collection) -> tuple[Manifest, ...]:
        nodes = (node(),) if collection.kind == NODE else ()
        return (*nodes, *(manifest for ref, manifest in resources.items() if ref.kind == collection.kind))

    simulated = simulate(Memory(before.get, collect), resources, {})
    if not simulated.rested:
        raise AssertionError("the functions do not come to rest")
    outcomes = {decision.function.name: decision.outcome for decision in simulated.decisions}
    after = {**cluster.there, **resources, **simulated.objects}
    return Rendered(
        outcomes,
        {ref: manifest for ref, manifest in sorted(after.items()) if manifest is not None and ref not in resources},
        {ref.kind.name: manifest for ref, manifest in after.items() if manifest is not None and ref in resources},
    )


def _given(cluster: RenderedCluster) -> dict[Ref, Manifest]:
    """Return the objects that exist before any function writes: those of `config/`, and those that others installed."""
    objects: dict[Ref, Manifest] = {
        children.binding(KEY): {"metadata": {"name": children.EXPORTER}},
        namespaces.ref(KEY): {"metadata": {"name": KEY.namespace, "labels": namespaces.LABELS}},
        ADDITIONS: {"data": {"config.yaml": "monitor: {minTerminatedEnergyThreshold: 0}"}},
    }
    if cluster.monitored:
        objects |= {monitoring.definition(kind): definition(kind) for kind in (SERVICE_MONITOR, PROMETHEUS_RULE)}
    if cluster.openshift:
        objects |= {openshift.API: {"metadata": {"name": openshift.API.name}}}
        objects |= {openshift.pool(role): pool(role) for role in ("master", "worker")}
    return objects
