"""Finds the cause of an episode: the edit, a change of another object that is put back, or a request event. Pure.

What belongs to one generation may happen long after its edit: somebody changes the DaemonSet by hand, and a function
puts it back. The cause of such an episode is taken from its first report.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from audit.answer_models import Edit, EpisodeCause, Summary, WriteSummary
from events.report import ObjectName, Report
from events.types import RESOURCE_ADD, RESOURCE_DELETE, RESOURCE_UPDATE, RESYNC_REQUESTED

AnyReport = Report | Summary

# Most fields of one object that are named.
PATHS = 10
# An episode that begins this soon after an edit belongs to the edit, even if another object's event came first.
SOON = timedelta(seconds=60)
RESOURCE_ACTIONS = {RESOURCE_ADD: "created", RESOURCE_UPDATE: "changed", RESOURCE_DELETE: "deleted"}


def cause_of(reports: Sequence[AnyReport], edit: Edit | None, *, first: bool) -> EpisodeCause:
    """Return the cause of an episode; `reports` are in the order in which they began, at least one.

    `first` says that these are the first reports on this generation. Then the edit is the cause, unless another
    object's event triggered the first report more than `SOON` after the edit.
    """
    report = reports[0]
    written = tuple(_together(reports))
    is_foreign = _is_foreign(report)
    if first and edit and not (is_foreign and report.began - edit.time > SOON):
        action = "deleted" if edit.deleted else "changed"
        named = name_of(report.object)
        return EpisodeCause(kind="edit", object=named, action=action, by=edit.by, time=edit.time, written=written)
    woken = report.cause
    if woken.type == RESYNC_REQUESTED:
        return EpisodeCause(
            kind="request", object=name_of(report.object), source=woken.source, time=woken.sent, written=written
        )
    action = RESOURCE_ACTIONS.get(woken.type, "")
    is_gone = action == "deleted"
    witness = _witness(reports).cause
    return EpisodeCause(
        kind="object" if is_foreign else "event",
        object=woken.object,
        action=action,
        by="" if is_gone else witness.by,
        time=woken.sent if is_gone else witness.changed or woken.sent,
        source=woken.source,
        written=written,
    )


def wrote(report: AnyReport) -> Iterator[WriteSummary]:
    """Yield the summary of each write of a report."""
    for write in report.changes:
        if isinstance(write, WriteSummary):
            yield write
        else:
            paths = tuple(field.path for field in write.fields[:PATHS])
            yield WriteSummary(object=write.object, action=write.action, fields=len(write.fields), paths=paths)


def name_of(named: ObjectName) -> ObjectName:
    """Return the name of an object without its uid."""
    return ObjectName(api_version=named.api_version, kind=named.kind, namespace=named.namespace, name=named.name)


def _is_foreign(report: AnyReport) -> bool:
    """Return whether an event about another object than the report's triggered the function."""
    woken = report.cause
    return woken.type in RESOURCE_ACTIONS and woken.object is not None and woken.object != name_of(report.object)


def _witness(reports: Sequence[AnyReport]) -> AnyReport:
    """Return the report that knows best who changed the object of the first report's event: the one that put it back.

    Another function that the same event woke takes the newest writer, such as a controller that wrote the status.
    """
    about = reports[0].cause.object
    return next(
        (
            report
            for report in reports
            if report.cause.object == about and report.cause.type == reports[0].cause.type
            if any(write.object == about and write.action == "changed" for write in report.changes)
        ),
        reports[0],
    )


def _together(reports: Sequence[AnyReport]) -> Iterator[WriteSummary]:
    """Yield each object that was written in the episode once for each action; status writes are left out."""
    writes: dict[tuple[ObjectName, str], WriteSummary] = {}
    for write in (write for report in reports for write in wrote(report) if write.action != "reported"):
        key = (write.object, write.action)
        writes[key] = _both(writes[key], write) if key in writes else write
    yield from writes.values()


def _both(first: WriteSummary, second: WriteSummary) -> WriteSummary:
    paths = tuple(dict.fromkeys((*first.paths, *second.paths)))[:PATHS]
    return first.model_copy(update={"fields": first.fields + second.fields, "paths": paths})
