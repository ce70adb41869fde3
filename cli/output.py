"""Prints the answers of commands: tables for people, JSON and YAML for programs.

Output to a pipe or a file has no colour and is never wrapped. A terminal gets columns that fit, and colour unless
`NO_COLOR` is set; no information is in the colour alone.

All output of a command passes through here, and much of it was written by others: control characters are escaped
(`runtime.printable`), and nothing is interpreted as markup.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.options import Format
from runtime.plain import as_yaml
from runtime.printable import visible, visible_line

# The width for a pipe, which has none: wider than any line.
UNBOUNDED = 10_000
STYLES = {"True": "green", "ok": "green", "False": "red", "fail": "red", "Unknown": "yellow", "warn": "yellow"}
# The longest value in a line, in characters.
MAX_VALUE = 120
# Spaces between two columns on a terminal, and the least width of a column that is cut.
GAP, NARROWEST = 2, 20


def screen(*, error: bool = False) -> Console:
    """Return a console for standard output as it is now, or for standard error."""
    file = sys.stderr if error else sys.stdout
    wide = None if file.isatty() else UNBOUNDED
    return Console(file=file, width=wide, highlight=False, soft_wrap=wide is not None, markup=False, emoji=False)


def say(line: str = "") -> None:
    """Print one line for people."""
    screen().print(visible(line), no_wrap=False)


def remark(line: str) -> None:
    """Print one line that is not part of the answer, to standard error."""
    screen(error=True).print(visible(line))


@contextmanager
def progress(doing: str) -> Iterator[Callable[[str], None]]:
    """Show on standard error what a command does while the `with` lasts; yields a function that changes the text.

    It shows on a terminal only, and the line disappears at the end.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with screen(error=True).status(Text(visible_line(doing))) as shown:
        yield lambda line: shown.update(Text(visible_line(line)))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, longest: int = UNBOUNDED) -> None:
    """Print columns without borders, as kubectl does; on a terminal the last one takes the rest of the width.

    On a terminal the cells of the last column are cut to `longest` characters; a pipe gets them whole.
    """
    if not sys.stdout.isatty():
        sys.stdout.write(columns([headings, *rows]))
        return
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        drawn.add_column(heading, overflow="fold")
    for row in ([*row[:-1], cut(row[-1], longest)] for row in rows):
        drawn.add_row(*(Text(visible_line(cell), style=STYLES.get(cell, "")) for cell in row))
    screen().print(drawn)


def one_line_table(headings: Sequence[str], rows: Iterable[Sequence[str]], optional: Sequence[str]) -> None:
    """Print a table with one line per row: a terminal gets a shortened last cell, and not the `optional` columns."""
    cells = list(rows)
    if sys.stdout.isatty():
        headings, *cells = fitted([headings, *cells], optional, screen().width)
    table(headings, cells)


def fitted(rows: Sequence[Sequence[str]], optional: Sequence[str], width: int) -> list[Sequence[str]]:
    """Return the rows that fit into `width`; the first has the headings.

    `optional` names the columns to leave out, in this order. If there is still no room for the last column, that is
    left out, too.
    """
    shown: list[Sequence[str]] = [[visible_line(cell) for cell in row] for row in rows]
    for gone in (*optional, shown[0][-1]):
        room = width - sum(max(map(len, column)) + GAP for column in list(zip(*shown, strict=True))[:-1])
        if room >= NARROWEST:
            return [[*row[:-1], cut(row[-1], room)] for row in shown]
        place = shown[0].index(gone)
        shown = [[*row[:place], *row[place + 1 :]] for row in shown]
    return shown


def cut(text: str, longest: int) -> str:
    """Return the text, cut to `longest` characters with `…` at its end if it is longer."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def unstyled(lines: Iterable[str]) -> None:
    """Print lines without colour; on a terminal each is cut to its width."""
    width = screen().width if sys.stdout.isatty() else UNBOUNDED
    sys.stdout.write("".join(f"{cut(line, width)}\n" for line in lines))


def columns(rows: Sequence[Sequence[str]], least: Sequence[int] = ()) -> str:
    """Return rows as plain lines with aligned cells, unwrapped, without spaces at the end.

    `least` are minimum widths of the first columns.
    """
    shown = [[visible_line(cell) for cell in row] for row in rows]
    longest = [max(len(cell) for cell in column) for column in zip(*shown, strict=True)]
    widths = [max(pair) for pair in zip_longest(longest, least, fillvalue=0)]
    padded = ((cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in shown)
    return "".join("   ".join(row).rstrip() + "\n" for row in padded)


def data(answer: BaseModel | Sequence[BaseModel], how: Format) -> None:
    """Print a model, or a list of them, as JSON or YAML, in the order of its fields."""
    documents(
        answer.model_dump(mode="json", by_alias=True)
        if isinstance(answer, BaseModel)
        else [model.model_dump(mode="json", by_alias=True) for model in answer],
        how,
    )


def documents(content: Any, how: Format) -> None:
    """Print plain data as JSON or YAML. Both formats escape control characters, so programs read the original."""
    sys.stdout.write(json.dumps(content, indent=2) + "\n" if how is Format.JSON else as_yaml(content))


def value(content: Any, longest: int = MAX_VALUE) -> str:
    """Return a field's value for a line: as JSON, cut to `longest` characters; `-` if there is none."""
    if content is None:
        return "-"
    text = content if isinstance(content, str) and content and content == content.strip() else json.dumps(content)
    return cut(text, longest)
