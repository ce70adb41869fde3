"""Fights: fields of children that a function puts back again and again, since others change them each time.

One change by hand is put back once. What comes again within minutes is the work of another controller, a GitOps tool or
a webhook, and nothing ends that but whoever runs it. Reports tell it: what a function wrote, and who had changed the
very object before. A function itself keeps nothing from one event to the next, so no condition has it.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from audit.answer_models import Fight
from audit.answers.rows import SHORT, WHOLE, summary, whole
from audit.answers.selection import OneObject
from audit.episode_causes import HAPPENED, AnyReport
from audit.storage.tables import reports
from events.report import ObjectName, Report
from events.types import RESOURCE_DELETE
from runtime.declaration import manager
from runtime.field_owners import CONTROL_PLANE

# What is put back so often within this time is a fight.
LEAST = 3
WINDOW = timedelta(hours=1)
# Reports that one answer looks at, the newest: in short, and of those that may tell of a fight, whole.
MOST, MOST_WHOLE = 500, 100
# The one field that the control plane changes of its own accord (an autoscaler does). As for others, its controllers
# write a status as soon as somebody has changed the object, and so may be the last who wrote.
REPLICAS = "spec.replicas"

# A child, a field of it, the value as JSON, who puts it back, and for which generation of which resource.
Contested = tuple[ObjectName, str, str, str, str, int]


def recent(connection: Connection, wanted: OneObject, now: datetime, ours: Collection[str]) -> list[Report]:
    """The reports about a resource that may tell of a fight, in the order in which they were kept."""
    query = select(*SHORT).where(
        reports.c.kind == wanted.kind,
        reports.c.namespace == wanted.namespace,
        reports.c.name == wanted.name,
        reports.c.kept >= now - WINDOW,
    )
    rows = connection.execute(query.order_by(reports.c.sequence.desc()).limit(MOST)).all()
    numbers = [row.sequence for row in rows if _is_mending(summary(row), ours)][:MOST_WHOLE]
    if len(numbers) < LEAST:
        return []
    mending = select(*WHOLE).where(reports.c.sequence.in_(numbers)).order_by(reports.c.sequence)
    return [whole(row).report for row in connection.execute(mending)]


def fights(reports: Iterable[Report], ours: Collection[str]) -> tuple[Fight, ...]:
    """The fields that are fought over, the most contested first; `ours` are the functions' field managers. Pure."""
    contested: dict[Contested, list[Report]] = defaultdict(list)
    for report in reports:
        for key in _put_back(report) if _is_mending(report, ours) else ():
            contested[key].append(report)
    frequent = (_fight(key, times) for key, times in contested.items() if len(times) >= LEAST)
    return tuple(sorted(frequent, key=lambda fight: (-fight.count, fight.path)))


def _is_mending(report: AnyReport, ours: Collection[str]) -> bool:
    """Whether a function wrote to the very object whose change woke it, and no other function had made that change.

    Whoever removes a field leaves no trace in `managedFields`: then the last writer is the function itself.
    """
    cause = report.cause
    by_others = cause.by not in ours or cause.by == manager(report.function)
    return cause.type in HAPPENED and by_others and any(write.object == cause.object for write in report.changes)


def _put_back(report: Report) -> Iterator[Contested]:
    """Yield each field that a function wrote to the object whose change woke it."""
    cause = report.cause
    for write in report.changes:
        if write.object != cause.object:
            continue
        about = (report.function, report.object.uid, report.generation)
        if cause.type == RESOURCE_DELETE:
            yield from [(write.object, "", "", *about)] if write.action == "created" else []
        elif write.action == "changed":
            for field in write.fields:
                yield write.object, field.path, json.dumps(field.after, sort_keys=True), *about


def _fight(key: Contested, times: Sequence[Report]) -> Fight:
    about, path, _, function, _, _ = key
    silent = {"", manager(function), *(() if path == REPLICAS else CONTROL_PLANE)}
    others = (report.cause.by for report in times if report.cause.by not in silent)
    return Fight(
        object=about,
        path=path,
        function=function,
        others=tuple(dict.fromkeys(others)) if path else (),
        count=len(times),
        since=times[0].began,
        last=times[-1].began,
    )
