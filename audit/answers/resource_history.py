"""Reads the history of one resource: its generations, newest first, each with its edit and what the functions did."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, literal, select, tuple_

from audit.answer_models import Change, Edit, Page, Summary
from audit.answers.episodes import in_short
from audit.answers.rows import SUMMARY_COLUMNS, subject, summary
from audit.answers.selection import HistorySelection
from audit.storage.edits import fields
from audit.storage.tables import TableRow, changes, reports
from events.report import Field

# The most reports on one generation in one answer: if a field is changed back again and again, there is no end of them.
MAX_REPORTS = 200
ORDER = (changes.c.life.desc(), changes.c.generation.desc())


def history(connection: Connection, wanted: HistorySelection) -> Page[Change]:
    """Return one page of generations; `next` names the last generation on it, if there are more."""
    life, generation = wanted.place
    query = select(changes).where(
        changes.c.kind == wanted.kind,
        changes.c.namespace == wanted.namespace,
        changes.c.name == wanted.name,
        tuple_(changes.c.life, changes.c.generation) < tuple_(literal(life), literal(generation)),
    )
    rows = connection.execute(query.order_by(*ORDER).limit(wanted.limit + 1)).all()
    shown = rows[: wanted.limit]
    summaries = _newest_reports(connection, [row.sequence for row in shown])
    items = tuple(_change(connection, row, older, summaries[row.sequence]) for row, older in _paired(rows, len(shown)))
    return Page(items=items, next=f"{shown[-1].life}.{shown[-1].generation}" if len(rows) > len(shown) else "")


def edit_of(connection: Connection, row: TableRow, older: TableRow | None = None) -> Edit | None:
    """Return the edit that made a generation; None if its spec was not seen.

    `older` is the row of the generation before it, if that is already read.
    """
    if row.time is None:
        return None
    before = older if older is not None and _follows(row, older) else _before(connection, row)
    changed: tuple[Any, ...] = ()
    if not row.deleted:
        changed = tuple(fields(json.loads(before.spec) if before else {}, json.loads(row.spec)))
    first = before is None
    by, time = _author(row, before, changed)
    return Edit(
        object=subject(row),
        generation=row.generation,
        time=time,
        by=by,
        first=first,
        deleted=row.deleted,
        # The API server counts up the generation only if the spec differs: if no field does, a redacted one does.
        hidden=not (changed or first or row.deleted),
        verified=row.verified and (before is None or before.verified),
        fields=changed,
    )


def _author(row: TableRow, before: TableRow | None, changed: Sequence[Field]) -> tuple[str, datetime]:
    """Return who made the generation and when; who is blank if the API server did not record it.

    `metadata.managedFields` has no new entry for a writer that only removes fields: its newest entry is then one of an
    earlier generation. The time returned is the one at which the generation was stored.
    """
    only_removes = bool(changed) and all(field.after is None for field in changed)
    if before is not None and only_removes and row.time <= before.time:
        return "", row.kept
    return row.by, row.time


def _change(connection: Connection, row: TableRow, older: TableRow | None, summaries: Sequence[Summary]) -> Change:
    edit = edit_of(connection, row, older)
    more, summaries = len(summaries) > MAX_REPORTS, summaries[-MAX_REPORTS:]
    return Change(
        object=subject(row),
        generation=row.generation,
        trace=summaries[0].trace if summaries else row.trace,
        began=edit.time if edit else summaries[0].began if summaries else row.kept,
        edit=edit,
        reports=tuple(summaries),
        episodes=in_short(summaries, edit, more=more),
        more=more,
    )


def _newest_reports(connection: Connection, numbers: Sequence[int]) -> Mapping[int, Sequence[Summary]]:
    """Return the newest reports on each of these generations, in the order in which the reconciles began.

    Returns up to `MAX_REPORTS + 1` for each generation; one above `MAX_REPORTS` shows that there are more.
    """
    place = func.row_number().over(partition_by=reports.c.change, order_by=reports.c.sequence.desc())
    newest = select(reports.c.sequence, place.label("place")).where(reports.c.change.in_(numbers)).subquery()
    query = (
        select(*SUMMARY_COLUMNS)
        .join(newest, newest.c.sequence == reports.c.sequence)
        .where(newest.c.place <= MAX_REPORTS + 1)
    )
    summaries: dict[int, list[Summary]] = defaultdict(list)
    for row in connection.execute(query.order_by(reports.c.began, reports.c.sequence)):
        summaries[row.change].append(summary(row))
    return summaries


def _paired(rows: Sequence[TableRow], count: int) -> Sequence[tuple[TableRow, TableRow | None]]:
    return [(rows[at], rows[at + 1] if at + 1 < len(rows) else None) for at in range(count)]


def _follows(row: TableRow, older: TableRow) -> bool:
    return older.time is not None and bool(older.uid == row.uid)


def _before(connection: Connection, row: TableRow) -> TableRow | None:
    """Return the newest earlier generation of the same object with a known spec, or None."""
    query = select(changes).where(
        changes.c.kind == row.kind,
        changes.c.namespace == row.namespace,
        changes.c.name == row.name,
        changes.c.uid == row.uid,
        changes.c.generation < row.generation,
        changes.c.time.is_not(None),
    )
    return connection.execute(query.order_by(changes.c.generation.desc()).limit(1)).first()
