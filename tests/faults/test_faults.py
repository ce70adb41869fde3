"""A sample of all faults, of each kind some, in every chain; `make faults` tries all of them."""

import random
from collections.abc import Sequence

import pytest

from local.stack import Stack
from tests.faults.destinations import Form
from tests.faults.matrix import Verdict, walking
from tests.faults.plans import Plan
from tests.faults.steps import CHAINS, Chain

# Of each kind of fault, in each chain.
EACH = 2
# The chains in which most functions take part.
IN_ONE_PROCESS = tuple(chain for chain in CHAINS if chain.name in ("life", "edits", "components", "machines"))


def sample(plans: Sequence[Sequence[Plan]], seed: str) -> list[list[Plan]]:
    """Of each kind, told by a plan's first word, so many, by chance; each at its step."""
    chance = random.Random(seed)
    kinds: dict[str, list[tuple[int, Plan]]] = {}
    for step, plans_of_step in enumerate(plans):
        for plan in plans_of_step:
            kinds.setdefault(plan.name.partition(" ")[0], []).append((step, plan))
    chosen = [first for kind in kinds.values() for first in chance.sample(kind, min(EACH, len(kind)))]
    return [[plan for step, plan in chosen if step == number] for number in range(len(plans))]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.name.replace(" ", "-"))
def test_no_fault_changes_the_end(faulty_plane: Stack, tried: list[Verdict], chain: Chain) -> None:
    """The same end, no creation, change or deletion too many, and rest; whatever happened to one request or event."""
    with walking(faulty_plane, chain) as matrix:
        verdict = matrix.run(sample(matrix.plans(), chain.name))
    tried.append(verdict)
    assert not verdict.failed


@pytest.mark.timeout(600)
@pytest.mark.parametrize("chain", IN_ONE_PROCESS, ids=lambda chain: chain.name.replace(" ", "-"))
def test_no_fault_changes_the_end_of_functions_in_one_process(
    compact_plane: Stack, tried: list[Verdict], chain: Chain
) -> None:
    """What holds for a process a function holds for one of all functions, which share what they read."""
    with walking(compact_plane, chain, Form.COMPACT) as matrix:
        verdict = matrix.run(sample(matrix.plans(), chain.name))
    tried.append(verdict)
    assert not verdict.failed


@pytest.mark.parametrize("chain", CHAINS[:1], ids=lambda chain: chain.name)
def test_without_a_fault_every_run_is_the_same(faulty_plane: Stack, chain: Chain) -> None:
    """So that what a fault changes is the fault's doing: the same requests, in the same order, to the same end."""
    with walking(faulty_plane, chain) as matrix:
        again = matrix.again()
    for first, second in zip(matrix.references, again, strict=True):
        assert first.ended == second.ended
        assert [asked.request.path for asked in first.asked] == [asked.request.path for asked in second.asked]
