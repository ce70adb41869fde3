r"""Escapes characters that a terminal interprets instead of showing, or that change the order in which text is read.

Messages, reasons and names come from anybody who may write a resource or send an event. In a terminal they could move
the cursor, rewrite lines on the screen, or set the clipboard. So they are shown in Python's notation: `\x1b`.

These are the C0 controls except newline and tab, DEL, the C1 controls (ECMA-48), the line and paragraph separators, the
embeddings, overrides and isolates of the bidirectional algorithm (UAX #9), and halves of surrogate pairs, which UTF-8
cannot encode.
"""

import re

_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_UNPRINTABLE = re.compile(f"[{_CONTROLS}]")
_NOT_IN_A_LINE = re.compile(rf"[{_CONTROLS}\n\t]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")

# Longest name to keep, in bytes of UTF-8: an entry of an index in PostgreSQL has at most 2,704 bytes. No name in
# Kubernetes is that long.
LONGEST_NAME = 400


def is_printable(text: str) -> bool:
    """Return whether a terminal shows the whole text unchanged; newlines and tabs are allowed."""
    return _UNPRINTABLE.search(text) is None


def visible(text: str) -> str:
    r"""Return the text with each such character escaped: `\x1b`, `\u202e`."""
    return _UNPRINTABLE.sub(_escaped, text)


def visible_line(text: str) -> str:
    r"""Return the text as `visible` does, with newlines and tabs escaped, so that it stays one cell of a table."""
    return _NOT_IN_A_LINE.sub(_escaped, text)


def encodable(text: str) -> str:
    r"""Return the text with each half of a surrogate pair escaped: `\ud800`. Other characters are unchanged."""
    return _SURROGATE.sub(_escaped, text)


def is_visible_name(text: str) -> bool:
    """Return whether the text has at most `LONGEST_NAME` bytes, and `str.isprintable` accepts each character."""
    return len(text.encode(errors="replace")) <= LONGEST_NAME and text.isprintable()


def visible_name(text: str) -> str:
    """Return the text with each character escaped that `str.isprintable` rejects, cut after `LONGEST_NAME` bytes."""
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text[:LONGEST_NAME]
    )
    return shown.encode()[:LONGEST_NAME].decode(errors="ignore")


def _escaped(character: re.Match[str]) -> str:
    return character[0].encode("unicode_escape").decode()
