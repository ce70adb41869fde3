"""Characters that move a cursor, start an escape sequence or turn text around: which texts have none."""

import re

# C0 but tab and newline, DEL, C1, and what embeds, overrides or isolates a direction (Unicode UAX #9).
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def is_printable(text: str) -> bool:
    """Whether a text has no control characters but tab and newline."""
    return CONTROL.search(text) is None
