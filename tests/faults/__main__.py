"""`python -m tests.faults`: every fault there is. `make faults` runs it.

The work is shared by processes, each with a control plane of its own. Prints what was tried of each chain, every
promise that was broken, and the sum; ends with 1 if there was any.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from local.go_programs import build
from local.layout import DEFAULT
from tests.faults.destinations import Form
from tests.faults.matrix import walking
from tests.faults.plane import plane
from tests.faults.steps import CHAINS
from tests.shared_run import end_on_sigterm, hand_in, share

# Pairs of faults for each step, beside all single ones.
PAIRS = 25


def main() -> int:
    """Shares the work, and adds up what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many share the work")
    parser.add_argument("--chain", default="", help="only the chain of this name")
    parser.add_argument("--compact", action="store_true", help="all functions in one process")
    parser.add_argument("--every", type=int, default=1, help="only every n-th fault")
    parser.add_argument("--part", default="", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.part:
        end_on_sigterm()
        number, count = map(int, chosen.part.split("/"))
        form = Form.COMPACT if chosen.compact else Form.BASE
        return _part(chosen.chain, form, number * chosen.every, count * chosen.every)
    build()
    same = ["--chain", chosen.chain, "--every", str(chosen.every), *(["--compact"] if chosen.compact else [])]
    return share("tests.faults", same, chosen.processes, "faults")


def _part(wanted: str, form: Form, first: int, step: int) -> int:
    """Every `step`-th fault of each chain, beginning with the `first`."""
    with tempfile.TemporaryDirectory() as folder, plane(Path(folder), DEFAULT, form) as stack:
        for chain in CHAINS:
            if wanted in ("", chain.name):
                began = time.monotonic()
                with walking(stack, chain, form) as matrix:
                    verdict = matrix.run([plan[first::step] for plan in matrix.plans(PAIRS)])
                hand_in(f"{chain.name}, {time.monotonic() - began:.0f} s", verdict)
    return 0


if __name__ == "__main__":
    sys.exit(main())
