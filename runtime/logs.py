"""Structured logs: one JSON object a line, on standard output, with nothing secret in it."""

import logging
import sys
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from runtime.redact import LONGEST_LOGGED, NOTHING_KNOWN


class RedactingFormatter(JsonFormatter):
    """Hides, of every value of a line, what looks like a credential: also in lines of libraries."""

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """The last thing that happens to a line before it is written."""
        redacted: dict[str, Any] = NOTHING_KNOWN.value(super().process_log_record(log_data), LONGEST_LOGGED)
        return redacted


def configure(function: str, level: str) -> None:
    """Log as JSON lines with `time`, `level`, `function`, `message` and what each call adds."""
    lines = logging.StreamHandler(sys.stdout)
    lines.setFormatter(
        RedactingFormatter(
            "{asctime}{levelname}{message}",
            style="{",
            rename_fields={"asctime": "time", "levelname": "level"},
            static_fields={"function": function},
        )
    )
    root = logging.getLogger()
    root.handlers = [lines]
    root.setLevel(level)
