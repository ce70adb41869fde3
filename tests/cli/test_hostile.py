r"""What others write never reaches the terminal as it is: control characters are shown as `\x1b`, markup as text."""

import io
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from audit.answer_models import Edit
from audit.answers import dead_letter_answers as read
from cli import dead_letter_rows, main
from cli.command_errors import Missing
from cli.commands.dead_letters_command import letter_lines
from cli.explanation.facts import Facts
from cli.explanation.verdict import explain, lines
from cli.options import Format
from cli.output import data, documents, say, table
from cli.status_rows import HEADINGS, rows, status
from cli.timeline import history_lines, waterfall
from dead_letters import dead_letter
from dead_letters.dead_letter import CODE, DATA, DESTINATION
from events.report import Field, ObjectName, ReportedCondition, Write
from runtime.event import Event
from runtime.objects import KEPLER, Ref
from runtime.printable import is_printable
from tests.cli.fact_samples import condition, kepler
from tests.cli.report_samples import EDIT, change, report, trace

# Clears the screen, names the window, overrides the direction, hides in C1, ends a line in three ways, is markup.
HOSTILE = "\x1b[2J\x1b]0;x\x07\u202e\u2066\x9b31m\x85\u2028\r\x7f\x00[red]x[/red][link=file:///x]:smile:"
SHOWN = (
    "\\x1b[2J",
    "\\x1b]0;x\\x07",
    "\\u202e\\u2066",
    "\\x9b31m",
    "\\r\\x7f\\x00",
    "[red]x[/red][link=file:///x]:smile:",
)
NOW = datetime(2026, 1, 10, tzinfo=UTC)
KEY = Ref(KEPLER, "energy", HOSTILE)


class Tty(io.StringIO):
    """A terminal that is wide enough."""

    def isatty(self) -> bool:
        """It is one."""
        return True


Opened = Callable[[], io.StringIO]


@pytest.fixture(params=[True, False], ids=["terminal", "pipe"])
def stream(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Puts a terminal without colour, or a pipe, in the place of both streams."""
    monkeypatch.setenv("COLUMNS", "4000")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")

    def opened() -> io.StringIO:
        made = Tty() if request.param else io.StringIO()
        monkeypatch.setattr(sys, "stdout", made)
        monkeypatch.setattr(sys, "stderr", made)
        return made

    return opened


def plain(stream: io.StringIO) -> str:
    """What was printed; a heading is bold on a terminal, which is ours."""
    return stream.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "")


def harmless(text: str) -> bool:
    """Whether it has all that was written, and nothing that a terminal obeys."""
    return is_printable(text) and all(part in text for part in SHOWN)


def report_by(function: str) -> Any:
    """A report of somebody who forges them."""
    hostile = ObjectName(api_version="v1", kind=HOSTILE, namespace=HOSTILE, name=HOSTILE)
    return report(
        function,
        10,
        20,
        outcome="rejected",
        conditions=(ReportedCondition(type=HOSTILE, status="False", reason=HOSTILE, message=HOSTILE),),
        changes=(Write(object=hostile, action="changed", fields=(Field(path=HOSTILE, before=HOSTILE, after="x"),)),),
    )


EDITED = Edit(**{**dict(EDIT), "by": HOSTILE, "fields": (Field(path=HOSTILE, before=HOSTILE, after=[HOSTILE]),)})


def test_a_history(stream: Opened) -> None:
    """Of forged reports and an edit of hostile names: not one control character, and no line less."""
    screen = stream()
    for line in history_lines.changes([change(report_by(HOSTILE), edit=EDITED)]):
        say(line)
    assert harmless(plain(screen))


def test_a_history_of_one_object(stream: Opened) -> None:
    """The target, its fields and the cause."""
    screen = stream()
    (kept,) = trace(report_by(HOSTILE)).reports
    for line in history_lines.writes(history_lines.changed(kept, f"{HOSTILE}/{HOSTILE}", EDITED)):
        say(line)
    assert harmless(plain(screen))


def test_a_trace(stream: Opened) -> None:
    """A name that ends a line is one cell of the waterfall all the same."""
    screen = stream()
    for line in waterfall.lines(trace(report_by(f"{HOSTILE}\n"), edit=EDITED), 4000, calls=True):
        say(line)
    assert harmless(plain(screen))
    assert "[/red][link=file:///x]:smile:\\n " in plain(screen)


def test_a_status(stream: Opened) -> None:
    """Message and names, in the columns of a table; a newline in a cell is shown, too."""
    screen = stream()
    manifest = kepler(condition("Ready", "False", message=HOSTILE))
    table(HEADINGS, rows(status({KEY: manifest}), NOW))
    table(("A",), [(f"{HOSTILE}\nx",)])
    assert harmless(plain(screen))
    assert ":smile:\\nx" in plain(screen)


def test_an_explanation(stream: Opened) -> None:
    """Whatever condition says why, under whatever name."""
    screen = stream()
    manifest = kepler(condition("Ready", "False", reason=HOSTILE, message=HOSTILE))
    manifest["metadata"]["name"] = HOSTILE
    for line in lines(explain(Facts(key=KEY, resource=manifest, now=NOW))):
        say(line)
    assert harmless(plain(screen))


def test_dead_letters(stream: Opened) -> None:
    """Attributes, the answer and the data of an event, in the list and alone."""
    screen = stream()
    attributes = {DESTINATION: HOSTILE, CODE: "400", DATA: HOSTILE}
    message = HOSTILE
    event = Event(
        message, message, message, message, message, message, message, message, {}, {message: message}, "", attributes
    )
    record = dead_letter.record(event, dead_letter.OTHER, None)
    kept = {**dead_letter.config_map(event, record)}
    kept["metadata"] = {**kept["metadata"], "name": "l"}
    (letters,) = read.letters([kept])
    table(dead_letter_rows.HEADINGS, dead_letter_rows.rows([letters], NOW), longest=80)
    assert is_printable(plain(screen))
    for line in letter_lines(letters, kept):
        say(line)
    assert harmless(plain(screen))


@pytest.mark.parametrize("how", [Format.JSON, Format.YAML])
def test_data_is_escaped_by_its_format(stream: Opened, how: Format) -> None:
    """And reads back as it was: programs lose nothing."""
    screen = stream()
    data(EDITED, how)
    assert is_printable(plain(screen))
    assert yaml.safe_load(plain(screen))["by"] == HOSTILE
    documents({"a": "é"}, how)
    assert is_printable(plain(screen))


def test_an_error(stream: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ours, of the command line and of a defect; also the traceback that KEPLER_DEBUG adds."""
    screen = stream()
    monkeypatch.setenv("KEPLER_DEBUG", "1")
    ended = main._ended
    for raised in (Missing(HOSTILE), RuntimeError(HOSTILE)):

        def fails(raised: Exception = raised) -> int:
            raise raised

        monkeypatch.setattr("cli.main._ended", lambda _, fails=fails: fails())
        main.run([])
    monkeypatch.setattr("cli.main._ended", ended)
    main.run(["status", f"--{HOSTILE}"])
    assert harmless(plain(screen))


def test_a_reader_loses_nothing_that_is_printable(stream: Opened) -> None:
    """Other scripts, emoji, tabs and newlines are as they were."""
    screen = stream()
    say("é ü 日本 \u05d0 🙂\tx\ny")
    assert plain(screen).startswith("é ü 日本 \u05d0 🙂")
    assert plain(screen).endswith("x\ny\n")
