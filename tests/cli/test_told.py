"""What is printed, and that the page about it says the same."""

import io
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cli import output
from cli.command_errors import Exit
from cli.main import COMMANDS
from cli.status_rows import rows, status
from local.layout import ROOT
from runtime.ages import age
from runtime.objects import KEPLER, Ref

PAGE = (ROOT / "docs/cli.md").read_text()
NOW = datetime(2026, 1, 10, tzinfo=UTC)


def test_every_command_and_every_exit_code_is_on_its_page() -> None:
    """The page is written by hand."""
    assert [name for name in COMMANDS if f"`{name}" not in PAGE] == []
    assert [code for code in Exit if f"| {code.value} | " not in PAGE] == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5, "5s"),
        (65, "65s"),
        (119, "119s"),
        (11 * 60 + 5, "11m"),
        (130, "2m10s"),
        (3600, "60m"),
        (3 * 3600 + 60, "3h1m"),
        (9 * 3600 + 60, "9h"),
        (36 * 3600, "36h"),
        (50 * 3600, "2d2h"),
        (86400 * 40, "40d"),
    ],
)
def test_ages_are_kubectls(seconds: int, text: str) -> None:
    """As `kubectl get` has them (k8s.io/apimachinery v0.35:pkg/util/duration, HumanDuration)."""
    assert age(NOW - timedelta(seconds=seconds), NOW) == text


class Screen(io.StringIO):
    """A terminal of some width."""

    def isatty(self) -> bool:
        """It is one."""
        return True


@pytest.mark.parametrize("colour", [True, False])
def test_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch, colour: bool) -> None:  # noqa: FBT001
    """No line is wider, no word is lost, and without colour nothing is."""
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    output.table(("A", "B", "WHY"), [("one", "False", "a sentence that is a good deal longer than what is left")])
    text = screen.getvalue()
    assert ("\x1b[31m" in text) is colour
    plain = text.replace("\x1b[31m", "").replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert all(len(line) <= 60 for line in plain.splitlines())
    assert {"one", "False", "sentence", "longer", "left"} <= {*plain.split()}


def test_progress_is_shown_on_a_terminal_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the answer: a program that reads standard error, or a log, gets none of it."""
    records = []
    for screen in (Screen(), io.StringIO()):
        monkeypatch.setattr(sys, "stderr", screen)
        monkeypatch.setenv("TERM", "xterm-256color")
        with output.progress("reading resources") as say_next:
            say_next("explaining [3] resources")
        records.append(screen.getvalue())
    assert "explaining [3] resources" in records[0]
    assert records[1] == ""


@pytest.mark.parametrize(
    ("shown", "text"), [(None, "-"), ("", '""'), (" x", '" x"'), (3, "3"), ([1], "[1]"), (True, "true")]
)
def test_values_in_a_line(shown: Any, text: str) -> None:
    """JSON, but for plain words."""
    assert output.value(shown) == text
    assert len(output.value("x" * 1000)) == output.MAX_VALUE


def test_ready_for_an_older_generation_is_not_ready() -> None:
    """A `True` about what is no longer asked for promises nothing."""
    condition = {"type": "Ready", "status": "True", "reason": "Ready", "message": "", "observedGeneration": 1}
    entry = {"metadata": {"name": "k", "namespace": "n", "generation": 2}, "status": {"conditions": [condition]}}
    shown = status({Ref(KEPLER, "n", "k"): entry})
    assert (shown.ready, shown.resources[0].ready, shown.resources[0].since) == (False, "Unknown", None)
    assert "not every function has reported on generation 2 yet" in next(rows(shown, NOW))[-1]
