"""`python -m tests.campaign`: every field with every value, and many chains. `make faults` runs it.

The work is shared by processes, each with a control plane of its own. Prints what ended wrong, and the sum; ends with 1
if there was anything.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from local.go_programs import build
from local.layout import DEFAULT
from tests.campaign import alone, chains, impossible, lines, refused_edits
from tests.campaign.ground import Ground
from tests.campaign.values import everywhere, everywhere_v011, valid
from tests.faults.matrix import Verdict
from tests.faults.plane import plane
from tests.shared_run import end_on_sigterm, hand_in, share

CHAINS, STEPS = 40, 30


def main() -> int:
    """Shares the work, and adds up what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many share the work")
    parser.add_argument("--chains", type=int, default=CHAINS, help="how many chains, seeded from 0 on")
    parser.add_argument("--only", default="", help="fields and cases with this in their names, and no chains")
    parser.add_argument("--part", default="", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.part:
        end_on_sigterm()
        return _part(chosen)
    build()
    same = ["--chains", str(chosen.chains), "--only", chosen.only]
    return share("tests.campaign", same, chosen.processes, "changes")


def _part(chosen: argparse.Namespace) -> int:
    """Every n-th field, case and chain, as `part` says."""
    with tempfile.TemporaryDirectory() as folder, plane(Path(folder), DEFAULT) as stack:
        for what, verdict in _verdicts(Ground(stack), chosen):
            hand_in(what, verdict)
    return 0


def _verdicts(ground: Ground, chosen: argparse.Namespace) -> Iterator[tuple[str, Verdict]]:
    first, step = map(int, chosen.part.split("/"))
    fields = (*everywhere(), *everywhere_v011())
    places = tuple(place for place in fields if chosen.only in str(place))[first::step]
    for place in places:
        driven = Verdict()
        alone.drive(ground, place, valid(place), driven)
        yield str(place), driven
    invalid, cases = Verdict(), Verdict()
    refused_edits.drive(ground, places, None, invalid)
    yield "values that cannot be", invalid
    for case in [case for case in impossible.CASES if chosen.only in case.name][first::step]:
        cases.note(case.name, impossible.drive(ground, case)[0])
    yield "what a condition rejects", cases
    if first == 0 and chosen.only in lines.NAME:
        changed = Verdict()
        changed.note(lines.NAME, lines.drive(ground))
        yield "lines", changed
    for seed in range(first, 0 if chosen.only else chosen.chains, step):
        yield f"chain {seed}", _chain(ground, seed)


def _chain(ground: Ground, seed: int) -> Verdict:
    chain = chains.steps(seed, STEPS)
    verdict = Verdict(tried=STEPS)
    if chains.walk(ground, chain):
        verdict.failed[f"chain {seed}"] = chains.report(ground, seed, chain).splitlines()
    return verdict


if __name__ == "__main__":
    sys.exit(main())
