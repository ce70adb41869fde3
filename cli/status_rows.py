"""Computes the rows of `status`: for each resource whether it is Ready, why, on how many nodes, since when. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from cli.kinds import RECONCILED_KINDS
from cli.output import columns
from events.report import EventPart
from runtime.ages import age
from runtime.conditions import READY, conditions, current
from runtime.deletion import deletion_sentence
from runtime.event import parse_time
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
# Columns that are left out on a narrow terminal, in this order.
OPTIONAL_COLUMNS = ("GEN", "NODES", "AGE")
# The order of rows by the value of `Ready`: the worst first, kinds without `Ready` last.
READY_ORDER = ("False", "Unknown", "True", None)
# The reason of a resource that is being deleted, which no function reports on any more; the console has the same.
DELETING = "Deleting"
# The field by which a Kepler names a companion.
NAMED_BY = {COLLECTED_METRIC: "collected-metric", EXPORTED_POWER: "exported-power"}


class NodeCounts(EventPart):
    """The number of nodes where the exporter should run, and where it runs in its present version."""

    desired: int
    updated: int


class ResourceRow(EventPart):
    """One resource. `ready` is null for kinds without a status of their own: a Kepler that names one reports on it.

    `current` says that `ready` is about the present generation; `since` is when it got its value.
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
    """The rows of all resources; `ready` says whether all are Ready, apart from kinds without `Ready`."""

    ready: bool
    resources: tuple[ResourceRow, ...]


def status(objects: Mapping[Ref, Manifest], naming: Mapping[Ref, Manifest] | None = None) -> ResourceRows:
    """Return a row for each resource, the worst first.

    `naming` has the Keplers that may name the others, if `objects` does not have all of them.
    """
    known = objects if naming is None else naming
    keplers = [(ref, manifest) for ref, manifest in known.items() if ref.kind == KEPLER]
    resources = (_resource(ref, item, keplers) for ref, item in objects.items())
    ordered = tuple(sorted(resources, key=_sort_key))
    return ResourceRows(ready=all(row.ready in ("True", None) for row in ordered), resources=ordered)


def _sort_key(row: ResourceRow) -> tuple[int, str, int, str]:
    kinds = [kind.name for kind in OURS]
    return READY_ORDER.index(row.ready), row.namespace, kinds.index(row.kind), row.name


def _resource(ref: Ref, manifest: Manifest, keplers: Sequence[tuple[Ref, Manifest]]) -> ResourceRow:
    condition = conditions(manifest).get(READY) or {}
    fresh = current(manifest, READY) is not None and not terminates(manifest)
    return ResourceRow(
        kind=ref.kind.name,
        namespace=ref.namespace,
        name=ref.name,
        ready=(condition.get("status", "Unknown") if fresh else "Unknown") if ref.kind in RECONCILED_KINDS else None,
        reason=str(condition.get("reason", "")) if fresh else DELETING if terminates(manifest) else "",
        why=" ".join(_why(ref, manifest, keplers).split()),
        current=fresh,
        since=parse_time(str(condition.get("lastTransitionTime", ""))) if fresh else None,
        nodes=_nodes(manifest),
        generation=generation(manifest),
        created=parse_time(str(metadata(manifest).get("creationTimestamp", ""))),
    )


def _why(ref: Ref, manifest: Manifest, keplers: Sequence[tuple[Ref, Manifest]]) -> str:
    """Return why the resource is Ready or not, in a sentence; for kinds without `Ready`, which Keplers name it."""
    if terminates(manifest):
        return deletion_sentence(manifest)
    if ref.kind not in RECONCILED_KINDS:
        return _used_by(ref, keplers)
    ready = current(manifest, READY)
    if ready:
        return ready.message
    if conditions(manifest).get(READY):
        missing = f"not every function has reported on generation {generation(manifest)} yet"
        return f"{missing}: `kubectl kepler explain` names those that have not"
    return "no function has reported on it: `kubectl kepler explain` says why"


def _used_by(ref: Ref, keplers: Iterable[tuple[Ref, Manifest]]) -> str:
    """Return a sentence with the Keplers in the resource's namespace that name it."""
    named = [
        key.name
        for key, kepler in keplers
        if key.namespace == ref.namespace and (kepler.get("spec") or {}).get(NAMED_BY[ref.kind]) == ref.name
    ]
    if not named:
        return f"no Kepler names it in `{NAMED_BY[ref.kind]}`: it has no effect"
    return f"read by Kepler {', '.join(sorted(named))}"


def _nodes(manifest: Manifest) -> NodeCounts | None:
    """Return the counts in `status.nodes`; None for a KeplerMachineConfig, where it means something else."""
    counts = (manifest.get("status") or {}).get("nodes") or {}
    return NodeCounts(desired=counts["desired"], updated=counts.get("updated", 0)) if "desired" in counts else None


def rows(resource_rows: ResourceRows, now: datetime) -> Iterator[tuple[str, ...]]:
    """Yield the resources as rows of a table."""
    for resource in resource_rows.resources:
        yield (
            resource.kind,
            f"{resource.namespace}/{resource.name}" if resource.namespace else resource.name,
            resource.ready or "-",
            resource.reason or "-",
            f"{resource.nodes.updated}/{resource.nodes.desired}" if resource.nodes else "-",
            str(resource.generation),
            age(resource.created, now) if resource.created else "-",
            resource.why,
        )


@dataclass
class WatchOutput:
    """The output of --watch: first all resources, then those that have changed."""

    shown: dict[tuple[str, str, str], ResourceRow] = field(default_factory=dict)
    widths: tuple[int, ...] = ()

    def lines(self, resource_rows: ResourceRows, now: datetime) -> list[str]:
        """Return the lines for one read, in columns as wide as those of the first; empty if nothing has changed."""
        present = {(resource.kind, resource.namespace, resource.name): resource for resource in resource_rows.resources}
        changed = tuple(row for key, row in present.items() if self.shown.get(key) != row)
        deleted = [_deleted(row) for key, row in self.shown.items() if key not in present]
        first, self.shown = not self.widths, present
        rows_shown = [
            *([HEADINGS] if first else []),
            *rows(ResourceRows(ready=resource_rows.ready, resources=changed), now),
            *deleted,
        ]
        if first:
            self.widths = tuple(max(map(len, column)) for column in zip(*rows_shown, strict=True))
        return columns(rows_shown, self.widths[:-1]).splitlines() if rows_shown else []


def _deleted(row: ResourceRow) -> tuple[str, ...]:
    """Return the table row of a resource that was shown before and has been deleted since."""
    called = f"{row.namespace}/{row.name}" if row.namespace else row.name
    return (row.kind, called, "-", "-", "-", str(row.generation), "-", "it is deleted")
