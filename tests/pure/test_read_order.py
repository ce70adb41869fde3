"""In which order objects are read for several functions at once."""

from collections.abc import Sequence
from graphlib import CycleError
from itertools import combinations

import pytest

from functions import collector, model_server, status
from functions.function_catalogue import FUNCTIONS
from operands import children
from runtime.declaration import Function
from runtime.objects import KEPLER, Ref
from runtime.observation import read_order, written_only

KEY = Ref(KEPLER, "monitoring", "kepler")
OF_KEPLER = tuple(function for function in FUNCTIONS if function.parent == KEPLER)
GROUPS = [group for size in range(1, len(OF_KEPLER) + 1) for group in combinations(OF_KEPLER, size)]


def in_turn(deciding: Sequence[Function], confirming: Sequence[Function] = ()) -> list[Ref]:
    """The objects one after the other, as they are read without readers side by side."""
    order = read_order(deciding, confirming, KEY)
    refs: list[Ref] = []
    while ready := order.get_ready():
        refs += ready
        order.done(*ready)
    return refs


def test_each_function_of_any_group_has_its_children_read_before_its_inputs() -> None:
    """Whichever functions an event wakes: a lock on a child then guards the decision that follows from the inputs."""
    for deciding in GROUPS:
        confirming = tuple(function for function in OF_KEPLER if function not in deciding)
        order = {ref: place for place, ref in enumerate(in_turn(deciding, confirming))}
        for function in deciding:
            last_child = max((order[ref] for ref in written_only(function, KEY)), default=-1)
            assert all(order[ref] > last_child for ref in function.inputs(KEY)), function.name
        assert {*order} >= {ref for function in confirming for ref in function.inputs(KEY)}


def test_the_model_server_is_read_after_the_children_of_who_decides_from_it() -> None:
    """Its Deployment, a child of one function and referred to by another, is then read once for both of them."""
    order = in_turn((model_server.FUNCTION, collector.FUNCTION))

    deployment = order.index(children.deployment(KEY))
    assert all(order.index(ref) < deployment for ref in written_only(collector.FUNCTION, KEY))


def test_functions_in_the_wrong_order_are_refused() -> None:
    """Who decides from what another one writes has to come after it."""
    first = Function(
        "first",
        "First",
        (),
        status.FUNCTION.desired,
        gates_ready=False,
        children=lambda key: (children.cfm(key),),
        inputs=lambda key: (children.service(key),),
    )
    second = Function(
        "second",
        "Second",
        (),
        status.FUNCTION.desired,
        gates_ready=False,
        children=lambda key: (children.service(key), children.daemon_set(key)),
    )

    assert read_order((second, first), (), KEY)
    with pytest.raises(CycleError):
        read_order((first, second), (), KEY)
