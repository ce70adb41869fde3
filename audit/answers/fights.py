"""Finds fights: fields that a function puts back again and again, since others change them each time.

A function is one of this operator's Knative functions; a child is an object that it applies for a custom resource. One
change by hand is put back once. A change that comes again within minutes is made by another controller, a GitOps tool
or a webhook, and only the person who runs that can end it. A function keeps no state between events, so no status
condition can show it. Its reports can: each says what one reconcile wrote, and who had changed the object before.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from audit.answer_models import Fight
from audit.answers.rows import REPORT_COLUMNS, SUMMARY_COLUMNS, stored_report, summary
from audit.answers.selection import ObjectSelection
from audit.episode_causes import RESOURCE_ACTIONS, AnyReport
from audit.storage.tables import reports as reports_table
from events.report import ObjectName, Report
from events.types import RESOURCE_DELETE
from runtime.declaration import manager as field_manager
from runtime.field_owners import CONTROL_PLANE

# A field that is put back to the same value at least `LEAST` times within `WINDOW`, for one generation of the custom
# resource, is a fight.
LEAST = 3
WINDOW = timedelta(hours=1)
# Bounds of one call of `recent`, newest first: summaries read, and whole reports of possible fights read. A summary has
# the report's cause and the objects written, but not the values of fields, which `fights` compares.
MAX_SUMMARIES, MAX_REPORTS_READ = 500, 100
# The only field of a child that the control plane changes by itself (an autoscaler does). For any other field
# the control plane is left out of `Fight.others`: its controllers write the status after any change, and so are often
# the last writer.
REPLICAS = "spec.replicas"

# What makes two reverts the same fight: the child, the path of its field ('' for all of it), the value as JSON, the
# function, and uid and generation of the custom resource that the function reconciled.
ContestedField = tuple[ObjectName, str, str, str, str, int]


def recent(connection: Connection, wanted: ObjectSelection, now: datetime, ours: Collection[str]) -> list[Report]:
    """Return the reports on a custom resource, of the last `WINDOW`, that may be part of a fight, in stored order.

    `ours` are the field managers of all functions. The list is empty if there are fewer than `LEAST` such reports.
    """
    query = select(*SUMMARY_COLUMNS).where(
        reports_table.c.kind == wanted.kind,
        reports_table.c.namespace == wanted.namespace,
        reports_table.c.name == wanted.name,
        reports_table.c.kept >= now - WINDOW,
    )
    rows = connection.execute(query.order_by(reports_table.c.sequence.desc()).limit(MAX_SUMMARIES)).all()
    sequences = [row.sequence for row in rows if _reverts_change(summary(row), ours)][:MAX_REPORTS_READ]
    if len(sequences) < LEAST:
        return []
    reverts = select(*REPORT_COLUMNS).where(reports_table.c.sequence.in_(sequences)).order_by(reports_table.c.sequence)
    return [stored_report(row).report for row in connection.execute(reverts)]


def fights(recent_reports: Iterable[Report], ours: Collection[str]) -> tuple[Fight, ...]:
    """Return the fights, the most frequent first; `ours` are the field managers of all functions. Pure."""
    contested: dict[ContestedField, list[Report]] = defaultdict(list)
    for report in recent_reports:
        for key in _put_back(report) if _reverts_change(report, ours) else ():
            contested[key].append(report)
    frequent = (_fight(key, reverts) for key, reverts in contested.items() if len(reverts) >= LEAST)
    return tuple(sorted(frequent, key=lambda fight: (-fight.count, fight.path)))


def _reverts_change(report: AnyReport, ours: Collection[str]) -> bool:
    """Return whether a reconcile wrote to the object that triggered it, unless another function had changed the object.

    The summary of a report is enough to tell. The trigger (`cause.type`) must be a Knative event that an object was
    added, updated or deleted; a resync is not. Removing a field leaves no entry in `managedFields`: the last writer
    (`cause.by`) then is the function itself. So a change by its own field manager counts as well.
    """
    cause = report.cause
    by_another_function = cause.by in ours and cause.by != field_manager(report.function)
    wrote = any(write.object == cause.object for write in report.changes)
    return cause.type in RESOURCE_ACTIONS and not by_another_function and wrote


def _put_back(report: Report) -> Iterator[ContestedField]:
    """Yield what a function put back in the object that triggered it: its fields, or all of it if it was deleted."""
    cause = report.cause
    for write in report.changes:
        if write.object != cause.object:
            continue
        origin = (report.function, report.object.uid, report.generation)
        if cause.type == RESOURCE_DELETE:
            yield from [(write.object, "", "", *origin)] if write.action == "created" else []
        elif write.action == "changed":
            for field in write.fields:
                yield write.object, field.path, json.dumps(field.after, sort_keys=True), *origin


def _fight(key: ContestedField, reverts: Sequence[Report]) -> Fight:
    """Return the fight over a field; its `others` are the field managers that changed the field before each revert."""
    child, path, _, function, _, _ = key
    unnamed = {"", field_manager(function), *(() if path == REPLICAS else CONTROL_PLANE)}
    others = (report.cause.by for report in reverts if report.cause.by not in unnamed)
    return Fight(
        object=child,
        path=path,
        function=function,
        # Kubernetes does not record who deletes an object: its last writer is not to blame.
        others=tuple(dict.fromkeys(others)) if path else (),
        count=len(reverts),
        since=reverts[0].began,
        last=reverts[-1].began,
    )
