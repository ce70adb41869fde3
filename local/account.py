"""Summarizes the reports of the functions for the terminal, from the log of `audit`.

Each line of the log that is a report is one reconcile by one function. Other lines are skipped.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.admin_client import Object


@dataclass(frozen=True)
class ObjectSummary:
    """All writes to one object with one action: fields and number of times."""

    target: str
    action: str
    fields: int
    times: int = 1

    def __str__(self) -> str:
        """Return text such as `ConfigMap kepler-cfm created (9 fields)`."""
        counts = [f"{self.fields} field{'s' if self.fields != 1 else ''}"] if self.fields else []
        counts += [f"{self.times} times"] if self.times > 1 else []
        return f"{self.target} {self.action}" + (f" ({', '.join(counts)})" if counts else "")


@dataclass(frozen=True)
class ReconcileSummary:
    """One function's work on one resource, summed over all its reports; `outcome` is the last report's."""

    resource: str
    function: str
    outcome: str
    wrote: tuple["ObjectSummary", ...] = ()
    calls: int = 0
    milliseconds: float = 0.0

    def with_report(self, report: Object) -> "ReconcileSummary":
        """Return this summary with one more report added."""
        return ReconcileSummary(
            self.resource,
            self.function,
            str(report.get("outcome", "?")),
            _added_up([*self.wrote, *(_write(change) for change in report.get("changes") or [])]),
            self.calls + len(report.get("calls") or []),
            self.milliseconds + float(report.get("milliseconds") or 0),
        )


def reports(log: Path) -> list[Object]:
    """Return the reports in a log, oldest first; empty if there is no log yet."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return [report for line in lines if (report := _report(line))]


def summary(reports: Iterable[Object]) -> list[ReconcileSummary]:
    """Return one summary for each resource and function, in the order of first appearance."""
    lines: dict[tuple[str, str], ReconcileSummary] = {}
    for report in reports:
        subject = report.get("object") or {}
        resource = "/".join(part for part in (subject.get("namespace"), subject.get("name")) if part)
        key = (resource, str(report.get("function", "?")))
        lines[key] = lines.get(key, ReconcileSummary(*key, outcome="?")).with_report(report)
    return list(lines.values())


def show(lines: list[ReconcileSummary], console: Console) -> None:
    """Print a table of the summaries."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("resource", "function", "outcome", "wrote"):
        table.add_column(name, overflow="fold")
    table.add_column("calls", justify="right")
    table.add_column("ms", justify="right")
    for line in lines:
        wrote = "; ".join(str(write) for write in line.wrote) or "nothing"
        numbers = (str(line.calls), f"{line.milliseconds:.0f}")
        table.add_row(line.resource, line.function, line.outcome, wrote, *numbers)
    console.print(table)


def _report(line: str) -> Object | None:
    """Return the report in a line of the log; None if the line is no report."""
    try:
        content = json.loads(line)
    except ValueError:
        return None
    if not isinstance(content, dict) or content.get("message") != "report":
        return None
    report = content.get("report")
    return report if isinstance(report, dict) else None


def _write(change: Object) -> ObjectSummary:
    """Return the summary of one change in a report."""
    subject = change.get("object") or {}
    target = f"{subject.get('kind', '?')} {subject.get('name', '?')}"
    return ObjectSummary(target, str(change.get("action", "changed")), len(change.get("fields") or []))


def _added_up(writes: Iterable[ObjectSummary]) -> tuple[ObjectSummary, ...]:
    """Return one summary for each object and action, with the sums of fields and times."""
    totals: dict[tuple[str, str], ObjectSummary] = {}
    for write in writes:
        key = (write.target, write.action)
        if before := totals.get(key):
            totals[key] = ObjectSummary(*key, before.fields + write.fields, before.times + write.times)
        else:
            totals[key] = write
    return tuple(totals.values())
