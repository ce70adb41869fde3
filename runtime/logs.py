"""Structured logs: one JSON object on each line of standard output, redacted."""

import logging
import sys
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from runtime.redact import LONGEST_LOGGED, NOTHING_KNOWN


class RedactingFormatter(JsonFormatter):
    """Redacts credentials in every value of a line, also in lines of libraries."""

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Redact the finished line, as the last step before it is written."""
        redacted: dict[str, Any] = NOTHING_KNOWN.value(super().process_log_record(log_data), LONGEST_LOGGED)
        return redacted


def configure(function: str, level: str) -> None:
    """Configure logging as JSON lines with `time`, `level`, `function`, `message` and the fields of each call."""
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
