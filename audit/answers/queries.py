"""Reads what is stored: pages of reports, one report, one trace, and the totals.

The cursor of a page is a sequence number, so rows that are stored meanwhile do not shift the pages.
"""

from collections.abc import Iterable

from sqlalchemy import Column, ColumnElement, Connection, select

from audit.access.visibility import Visibility
from audit.answer_models import FinishedSweep, Page, StoredReport, StoreState, Summary, Trace
from audit.answers.episodes import episodes
from audit.answers.resource_history import edit_of
from audit.answers.rows import REPORT_COLUMNS, SUMMARY_COLUMNS, stored_report, subject, summary
from audit.answers.selection import ReportSelection
from audit.storage.tables import changes, reports, sweeps, written
from audit.storage.totals import stored_amounts
from runtime.settings import VERSION

# Limits for the reports and bytes of a trace in one answer: a drift that keeps coming back makes a trace endless.
MAX_REPORTS, MAX_BYTES = 500, 16 << 20
EQUAL = ("kind", "namespace", "name", "uid", "function", "outcome", "trace")


def page(connection: Connection, wanted: ReportSelection, visibility: Visibility) -> Page[Summary]:
    """Return a page of reports, newest first; `next` is the number of the last of them, if there are more."""
    query = select(*SUMMARY_COLUMNS).where(*_selected(wanted), visibility.limit(reports.c.namespace))
    number = reports.c.sequence
    if wanted.target:
        number = written.c.sequence
        query = query.join(written, number == reports.c.sequence).where(*_about(wanted))
    query = query.where(*_placed(wanted, number)).order_by(number.desc())
    rows = connection.execute(query.limit(wanted.limit + 1)).all()
    shown = rows[: wanted.limit]
    return Page(items=tuple(map(summary, shown)), next=str(shown[-1].sequence) if len(rows) > len(shown) else "")


def report_by_id(connection: Connection, identity: str) -> StoredReport | None:
    """Return the report with this id, or None."""
    row = connection.execute(select(*REPORT_COLUMNS).where(reports.c.id == identity)).first()
    return stored_report(row) if row else None


def namespaces_of_trace(connection: Connection, trace: str) -> set[str]:
    """Return the namespaces of everything that belongs to a trace."""
    namespaces = select(reports.c.namespace).where(reports.c.trace == trace)
    return set(
        connection.execute(namespaces.union(select(changes.c.namespace).where(changes.c.trace == trace))).scalars()
    )


def trace(connection: Connection, identity: str, visibility: Visibility) -> Trace | None:
    """Return what one change led to, in the order in which reconciles began; None if the user may see none of it."""
    numbers, more = _newest(connection, identity, visibility)
    query = select(*REPORT_COLUMNS).where(reports.c.sequence.in_(numbers)).order_by(reports.c.began, reports.c.sequence)
    rows = connection.execute(query).all()
    known = changes.c.sequence == rows[0].change if rows else changes.c.trace == identity
    seen = select(changes).where(known, visibility.limit(changes.c.namespace))
    # Several objects may name the same trace in an annotation: one that was read from the API server comes first.
    made = connection.execute(seen.order_by(changes.c.verified.desc(), changes.c.sequence).limit(1)).first()
    if made is None:
        return None
    kept = tuple(map(stored_report, rows))
    edit = edit_of(connection, made)
    return Trace(
        trace=identity,
        object=subject(made),
        generation=made.generation,
        edit=edit,
        reports=kept,
        episodes=episodes(kept, edit, more=more),
        more=more,
    )


def _newest(connection: Connection, trace: str, visibility: Visibility) -> tuple[list[int], bool]:
    """Return the numbers of a trace's newest reports that fit into one answer, and whether there are more."""
    seen = (reports.c.trace == trace, visibility.limit(reports.c.namespace))
    query = select(reports.c.sequence, reports.c.bytes).where(*seen)
    numbers: list[int] = []
    size = 0
    for row in connection.execute(query.order_by(reports.c.sequence.desc()).limit(MAX_REPORTS + 1)):
        size += row.bytes
        if len(numbers) == MAX_REPORTS or (numbers and size > MAX_BYTES):
            return numbers, True
        numbers.append(row.sequence)
    return numbers, False


def state(connection: Connection, visibility: Visibility) -> StoreState:
    """Return the totals of what the user may see, and the last sweep."""
    kept = stored_amounts(connection, visibility)
    sweep = _swept(connection, counted=visibility.namespaces is None)
    return StoreState(reports=kept.reports, oldest=kept.oldest, bytes=kept.bytes, sweep=sweep, version=VERSION)


def latest(connection: Connection, visibility: Visibility) -> int:
    """Return the highest sequence number that the user may see; 0 if there is none."""
    return stored_amounts(connection, visibility).newest


def _swept(connection: Connection, *, counted: bool) -> FinishedSweep | None:
    """Return the last sweep; its counts are about the whole cluster, so they are left out unless `counted` is set."""
    last = connection.execute(select(sweeps).order_by(sweeps.c.sequence.desc()).limit(1)).first()
    if last is None:
        return None
    if not counted:
        return FinishedSweep(time=last.time)
    return FinishedSweep(
        time=last.time,
        resources=last.resources,
        diverging=last.diverging,
        calls=last.calls,
        milliseconds=last.milliseconds,
    )


def _selected(wanted: ReportSelection) -> Iterable[ColumnElement[bool]]:
    for name in EQUAL:
        if value := getattr(wanted, name):
            yield reports.c[name] == value
    if wanted.generation is not None:
        yield reports.c.generation == wanted.generation


def _about(wanted: ReportSelection) -> Iterable[ColumnElement[bool]]:
    """Yield the conditions for reports that wrote the object `target`."""
    kind, _, name = wanted.target.partition("/")
    yield written.c.kind == kind
    yield written.c.name == name
    if wanted.namespace:
        yield written.c.within == wanted.namespace


def _placed(wanted: ReportSelection, number: Column[int]) -> Iterable[ColumnElement[bool]]:
    """Yield the conditions for cursor and times.

    Times are turned into numbers, which grow together with them. So a page is read along one index, even if few of the
    rows match.
    """
    yield number < wanted.before
    at = reports.alias()
    if wanted.since:
        first = select(at.c.sequence).where(at.c.kept >= wanted.since).order_by(at.c.kept, at.c.sequence).limit(1)
        yield number >= first.scalar_subquery()
    if wanted.until:
        newest = (at.c.kept.desc(), at.c.sequence.desc())
        last = select(at.c.sequence).where(at.c.kept <= wanted.until).order_by(*newest).limit(1)
        yield number <= last.scalar_subquery()
