"""Turns one event into an entry: what is stored of it. This happens before any lock is taken.

Data that could not be read back, or that a database does not accept, is refused here: one such event must not make the
entries fail that are stored in the same transaction.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from audit.answer_models import Summary
from audit.episode_causes import wrote
from audit.storage.dropped_events import FUTURE, UNREADABLE
from events.report import Cause, ObjectName, Report, StatusChange, Subject
from events.sweep_data import Resync, SweepData
from runtime.event import Event
from runtime.printable import LONGEST_NAME, is_printable, is_visible_name, visible

# Bytes that a row takes in indexes and columns besides its texts; measured for a report that writes four objects.
ROW = 1500
MAX_NUMBER = 2**62
FIRST_YEAR, LAST_YEAR = 1970, 9000
# By how much the clock of another machine may be ahead of ours.
MAX_CLOCK_SKEW = timedelta(seconds=60)


class EventRefused(ValueError):
    """The event is not stored, and delivering it again cannot help.

    `reason` is one of `audit.storage.dropped_events`.
    """

    def __init__(self, message: str, reason: str = UNREADABLE) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class ReportEntry:
    """A report with the id of its event, as JSON: the whole report, and its summary for lists."""

    id: str
    type: str
    parsed: Report
    report: str
    summary: str

    @property
    def bytes(self) -> int:
        """Return the size of the entry in bytes, with the allowance for its row."""
        return len(self.report) + len(self.summary) + ROW


@dataclass(frozen=True)
class EditEntry:
    """One generation of a resource. `deleted` marks its deletion, `verified` that it was read from the API server."""

    object: Subject
    generation: int
    trace: str
    time: datetime
    by: str
    deleted: bool
    traceparent: str
    spec: str
    verified: bool = False

    @property
    def bytes(self) -> int:
        """Return the size of the entry in bytes, with the allowance for its row."""
        return len(self.spec) + ROW


@dataclass(frozen=True)
class SweepEntry:
    """A sweep that has ended."""

    id: str
    time: datetime
    swept: SweepData


@dataclass(frozen=True)
class ResyncEntry:
    """A request to reconcile an object again, with the reasons as JSON."""

    id: str
    source: str
    object: ObjectName
    diverges: str


Entry = ReportEntry | EditEntry | SweepEntry | ResyncEntry


def report(event: Event, report: Report) -> ReportEntry:
    """Return the entry of a report. Raises EventRefused.

    The report's cause is copied from the event that triggered the function, which anybody may have sent. Control
    characters in it are therefore escaped, and are no reason to refuse the report.
    """
    require_storable((event.id, *_named(report)), (report.generation,))
    require_printable(_sentences(report))
    report = report.model_copy(update={"cause": _escaped(report.cause)})
    require_representable_year(report.began)
    require_past(report.began, event.sent)
    try:
        whole = report.model_dump_json(by_alias=True)
        type(report).model_validate_json(whole)
        short = summary(event, report).model_dump_json(by_alias=True, exclude={"sequence", "kept"})
    except (ValidationError, ValueError) as wrong:
        raise EventRefused(f"not JSON: {wrong}") from wrong
    return ReportEntry(event.id, event.type, report, whole, short)


def summary(event: Event, report: Report) -> Summary:
    """Return the summary of a report, without its sequence number."""
    return Summary(
        sequence=0,
        id=event.id,
        type=event.type,
        kept=report.began,
        function=report.function,
        outcome=report.outcome,
        object=report.object,
        generation=report.generation,
        trace=report.trace,
        began=report.began,
        milliseconds=report.milliseconds,
        rounds=report.rounds,
        condition=report.conditions[0] if report.conditions else None,
        changes=tuple(wrote(report)),
        calls=len(report.calls),
        cause=report.cause,
    )


def sweep(event: Event, swept: SweepData, time: datetime) -> SweepEntry:
    """Return the entry of a sweep. Raises EventRefused."""
    require_storable((event.id,), (swept.resources, swept.diverging, swept.calls), most=2**31 - 1)
    require_representable_year(time)
    require_past(time)
    if not 0 <= swept.milliseconds < MAX_NUMBER:
        raise EventRefused("`milliseconds` is no duration")
    return SweepEntry(event.id, time, swept)


def resync(event: Event, asked: Resync) -> ResyncEntry:
    """Return the entry of a request to reconcile an object again. Raises EventRefused."""
    subject = asked.object
    require_past(event.sent)
    require_storable((event.id, event.source, subject.api_version, subject.kind, subject.namespace, subject.name))
    require_printable(sentence for sentences in asked.diverges.values() for sentence in sentences)
    try:
        return ResyncEntry(event.id, event.source, subject, asked.model_dump_json(by_alias=True, include={"diverges"}))
    except ValueError as wrong:
        raise EventRefused(f"not JSON: {wrong}") from wrong


def require_storable(texts: tuple[str, ...], numbers: tuple[int, ...] = (), *, most: int = MAX_NUMBER) -> None:
    """Raise EventRefused if an index cannot hold one of the texts, or a column one of the numbers."""
    for text in texts:
        if not is_visible_name(text):
            raise EventRefused(f"'{text[:40]!a}' is no name: it is longer than {LONGEST_NAME} bytes, or not printable")
    for number in numbers:
        if not 0 <= number <= most:
            raise EventRefused(f"'{number}' is out of range")


def require_representable_year(time: datetime) -> None:
    """Raise EventRefused for a year that some databases or languages cannot represent in every time zone."""
    if not FIRST_YEAR <= time.year <= LAST_YEAR:
        raise EventRefused(f"'{time}' is no time of a cluster's")


def is_ahead(time: datetime) -> bool:
    """Return whether a time is in the future by more than the difference between clocks."""
    return time > datetime.now(UTC) + MAX_CLOCK_SKEW


def require_past(*times: datetime | None) -> None:
    """Raise EventRefused if one of these times is in the future."""
    for time in times:
        if time is not None and is_ahead(time):
            raise EventRefused(f"'{time}' is in the future", FUTURE)


def require_printable(texts: Iterable[str]) -> None:
    """Raise EventRefused if a terminal would obey a character in one of these texts, or reorder the text."""
    for text in texts:
        if not is_printable(text):
            raise EventRefused(f"'{text[:40]!a}' has control characters")


def _sentences(report: Report) -> Iterator[str]:
    """Yield the texts of a report that are shown as sentences."""
    for condition in report.conditions:
        yield from (condition.type, condition.reason, condition.message)
    if isinstance(report, StatusChange):
        yield from (report.ready_from, report.ready_to)


def _escaped(cause: Cause) -> Cause:
    texts = {name: visible(text) for name, text in cause if isinstance(text, str)}
    if cause.object:
        named = {name: visible(text) for name, text in cause.object}
        return cause.model_copy(update={**texts, "object": ObjectName(**named)})
    return cause.model_copy(update=texts)


def _named(report: Report) -> Iterator[str]:
    """Yield the texts of a report that are in an index of the database."""
    yield from (report.function, report.trace, report.outcome)
    for named in (report.object, *(change.object for change in report.changes)):
        yield from (named.api_version, named.kind, named.namespace, named.name)
    yield report.object.uid


def parsed(kept: str) -> Report:
    """Return a stored report. Its JSON decides whether it is a StatusChange."""
    return (StatusChange if '"readyFrom"' in kept else Report).model_validate_json(kept)
