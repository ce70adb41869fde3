"""`docs/benchmarks.md`: the comparison as a table, from the figures of a run."""

from collections.abc import Mapping, Sequence

from benchmarks.comparison import Figures
from local.layout import ROOT

PAGE = ROOT / "docs/benchmarks.md"
MEASURED = "<!-- measured -->"
# The operator that the others are compared with.
REFERENCE = "kopf"


def write(figures: Mapping[str, Figures], others: Figures, machine: str) -> None:
    """Replace everything below the mark `MEASURED` in the page; what is above is written by hand."""
    prose, mark, _ = PAGE.read_text().partition(MEASURED)
    assert mark, f"{PAGE} has no line {MEASURED}"
    PAGE.write_text("\n".join([prose + mark, "", machine, "", *tables(figures), *_others(others)]) + "\n")


def tables(figures: Mapping[str, Figures]) -> list[str]:
    """Return a table for each thing that was measured: a column for each operator, and its ratio to the reference."""
    lines: list[str] = []
    operators = [*figures]
    for measured in dict.fromkeys(name for of_operator in figures.values() for name in of_operator):
        columns = [name + (f" (of {REFERENCE})" if name != REFERENCE else "") for name in operators]
        lines += [f"### {measured[0].upper()}{measured[1:]}", "", _row(["", *columns])]
        lines += [_row(["---", *("---:" for _ in operators)])]
        named = dict.fromkeys(name for operator in operators for name in figures[operator].get(measured, {}))
        for figure in named:
            values = {operator: figures[operator].get(measured, {}).get(figure) for operator in operators}
            lines.append(_row([figure, *(_cell(values, operator) for operator in operators)]))
        lines.append("")
    return lines


def _cell(values: Mapping[str, float | None], operator: str) -> str:
    value, reference = values[operator], values.get(REFERENCE)
    if value is None:
        return "–"
    ratio = f" ({value / reference:.1f}×)" if reference and operator != REFERENCE else ""
    return f"{value:,.1f}{ratio}"


def _others(others: Figures) -> list[str]:
    if not others:
        return []
    lines = ["### Parts by themselves", "", _row(["", "", ""]), _row(["---", "---", "---:"])]
    for measured, figures in others.items():
        lines += [_row([measured, figure, f"{value:,.1f}"]) for figure, value in figures.items()]
    return lines


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
