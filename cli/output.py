"""What is printed, and how: tables for people, JSON and YAML for programs.

Into a pipe or a file go plain lines that are never wrapped; a terminal gets colour, unless `NO_COLOR` is set, and
columns that fit. Nothing is said by colour alone.

Everything that a command prints passes through here, and much of it was written by others: control characters are shown
escaped (`runtime.printable`), and nothing is read as markup.
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

# Wider than anything that is printed: a pipe has no width.
UNBOUNDED = 10_000
STYLES = {"True": "green", "ok": "green", "False": "red", "fail": "red", "Unknown": "yellow", "warn": "yellow"}
# Of a value in a line.
LONGEST = 120
# Between two columns on a terminal, and the least that a cut column is worth showing in.
GAP, NARROWEST = 2, 20


def screen(*, error: bool = False) -> Console:
    """Standard output as it is now, or standard error."""
    file = sys.stderr if error else sys.stdout
    wide = None if file.isatty() else UNBOUNDED
    return Console(file=file, width=wide, highlight=False, soft_wrap=wide is not None, markup=False, emoji=False)


def say(line: str = "") -> None:
    """One line for people."""
    screen().print(visible(line), no_wrap=False)


def remark(line: str) -> None:
    """One line beside the answer, on standard error."""
    screen(error=True).print(visible(line))


@contextmanager
def progress(doing: str) -> Iterator[Callable[[str], None]]:
    """Show on standard error what a command is doing for as long as the `with` lasts; yields how to say what is next.

    Only on a terminal, on a line that goes again.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with screen(error=True).status(Text(visible_line(doing))) as shown:
        yield lambda line: shown.update(Text(visible_line(line)))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns without lines, as kubectl has them; on a terminal the last takes what is left of the width."""
    if not sys.stdout.isatty():
        sys.stdout.write(columns([headings, *rows]))
        return
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        drawn.add_column(heading, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(visible_line(cell), style=STYLES.get(cell, "")) for cell in row))
    screen().print(drawn)


def one_line_table(headings: Sequence[str], rows: Iterable[Sequence[str]], spared: Sequence[str]) -> None:
    """A table of one line a row: on a terminal, the last cell is cut and columns in `spared` are left out as needed."""
    cells = list(rows)
    if sys.stdout.isatty():
        headings, *cells = fitted([headings, *cells], spared, screen().width)
    table(headings, cells)


def fitted(rows: Sequence[Sequence[str]], spared: Sequence[str], width: int) -> list[Sequence[str]]:
    """Rows that fit into `width`; the first has the headings, and `spared` names those that may go, in this order.

    If nothing is left for the last column even so, it goes as well.
    """
    shown: list[Sequence[str]] = [[visible_line(cell) for cell in row] for row in rows]
    for gone in (*spared, shown[0][-1]):
        room = width - sum(max(map(len, column)) + GAP for column in list(zip(*shown, strict=True))[:-1])
        if room >= NARROWEST:
            return [[*row[:-1], cut(row[-1], room)] for row in shown]
        place = shown[0].index(gone)
        shown = [[*row[:place], *row[place + 1 :]] for row in shown]
    return shown


def cut(text: str, longest: int) -> str:
    """The text, with `…` at its end if it is longer."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def unstyled(lines: Iterable[str]) -> None:
    """Lines without colour; on a terminal each is cut to its width."""
    width = screen().width if sys.stdout.isatty() else UNBOUNDED
    sys.stdout.write("".join(f"{cut(line, width)}\n" for line in lines))


def columns(rows: Sequence[Sequence[str]], least: Sequence[int] = ()) -> str:
    """Rows as plain lines, cells below each other, nothing wrapped and no spaces at the end.

    `least` has widths that the first columns have at least.
    """
    shown = [[visible_line(cell) for cell in row] for row in rows]
    longest = [max(len(cell) for cell in column) for column in zip(*shown, strict=True)]
    widths = [max(pair) for pair in zip_longest(longest, least, fillvalue=0)]
    padded = ((cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in shown)
    return "".join("   ".join(row).rstrip() + "\n" for row in padded)


def data(answer: BaseModel | Sequence[BaseModel], how: Format) -> None:
    """A model, or a list of them, as JSON or YAML, in the order of its fields."""
    documents(
        answer.model_dump(mode="json", by_alias=True)
        if isinstance(answer, BaseModel)
        else [model.model_dump(mode="json", by_alias=True) for model in answer],
        how,
    )


def documents(content: Any, how: Format) -> None:
    """Plain content as JSON or YAML. Both escape control characters themselves, so programs read what was written."""
    sys.stdout.write(json.dumps(content, indent=2) + "\n" if how is Format.JSON else as_yaml(content))


def value(content: Any, longest: int = LONGEST) -> str:
    """A field's value in a line: JSON, cut where it is longer than that; `-` where there is none."""
    if content is None:
        return "-"
    text = content if isinstance(content, str) and content and content == content.strip() else json.dumps(content)
    return cut(text, longest)
