"""What a reconcile costs, counted where it arrives: in the API server's audit log."""

import json
from collections import Counter
from itertools import takewhile

import pytest

from runtime.settings import NAMESPACE
from tests.workbench import BY_NAME, Workbench, kepler, update

READS = {"get", "list"}


def audited(workbench: Workbench, function: str) -> Counter[str]:
    """Requests so far by the function's ServiceAccount, by verb."""
    user = f"system:serviceaccount:{NAMESPACE}:{BY_NAME[function].manager}"
    lines = workbench.stack.layout.log("audit").read_text().splitlines()
    return Counter(entry["verb"] for entry in map(json.loads, lines) if entry["user"].get("username") == user)


@pytest.mark.parametrize("function", sorted(BY_NAME))
def test_an_echo_makes_no_api_call(workbench: Workbench, function: str) -> None:
    """The event of a function's own status write is answered without asking anybody."""
    workbench.apply(kepler())
    workbench.settle()
    before = audited(workbench, function)
    assert before["patch"] > 0

    received = workbench.wake(function, update(workbench.kepler()))

    assert received.calls == 0
    assert audited(workbench, function) == before


@pytest.mark.parametrize("function", sorted(BY_NAME))
def test_a_reconcile_with_nothing_to_do_writes_nothing(workbench: Workbench, function: str) -> None:
    """It reads, and that is all."""
    workbench.apply(kepler())
    workbench.settle()
    before = audited(workbench, function)

    assert not workbench.resync(function).reports

    asked = audited(workbench, function) - before
    assert asked
    assert set(asked) <= READS


# Dry runs of a first reconcile of `collector`: every child but the shared binding, which is written first.
TRIED = 4


@pytest.mark.parametrize(
    ("function", "most"),
    [
        ("collected_metric", {"get": 2, "patch": 2}),
        ("exported_power", {"get": 2, "patch": 2}),
        ("collector", {"get": 10, "patch": 6 + TRIED}),
        ("monitoring", {"get": 7, "patch": 1}),
    ],
)
def test_a_first_reconcile_makes_at_most_two_calls_a_child_and_a_few(
    workbench: Workbench, function: str, most: dict[str, int]
) -> None:
    """One read and one write a child, the Kepler and its condition; once more what is also input, shared or tried.

    Inputs are read for the decision, for the shared binding, and at the end: for `collector`, the Namespace is one.
    """
    workbench.apply(kepler())
    for earlier in takewhile(lambda other: other != function, BY_NAME):
        workbench.resync(earlier)
    before = audited(workbench, function)

    workbench.resync(function)

    assert dict(audited(workbench, function) - before) == most


def test_the_children_already_there_are_not_written_again(workbench: Workbench) -> None:
    """A lost event repeated: the second worker finds the first one's work."""
    workbench.apply(kepler())
    workbench.settle()
    workbench.patch("kepler/kepler", {"spec": {"collector": {"log-level": 2}}})
    workbench.settle()
    before = {function: audited(workbench, function)["patch"] for function in BY_NAME}
    for function in BY_NAME:
        workbench.resync(function)
    assert {function: audited(workbench, function)["patch"] for function in BY_NAME} == before
