"""`python -m tests.faults`: every fault there is. `make faults` runs it.

The work is shared by processes, each with a control plane of its own. Prints what was tried of each chain, every
promise that was broken, and the sum; ends with 1 if there was any.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from local.build import build
from local.layout import DEFAULT
from tests.faults.matrix import Verdict, walking
from tests.faults.plane import plane
from tests.faults.steps import CHAINS

# Pairs of faults for each step, beside all single ones.
PAIRS = 25


def main() -> int:
    """Shares the work, and adds up what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many share the work")
    parser.add_argument("--chain", default="", help="only the chain of this name")
    parser.add_argument("--every", type=int, default=1, help="only every n-th fault")
    parser.add_argument("--part", default="", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.part:
        number, count = map(int, chosen.part.split("/"))
        return _part(chosen.chain, number * chosen.every, count * chosen.every)
    build()
    return _share(chosen)


def _share(chosen: argparse.Namespace) -> int:
    began, count = time.monotonic(), chosen.processes
    same = [sys.executable, "-m", "tests.faults", "--chain", chosen.chain, "--every", str(chosen.every)]
    parts = [
        subprocess.Popen([*same, "--part", f"{number}/{count}"], stdout=subprocess.PIPE, text=True)
        for number in range(count)
    ]
    lines = [line for part in parts for line in part.communicate()[0].splitlines()]
    verdicts = [Verdict(**json.loads(line)) for line in lines if line.startswith("{")]
    tried, failed = sum(one.tried for one in verdicts), sum(len(one.failed) for one in verdicts)
    _say(f"{tried} faults tried, {failed} failed, in {(time.monotonic() - began) / 60:.0f} minutes")
    return int(failed > 0 or any(part.returncode for part in parts))


def _part(wanted: str, first: int, step: int) -> int:
    """Every `step`-th fault of each chain, beginning with the `first`."""
    with tempfile.TemporaryDirectory() as folder, plane(Path(folder), DEFAULT) as stack:
        for chain in CHAINS:
            if wanted in ("", chain.name):
                began = time.monotonic()
                with walking(stack, chain) as matrix:
                    verdict = matrix.run([each[first::step] for each in matrix.plans(PAIRS)])
                seconds = time.monotonic() - began
                _say(f"{chain.name}: {verdict.tried} tried, {len(verdict.failed)} failed, {seconds:.0f} s", verdict)
                sys.stdout.write(json.dumps(asdict(verdict)) + "\n")
    return 0


def _say(told: str, verdict: Verdict | None = None) -> None:
    """On standard error, since the parts' standard output is read."""
    for what, broken in (verdict.failed if verdict else {}).items():
        sys.stderr.write(f"FAILED {what}\n" + "".join(f"       {one}\n" for one in broken))
    sys.stderr.write(told + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
