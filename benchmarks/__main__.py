"""`make bench`: measures ours in both forms beside a kopf operator, and parts by themselves.

Prints a table, with the figures of an earlier run if `--compare` names its file, and writes `.local/bench.json` and
`docs/benchmarks.md`. With `--only`, it measures one operator, or `parts`, prints the figures, and writes nothing.
"""

import argparse
import json
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from benchmarks import audit_throughput, comparison, function_process, page, sweep_cost, visible
from benchmarks.comparison import Figures, Sizes
from benchmarks.operators import BASE, COMPACT, KOPF, Operator, running
from functions.function_catalogue import NAMES
from local.go_programs import build
from local.layout import DEFAULT, ROOT
from local.ports import Ports
from local.stack import Stack

RESULTS = DEFAULT / "bench.json"
OPERATORS = {operator.name: operator for operator in (KOPF, COMPACT, BASE)}
PARTS = "parts"
SWEPT = (1_000, 10_000)
QUICK = Sizes(one_by_one=10, bursts=(20,), edits=5, many=20)


def measured(operator: Operator, sizes: Sizes) -> Figures:
    """Return the figures of one operator, and for ours the time from an edit to the console."""
    with running(operator) as run:
        figures = comparison.measure(run, sizes)
        if operator.has_ready:
            figures["edit to console"] = visible.first_report(run.stack, sizes.edits)
        return figures


def parts() -> Figures:
    """Return the figures of processes by themselves: start of each function, sweeps, and the store of reports."""
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), Ports.free(), programs=DEFAULT) as stack:
        stack.start_control_plane(bare=True)
        stack.install_bare(ROOT / "config/base")
        figures = {f"start of {name}": function_process.start(stack, name) for name in NAMES}
    return figures | {f"sweep of {count:,}": swept(count) for count in SWEPT} | audit_throughput.measure()


def swept(count: int) -> dict[str, float]:
    """Return the figures of a sweep over so many converged Keplers, on a bare control plane."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder), Ports.free(), programs=DEFAULT, gateway=True) as stack,
    ):
        stack.start_control_plane(bare=True)
        stack.install_bare(ROOT / "config/base")
        sweep_cost.create_converged(stack, count)
        return sweep_cost.measure(stack, count)


def machine() -> str:
    """Return a sentence on when, where and how it was measured."""
    memory = psutil.virtual_memory().total / 2**30
    load = psutil.getloadavg()[0]
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} by `make bench` on {psutil.cpu_count()} cores "
        f"({platform.machine()}, {memory:.0f} GiB), Python {platform.python_version()}; load at the start {load:.1f}."
    )


def show(figures: dict[str, Figures], before: dict[str, Any]) -> None:
    """Print one line for each figure, with the earlier one and the ratio behind it."""
    for name, of_operator in figures.items():
        for what, values in of_operator.items():
            for figure, value in values.items():
                earlier = before.get(name, {}).get(what, {}).get(figure)
                compared = f"   (before: {earlier}, {value / earlier:.2f}×)" if earlier else ""
                sys.stdout.write(f"{name:<24}{what:<40}{figure:<44}{value:>10}{compared}\n")
    sys.stdout.flush()


def main() -> int:
    """Measure what is chosen."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--compare", type=Path, default=RESULTS, help="the file of an earlier run")
    parser.add_argument("--only", choices=[*OPERATORS, PARTS], help="measure this alone, and write nothing")
    parser.add_argument("--quick", action="store_true", help="fewer resources: for trying the measurement itself")
    chosen = parser.parse_args()
    build()
    before = json.loads(chosen.compare.read_text()) if chosen.compare.exists() else {}
    about, sizes = machine(), QUICK if chosen.quick else Sizes()
    wanted = [chosen.only] if chosen.only else [*OPERATORS, PARTS]
    figures: dict[str, Figures] = {}
    for name in wanted:
        figures[name] = parts() if name == PARTS else measured(OPERATORS[name], sizes)
        show({name: figures[name]}, before)
    if not chosen.only and not chosen.quick:
        RESULTS.write_text(json.dumps(figures, indent=1))
        page.write({name: figures[name] for name in OPERATORS}, figures[PARTS], about)
    return 0


if __name__ == "__main__":
    sys.exit(main())
