"""`doctor`: is the installation complete, and does it work?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cli import kinds
from cli.cluster import Cluster
from cli.collect import Collector
from cli.doctor import alive, delivery, installed
from cli.doctor.check import HEADINGS, Check, Diagnosis, Seen
from cli.errors import Exit
from cli.options import ConsoleAt, Format, Output, Reach
from cli.output import data, say, table
from crds.generate import RESOURCES
from crds.meta import GROUP
from functions import wiring
from runtime.errors import Forbidden
from runtime.objects import (
    CLUSTER_ROLE_BINDING,
    CONFIG_MAP,
    CRD,
    DAEMON_SET,
    KEPLER,
    SERVICE_ACCOUNT,
    Kind,
    Manifest,
    Ref,
    metadata,
)
from runtime.settings import NAMESPACE, VERSION

CHECKS: tuple[Callable[[Seen], Iterator[Check]], ...] = (
    installed.definitions,
    installed.permissions,
    delivery.eventing,
    delivery.triggers,
    delivery.functions,
    alive.sweep,
    alive.letters,
    alive.namespaces,
    alive.resources,
    alive.rights,
)
LOOKED_AT = (
    SERVICE_ACCOUNT,
    CLUSTER_ROLE_BINDING,
    kinds.CLUSTER_ROLE,
    kinds.ROLE,
    kinds.ROLE_BINDING,
    kinds.BROKER,
    kinds.TRIGGER,
    kinds.EVENT_SOURCE,
    kinds.CLOCK,
    kinds.SINK_BINDING,
)


@dataclass(frozen=True)
class Right:
    """What a command needs: a verb on a kind; `own` is the functions' namespace, else the user's."""

    verb: str
    kind: Kind
    own: bool = False
    subresource: str = ""

    @property
    def told(self) -> str:
        """As kubectl's `auth can-i` takes it."""
        what = f"{self.kind.plural}{f'/{self.subresource}' if self.subresource else ''}"
        return f"{self.verb} {what}" + (f" -n {NAMESPACE}" if self.own else "")


RIGHTS = (
    Right("list", KEPLER),
    Right("patch", KEPLER),
    Right("get", DAEMON_SET),
    Right("list", kinds.POD),
    Right("list", kinds.TRIGGER, own=True),
    Right("list", CONFIG_MAP, own=True),
    Right("create", kinds.POD, own=True, subresource="portforward"),
)


def doctor(place: Reach, at: ConsoleAt, *, output: Output = Format.TABLE) -> int:
    """Whether the installation is complete and works: what is missing, what is another version's, what to do.

    Ends with 1 where a check fails; warnings do not count.
    """
    cluster = place.connect()
    found = diagnosis(cluster, console=at.console, token=at.token)
    if output is not Format.TABLE:
        data(found, output)
    else:
        say(f"kubectl kepler {found.version}, API server {found.server}")
        table(HEADINGS, ((one.area, one.level, one.says, one.do) for one in found.checks))
    return Exit.OK if found.healthy else Exit.NO


def diagnosis(cluster: Cluster, *, console: str = "", token: str = "") -> Diagnosis:
    """Every check, over what is there now."""
    server = cluster.version()
    seen = look(cluster, console, token)
    checks = tuple(one for check in CHECKS for one in check(seen))
    healthy = all(one.level != "fail" for one in checks)
    return Diagnosis(healthy=healthy, version=VERSION, server=server, checks=checks)


def look(cluster: Cluster, console: str, token: str) -> Seen:
    """Everything that the checks look at, as far as the user may."""
    collector = Collector(cluster)
    keplers = _keplers(cluster)
    objects: dict[Ref, Manifest | None] = {}
    hidden = set()
    for ref in (*_installed(), *_namespaces(keplers)):
        try:
            objects[ref] = cluster.get(ref)
        except Forbidden:
            hidden.add(ref)
    return Seen(
        now=datetime.now(UTC),
        objects=objects,
        hidden=frozenset(hidden),
        installed=collector.installation(),
        keplers=keplers,
        letters=collector.letters(),
        state=collector.state(console, token),
        rights={one.told: _may(cluster, one) for one in RIGHTS},
    )


def _keplers(cluster: Cluster) -> tuple[Manifest, ...]:
    """In all namespaces or, where these may not be listed, in the user's."""
    try:
        return cluster.known(KEPLER) or ()
    except Forbidden:
        return Collector(cluster).listed(KEPLER, cluster.namespace) or ()


def _installed() -> Iterator[Ref]:
    """What this version's `config/` has, as far as a check looks at it."""
    yield from (Ref(CRD, "", f"{one.names.plural}.{GROUP}") for one in RESOURCES.values())
    known = {(one.api_version, one.name): one for one in LOOKED_AT}
    for objects in wiring.base().values():
        for one in objects:
            if kind := known.get((one["apiVersion"], one["kind"])):
                yield Ref(kind, metadata(one).get("namespace", ""), metadata(one)["name"])


def _namespaces(keplers: tuple[Manifest, ...]) -> Iterator[Ref]:
    yield from dict.fromkeys(Ref(kinds.NAMESPACE, "", metadata(one)["namespace"]) for one in keplers)


def _may(cluster: Cluster, right: Right) -> bool:
    return cluster.may(right.verb, right.kind, NAMESPACE if right.own else cluster.namespace, right.subresource)
