"""Tests of the tests: a protocol with one of its rules left out does not survive the same faults.

Two rules more are needed where fewer events come than here: `tests.model` notices those.
"""

import re
from dataclasses import dataclass

import pytest

from local.stack import Stack
from tests import mutants
from tests.faults.matrix import Verdict, walking
from tests.faults.steps import CHAINS
from tests.mutants import Mutant


@dataclass(frozen=True)
class Detection:
    """Where a rule that is left out shows: in a step of a chain, at requests of one function, by their plans' names."""

    mutant: Mutant
    chain: str
    step: str
    plan: str


SHOWN = (
    Detection(mutants.no_lock, "edits", "edit", r"overtake request .* PATCH .*daemonsets.*\(collector <-"),
    Detection(mutants.plain_create, "life", "create", r"overtake request .* PATCH .*services.*\(collector <-"),
    # Before any child is read: what is read of `kepler-cfm` after it is a lock that holds.
    Detection(mutants.inputs_first, "edits", "edit", r"overtake request .* GET .*serviceaccounts.*\(collector <-"),
    Detection(mutants.no_trial, "edits", "edit", r"refuse DaemonSet"),
    Detection(mutants.no_second_look, "impossible", "take it back", r"overtake unheard .*status.*\(estimator <-"),
    Detection(
        mutants.second_look_at_parent_only, "impossible", "take it back", r"overtake unheard .*status.*\(estimator <-"
    ),
)


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.mutant.__name__)
def test_a_rule_left_out_is_noticed(faulty_plane: Stack, shown: Detection) -> None:
    """The user's next step in the middle of a delivery is enough; with the rule, the same faults do not show."""
    with shown.mutant():
        without = tried(faulty_plane, shown)
    assert without.failed
    assert not tried(faulty_plane, shown).failed


def tried(stack: Stack, shown: Detection) -> Verdict:
    """The faults of the plans that are meant, until one shows; planned with the protocol as it is now."""
    (chain,) = (chain for chain in CHAINS if chain.name == shown.chain)
    with walking(stack, chain) as matrix:
        wanted = [
            [plan for plan in plans if step.name == shown.step and re.match(shown.plan, plan.name)]
            for step, plans in zip(chain.loop, matrix.plans(), strict=True)
        ]
        return matrix.run(wanted, until_failed=True)
