"""A trace taken apart: what happened together, and what the end of it waited for. Pure.

What belongs to one generation may happen days apart (a drift that is mended, a sweep). So a trace is told in episodes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from audit.model import Trace
from events.report import Cause, ObjectName, Report
from runtime import objects
from runtime.objects import Kind

PLURALS = {(one.api_version, one.name): one.plural for one in vars(objects).values() if isinstance(one, Kind)}
# So many seconds in which nothing happens end an episode.
PAUSE = 5.0
# Clocks of different nodes differ by some milliseconds.
SLACK = timedelta(milliseconds=20)


@dataclass(frozen=True)
class Episode:
    """What follows closely on each other; `began` is when the first event of it was sent."""

    began: datetime
    reports: tuple[Report, ...]

    @property
    def length(self) -> float:
        """In milliseconds."""
        return max(self.ended(one) for one in self.reports)

    def after(self, moment: datetime) -> float:
        """Milliseconds since it began."""
        return (moment - self.began) / timedelta(milliseconds=1)

    def ended(self, one: Report) -> float:
        """When a reconcile ended."""
        return self.after(one.began) + one.milliseconds


def episodes(trace: Trace) -> tuple[Episode, ...]:
    """The reports of a trace, by what happened together."""
    found: list[list[Report]] = []
    quiet = datetime.min.replace(tzinfo=UTC)
    for one in sorted((kept.report for kept in trace.reports), key=lambda said: said.began):
        if not found or (sent(one) - quiet).total_seconds() > PAUSE:
            found.append([])
            quiet = one.began
        found[-1].append(one)
        quiet = max(quiet, one.began + timedelta(milliseconds=one.milliseconds))
    return tuple(Episode(min(sent(one) for one in group), tuple(group)) for group in found)


def sent(one: Report) -> datetime:
    """When its event was sent; an event may say nothing of that, or come from a clock that is ahead."""
    return min(one.cause.sent or one.began, one.began)


def critical(reports: Sequence[Report]) -> frozenset[int]:
    """Places of the reports that the end waited for, back from the last one through those whose writes woke it."""
    path: set[int] = set()
    last = max(range(len(reports)), key=lambda place: _end(reports[place]), default=None)
    while last is not None and last not in path:
        path.add(last)
        last = _woken_by(reports, last)
    return frozenset(path)


def _woken_by(reports: Sequence[Report], place: int) -> int | None:
    """Whose write to the object of the event was the last before it was sent."""
    latest = sent(reports[place]) + SLACK
    before = {
        other: max(moments)
        for other, said in enumerate(reports)
        if other != place and (moments := [at for at in _wrote(said, reports[place].cause) if at <= latest])
    }
    return max(before, key=lambda other: before[other], default=None)


def _wrote(said: Report, cause: Cause) -> Iterator[datetime]:
    """When a report's writes to the object of an event were done, its status among them."""
    for call in said.calls:
        if call.verb != "GET" and 200 <= call.status < 300 and cause.object and _names(call.path, cause.object):
            yield said.began + timedelta(milliseconds=call.began + call.milliseconds)


def _names(path: str, wanted: ObjectName) -> bool:
    """Whether a URL path is the object's, or its status's."""
    parts = path.strip("/").removesuffix("/status").split("/")
    plural = PLURALS.get((wanted.api_version, wanted.kind), "")
    where = ["namespaces", wanted.namespace] if wanted.namespace else []
    return parts[-len(where) - 2 :] == [*where, plural, wanted.name]


def _end(one: Report) -> datetime:
    return one.began + timedelta(milliseconds=one.milliseconds)
