"""`make bench`: measures the whole local stack, prints a table with the previous run, writes `.local/bench.json`."""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import audit_throughput, function_process, ready, sweep_cost, visible
from benchmarks.ready_watch import ReadyWatch
from functions.function_catalogue import NAMES
from local.go_programs import build
from local.layout import DEFAULT, ROOT
from local.ports import Ports
from local.stack import Stack

RESULTS = DEFAULT / "bench.json"
# The number of Keplers that are created, one by one and at once.
COUNT = 100
# The number of Keplers in the measured sweep.
KEPLERS = 10_000


def measure() -> dict[str, dict[str, float]]:
    """Return all figures, by name."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        with Stack(Path(folder), Ports.free(), programs=DEFAULT, audit=True) as stack:
            stack.start(ROOT / "config/base")
            figures: dict[str, dict[str, float]] = {"stack": {"ready_s": round(time.monotonic() - began, 1)}}
            watch = ReadyWatch(stack)
            ready.at_once(stack, watch, 3, "warm")  # warms up: everything is loaded after this
            figures["create to Ready, one by one"] = ready.one_by_one(stack, watch, COUNT)
            figures["API calls a Kepler, one by one"] = ready.calls(stack, "one-")
            figures["create to Ready, at once"] = ready.at_once(stack, watch, COUNT)
            figures["API calls a Kepler, at once"] = ready.calls(stack, "burst-")
            figures["edit to report in the console"] = visible.first_report(stack, 20)
            figures |= {f"process {name}": function_process.start(stack, name) for name in NAMES}
    return figures | {"sweep": sweep_figures()} | audit_throughput.measure()


def sweep_figures() -> dict[str, float]:
    """Return the figures of a sweep over thousands of converged Keplers, on a bare control plane."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder), Ports.free(), programs=DEFAULT, gateway=True) as stack,
    ):
        stack.start_control_plane(bare=True)
        stack.install_bare(ROOT / "config/base")
        sweep_cost.create_converged(stack, KEPLERS)
        return sweep_cost.measure(stack, KEPLERS)


def show(measured: dict[str, dict[str, float]], before: dict[str, Any]) -> None:
    """Print one line for each figure, with the previous one in brackets."""
    for name, figures in measured.items():
        for figure, value in figures.items():
            earlier = before.get(name, {}).get(figure)
            sys.stdout.write(
                f"{name:<34}{figure:<24}{value:>10}" + (f"   (before: {earlier})" if earlier else "") + "\n"
            )


if __name__ == "__main__":
    build()
    before = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    measured = measure()
    show(measured, before)
    RESULTS.write_text(json.dumps(measured, indent=1))
