"""The next step works: each step that a condition or `explain` offers is taken in a state that it is offered in."""

import pytest

from tests.offered.offered_cases import CASES
from tests.offered.operated_namespace import OperatedNamespace
from tests.offered.step_case import StepCase, play


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_offered_step_mends_it(case: StepCase, operated: OperatedNamespace) -> None:
    """The state has the reason; commands and fields that the condition offers are used, and it becomes `Ready`."""
    play(case, operated)
