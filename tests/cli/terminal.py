"""One command, and what it printed."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from cli.main import run


@dataclass(frozen=True)
class CommandResult:
    """What a command left: its exit code, and both of its streams."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Standard output, read as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Terminal:
    """Runs commands in this process; `flags` go with each."""

    capsys: pytest.CaptureFixture[str]
    flags: tuple[str, ...]

    def __call__(self, *arguments: str, flags: tuple[str, ...] | None = None) -> CommandResult:
        self.capsys.readouterr()
        code = run([*arguments, *(self.flags if flags is None else flags)])
        out, err = self.capsys.readouterr()
        return CommandResult(code, out, err)
