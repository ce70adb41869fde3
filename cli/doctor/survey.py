"""Reads the objects that the checks of `doctor` need. If the user may not read one, that is noted, and no error."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cli import kinds
from cli.connection.cluster import CONNECTIONS, Cluster
from cli.doctor import expected, knative_health
from cli.doctor.check import ClusterSnapshot
from cli.doctor.expected import Overlay
from cli.doctor.pod_symptoms import OF_SERVICE
from cli.explanation.collect import FactReader
from crds.crd_files import RESOURCES
from crds.meta import GROUP
from runtime.errors import Forbidden
from runtime.objects import (
    CLUSTER_ROLE_BINDING,
    CONFIG_MAP,
    CRD,
    DAEMON_SET,
    DEPLOYMENT,
    KEPLER,
    NAMESPACE,
    SERVICE_ACCOUNT,
    Kind,
    Manifest,
    Ref,
    metadata,
    name,
)

# Kinds of `config/base` whose objects are read one by one. Knative Services are listed (`FactReader`).
READ_KINDS = (
    CLUSTER_ROLE_BINDING,
    CONFIG_MAP,
    SERVICE_ACCOUNT,
    kinds.ADMISSION_POLICY,
    kinds.ADMISSION_POLICY_BINDING,
    kinds.BROKER,
    kinds.CLOCK,
    kinds.CLUSTER_ROLE,
    kinds.EVENT_POLICY,
    kinds.EVENT_SOURCE,
    kinds.NETWORK_POLICY,
    kinds.ROLE,
    kinds.ROLE_BINDING,
    kinds.TRIGGER,
)


@dataclass(frozen=True)
class Right:
    """A permission that a command needs: a verb on a kind, in the functions' namespace (`own`) or in the user's."""

    verb: str
    kind: Kind
    own: bool = False
    subresource: str = ""

    def as_kubectl_arguments(self, namespace: str) -> str:
        """Return the permission as arguments of `kubectl auth can-i`; `namespace` is the functions'."""
        resource = f"{self.kind.plural}{f'/{self.subresource}' if self.subresource else ''}"
        return f"{self.verb} {resource}" + (f" -n {namespace}" if self.own else "")


RIGHTS = (
    Right("list", KEPLER),
    Right("patch", KEPLER),
    Right("get", DAEMON_SET),
    Right("list", kinds.POD),
    Right("list", kinds.TRIGGER, own=True),
    Right("list", CONFIG_MAP, own=True),
    Right("create", kinds.POD, own=True, subresource="portforward"),
)


def survey(cluster: Cluster, console: str, token: str) -> ClusterSnapshot:
    """Return everything that the checks need. `console` is the URL of the console, `token` the token for it."""
    reader, operator_namespace = FactReader(cluster), cluster.operator_namespace
    keplers, listed_in = _keplers(cluster)
    of_installation = (*_installed_refs(operator_namespace), *_knative_refs(operator_namespace))
    refs = tuple(dict.fromkeys((*of_installation, *_namespace_refs(keplers))))
    objects = _read(cluster, refs)
    snapshot = ClusterSnapshot(
        now=datetime.now(UTC),
        server=cluster.version(),
        namespace=operator_namespace,
        objects=objects,
        hidden=frozenset(ref for ref in refs if ref not in objects),
        installed=reader.installation(),
        keplers=keplers,
        listed_in=listed_in,
        letters=reader.letters(),
        state=reader.state(console, token),
        rights=_rights(cluster),
        revisions=reader.listed(kinds.REVISION, operator_namespace),
        pods=reader.listed(kinds.POD, operator_namespace, labelled=OF_SERVICE),
        webhooks=_listed_together(reader, (kinds.VALIDATING_WEBHOOKS, ""), (kinds.MUTATING_WEBHOOKS, "")),
        endpoints=_listed_together(
            reader, *((kinds.ENDPOINT_SLICE, namespace) for namespace in knative_health.NAMESPACES)
        ),
    )
    if Overlay.TENANTS not in snapshot.overlays:
        return snapshot
    bindings = tuple(expected.tenant_bindings(operator_namespace, keplers))
    return replace(snapshot, tenant_bindings=_read(cluster, bindings))


def _read(cluster: Cluster, refs: Iterable[Ref]) -> dict[Ref, Manifest | None]:
    """Return each object, None if it does not exist; without those that the user may not read. Reads in parallel."""

    def get(ref: Ref) -> tuple[Ref, Manifest | None] | None:
        try:
            return ref, cluster.get(ref)
        except Forbidden:
            return None

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return dict(pair for pair in pool.map(get, refs) if pair is not None)


def _rights(cluster: Cluster) -> dict[str, bool]:
    """Return whether the user has each permission of `RIGHTS`, by the arguments of `kubectl auth can-i`."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        allowed = pool.map(lambda right: _may(cluster, right), RIGHTS)
        return {
            right.as_kubectl_arguments(cluster.operator_namespace): may
            for right, may in zip(RIGHTS, allowed, strict=True)
        }


def _listed_together(reader: FactReader, *collections: tuple[Kind, str]) -> tuple[Manifest, ...] | None:
    """Return the objects of these kinds and namespaces; None if the user may not list one of them."""
    lists = [reader.listed(kind, namespace) for kind, namespace in collections]
    allowed = [objects for objects in lists if objects is not None]
    return tuple(manifest for objects in allowed for manifest in objects) if len(allowed) == len(lists) else None


def _keplers(cluster: Cluster) -> tuple[tuple[Manifest, ...], str | None]:
    """Return the Keplers of all namespaces, or else of the user's, and the value of `ClusterSnapshot.listed_in`."""
    try:
        return cluster.known(KEPLER) or (), ""
    except Forbidden:
        keplers = FactReader(cluster).listed(KEPLER, cluster.namespace)
        return keplers or (), None if keplers is None else cluster.namespace


def _installed_refs(namespace: str) -> Iterator[Ref]:
    """Yield the objects of this version's `config/` and its overlays that a check needs."""
    yield from (Ref(CRD, "", f"{model.names.plural}.{GROUP}") for model in RESOURCES.values())
    known = {(kind.api_version, kind.name): kind for kind in READ_KINDS}
    added = [manifest for objects in expected.additions().values() for manifest in objects]
    for wanted in (*expected.objects(namespace, ()), *expected.renamed(added, namespace)):
        if kind := known.get((wanted["apiVersion"], wanted["kind"])):
            yield Ref(kind, metadata(wanted).get("namespace", ""), name(wanted))


def _knative_refs(namespace: str) -> Iterator[Ref]:
    """Yield the objects of Knative that a check needs: the Broker's channel, CRDs and Deployments."""
    yield Ref(kinds.CHANNEL, namespace, knative_health.BROKERS_CHANNEL)
    yield from (Ref(CRD, "", definition) for definition in knative_health.DEFINITIONS.values())
    yield from (Ref(DEPLOYMENT, knative_health.EVENTING, deployment_name) for deployment_name in knative_health.CHANNEL)


def _namespace_refs(keplers: tuple[Manifest, ...]) -> Iterator[Ref]:
    """Yield the Namespaces that have a Kepler."""
    yield from dict.fromkeys(Ref(NAMESPACE, "", metadata(kepler)["namespace"]) for kepler in keplers)


def _may(cluster: Cluster, right: Right) -> bool:
    """Return whether the user has this permission."""
    namespace = cluster.operator_namespace if right.own else cluster.namespace
    return cluster.may(right.verb, right.kind, namespace, right.subresource)
