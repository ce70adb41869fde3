"""Structured logs: one JSON object a line, on standard output, with nothing secret in it."""

import logging
import sys

from pythonjsonlogger.json import JsonFormatter


def configure(function: str, level: str) -> None:
    """Log as JSON lines with `time`, `level`, `function`, `message` and what each call adds."""
    lines = logging.StreamHandler(sys.stdout)
    lines.setFormatter(
        JsonFormatter(
            "{asctime}{levelname}{message}",
            style="{",
            rename_fields={"asctime": "time", "levelname": "level"},
            static_fields={"function": function},
        )
    )
    root = logging.getLogger()
    root.handlers = [lines]
    root.setLevel(level)
