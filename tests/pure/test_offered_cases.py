"""Every reason of every condition has a case in `tests/offered`, where the step that it offers is taken."""

from reasons import decision_reasons, workload_reasons
from tests.offered.offered_cases import CASES, ELSEWHERE
from tests.offered.step_case import lines

ENTRIES = (*decision_reasons.ENTRIES, *workload_reasons.ENTRIES)
TABLED = {(condition, entry.reason) for entry in ENTRIES for condition in entry.conditions}
PLAYED = {line for case in CASES for line in lines(case)}


def test_every_reason_of_every_condition_has_a_state_and_no_state_lacks_one() -> None:
    """What `docs/troubleshooting.md` explains and what is played are the same."""
    assert set() == TABLED - PLAYED - ELSEWHERE, (
        "add these to tests/offered: reasons that any function may have by the function in WRITING_AT_ONCE of "
        "refusal_steps.py (it writes a ConfigMap, named in MAPS, and waits for no other) or in WAITING, and by cases "
        "with its own kind if it writes no ConfigMap, as `monitoring` has; its own by a case in decision_steps.py"
    )
    assert set() == PLAYED - TABLED, "no entry in `reasons` has this reason for this condition: take out the case"
