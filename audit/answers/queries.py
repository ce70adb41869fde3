"""Reads what was kept: pages of reports, one report, one trace, and how much there is.

Pages go on below a number that never moves, so what is kept meanwhile shifts nothing.
"""

from collections.abc import Iterable

from sqlalchemy import Column, ColumnElement, Connection, select

from audit.access.visibility import Sight
from audit.answer_models import FinishedSweep, Kept, Page, StoreState, Summary, Trace
from audit.answers.episodes import episodes
from audit.answers.resource_history import edit_of
from audit.answers.rows import SHORT, WHOLE, subject, summary, whole
from audit.answers.selection import Reports
from audit.storage.tables import changes, reports, sweeps, written
from audit.storage.totals import held
from runtime.settings import VERSION

# What one answer holds of a trace, in reports and in bytes: a drift that somebody makes again and again has no end.
MOST, BYTES = 500, 16 << 20
EQUAL = ("kind", "namespace", "name", "uid", "function", "outcome", "trace")


def page(connection: Connection, wanted: Reports, sight: Sight) -> Page[Summary]:
    """Reports, newest first; `next` is the number of the last of them, where there are more."""
    query = select(*SHORT).where(*_selected(wanted), sight.limit(reports.c.namespace))
    number = reports.c.sequence
    if wanted.target:
        number = written.c.sequence
        query = query.join(written, number == reports.c.sequence).where(*_about(wanted))
    query = query.where(*_placed(wanted, number)).order_by(number.desc())
    rows = connection.execute(query.limit(wanted.limit + 1)).all()
    shown = rows[: wanted.limit]
    return Page(items=tuple(map(summary, shown)), next=str(shown[-1].sequence) if len(rows) > len(shown) else "")


def one(connection: Connection, identity: str) -> Kept | None:
    """The report under this id, if there is one."""
    row = connection.execute(select(*WHOLE).where(reports.c.id == identity)).first()
    return whole(row) if row else None


def places(connection: Connection, trace: str) -> set[str]:
    """The namespaces of what belongs to a trace."""
    namespaces = select(reports.c.namespace).where(reports.c.trace == trace)
    return set(
        connection.execute(namespaces.union(select(changes.c.namespace).where(changes.c.trace == trace))).scalars()
    )


def trace(connection: Connection, identity: str, sight: Sight) -> Trace | None:
    """What one change led to, in the order in which reconciles began; None where nothing of it is to be seen."""
    numbers, more = _newest(connection, identity, sight)
    query = select(*WHOLE).where(reports.c.sequence.in_(numbers)).order_by(reports.c.began, reports.c.sequence)
    rows = connection.execute(query).all()
    known = changes.c.sequence == rows[0].change if rows else changes.c.trace == identity
    seen = select(changes).where(known, sight.limit(changes.c.namespace))
    # Several may name one trace in an annotation: what was read from the API server comes first.
    made = connection.execute(seen.order_by(changes.c.verified.desc(), changes.c.sequence).limit(1)).first()
    if made is None:
        return None
    kept = tuple(map(whole, rows))
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


def _newest(connection: Connection, trace: str, sight: Sight) -> tuple[list[int], bool]:
    """Return the numbers of the newest reports of a trace that one answer may hold, and whether there are more."""
    seen = (reports.c.trace == trace, sight.limit(reports.c.namespace))
    query = select(reports.c.sequence, reports.c.bytes).where(*seen)
    numbers: list[int] = []
    size = 0
    for row in connection.execute(query.order_by(reports.c.sequence.desc()).limit(MOST + 1)):
        size += row.bytes
        if len(numbers) == MOST or (numbers and size > BYTES):
            return numbers, True
        numbers.append(row.sequence)
    return numbers, False


def state(connection: Connection, sight: Sight) -> StoreState:
    """Return how much of what may be seen is kept, since when, and the last sweep."""
    kept = held(connection, sight)
    sweep = _swept(connection, counted=sight.namespaces is None)
    return StoreState(reports=kept.reports, oldest=kept.oldest, bytes=kept.bytes, sweep=sweep, version=VERSION)


def latest(connection: Connection, sight: Sight) -> int:
    """Return the newest number of what may be seen; 0 where there is nothing."""
    return held(connection, sight).newest


def _swept(connection: Connection, *, counted: bool) -> FinishedSweep | None:
    """Return the last sweep; its counts are of the whole cluster, so they are for those who may see all of it."""
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


def _selected(wanted: Reports) -> Iterable[ColumnElement[bool]]:
    for name in EQUAL:
        if value := getattr(wanted, name):
            yield reports.c[name] == value
    if wanted.generation is not None:
        yield reports.c.generation == wanted.generation


def _about(wanted: Reports) -> Iterable[ColumnElement[bool]]:
    """Return the objects that a report has written."""
    kind, _, name = wanted.target.partition("/")
    yield written.c.kind == kind
    yield written.c.name == name
    if wanted.namespace:
        yield written.c.within == wanted.namespace


def _placed(wanted: Reports, number: Column[int]) -> Iterable[ColumnElement[bool]]:
    """Numbers and times grow together: a page follows one index, however few of the rows on it are shown."""
    yield number < wanted.before
    at = reports.alias()
    if wanted.since:
        first = select(at.c.sequence).where(at.c.kept >= wanted.since).order_by(at.c.kept, at.c.sequence).limit(1)
        yield number >= first.scalar_subquery()
    if wanted.until:
        newest = (at.c.kept.desc(), at.c.sequence.desc())
        last = select(at.c.sequence).where(at.c.kept <= wanted.until).order_by(*newest).limit(1)
        yield number <= last.scalar_subquery()
