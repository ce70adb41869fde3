"""Turns resources from files into a simulation: fills the memory, and selects the resources that functions run for.

For an object that the user may not read, that of a plain installation is assumed, and a remark says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cli.connection.cluster import Cluster
from cli.kinds import KNATIVE_SERVICE, RECONCILED_KINDS, title
from cli.manifest_files.manifests import ManifestSet
from cli.prediction.rehearse import as_written, rehearsed, unrehearsed
from cli.prediction.simulate import Memory, Simulated, simulate
from crds.collector_fields import ReleaseLine
from functions import monitoring
from functions.collector import FUNCTION as COLLECTOR
from functions.function_catalogue import FUNCTIONS
from installation import wiring
from operands import namespaces, openshift, release
from operands.common_rules import NAMESPACE_JOULES, NAMESPACE_WATTS, POD_JOULES, POD_WATTS
from runtime import settings
from runtime.errors import Forbidden, NotFound
from runtime.objects import (
    KEPLER,
    NAMESPACE,
    PROMETHEUS_RULE,
    SERVICE_MONITOR,
    Collection,
    Manifest,
    Ref,
    metadata,
    name,
)

# For each line, a series that has no counterpart of that name in the other.
EXAMPLES = {ReleaseLine.V0_7: "kepler_container_joules_total", ReleaseLine.V0_11: "kepler_pod_cpu_joules_total"}

Ours = Mapping[Ref, Manifest | None]


@dataclass(frozen=True)
class Prediction:
    """The resources before and after the apply, the simulated functions, and remarks about assumptions."""

    before: Ours
    after: Mapping[Ref, Manifest]
    simulated: Simulated
    memory: Memory
    remarks: tuple[str, ...] = ()


@dataclass
class Observer:
    """Reads for a simulation; `remarks` has what the user may not read."""

    cluster: Cluster
    remarks: list[str] = field(default_factory=list)

    def get(self, ref: Ref) -> Manifest | None:
        """Return the object; if it may not be read, the one of a plain installation."""
        try:
            return self.cluster.get(ref)
        except Forbidden:
            self._note(f"you may not read {title(ref)}")
            return allowed(ref.name) if ref.kind == NAMESPACE else assumed().get(ref)

    def collect(self, collection: Collection) -> tuple[Manifest, ...]:
        """Return the objects of a kind; none if the kind is not served or may not be listed."""
        try:
            return self.cluster.list(collection.kind, collection.namespace)
        except NotFound:
            return ()
        except Forbidden:
            self._note(f"you may not list {collection.kind.plural}")
            return ()

    def _note(self, unread: str) -> None:
        remark = f"{unread}: the answer takes for granted what a plain installation has"
        if remark not in self.remarks:
            self.remarks.append(remark)


def with_cluster(cluster: Cluster, written: ManifestSet, *, manager: str = "") -> Prediction:
    """Return what an apply would do to this cluster."""
    observer = Observer(cluster)
    memory = Memory(observer.get, observer.collect)
    for place, manifest in written.namespaces.items():
        memory.objects[Ref(NAMESPACE, "", place)] = _labelled(manifest, observer.get(Ref(NAMESPACE, "", place)))
    before = {ref: cluster.get(ref) for ref in written.resources}
    after = {}
    for ref in written.resources:
        after[ref] = _applied(observer, ref, written, before[ref], manager)
        memory.objects[ref] = after[ref]
    simulated = simulate(memory, concerned(after, memory), images(cluster))
    return Prediction(before, after, simulated, memory, (*observer.remarks, *_new_lines(before, after)))


def _new_lines(before: Ours, after: Mapping[Ref, Manifest]) -> Iterator[str]:
    """Yield a remark on each existing Kepler that changes to another line of releases."""
    for ref, manifest in after.items():
        existing = before.get(ref)
        lines = [release.line_of_manifest(kepler) for kepler in (existing, manifest) if kepler and ref.kind == KEPLER]
        if len(set(lines)) > 1:
            old, new = lines
            yield (
                f"{title(ref)} changes from line '{old}' to '{new}' of Kepler: its metrics get other names, "
                f"`{EXAMPLES[old]}` becomes `{EXAMPLES[new]}`; what `{POD_WATTS}`, `{NAMESPACE_WATTS}`, `{POD_JOULES}` "
                f"and `{NAMESPACE_JOULES}` record goes on"
            )


def _applied(observer: Observer, ref: Ref, written: ManifestSet, live: Manifest | None, manager: str) -> Manifest:
    """Return the resource after the API server's dry run; without its validation if the user may not write.

    A namespace that the files create does not exist yet, so there is no dry run in it.
    """
    try:
        return rehearsed(observer.cluster, ref, written.resources[ref], live, manager=manager)
    except Forbidden as error:
        if not error.lacks_permission:
            raise
        observer.remarks.append(
            f"you may not {'patch' if live else 'create'} {title(ref)}: the answer lacks the API server's validation"
        )
        return unrehearsed(ref, written.resources[ref], live)
    except NotFound:
        if ref.namespace in written.namespaces:
            return as_written(ref, written.resources[ref])
        raise


def offline(written: ManifestSet, *, prometheus: bool, with_openshift: bool) -> Prediction:
    """Return what the resources would lead to in a cluster with a plain installation."""
    there = assumed(prometheus=prometheus, with_openshift=with_openshift)
    after = {ref: as_written(ref, wanted) for ref, wanted in written.resources.items()}
    there |= {Ref(NAMESPACE, "", ref.namespace): allowed(ref.namespace) for ref in after if ref.namespace}
    there |= {Ref(NAMESPACE, "", place): manifest for place, manifest in written.namespaces.items()}
    memory = Memory(there.get, _none, dict(after))
    return Prediction(dict.fromkeys(after), after, simulate(memory, concerned(after, memory), {}), memory)


def allowed(place: str) -> Manifest:
    """Return a Namespace that allows privileged pods."""
    return {"metadata": {"name": place, "labels": namespaces.LABELS}}


def _labelled(manifest: Manifest, live: Manifest | None) -> Manifest:
    """Return a Namespace with its present labels, overridden by those that the file sets."""
    labels = {**(metadata(live or {}).get("labels") or {}), **(metadata(manifest).get("labels") or {})}
    return {**manifest, "metadata": {**metadata(manifest), "labels": labels}}


def _none(_collection: Collection) -> tuple[Manifest, ...]:
    return ()


def assumed(*, prometheus: bool = False, with_openshift: bool = False) -> dict[Ref, Manifest]:
    """Return the objects of a plain installation that functions read, with those of others if requested."""
    shipped = {manifest["kind"]: manifest for manifest in wiring.exporter_access()}
    objects: dict[Ref, Manifest] = {ref: shipped[ref.kind.name] for ref in COLLECTOR.shared_children}
    if prometheus:
        for kind in (SERVICE_MONITOR, PROMETHEUS_RULE):
            objects[monitoring.definition(kind)] = {
                "metadata": {"name": f"{kind.plural}.{kind.group}"},
                "spec": {"versions": [{"name": kind.version, "served": True}]},
                "status": {"conditions": [{"type": "Established", "status": "True"}]},
            }
    if with_openshift:
        objects[openshift.API] = {"metadata": {"name": openshift.API.name}}
    return objects


def concerned(after: Mapping[Ref, Manifest], memory: Memory) -> tuple[Ref, ...]:
    """Return the resources that functions report on: those in the files, and Keplers that depend on others in them."""
    own = [ref for ref in after if ref.kind in RECONCILED_KINDS]
    keys = dict.fromkeys(own)
    for changed in after:
        keys |= dict.fromkeys(_dependents(changed, memory))
    return tuple(keys)


def _dependents(changed: Ref, memory: Memory) -> Iterator[Ref]:
    if changed.kind == KEPLER:
        return
    for kepler in memory.collect(Collection(KEPLER, changed.namespace)):
        key = Ref(KEPLER, metadata(kepler).get("namespace", ""), name(kepler))
        if any(function.parent == KEPLER and function.concerns(key, kepler, changed) for function in FUNCTIONS):
            yield key


def images(cluster: Cluster) -> dict[str, str]:
    """Return the functions' image settings from the collector's Knative Service; empty if it cannot be read."""
    try:
        service = cluster.get(Ref(KNATIVE_SERVICE, cluster.operator_namespace, COLLECTOR.manager))
    except Forbidden:
        return {}
    template = ((service or {}).get("spec") or {}).get("template") or {}
    variables = [
        variable
        for container in (template.get("spec") or {}).get("containers") or ()
        for variable in container.get("env") or ()
    ]
    return settings.images({variable["name"]: variable.get("value", "") for variable in variables})
