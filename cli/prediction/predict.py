"""Predicts the effect of applying resources from files.

Adds the resources to an in-memory copy of the cluster's objects (`Memory`), and runs there the functions of every
resource that they concern. If the user may not read an object, the object of an unmodified installation is used, and a
remark says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cli.connection.cluster import Cluster
from cli.kinds import KNATIVE_SERVICE, RECONCILED_KINDS, title
from cli.manifest_files.manifests import ManifestSet
from cli.prediction.dry_run import applied_offline, applied_without_dry_run, dry_run_applied
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

# For each line of Kepler releases (v0.7, v0.11), a metric that only this line has.
EXAMPLES = {ReleaseLine.V0_7: "kepler_container_joules_total", ReleaseLine.V0_11: "kepler_pod_cpu_joules_total"}

ObjectsByRef = Mapping[Ref, Manifest | None]


@dataclass(frozen=True)
class Prediction:
    """The resources before and after the apply, the simulated functions, and remarks about assumptions."""

    before: ObjectsByRef
    after: Mapping[Ref, Manifest]
    simulated: Simulated
    memory: Memory
    remarks: tuple[str, ...] = ()


@dataclass
class ClusterReader:
    """Reads objects for a simulation; `remarks` names those that the user may not read."""

    cluster: Cluster
    remarks: list[str] = field(default_factory=list)

    def get(self, ref: Ref) -> Manifest | None:
        """Return the object; if it may not be read, the object of an unmodified installation."""
        try:
            return self.cluster.get(ref)
        except Forbidden:
            self._remark(f"you may not read {title(ref)}")
            return privileged_namespace(ref.name) if ref.kind == NAMESPACE else installation_objects().get(ref)

    def collect(self, collection: Collection) -> tuple[Manifest, ...]:
        """Return the objects of a kind; none if the kind is not served or may not be listed."""
        try:
            return self.cluster.list(collection.kind, collection.namespace)
        except NotFound:
            return ()
        except Forbidden:
            self._remark(f"you may not list {collection.kind.plural}")
            return ()

    def _remark(self, failed_read: str) -> None:
        """Add the remark on a read that was forbidden, unless it is there already."""
        remark = f"{failed_read}: the result assumes the objects of an unmodified installation of this operator"
        if remark not in self.remarks:
            self.remarks.append(remark)


def predict_with_cluster(cluster: Cluster, files: ManifestSet, *, manager: str = "") -> Prediction:
    """Predict what applying the files to this cluster would do; `manager` is the name for a server-side apply."""
    reader = ClusterReader(cluster)
    memory = Memory(reader.get, reader.collect)
    for namespace_name, manifest in files.namespaces.items():
        ref = Ref(NAMESPACE, "", namespace_name)
        memory.objects[ref] = _labelled(manifest, reader.get(ref))
    before = {ref: cluster.get(ref) for ref in files.resources}
    after = {}
    for ref in files.resources:
        after[ref] = _applied(reader, ref, files, before[ref], manager)
        memory.objects[ref] = after[ref]
    simulated = simulate(memory, affected_resources(after, memory), images(cluster))
    return Prediction(before, after, simulated, memory, (*reader.remarks, *_release_line_remarks(before, after)))


def _release_line_remarks(before: ObjectsByRef, after: Mapping[Ref, Manifest]) -> Iterator[str]:
    """Yield a remark on each existing Kepler that changes to another line of releases."""
    for ref, manifest in after.items():
        existing = before.get(ref)
        lines = [release.line_of_manifest(kepler) for kepler in (existing, manifest) if kepler and ref.kind == KEPLER]
        if len(set(lines)) > 1:
            old, new = lines
            yield (
                f"{title(ref)} changes from line '{old}' to '{new}' of Kepler: its metrics have other names "
                f"(`{EXAMPLES[old]}` exists only in '{old}', `{EXAMPLES[new]}` only in '{new}'). The recording rules "
                f"`{POD_WATTS}`, `{NAMESPACE_WATTS}`, `{POD_JOULES}` and `{NAMESPACE_JOULES}` keep their names and "
                f"continue."
            )


def _applied(reader: ClusterReader, ref: Ref, files: ManifestSet, live: Manifest | None, manager: str) -> Manifest:
    """Return the resource after the API server's dry run; without its validation if the user may not write.

    A namespace that the files create does not exist yet, so there is no dry run in it.
    """
    try:
        return dry_run_applied(reader.cluster, ref, files.resources[ref], live, manager=manager)
    except Forbidden as error:
        if not error.lacks_permission:
            raise
        reader.remarks.append(
            f"you may not {'patch' if live else 'create'} {title(ref)}: the result is not validated by the API server"
        )
        return applied_without_dry_run(ref, files.resources[ref], live)
    except NotFound:
        if ref.namespace in files.namespaces:
            return applied_offline(ref, files.resources[ref])
        raise


def predict_offline(files: ManifestSet, *, prometheus: bool, with_openshift: bool) -> Prediction:
    """Predict what applying the files would do in a cluster with an unmodified installation, without reading any."""
    objects = installation_objects(prometheus=prometheus, with_openshift=with_openshift)
    after = {ref: applied_offline(ref, wanted) for ref, wanted in files.resources.items()}
    objects |= {
        Ref(NAMESPACE, "", ref.namespace): privileged_namespace(ref.namespace) for ref in after if ref.namespace
    }
    objects |= {Ref(NAMESPACE, "", namespace_name): manifest for namespace_name, manifest in files.namespaces.items()}
    memory = Memory(objects.get, _none, dict(after))
    return Prediction(dict.fromkeys(after), after, simulate(memory, affected_resources(after, memory), {}), memory)


def privileged_namespace(namespace_name: str) -> Manifest:
    """Return a Namespace that allows privileged pods."""
    return {"metadata": {"name": namespace_name, "labels": namespaces.LABELS}}


def _labelled(manifest: Manifest, live: Manifest | None) -> Manifest:
    """Return a Namespace with its present labels, overridden by those that the file sets."""
    labels = {**(metadata(live or {}).get("labels") or {}), **(metadata(manifest).get("labels") or {})}
    return {**manifest, "metadata": {**metadata(manifest), "labels": labels}}


def _none(_collection: Collection) -> tuple[Manifest, ...]:
    return ()


def installation_objects(*, prometheus: bool = False, with_openshift: bool = False) -> dict[Ref, Manifest]:
    """Return the objects of an unmodified installation that functions read, and of other operators if requested."""
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


def affected_resources(after: Mapping[Ref, Manifest], memory: Memory) -> tuple[Ref, ...]:
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
