"""Finds fights: fields of children that a function puts back again and again, since others change them each time.

One change by hand is put back once. A change that comes again within minutes is made by another controller, a GitOps
tool or a webhook, and only its operator can end that. Reports show it: they name what a function wrote, and who had
changed the same object before. A function keeps no state between events, so no condition can show it.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from audit.answer_models import Fight
from audit.answers.rows import SHORT, WHOLE, summary, whole
from audit.answers.selection import ObjectSelection
from audit.episode_causes import HAPPENED, AnyReport
from audit.storage.tables import reports
from events.report import ObjectName, Report
from events.types import RESOURCE_DELETE
from runtime.declaration import manager
from runtime.field_owners import CONTROL_PLANE

# A field that is put back `LEAST` times within `WINDOW` is a fight.
LEAST = 3
WINDOW = timedelta(hours=1)
# The most reports that one answer reads, newest first: summaries, and whole reports that may be part of a fight.
MAX_SUMMARIES, MAX_REPORTS_READ = 500, 100
# The only field that the control plane changes by itself (an autoscaler does). For all other fields the control plane
# is not named: its controllers write a status right after any change, and so are often the last writer.
REPLICAS = "spec.replicas"

# A child, a field of it, the value as JSON, the function that puts it back, and the resource's uid and generation.
Contested = tuple[ObjectName, str, str, str, str, int]


def recent(connection: Connection, wanted: ObjectSelection, now: datetime, ours: Collection[str]) -> list[Report]:
    """Return the reports about a resource that may be part of a fight, in the order in which they were stored."""
    query = select(*SHORT).where(
        reports.c.kind == wanted.kind,
        reports.c.namespace == wanted.namespace,
        reports.c.name == wanted.name,
        reports.c.kept >= now - WINDOW,
    )
    rows = connection.execute(query.order_by(reports.c.sequence.desc()).limit(MAX_SUMMARIES)).all()
    numbers = [row.sequence for row in rows if _reverts_change(summary(row), ours)][:MAX_REPORTS_READ]
    if len(numbers) < LEAST:
        return []
    reverts = select(*WHOLE).where(reports.c.sequence.in_(numbers)).order_by(reports.c.sequence)
    return [whole(row).report for row in connection.execute(reverts)]


def fights(reports: Iterable[Report], ours: Collection[str]) -> tuple[Fight, ...]:
    """Return the contested fields, the most frequent first; `ours` are the functions' field managers. Pure."""
    contested: dict[Contested, list[Report]] = defaultdict(list)
    for report in reports:
        for key in _put_back(report) if _reverts_change(report, ours) else ():
            contested[key].append(report)
    frequent = (_fight(key, times) for key, times in contested.items() if len(times) >= LEAST)
    return tuple(sorted(frequent, key=lambda fight: (-fight.count, fight.path)))


def _reverts_change(report: AnyReport, ours: Collection[str]) -> bool:
    """Return whether a function wrote to the object that triggered it, which no other function had changed.

    Removing a field leaves no entry in `managedFields`. The last writer then is the function itself, so a change by its
    own field manager counts as well.
    """
    cause = report.cause
    by_others = cause.by not in ours or cause.by == manager(report.function)
    return cause.type in HAPPENED and by_others and any(write.object == cause.object for write in report.changes)


def _put_back(report: Report) -> Iterator[Contested]:
    """Yield each field that a function wrote to the object that triggered it."""
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
