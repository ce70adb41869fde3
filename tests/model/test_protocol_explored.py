"""The reconcile protocol, its own code, in every order of everything that can happen to a few workers.

The large scenarios are `python -m tests.model`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from runtime.declaration import Observed
from runtime.outcome import Outcome
from tests.model.explore import TooManyStates, explore
from tests.model.functions import ALONE, CHILD, HALVED, INPUT, PARENT, TWO, made, parent, says
from tests.model.properties import Property
from tests.model.scenario import Scenario, deletes, edits, makes_again
from tests.model.scenario_list import BOTH_KEYS, ONE_PROCESS, SMALL, TOGETHER
from tests.model.worker import determined
from tests.mutants import (
    MUTANTS,
    Mutant,
    answers_trusted,
    generation_ignored,
    inputs_first,
    no_identity,
    no_lock,
    no_second_look,
    own_fields_unchecked,
    plain_create,
    second_look_at_parent_only,
)

ONE_EDIT = Scenario(ALONE, (edits(PARENT, 1),))
TWO_EDITS = Scenario(ALONE, (edits(PARENT, 2),))
TWO_INPUTS = Scenario(TWO, (edits(PARENT, 1), edits(INPUT, 1)))
STALE = {Property.CONVERGES, Property.QUIET}


@pytest.fixture(autouse=True)
def _determined() -> Iterator[None]:
    with determined():
        yield


@dataclass(frozen=True)
class LeftOut:
    """A rule of the protocol that is left out, where that shows, and by which property."""

    mutant: Mutant
    scenario: Scenario
    violated: set[Property]


LEFT_OUT = (
    LeftOut(no_lock, TWO_EDITS, {Property.NO_REGRESS}),
    LeftOut(no_identity, Scenario(ALONE, (edits(PARENT, 1), deletes(CHILD))), {Property.SAME_OBJECT}),
    LeftOut(plain_create, ONE_EDIT, {Property.NO_REGRESS, Property.SAME_OBJECT}),
    LeftOut(inputs_first, ONE_EDIT, {Property.NO_REGRESS}),
    LeftOut(no_second_look, ONE_EDIT, STALE),
    LeftOut(second_look_at_parent_only, TWO_INPUTS, STALE),
    LeftOut(own_fields_unchecked, ONE_EDIT, {Property.NO_REGRESS}),
    LeftOut(answers_trusted, BOTH_KEYS, {Property.NO_REGRESS}),
    LeftOut(generation_ignored, Scenario(HALVED, (edits(PARENT, 2),)), STALE),
)


@pytest.mark.parametrize("scenario", SMALL, ids=str)
def test_every_order_ends_as_desired_and_no_write_regresses(scenario: Scenario) -> None:
    """Whoever dies, however answers are lost: no property is violated in any state."""
    done = explore(scenario)

    assert [str(violation) for violation in done.violations.values()] == []
    assert done.states > 5_000
    assert done.at_rest > 1


@pytest.mark.parametrize("scenario", ONE_PROCESS, ids=str)
def test_one_process_may_drop_events_about_versions_it_has_seen(scenario: Scenario) -> None:
    """Where nobody else is at it, no property is violated."""
    done = explore(scenario)

    assert [str(violation) for violation in done.violations.values()] == []
    assert done.at_rest > 1


@pytest.mark.parametrize("scenario", TOGETHER, ids=str)
def test_functions_of_one_process_share_what_they_read(scenario: Scenario) -> None:
    """Each function of a process ends as it does alone, in every order of edits and faults: no property is violated."""
    with determined(scenario.rounds):
        done = explore(scenario)

    assert [str(violation) for violation in done.violations.values()] == []
    assert done.at_rest > 1


def test_two_processes_may_not_drop_events_about_versions_they_have_seen() -> None:
    """That is why each function has at most one pod: the other one may have been told what this one has read before."""
    scenario = Scenario(ALONE, (edits(PARENT, 1), deletes(PARENT), makes_again(PARENT)), drops=True)

    assert explore(scenario).violated == STALE
    assert explore(replace(scenario, workers=1)).violated == explore(replace(scenario, drops=False)).violated == set()


@pytest.mark.parametrize("left_out", LEFT_OUT, ids=lambda one: one.mutant.__name__)
def test_every_rule_is_needed(left_out: LeftOut) -> None:
    """Without it, these properties are violated; with it, in the same scenario, none is."""
    with left_out.mutant():
        without = explore(left_out.scenario)

    assert without.violated == left_out.violated
    assert explore(left_out.scenario).violated == set()


def test_every_mutant_is_explored() -> None:
    """None is forgotten here."""
    assert {case.mutant for case in LEFT_OUT} == set(MUTANTS.values())


def test_a_schedule_leads_to_the_violation() -> None:
    """It is a shortest one, step by step: two workers read, one writes the newer decision, the other its older one."""
    with inputs_first():
        violation = explore(ONE_EDIT).violations[Property.NO_REGRESS]

    writes = [step for step in violation.schedule if "PATCH child" in step]
    assert len(violation.schedule) == 7
    assert violation.schedule.count("edits of parent") == 1
    assert len(writes) == 2
    assert "`parent` of ConfigMap 'child' goes from 2 back to 1" in str(violation)


def test_rounds_of_one_worker_are_as_good_as_workers_that_come_again() -> None:
    """Explored with all of its rounds in one worker, the protocol comes to rest in as many ways, and as well."""
    again = explore(replace(ONE_EDIT, crashes=1, workers=3))
    with determined(rounds=12):
        in_rounds = explore(replace(ONE_EDIT, crashes=1, workers=3))

    assert in_rounds.states > again.states
    assert in_rounds.at_rest == again.at_rest
    assert in_rounds.violated == again.violated == set()


def test_a_function_that_never_settles_is_noticed() -> None:
    """It wants something else whenever it looks: its workers go round in circles."""

    def fickle(observed: Observed) -> Outcome:
        child = observed.get(CHILD)
        before = int(child["data"]["turn"]) if child else 0
        return made(says(CHILD, parent(observed), turn=1 - before))

    function = replace(ALONE, name="fickle", desired=fickle, inputs=lambda _: (CHILD,))

    assert Property.ENDS in explore(Scenario(function, ())).violated


def test_an_exploration_says_where_it_gives_up() -> None:
    """More states than allowed for are an error, not a result."""
    with pytest.raises(TooManyStates, match="alone: 2× workers, 2× edits of parent: more than 100 states"):
        explore(TWO_EDITS, most=100)
