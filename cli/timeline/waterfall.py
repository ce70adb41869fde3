"""Shows one change as a waterfall: which function worked when, on which event, and what the end waited for. Pure.

In a bar, `.` is the time from the event to the reconcile, `=` the reconcile. Each episode has its own scale.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.answer_models import Episode, Trace
from audit.answers.episodes import sent
from cli.kinds import title
from cli.output import columns
from cli.timeline.history_lines import edit_lines
from cli.timeline.sentences import author, cause_sentence, cut, local_time
from events.report import Report

NARROWEST, WIDEST = 20, 100
WAITS, WORKS, CRITICAL = ".", "=", "*"
HEADINGS = ("", "FUNCTION", "AFTER", "EVENT", "WORK", "CALLS", "OUTCOME")


@dataclass(frozen=True)
class Bar:
    """One bar: when the event was sent and when the work began and ended, in milliseconds since the episode began."""

    sent: float
    began: float
    ended: float


def lines(trace: Trace, width: int, *, calls: bool = False) -> Iterator[str]:
    """Yield the lines of a waterfall, no wider than `width` if possible."""
    yield from _heading(trace)
    kept = {report.id: report.report for report in trace.reports}
    previous: Episode | None = None
    for episode in trace.episodes:
        if previous:
            later = episode.began - previous.began
            yield f"then, {timedelta(seconds=int(later.total_seconds()))} later:"
        if sentence := cause_sentence(episode.cause):
            yield sentence
        yield from _episode(episode, kept, width, calls=calls)
        previous = episode


def _heading(trace: Trace) -> Iterator[str]:
    about = trace.object
    yield f"trace {trace.trace}: generation {trace.generation} of {title(about)}"
    if edit := trace.edit:
        yield f"{author(edit)}, {local_time(edit.time)}"
        yield from edit_lines(edit, indent="  ")
    if trace.more:
        yield cut(len(trace.reports))
    if not trace.episodes:
        yield "No function has reported on this generation."


def _episode(episode: Episode, kept: Mapping[str, Report], width: int, *, calls: bool) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [HEADINGS]
    bars: list[Bar | None] = [None]
    for identity in episode.reports:
        report = kept[identity]
        rows.append(_row(report, episode, critical=identity in episode.awaited))
        bars.append(_bar(report, episode))
        if calls:
            rows += [
                ("", f"  {call.verb} {_short(call.path)}", "", "", _ms(call.milliseconds), str(call.status), "")
                for call in report.calls
            ]
            bars += [_call_bar(report, episode, call.began, call.milliseconds) for call in report.calls]
    texts = columns(rows).splitlines()
    room = min(WIDEST, max(NARROWEST, width - max(len(line) for line in texts) - 3))
    longest = max(len(line) for line in texts)
    for text, bar in zip(texts, bars, strict=True):
        drawn = _scale(episode.milliseconds, room) if bar is None else _drawn(bar, episode.milliseconds, room)
        yield f"{text.ljust(longest)}   {drawn}".rstrip()
    yield f"{CRITICAL} what the end waited for: {_ms(episode.milliseconds)} from the first event to the last word"


def _row(report: Report, episode: Episode, *, critical: bool) -> tuple[str, ...]:
    condition = report.conditions[0] if report.conditions else None
    outcome = (
        report.outcome
        if report.outcome == "converged" or condition is None
        else f"{report.outcome} ({condition.reason})"
    )
    return (
        CRITICAL if critical else "",
        report.function,
        f"+{_ms(_after(episode, report.began))}",
        _ms(_after(episode, report.began) - _after(episode, sent(report))),
        _ms(report.milliseconds),
        str(len(report.calls)),
        outcome,
    )


def _bar(report: Report, episode: Episode) -> Bar:
    began = _after(episode, report.began)
    return Bar(_after(episode, sent(report)), began, began + report.milliseconds)


def _call_bar(report: Report, episode: Episode, began: float, took: float) -> Bar:
    start = _after(episode, report.began) + began
    return Bar(start, start, start + took)


def _after(episode: Episode, moment: datetime) -> float:
    """Return the milliseconds since the episode began."""
    return (moment - episode.began) / timedelta(milliseconds=1)


def _drawn(bar: Bar, length: float, room: int) -> str:
    """Return the bar scaled to `room` characters; the work is at least one wide."""
    scale = room / max(length, 1.0)
    sent, began, ended = (min(room, int(moment * scale)) for moment in (bar.sent, bar.began, bar.ended))
    began = min(began, room - 1)
    return " " * sent + WAITS * max(0, began - sent) + WORKS * max(1, ended - began)


def _scale(length: float, room: int) -> str:
    end = _ms(length)
    return "0" + end.rjust(room - 1)


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:.1f} s"


def _short(path: str) -> str:
    """Return the last two parts of a URL path, which name the object."""
    return "/".join(path.strip("/").split("/")[-2:])
