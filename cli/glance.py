"""All resources at a glance: is each Ready, why, on how many nodes, since when. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from cli.kinds import RECONCILED
from cli.output import columns
from events.report import EventPart
from runtime.ages import age
from runtime.conditions import READY, conditions, current
from runtime.event import moment
from runtime.objects import (
    COLLECTED_METRIC,
    EXPORTED_POWER,
    KEPLER,
    OURS,
    Manifest,
    Ref,
    generation,
    metadata,
    terminates,
)

HEADINGS = ("KIND", "NAME", "READY", "REASON", "NODES", "GEN", "AGE", "WHY")
# What a narrow terminal does without, the first first.
SPARED = ("GEN", "NODES", "AGE")
# By what `Ready` is, the worst first; last the kinds that have no `Ready`.
BADNESS = ("False", "Unknown", "True", None)
# The field by which a Kepler names a companion.
NAMED_BY = {COLLECTED_METRIC: "collected-metric", EXPORTED_POWER: "exported-power"}


class NodeCounts(EventPart):
    """How many nodes the exporter is wanted on, and runs on in its present version."""

    desired: int
    updated: int


class ResourceRow(EventPart):
    """One resource. `ready` is null for kinds that are only read with the Kepler that names them.

    `current` says that `ready` speaks of the present generation; `since` is when it became what it is.
    """

    kind: str
    namespace: str
    name: str
    ready: Literal["True", "False", "Unknown"] | None
    reason: str
    why: str
    current: bool
    since: datetime | None
    nodes: NodeCounts | None
    generation: int
    created: datetime | None


class ResourceRows(EventPart):
    """All of them; `ready` says whether those that can be are."""

    ready: bool
    resources: tuple[ResourceRow, ...]


def status(found: Mapping[Ref, Manifest], naming: Mapping[Ref, Manifest] | None = None) -> ResourceRows:
    """What the resources say about themselves, the worst first.

    `naming` has the Keplers that may name the others, if `found` does not have all of them.
    """
    known = found if naming is None else naming
    keplers = [(ref, one) for ref, one in known.items() if ref.kind == KEPLER]
    resources = (_resource(ref, one, keplers) for ref, one in found.items())
    ordered = tuple(sorted(resources, key=_order))
    return ResourceRows(ready=all(one.ready in ("True", None) for one in ordered), resources=ordered)


def _order(one: ResourceRow) -> tuple[int, str, int, str]:
    kinds = [kind.name for kind in OURS]
    return BADNESS.index(one.ready), one.namespace, kinds.index(one.kind), one.name


def _resource(ref: Ref, one: Manifest, keplers: Sequence[tuple[Ref, Manifest]]) -> ResourceRow:
    said = conditions(one).get(READY) or {}
    fresh = current(one, READY) is not None
    return ResourceRow(
        kind=ref.kind.name,
        namespace=ref.namespace,
        name=ref.name,
        ready=(said.get("status", "Unknown") if fresh else "Unknown") if ref.kind in RECONCILED else None,
        reason=str(said.get("reason", "")) if fresh else "",
        why=" ".join(_why(ref, one, keplers).split()),
        current=fresh,
        since=moment(str(said.get("lastTransitionTime", ""))) if fresh else None,
        nodes=_nodes(one),
        generation=generation(one),
        created=moment(str(metadata(one).get("creationTimestamp", ""))),
    )


def _why(ref: Ref, one: Manifest, keplers: Sequence[tuple[Ref, Manifest]]) -> str:
    if terminates(one):
        return "it is being deleted"
    if ref.kind not in RECONCILED:
        return _used(ref, keplers)
    ready = current(one, READY)
    if ready:
        return ready.message
    if conditions(one).get(READY):
        return (
            f"generation {generation(one)} is not looked at yet, or not by all: `kubectl kepler explain` says by whom"
        )
    return "no function has looked at it: `kubectl kepler explain` says why"


def _used(ref: Ref, keplers: Iterable[tuple[Ref, Manifest]]) -> str:
    """By which Keplers of its namespace it is named."""
    named = [
        key.name
        for key, kepler in keplers
        if key.namespace == ref.namespace and (kepler.get("spec") or {}).get(NAMED_BY[ref.kind]) == ref.name
    ]
    if not named:
        return f"no Kepler names it in `{NAMED_BY[ref.kind]}`: it has no effect"
    return f"read by Kepler {', '.join(sorted(named))}"


def _nodes(one: Manifest) -> NodeCounts | None:
    told = (one.get("status") or {}).get("nodes") or {}
    return NodeCounts(desired=told["desired"], updated=told.get("updated", 0)) if "desired" in told else None


def rows(found: ResourceRows, now: datetime) -> Iterator[tuple[str, ...]]:
    """As lines of a table."""
    for one in found.resources:
        yield (
            one.kind,
            f"{one.namespace}/{one.name}" if one.namespace else one.name,
            one.ready or "-",
            one.reason or "-",
            f"{one.nodes.updated}/{one.nodes.desired}" if one.nodes else "-",
            str(one.generation),
            age(one.created, now) if one.created else "-",
            one.why,
        )


@dataclass
class Changes:
    """What --watch prints: all resources at the first look, then those that are not as they were."""

    shown: dict[tuple[str, str, str], ResourceRow] = field(default_factory=dict)
    widths: tuple[int, ...] = ()

    def lines(self, found: ResourceRows, now: datetime) -> list[str]:
        """The lines for one look, in columns as wide as those of the first; empty if nothing has changed."""
        there = {(one.kind, one.namespace, one.name): one for one in found.resources}
        changed = tuple(one for key, one in there.items() if self.shown.get(key) != one)
        gone = [_gone(one) for key, one in self.shown.items() if key not in there]
        first, self.shown = not self.widths, there
        told = [*([HEADINGS] if first else []), *rows(ResourceRows(ready=found.ready, resources=changed), now), *gone]
        if first:
            self.widths = tuple(max(map(len, column)) for column in zip(*told, strict=True))
        return columns(told, self.widths[:-1]).splitlines() if told else []


def _gone(one: ResourceRow) -> tuple[str, ...]:
    called = f"{one.namespace}/{one.name}" if one.namespace else one.name
    return (one.kind, called, "-", "-", "-", str(one.generation), "-", "it is deleted")
