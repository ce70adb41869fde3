"""`--help`: it fits a terminal of 80 columns, and has two examples of each command that the program understands."""

import re
import shlex

import pytest
import typer

from cli.command_errors import Exit
from cli.examples import HELP, NAME
from cli.main import COMMANDS, LETTERS, application
from tests.cli.terminal import Terminal

WIDTH = 80


def test_every_command_has_help() -> None:
    """And nothing else has."""
    letters = {"dead-letters", *(f"dead-letters {name}" for name in LETTERS)}
    assert set(HELP) == {*COMMANDS, *letters, "completion"}


@pytest.mark.parametrize("command", ["", *HELP])
@pytest.mark.parametrize("columns", [WIDTH, 200])
def test_help_fits_80_columns(alone: Terminal, monkeypatch: pytest.MonkeyPatch, command: str, columns: int) -> None:
    """No line is wider, none of a command's own is cut short, and its examples stand as they are typed."""
    monkeypatch.setenv("COLUMNS", str(columns))
    result = alone(*command.split(), "--help")
    assert (result.code, result.err) == (Exit.OK, "")
    assert [line for line in result.out.splitlines() if len(line) > WIDTH] == []
    assert "..." not in re.sub(r"\[ARGS\]\.\.\.|letters\]?\.\.\.", "", result.out)
    for example in HELP[command].examples if command else ():
        assert f"\n    {NAME} {example}\n" in result.out


@pytest.mark.parametrize("example", [example for command_help in HELP.values() for example in command_help.examples])
def test_an_example_is_understood(example: str) -> None:
    """Every command, option and argument in it exists."""
    words = shlex.split(example.partition(" >")[0].partition(" |")[0])
    group = typer.main.get_command(application())
    with group.make_context(NAME, words) as context:
        name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])  # type: ignore[attr-defined]
        command.make_context(name, rest, parent=context).close()
