"""`dead-letters`: events that could not be delivered; listed, shown, sent again."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer

from audit import letters as read
from audit.model import DeadLetter
from cli import letters as kept
from cli.broker import send
from cli.cluster import Cluster
from cli.errors import Exit, Missing, Usage
from cli.options import Format, Output, Reach
from cli.output import data, remark, say, table
from runtime import hidden
from runtime.letters import LABEL, changed
from runtime.objects import CONFIG_MAP, Manifest
from runtime.requests import replay as request
from runtime.settings import NAMESPACE

BY = "cli"

Letter = Annotated[str, typer.Argument(help="Name of a letter, as the list has it.", show_default=False)]
Letters = Annotated[list[str] | None, typer.Argument(help="Names of letters.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="Every letter there is.")]


def listed(ctx: typer.Context, place: Reach, *, output: Output = Format.TABLE) -> int:
    """Events that could not be delivered: about what, and what the function answered.

    They are about resources of all namespaces, and kept in the functions' own. What they asked for is not lost: the
    sweep finds it within minutes.
    """
    if ctx.invoked_subcommand:
        return Exit.OK
    found = read.letters(_all(place.connect()))
    if output is not Format.TABLE:
        data(found, output)
    elif found:
        table(kept.HEADINGS, kept.rows(found, datetime.now(UTC)))
    else:
        remark("no dead letters: every event was delivered")
    return Exit.OK


def show(letter: Letter, place: Reach, *, output: Output = Format.TABLE) -> int:
    """One letter: to whom it was to go, what came back, and the event itself."""
    config_map = _need(place.connect(), letter)
    found = read.letter(config_map)
    if found is None:
        raise Missing(changed(letter))
    if output is not Format.TABLE:
        data(found, output)
        return Exit.OK
    for line in _told(found, config_map):
        say(line)
    return Exit.OK


def replay(place: Reach, *, letters: Letters = None, everything: All = False) -> int:
    """Has letters sent again, as they were; who can take them now does, and the letter is gone."""
    if bool(letters) == everything:
        raise Usage("name letters, or say --all")
    cluster = place.connect()
    if letters:
        for letter in letters:
            _need(cluster, letter)
    names = letters or [one.name for one in read.letters(_all(cluster))]
    if names:
        send(cluster, (request(letter, by=BY) for letter in names))
    say(f"{len(names)} letter{'s' if len(names) != 1 else ''} to be sent again" if names else "no dead letters")
    return Exit.OK


def _all(cluster: Cluster) -> tuple[Manifest, ...]:
    return cluster.list(CONFIG_MAP, NAMESPACE, labelled=LABEL)


def _need(cluster: Cluster, letter: str) -> Manifest:
    found = cluster.get(kept.ref(letter))
    if found is None or not kept.is_letter(found):
        raise Missing(
            f"there is no dead letter '{letter}': it was sent again, or `kubectl kepler dead-letters` lists it"
        )
    return found


def _told(found: DeadLetter, config_map: Manifest) -> Iterator[str]:
    yield f"{found.name}, given up at {found.time.astimezone():%Y-%m-%d %H:%M:%S}"
    yield f"about:    {kept.subject(found)}"
    yield f"for:      {found.destination or '-'}"
    yield f"answer:   {kept.answered(found)}"
    yield f"event:    {found.event.type}"
    yield f"id:       {found.event.id}"
    yield f"source:   {found.event.source}"
    content = str((config_map.get("data") or {}).get("data") or "{}")
    yield "data:"
    yield from _json(content)


def _json(content: str) -> Iterator[str]:
    """The data, without what is to be told to nobody."""
    try:
        shown = hidden.manifest(json.loads(content))
    except (ValueError, AttributeError):
        shown = {"unreadable": hidden.text(content)}
    yield from (f"  {line}" for line in json.dumps(shown, indent=2).splitlines())
