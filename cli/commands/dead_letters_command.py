"""`dead-letters`: lists, shows, replays and discards events that could not be delivered."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from audit.answer_models import DeadLetter
from audit.answers import dead_letter_answers as read
from cli import dead_letter_rows as kept
from cli.command_errors import Exit, Missing, UsageError
from cli.connection.broker import send
from cli.connection.cluster import Cluster
from cli.options import ClusterOptions, Format, Output
from cli.output import data, remark, say, table
from dead_letters.dead_letter import LABEL, is_letter, not_a_letter_message
from runtime import redact
from runtime.objects import CONFIG_MAP, Manifest, name
from runtime.requests import replay as request

BY = "cli"
# Characters of an answer in the list on a terminal; `show` has all of it.
LONGEST_ANSWER = 80

Letter = Annotated[str, typer.Argument(help="Name of a letter, as the list has it.", show_default=False)]
Letters = Annotated[list[str] | None, typer.Argument(help="Names of letters.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="All letters.")]


def listed(ctx: typer.Context, options: ClusterOptions, *, output: Output = Format.TABLE) -> int:
    """Events that could not be delivered: about what, and what the function answered.

    They are about resources of all namespaces, and stored in the functions' namespace. No change is lost: the sweep
    finds within minutes what differs.
    """
    if ctx.invoked_subcommand:
        return Exit.OK
    letters = read.letters(_all(options.connect()))
    if output is not Format.TABLE:
        data(letters, output)
    elif letters:
        table(kept.HEADINGS, kept.rows(letters, datetime.now(UTC)), longest=LONGEST_ANSWER)
    else:
        remark("no dead letters: every event was delivered")
    return Exit.OK


def show(letter: Letter, options: ClusterOptions, *, output: Output = Format.TABLE) -> int:
    """One letter: to whom, what came back, and the event itself."""
    config_map = _need(options.connect(), letter)
    read_letter = _readable(config_map)
    if output is not Format.TABLE:
        data(read_letter, output)
        return Exit.OK
    for line in letter_lines(read_letter, config_map):
        say(line)
    return Exit.OK


def replay(options: ClusterOptions, *, letters: Letters = None, everything: All = False) -> int:
    """Sends letters again, as they were.

    A letter is deleted once it is sent again. If the event still cannot be delivered, a new letter appears.
    """
    cluster = options.connect()
    meant = _meant(cluster, letters, everything=everything)
    chosen = read.letters(meant) if everything else [_readable(config_map) for config_map in meant]
    lost = [letter for letter in chosen if not letter.complete]
    for letter in lost:
        remark(f"'{letter.name}' cannot be sent again: not all of it could be stored; `discard` deletes it")
    again = [letter for letter in chosen if letter.complete]
    if again:
        send(cluster, (request(letter.name, by=BY) for letter in again), signed=True)
    say(_count(again, "to be sent again"))
    return Exit.NO if lost else Exit.OK


def discard(options: ClusterOptions, *, letters: Letters = None, everything: All = False) -> int:
    """Deletes letters without sending them again.

    No change is lost: the sweep finds within minutes what differs.
    """
    cluster = options.connect()
    config_maps = _meant(cluster, letters, everything=everything)
    for config_map in config_maps:
        cluster.delete(kept.ref(name(config_map), cluster.operator_namespace), config_map)
    say(_count(config_maps, "discarded"))
    return Exit.OK


def _meant(cluster: Cluster, letters: list[str] | None, *, everything: bool) -> Sequence[Manifest]:
    """Return the letters that the user names, or all; raises Missing for a name that does not exist."""
    if bool(letters) == everything:
        raise UsageError("name letters, or use --all")
    return [_need(cluster, letter) for letter in letters] if letters else _all(cluster)


def _count(letters: Sequence[object], done: str) -> str:
    return f"{len(letters)} letter{'s' if len(letters) != 1 else ''} {done}" if letters else "no dead letters"


def _all(cluster: Cluster) -> tuple[Manifest, ...]:
    return cluster.list(CONFIG_MAP, cluster.operator_namespace, labelled=LABEL, metadata_only=True)


def _need(cluster: Cluster, letter: str) -> Manifest:
    config_map = cluster.get(kept.ref(letter, cluster.operator_namespace))
    if config_map is None or not is_letter(config_map):
        raise Missing(f"there is no dead letter '{letter}': `kubectl kepler dead-letters` lists those that exist")
    return config_map


def _readable(config_map: Manifest) -> DeadLetter:
    """Return the dead letter in a ConfigMap. Raises Missing if a change of the ConfigMap has made it unreadable."""
    letter = read.letter(config_map)
    if letter is None:
        raise Missing(not_a_letter_message(name(config_map)))
    return letter


def letter_lines(letter: DeadLetter, config_map: Manifest) -> Iterator[str]:
    """Yield the lines that show a dead letter: its envelope, and its event with confidential values redacted."""
    times = "once" if letter.count == 1 else f"{letter.count} times, the last"
    yield f"{letter.name}, given up {times} at {letter.time.astimezone():%Y-%m-%d %H:%M:%S}"
    yield f"about:    {kept.subject(letter)}"
    yield f"for:      {letter.destination or '-'}"
    yield f"answer:   {kept.answered(letter)}"
    yield f"event:    {letter.event.type}"
    yield f"id:       {letter.event.id}"
    yield f"source:   {letter.event.source}"
    content = str((config_map.get("data") or {}).get("data") or "{}")
    yield "data:"
    yield from _json(content)


def _json(content: str) -> Iterator[str]:
    """Yield the event's data as indented JSON, with confidential values redacted."""
    try:
        shown = redact.manifest(json.loads(content))
    except (ValueError, AttributeError, RecursionError):
        shown = {"unreadable": redact.text(content)}
    yield from (f"  {line}" for line in json.dumps(shown, indent=2).splitlines())
