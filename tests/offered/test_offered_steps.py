"""The next step works: each step that a condition or `explain` offers is taken in a state that it is offered in."""

import pytest

from reasons import decision_reasons, workload_reasons
from tests.offered import (
    decision_steps,
    image_steps,
    machine_steps,
    refusal_steps,
    unmade_pod_steps,
    workload_steps,
)
from tests.offered.operated_namespace import OperatedNamespace
from tests.offered.step_case import StepCase, lines, play

MODULES = (decision_steps, image_steps, refusal_steps, machine_steps, unmade_pod_steps, workload_steps)
CASES: tuple[StepCase, ...] = tuple(case for module in MODULES for case in module.CASES)
ENTRIES = (*decision_reasons.ENTRIES, *workload_reasons.ENTRIES)
TABLED = {(condition, entry.reason) for entry in ENTRIES for condition in entry.conditions}
# The control plane has IPv4 alone: `tests/pure/test_model_server.py` has the decision, on Services of both families.
ELSEWHERE = {("ModelServerReconciled", "IPv4Required")}
PLAYED = {line for case in CASES for line in lines(case)}


def test_every_reason_of_every_condition_has_a_state_and_no_state_lacks_one() -> None:
    """What `docs/troubleshooting.md` explains and what is played are the same."""
    assert TABLED - PLAYED == ELSEWHERE, "add a case to tests/offered"
    assert set() == PLAYED - TABLED, "no entry of the tables has this reason for this condition"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_offered_step_mends_it(case: StepCase, operated: OperatedNamespace) -> None:
    """The state has the reason; commands and fields that the condition offers are used, and it becomes `Ready`."""
    play(case, operated)
