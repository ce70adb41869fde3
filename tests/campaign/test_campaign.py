"""A part of the campaign: some fields with one value, two chains, some of what cannot be; `make faults` has all."""

import random

import pytest

from crds.crd_files import RESOURCES
from tests.campaign import alone, chains, impossible, lines, refused_edits
from tests.campaign.ground import Ground
from tests.campaign.impossible import CASES, Impossible
from tests.campaign.values import UserField, everywhere, everywhere_v011, invalid, places, valid
from tests.faults.matrix import Verdict

# Of all fields every so many-th.
EVERY = 8
FIELDS = [place for place in (*everywhere(), *everywhere_v011()) if place.known][::EVERY]
# Of the values that each field may not have.
SAMPLE = 3
STEPS = 12
KINDS = [resource.names.kind for resource in RESOURCES.values()]


@pytest.mark.parametrize("place", FIELDS, ids=str)
def test_a_field_that_is_taken_back_leaves_nothing(ground: Ground, verdict: Verdict, place: UserField) -> None:
    """Set and left out again: what comes of it goes, with its owner; a rejection names the field."""
    alone.drive(ground, place, valid(place)[:1], verdict, blank=False)
    assert not verdict.failed


@pytest.mark.parametrize("kind", KINDS)
def test_a_blank_block_is_as_one_left_out(ground: Ground, verdict: Verdict, kind: str) -> None:
    """Of one block of each resource, whichever it is today."""
    blocks = [place for place in places(kind) if place.known is None]
    for place in random.Random(kind).sample(blocks, min(1, len(blocks))):
        alone.drive(ground, place, valid(place), verdict)
    assert not verdict.failed


def test_the_line_changes_while_every_field_is_set(ground: Ground, verdict: Verdict) -> None:
    """There, back and there again: each time as a fresh apply ends, with nothing of the other line left."""
    verdict.note(lines.NAME, lines.drive(ground))
    assert not verdict.failed


# A failure is walked again and again, for the steps that it needs.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_end_does_not_depend_on_the_way(ground: Ground, verdict: Verdict, seed: int) -> None:
    """Properties set and unset, children deleted and changed: in the end it is as if only the last specs had been."""
    chain = chains.steps(seed, STEPS)
    problems = chains.walk(ground, chain)
    verdict.note(f"chain {seed}", problems)
    verdict.tried += STEPS - 1
    assert not problems, chains.report(ground, seed, chain)


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_that_cannot_be_is_refused_by_its_fields_name(ground: Ground, verdict: Verdict, kind: str) -> None:
    """A wrong type, out of bounds, too long, unknown: refused, named, and nothing is changed."""
    both = (*everywhere(), *everywhere_v011())
    refused_edits.drive(ground, tuple(place for place in both if place.kind == kind), SAMPLE, verdict)
    assert not verdict.failed


@pytest.mark.parametrize("kind", KINDS)
def test_kubectl_is_told_as_well(ground: Ground, verdict: Verdict, kind: str) -> None:
    """`kubectl apply` sends what has changed, not the whole, and is refused for the same."""
    place = random.Random(kind).choice(places(kind))
    value = random.Random(kind).choice(invalid(place))
    problems = list(refused_edits.applied(ground, place, value))
    verdict.note(f"{place} by kubectl", problems)
    assert not problems


@pytest.fixture(scope="module")
def reached() -> set[str]:
    """The reasons that something was rejected for."""
    return set()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_cannot_be_is_said_and_leaves_what_runs(
    ground: Ground, verdict: Verdict, reached: set[str], case: Impossible
) -> None:
    """False, with a message that names the field; the workloads are the same to the byte; going back is the cure."""
    problems, rejected = impossible.drive(ground, case)
    verdict.note(case.name, problems)
    reached |= {rejection.reason for rejection in rejected}
    assert not problems


def test_every_reason_to_reject_is_reached(reached: set[str]) -> None:
    """By one of the cases above; this one comes after them."""
    if not reached:
        pytest.skip("the cases were not run")
    assert impossible.reasons() - reached == set()
