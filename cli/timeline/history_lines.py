"""Shows edits, and what the functions did about them, as lines for people. Pure."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from audit.answer_models import Change, Edit, Episode, StoredReport, Summary, Trace
from audit.answers.episodes import in_short
from cli.command_errors import UsageError
from cli.kinds import place, title
from cli.output import value
from cli.timeline.sentences import author, because, cause_sentence, cut, local_time
from events.report import Cause, EventPart, Field, ObjectName, Report, ReportedCondition, Subject
from events.types import RESOURCE_DELETE
from runtime.declaration import manager

SPAN = re.compile(r"(\d+)([smhdw])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Changed(EventPart):
    """One write to one object, with the function that made it, its cause, and the edit of the resource that led to it.

    `edit` is null if the write has another cause: somebody changed or deleted the object, or requested a reconcile.
    """

    time: datetime
    target: ObjectName
    action: str
    fields: tuple[Field, ...]
    function: str
    outcome: str
    condition: ReportedCondition | None
    cause: Cause
    resource: Subject
    generation: int
    trace: str
    edit: Edit | None


def since(text: str, now: datetime) -> datetime | None:
    """Return the time that a text names: a span before now (`24h`, `1d12h`), or RFC 3339; None for an empty text.

    Raises UsageError for anything else.
    """
    if not text:
        return None
    parts = SPAN.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return now - sum((timedelta(**{UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    try:
        time = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise UsageError(f"--since is '{text}': write a span such as '24h' or '7d', or a time in RFC 3339") from wrong
    return time if time.tzinfo else time.astimezone()


def edit_of_report(trace: Trace | None, report: str) -> Edit | None:
    """Return the edit that led to a report; None if its episode has another cause, or the trace is unknown."""
    if trace is None:
        return None
    causes = (episode.cause for episode in trace.episodes if report in episode.reports)
    return trace.edit if all(cause.kind == "edit" for cause in causes) else None


def changed(kept: StoredReport, wanted: str, edit: Edit | None) -> Iterator[Changed]:
    """Yield the writes of one report to `wanted` (`KIND/NAME`)."""
    report = kept.report
    for write in report.changes:
        if f"{write.object.kind}/{write.object.name}" == wanted:
            yield Changed(
                time=report.began,
                target=write.object,
                action=write.action,
                fields=write.fields,
                function=report.function,
                outcome=report.outcome,
                condition=report.conditions[0] if report.conditions else None,
                cause=report.cause,
                resource=report.object,
                generation=report.generation,
                trace=report.trace,
                edit=None if _deleted(report, write.object) else edit,
            )


def _deleted(report: Report, target: ObjectName) -> bool:
    """Return whether the report's event was the deletion of the object that it wrote, which no edit explains."""
    about = report.cause.object
    same = about is not None and (about.kind, about.name) == (target.kind, target.name)
    return same and report.cause.type == RESOURCE_DELETE


def changes(history: Iterable[Change]) -> Iterator[str]:
    """Yield lines for each generation: the edit by field, then what each function did, in episodes."""
    for change in history:
        about = f"generation {change.generation} of {title(change.object)}"
        yield f"{local_time(change.began)}  {about}, {_author(change.edit)}"
        yield from edit_lines(change.edit)
        if change.more:
            yield f"    {cut(len(change.reports))}"
        reports = {report.id: report for report in change.reports}
        for episode in change.episodes or in_short(change.reports, change.edit, more=change.more):
            yield from _episode(episode, [reports[identity] for identity in episode.reports])
        yield f"    trace: {change.trace}"
        yield ""


def _episode(episode: Episode, reports: Iterable[Summary]) -> Iterator[str]:
    """Yield the cause, unless it is the edit above, and each report: its time after the first event, and its writes."""
    if sentence := cause_sentence(episode.cause):
        yield f"    {sentence}"
    for report in reports:
        yield from _reason_line(report, episode.began)


def writes(entries: Iterable[Changed], *, full: bool = False) -> Iterator[str]:
    """Yield lines for each write: fields, function and cause; a created object in full only if requested."""
    for entry in entries:
        count = f" ({len(entry.fields)} fields)" if entry.action == "created" else ""
        yield f"{local_time(entry.time)}  {title(entry.target)} {entry.action}{count} by {entry.function}"
        yield from field_lines(entry.fields if full or entry.action != "created" else ())
        yield f"    because {because(entry.cause)}"
        if entry.edit:
            yield f"    edit: generation {entry.generation} of {title(entry.resource)}, {_author(entry.edit)}"
            yield from edit_lines(None if entry.edit.first and not full else entry.edit, indent="      ")
        else:
            yield f"    for: generation {entry.generation} of {title(entry.resource)}"
        yield f"    trace: {entry.trace}"
        yield ""


def _author(edit: Edit | None) -> str:
    return author(edit) if edit else "of an edit that was not seen"


def edit_lines(edit: Edit | None, indent: str = "    ") -> Iterator[str]:
    """Yield the fields of an edit, or a line that says why they are not shown."""
    if edit is None:
        return
    yield from field_lines(edit.fields, indent)
    if edit.hidden:
        yield f"{indent}only values that are hidden here are others than before"


def field_lines(fields: Iterable[Field], indent: str = "    ") -> Iterator[str]:
    """Yield a line for each field."""
    for field in fields:
        if field.before == field.after:
            yield f"{indent}{field.path}: {value(field.after)}, taken back"
        else:
            yield f"{indent}{field.path}: {value(field.before)} -> {value(field.after)}"


def _reason_line(report: Summary, began: datetime) -> Iterator[str]:
    after = max(0.0, (report.began - began).total_seconds())
    wrote = "; ".join(_wrote(report)) or "wrote nothing"
    effort = f"{report.calls} calls, {report.milliseconds:.0f} ms"
    yield f"    {_after(after)}  {report.function} {report.outcome}: {wrote}; {effort}{_cause(report)}"
    if report.outcome != "converged" and report.condition:
        yield f"        {' '.join(report.condition.message.split())} ({report.condition.reason})"


def _wrote(report: Summary) -> Iterator[str]:
    """Yield each written object once, with the number of fields and of writes."""
    counts: dict[tuple[str, str], list[int]] = {}
    for change in report.changes:
        where = change.object.name if change.object.namespace == report.object.namespace else place(change.object)
        counts.setdefault((f"{change.object.kind} {where}", change.action), []).append(change.fields)
    for (which, action), fields in counts.items():
        times = f", {len(fields)} times" if len(fields) > 1 else ""
        yield f"{which} {action} ({sum(fields)} field{'s' if sum(fields) != 1 else ''}{times})"


def _cause(report: Summary) -> str:
    """Return what triggered the function, if it was not an event about the resource itself; else nothing."""
    cause = report.cause
    if cause.object is None or (cause.object.kind, cause.object.name) == (report.object.kind, report.object.name):
        return f"; asked by {cause.source}" if cause.type.endswith("requested.v1") else ""
    if cause.type == RESOURCE_DELETE:
        return f"; woken by {title(cause.object)}, which was deleted"
    by = f", which {cause.by} changed" if cause.by and cause.by != manager(report.function) else ""
    return f"; woken by {title(cause.object)}{by}"


def _after(seconds: float) -> str:
    if seconds < 100:
        return f"+{seconds:.2f}s".rjust(8)
    return f"+{timedelta(seconds=int(seconds))}".rjust(8)
