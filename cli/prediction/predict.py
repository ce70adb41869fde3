"""From resources in files to a simulation: what lies in memory before the functions begin, and for whom they do.

What the user may not read is taken for what an installation has, and told.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cli.connection.cluster import Cluster
from cli.kinds import KNATIVE_SERVICE, RECONCILED_KINDS, title
from cli.manifest_files.manifests import ManifestSet
from cli.prediction.rehearse import as_written, rehearsed, unrehearsed
from cli.prediction.simulate import Memory, Simulated, simulate
from functions import monitoring
from functions.collector import FUNCTION as COLLECTOR
from functions.function_catalogue import FUNCTIONS
from installation import wiring
from operands import namespaces, openshift
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

Ours = Mapping[Ref, Manifest | None]


@dataclass(frozen=True)
class Prediction:
    """The resources before and after the apply itself, what the functions make of that, and what had to be assumed."""

    before: Ours
    after: Mapping[Ref, Manifest]
    simulated: Simulated
    memory: Memory
    remarks: tuple[str, ...] = ()


@dataclass
class Observer:
    """Reads for a simulation; notes what may not be read."""

    cluster: Cluster
    remarks: list[str] = field(default_factory=list)

    def get(self, ref: Ref) -> Manifest | None:
        """The object; where it may not be read, what an installation has."""
        try:
            return self.cluster.get(ref)
        except Forbidden:
            self._note(f"you may not read {title(ref)}")
            return allowed(ref.name) if ref.kind == NAMESPACE else assumed().get(ref)

    def collect(self, collection: Collection) -> tuple[Manifest, ...]:
        """The objects of a kind; none where the kind is not served."""
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
    """What an apply would do to this cluster."""
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
    return Prediction(before, after, simulated, memory, tuple(observer.remarks))


def _applied(observer: Observer, ref: Ref, written: ManifestSet, live: Manifest | None, manager: str) -> Manifest:
    """The API server's dry run, for which the user needs the right to write.

    In a namespace that the files make, and that is not there, nobody can be asked either.
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
    """What comes of the resources in a cluster that has nothing but our installation."""
    there = assumed(prometheus=prometheus, with_openshift=with_openshift)
    after = {ref: as_written(ref, wanted) for ref, wanted in written.resources.items()}
    there |= {Ref(NAMESPACE, "", ref.namespace): allowed(ref.namespace) for ref in after if ref.namespace}
    there |= {Ref(NAMESPACE, "", place): manifest for place, manifest in written.namespaces.items()}
    memory = Memory(there.get, _none, dict(after))
    return Prediction(dict.fromkeys(after), after, simulate(memory, concerned(after, memory), {}), memory)


def allowed(place: str) -> Manifest:
    """A Namespace that allows privileged pods."""
    return {"metadata": {"name": place, "labels": namespaces.LABELS}}


def _labelled(manifest: Manifest, live: Manifest | None) -> Manifest:
    """A Namespace with the labels that a file sets over those that it has."""
    labels = {**(metadata(live or {}).get("labels") or {}), **(metadata(manifest).get("labels") or {})}
    return {**manifest, "metadata": {**metadata(manifest), "labels": labels}}


def _none(_collection: Collection) -> tuple[Manifest, ...]:
    return ()


def assumed(*, prometheus: bool = False, with_openshift: bool = False) -> dict[Ref, Manifest]:
    """What `config/` installs, and what others may have, as far as functions look at it."""
    shipped = {manifest["kind"]: manifest for manifest in wiring.exporter_access()}
    objects: dict[Ref, Manifest] = {ref: shipped[ref.kind.name] for ref in COLLECTOR.installed}
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
    """The resources that functions report on: those in the files, and Keplers that have to do with the others."""
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
    """The functions' settings about images, by the collector's Knative Service; empty where there is none to read."""
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
