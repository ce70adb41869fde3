"""Splits a trace into episodes: the reports that happened together, and those that the end of it waited for. Pure.

What belongs to one generation may happen days apart (a drift that is corrected, a sweep). So a trace is shown in
episodes.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from audit.answer_models import Edit, Episode, StoredReport, Summary
from audit.episode_causes import AnyReport, cause_of
from events.report import ObjectName, Report
from runtime import objects
from runtime.client import path
from runtime.objects import Kind

KINDS = {(kind.api_version, kind.name): kind for kind in vars(objects).values() if isinstance(kind, Kind)}
# The id of a report, and the report.
IdentifiedReport = tuple[str, AnyReport]
# An episode ends after this many seconds without a reconcile.
EPISODE_GAP = 5.0


def episodes(reports: Sequence[StoredReport], edit: Edit | None = None, *, more: bool = False) -> tuple[Episode, ...]:
    """Return the reports of a trace, grouped into episodes.

    `reports` are in the order in which the reconciles began; `more` says that earlier ones are left out.
    """
    kept = {report.id: report for report in reports}
    identified = [(report.id, report.report) for report in reports]
    groups = (_episode(group, edit, first=place == 0 and not more) for place, group in enumerate(_grouped(identified)))
    return tuple(episode.model_copy(update={"awaited": _awaited_of(episode, kept)}) for episode in groups)


def in_short(reports: Sequence[Summary], edit: Edit | None, *, more: bool = False) -> tuple[Episode, ...]:
    """Return the episodes of report summaries.

    A summary has no API calls, so `awaited`, the reports that the end waited for, stays empty.
    """
    groups = enumerate(_grouped([(report.id, report) for report in reports]))
    return tuple(_episode(group, edit, first=place == 0 and not more) for place, group in groups)


def sent(report: AnyReport) -> datetime:
    """Return when a report's event was sent, but at the latest when its reconcile began.

    An event may have no time, or one from a clock that is ahead.
    """
    return min(report.cause.sent or report.began, report.began)


def _grouped(reports: Iterable[IdentifiedReport]) -> Sequence[Sequence[IdentifiedReport]]:
    groups: list[list[IdentifiedReport]] = []
    quiet = datetime.min.replace(tzinfo=UTC)
    for identity, report in reports:
        if not groups or (sent(report) - quiet).total_seconds() > EPISODE_GAP:
            groups.append([])
            quiet = report.began
        groups[-1].append((identity, report))
        quiet = max(quiet, _ended(report))
    return groups


def _episode(reports: Sequence[IdentifiedReport], edit: Edit | None, *, first: bool) -> Episode:
    group = [report for _, report in reports]
    began = min(map(sent, group))
    return Episode(
        began=began,
        milliseconds=(max(map(_ended, group)) - began) / timedelta(milliseconds=1),
        reports=tuple(identity for identity, _ in reports),
        awaited=(),
        cause=cause_of(group, edit, first=first),
    )


def _awaited_of(episode: Episode, kept: Mapping[str, StoredReport]) -> tuple[str, ...]:
    reports = [kept[identity] for identity in episode.reports]
    return tuple(report.id for report in reversed([*_awaited(reports)]))


def _awaited(reports: Sequence[StoredReport]) -> Iterator[StoredReport]:
    """Yield the report that ended last, then the report of the write that triggered it, and so on back to the first."""
    last: StoredReport | None = max(reports, key=lambda report: _ended(report.report))
    while last:
        yield last
        last = _woken_by(reports, last)


def _woken_by(reports: Sequence[StoredReport], woken: StoredReport) -> StoredReport | None:
    """Return the report of the last write to the event's object before the event was sent; None if there is none.

    A write counts from its beginning: a watch may deliver it before its writer has the answer.
    """
    places = _places(woken.report.cause.object)
    earlier = (report for report in reports if report.report.began < woken.report.began)
    writes = [(at, report) for report in earlier for at in _wrote(report.report, places)]
    before = [(at, report) for at, report in writes if at < sent(woken.report)]
    return max(before, key=lambda write: write[0])[1] if before else None


def _wrote(report: Report, places: Container[str]) -> Iterator[datetime]:
    """Yield when a reconcile began each of its successful writes to one of these URL paths."""
    for call in report.calls:
        if call.verb != "GET" and 200 <= call.status < 300 and call.path in places:
            yield report.began + timedelta(milliseconds=call.began)


def _places(about: ObjectName | None) -> tuple[str, ...]:
    """Return the URL paths of an object and of its status; nothing if its kind is not one of `runtime.objects`."""
    if about is None or (kind := KINDS.get((about.api_version, about.kind))) is None:
        return ()
    return tuple(path(kind, about.namespace, about.name, part) for part in ("", "status"))


def _ended(report: AnyReport) -> datetime:
    return report.began + timedelta(milliseconds=report.milliseconds)
