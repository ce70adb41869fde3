"""What is kept of one event, as the rows that it becomes, made before any lock is taken.

What could not be read back, or no database takes, is refused here: one such event must not fail those beside it.
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

# What a row takes in indexes and columns beside its texts, in bytes; measured, for one that writes four objects.
ROW = 1500
LARGEST = 2**62
FIRST_YEAR, LAST_YEAR = 1970, 9000
# How far the clock of another machine may be ahead of ours.
AHEAD = timedelta(seconds=60)


class NotKept(ValueError):
    """An event says something that is not kept, and delivering it again cannot help.

    `reason` is one of `audit.storage.dropped_events`.
    """

    def __init__(self, message: str, reason: str = UNREADABLE) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class ReportEntry:
    """A report under the id of its event, as JSON: whole, and in short as lists show it."""

    id: str
    type: str
    parsed: Report
    report: str
    summary: str

    @property
    def bytes(self) -> int:
        """What it takes."""
        return len(self.report) + len(self.summary) + ROW


@dataclass(frozen=True)
class EditEntry:
    """One generation of a resource; `deleted` is its end. `verified` says that it was read from the API server."""

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
        """What it takes."""
        return len(self.spec) + ROW


@dataclass(frozen=True)
class SweepEntry:
    """A sweep that has ended."""

    id: str
    time: datetime
    swept: SweepData


@dataclass(frozen=True)
class ResyncEntry:
    """A request to look at an object again, with the reasons as JSON."""

    id: str
    source: str
    object: ObjectName
    diverges: str


Entry = ReportEntry | EditEntry | SweepEntry | ResyncEntry


def report(event: Event, report: Report) -> ReportEntry:
    """Return what is kept of a report. Raises NotKept.

    Its cause is what the event said that woke the function, and anybody may have sent that: it cannot keep the report
    from being kept, so control characters in it are escaped.
    """
    checked((event.id, *_named(report)), (report.generation,))
    printable(_sentences(report))
    report = report.model_copy(update={"cause": _escaped(report.cause)})
    timely(report.began)
    happened(report.began, event.sent)
    try:
        whole = report.model_dump_json(by_alias=True)
        type(report).model_validate_json(whole)
        short = summary(event, report).model_dump_json(by_alias=True, exclude={"sequence", "kept"})
    except (ValidationError, ValueError) as wrong:
        raise NotKept(f"not JSON: {wrong}") from wrong
    return ReportEntry(event.id, event.type, report, whole, short)


def summary(event: Event, report: Report) -> Summary:
    """A report in short, with no number yet."""
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
    """Raises NotKept."""
    checked((event.id,), (swept.resources, swept.diverging, swept.calls), most=2**31 - 1)
    timely(time)
    happened(time)
    if not 0 <= swept.milliseconds < LARGEST:
        raise NotKept("`milliseconds` is no duration")
    return SweepEntry(event.id, time, swept)


def resync(event: Event, asked: Resync) -> ResyncEntry:
    """Raises NotKept."""
    subject = asked.object
    happened(event.sent)
    checked((event.id, event.source, subject.api_version, subject.kind, subject.namespace, subject.name))
    printable(sentence for sentences in asked.diverges.values() for sentence in sentences)
    try:
        return ResyncEntry(event.id, event.source, subject, asked.model_dump_json(by_alias=True, include={"diverges"}))
    except ValueError as wrong:
        raise NotKept(f"not JSON: {wrong}") from wrong


def checked(texts: tuple[str, ...], numbers: tuple[int, ...] = (), *, most: int = LARGEST) -> None:
    """Raises NotKept where an index takes no such text, or a column no such number."""
    for text in texts:
        if not is_visible_name(text):
            raise NotKept(f"'{text[:40]!a}' is no name: it is longer than {LONGEST_NAME} bytes, or not printable")
    for number in numbers:
        if not 0 <= number <= most:
            raise NotKept(f"'{number}' is out of range")


def timely(time: datetime) -> None:
    """Raises NotKept for a time that not every database and language can tell in every zone."""
    if not FIRST_YEAR <= time.year <= LAST_YEAR:
        raise NotKept(f"'{time}' is no time of a cluster's")


def is_ahead(time: datetime) -> bool:
    """Whether a time is later than this machine's clock and the clocks of others can explain."""
    return time > datetime.now(UTC) + AHEAD


def happened(*times: datetime | None) -> None:
    """Raise NotKept where one of these times is yet to come."""
    for time in times:
        if time is not None and is_ahead(time):
            raise NotKept(f"'{time}' is yet to come", FUTURE)


def printable(texts: Iterable[str]) -> None:
    """Raise NotKept where one of these sentences would do something to a terminal, or read otherwise than it is."""
    for text in texts:
        if not is_printable(text):
            raise NotKept(f"'{text[:40]!a}' has control characters")


def _sentences(report: Report) -> Iterator[str]:
    """Return whatever of a report is told in sentences."""
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
    """A report as it was kept; which of the two models it is, its fields say."""
    return (StatusChange if '"readyFrom"' in kept else Report).model_validate_json(kept)
