"""Fights: fields of children that a function puts back again and again, since others change them each time.

One change by hand is put back once. What comes again within minutes is the work of another controller, a GitOps tool or
a webhook, and nothing ends that but whoever runs it. Reports tell it: what a function wrote, and who had changed the
very object before. A function itself keeps nothing from one event to the next, so no condition has it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from audit.episode_causes import HAPPENED
from audit.model import Fight, Summary, Wrote
from audit.rows import SHORT, summary
from audit.selection import OneObject
from audit.tables import reports
from events.report import ObjectName
from events.types import RESOURCE_DELETE
from runtime.field_owners import CONTROL_PLANE

# What is put back so often within this time is a fight.
LEAST = 3
WINDOW = timedelta(hours=1)
# Reports that one answer looks at: the newest.
MOST = 500
# The one field that the control plane sets of its own accord (an autoscaler does).
REPLICAS = "spec.replicas"

# A child, a field of it, who puts it back, and for which generation of which resource.
Contested = tuple[ObjectName, str, str, str, int]


def recent(connection: Connection, wanted: OneObject, now: datetime) -> list[Summary]:
    """The reports about a resource that may tell of a fight, in the order in which they were kept."""
    query = select(*SHORT).where(
        reports.c.kind == wanted.kind,
        reports.c.namespace == wanted.namespace,
        reports.c.name == wanted.name,
        reports.c.kept >= now - WINDOW,
    )
    found = connection.execute(query.order_by(reports.c.sequence.desc()).limit(MOST)).all()
    return [summary(row) for row in reversed(found)]


def fights(told: Iterable[Summary], ours: Collection[str]) -> tuple[Fight, ...]:
    """The fields that are fought over, the most contested first; `ours` are the functions' field managers. Pure."""
    found: dict[Contested, list[Summary]] = defaultdict(list)
    for report in told:
        for write, path in _put_back(report, ours):
            found[write.object, path, report.function, report.object.uid, report.generation].append(report)
    contested = (_fight(key, times) for key, times in found.items() if len(times) >= LEAST)
    return tuple(sorted(contested, key=lambda fight: (-fight.count, fight.path)))


def _put_back(report: Summary, ours: Collection[str]) -> Iterator[tuple[Wrote, str]]:
    """Yield each field that a function wrote to the very object that somebody else had changed just before."""
    cause = report.cause
    if cause.type not in HAPPENED or cause.by in ours:
        return
    for write in report.changes:
        if write.object != cause.object:
            continue
        if cause.type == RESOURCE_DELETE:
            yield from [(write, "")] if write.action == "created" else []
        elif write.action == "changed" and cause.by:
            yield from ((write, path) for path in write.paths if cause.by not in CONTROL_PLANE or path == REPLICAS)


def _fight(key: Contested, times: Sequence[Summary]) -> Fight:
    about, path, function, _, _ = key
    return Fight(
        object=about,
        path=path,
        function=function,
        others=tuple(dict.fromkeys(report.cause.by for report in times if path and report.cause.by)),
        count=len(times),
        since=times[0].began,
        last=times[-1].began,
    )
