"""`history` and `trace`: what happened, as the query API of `audit` answers."""

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer

from audit.answer_models import Change, Trace
from cli.command_errors import CliError, Exit, Missing
from cli.connection.cluster import Cluster
from cli.connection.console import ConsoleClient, console_client
from cli.kinds import target, title
from cli.lookup import find_resource
from cli.options import ClusterOptions, ConsoleOptions, Everywhere, Format, Name, Output
from cli.output import data, remark, say
from cli.timeline.history_lines import Changed, changed, changes, edit_of_report, since, writes
from cli.timeline.waterfall import lines
from runtime.errors import Forbidden
from runtime.objects import Ref

PIPE = 120
Since = Annotated[
    str, typer.Option("--since", help="Only what is newer: a span such as '24h' or '7d', or a time (RFC 3339).")
]
Target = Annotated[
    str, typer.Option("--target", help="What was written to one object: KIND/NAME, such as ds/kepler-exporter.")
]
Full = Annotated[bool, typer.Option("--full", help="With --target: also every field of what was created.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="So many at most, the newest.")]
Generation = Annotated[int | None, typer.Option(min=1, help="Generation of the resource; the newest if left out.")]
TraceId = Annotated[str, typer.Option("--id", help="A trace's own id.")]
Calls = Annotated[bool, typer.Option("--calls", help="Also each call of the API server.")]


def history(  # noqa: PLR0913 (one parameter an option)
    options: ClusterOptions,
    console_options: ConsoleOptions,
    *,
    name: Name = "",
    since_: Since = "",
    target_: Target = "",
    all_namespaces: Everywhere = False,
    limit: Limit = 20,
    full: Full = False,
    output: Output = Format.TABLE,
) -> int:
    """What was changed in a resource, when and by whom, and what each function did about it.

    With --target: what was written to one object of the cluster, by which function, because of which edit.
    """
    cluster = options.connect()
    after = since(since_, datetime.now(UTC))
    with console_client(cluster, url=console_options.console, token=console_options.token) as console:
        if target_:
            about, namespace = target(target_, cluster.namespace), "" if all_namespaces else cluster.namespace
            wrote = list(_print_reports(console, about, namespace, after, limit))
            _print(wrote, writes(wrote, full=full), output)
            is_known = bool(wrote)
        else:
            about = find_resource(cluster, name)
            kept = list(_changes(console, about, after, limit))
            _print(kept, changes(kept), output)
            is_known = bool(kept)
    if not is_known:
        _nothing(cluster, about, everywhere=all_namespaces)
    return Exit.OK


def _print(entries: "list[Changed] | list[Change]", lines: Iterator[str], output: Format) -> None:
    if output is not Format.TABLE:
        data(entries, output)
        return
    for line in lines:
        say(line)


def _nothing(cluster: Cluster, about: Ref, *, everywhere: bool) -> None:
    """Remark that nothing is stored about an object; raises Missing if there is no such object either."""
    too_old = "it was longer ago than --since, or has been deleted by now"
    if not everywhere and not _may_exist(cluster, about):
        raise Missing(f"there is no {title(about)}, and nothing is stored about one: it never existed, or {too_old}")
    remark(f"nothing is stored about {title(about)}: no function has written to it, or {too_old}")


def _may_exist(cluster: Cluster, about: Ref) -> bool:
    """Return whether an object exists; True if the user may not read it."""
    try:
        return cluster.get(about) is not None
    except Forbidden:
        return True


def _changes(console: ConsoleClient, key: Ref, after: datetime | None, limit: int) -> Iterator[Change]:
    """Yield the generations of a resource, newest first, page by page, back to the time `after`, `limit` at most."""
    before, left = "", limit
    while left > 0:
        page = console.history(key, before=before, limit=min(left, 100))
        for item in page.items:
            if after and max([item.began, *(report.began for report in item.reports)]) < after:
                return
            yield item
        left -= len(page.items)
        before = page.next
        if not before:
            return


def _print_reports(
    console: ConsoleClient, about: Ref, namespace: str, after: datetime | None, limit: int
) -> Iterator[Changed]:
    """Yield the writes to one object, newest first, each with the edit that led to it."""
    wanted = f"{about.kind.name}/{about.name}"
    newer = after.isoformat() if after else ""
    page = console.reports(target=wanted, namespace=namespace, since=newer, limit=str(limit))
    traces: dict[str, Trace | None] = {}
    for short in page.items:
        if short.trace not in traces:
            traces[short.trace] = _trace(console, short.trace)
        yield from changed(console.report(short.id), wanted, edit_of_report(traces[short.trace], short.id))


def _trace(console: ConsoleClient, identity: str) -> Trace | None:
    try:
        return console.trace(identity)
    except CliError:
        return None


def trace(  # noqa: PLR0913
    options: ClusterOptions,
    console_options: ConsoleOptions,
    *,
    name: Name = "",
    generation: Generation = None,
    identity: TraceId = "",
    calls: Calls = False,
    output: Output = Format.TABLE,
) -> int:
    """What one change led to, as a waterfall: which function worked when, and what the last one waited for."""
    cluster = options.connect()
    with console_client(cluster, url=console_options.console, token=console_options.token) as console:
        trace = console.trace(identity or _newest(console, find_resource(cluster, name), generation).trace)
    if output is not Format.TABLE:
        data(trace, output)
        return Exit.OK
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE
    for line in lines(trace, width, calls=calls):
        say(line)
    return Exit.OK


def _newest(console: ConsoleClient, key: Ref, generation: int | None) -> Change:
    for change in _changes(console, key, None, 1000):
        if generation in (None, change.generation):
            return change
    wanted = f"generation {generation} of {title(key)}" if generation else title(key)
    raise Missing(f"nothing is stored about {wanted}: `kubectl kepler history {key.name}` lists what is")
