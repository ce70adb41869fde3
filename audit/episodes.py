"""A trace taken apart: what happened together, and what the end of it waited for. Pure.

What belongs to one generation may happen days apart (a drift that is mended, a sweep). So a trace is told in episodes.
"""

from collections.abc import Container, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from audit.model import Episode, Kept, Summary
from events.report import ObjectName, Report
from runtime import objects
from runtime.client import path
from runtime.objects import Kind

KINDS = {(one.api_version, one.name): one for one in vars(objects).values() if isinstance(one, Kind)}
# So many seconds in which nothing happens end an episode.
PAUSE = 5.0


def episodes(reports: Sequence[Kept]) -> tuple[Episode, ...]:
    """The reports of a trace, by what happened together; `reports` are in the order in which the reconciles began."""
    found: list[list[Kept]] = []
    quiet = datetime.min.replace(tzinfo=UTC)
    for one in reports:
        if not found or (sent(one.report) - quiet).total_seconds() > PAUSE:
            found.append([])
            quiet = one.report.began
        found[-1].append(one)
        quiet = max(quiet, _ended(one))
    return tuple(map(_episode, found))


def sent(said: Report | Summary) -> datetime:
    """When its event was sent; an event may say nothing of that, or come from a clock that is ahead."""
    return min(said.cause.sent or said.began, said.began)


def _episode(reports: Sequence[Kept]) -> Episode:
    began = min(sent(one.report) for one in reports)
    return Episode(
        began=began,
        milliseconds=(max(map(_ended, reports)) - began) / timedelta(milliseconds=1),
        reports=tuple(one.id for one in reports),
        awaited=tuple(one.id for one in reversed([*_awaited(reports)])),
    )


def _awaited(reports: Sequence[Kept]) -> Iterator[Kept]:
    """Back from the one that ended last, each time to the one whose write woke it, as far as there is one."""
    last: Kept | None = max(reports, key=_ended)
    while last:
        yield last
        last = _woken_by(reports, last)


def _woken_by(reports: Sequence[Kept], woken: Kept) -> Kept | None:
    """Whose write to the object of the event was the last before it was sent.

    A write counts from its beginning: who watches may hear of it before its writer does.
    """
    places = _places(woken.report.cause.object)
    earlier = (one for one in reports if one.report.began < woken.report.began)
    writes = [(at, one) for one in earlier for at in _wrote(one.report, places)]
    before = [(at, one) for at, one in writes if at < sent(woken.report)]
    return max(before, key=lambda write: write[0])[1] if before else None


def _wrote(said: Report, places: Container[str]) -> Iterator[datetime]:
    """When a reconcile began each of its writes to one of these URL paths."""
    for call in said.calls:
        if call.verb != "GET" and 200 <= call.status < 300 and call.path in places:
            yield said.began + timedelta(milliseconds=call.began)


def _places(about: ObjectName | None) -> tuple[str, ...]:
    """The URL paths of an object and of its status; none where no kind of ours is named."""
    if about is None or (kind := KINDS.get((about.api_version, about.kind))) is None:
        return ()
    return tuple(path(kind, about.namespace, about.name, part) for part in ("", "status"))


def _ended(one: Kept) -> datetime:
    return one.report.began + timedelta(milliseconds=one.report.milliseconds)
