"""Turns by key: one at a time, shared by who waits."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from runtime.singleflight import SingleFlight


def test_alone_everybody_has_a_turn() -> None:
    """Nothing is shared where nobody waits."""
    flights: SingleFlight[str, int] = SingleFlight()
    assert [flights.take("a", str(n), len) for n in range(3)] == [1, 1, 1]


def test_who_comes_during_a_turn_shares_the_next() -> None:
    """Nine come while one is at it: one more turn, begun after they came, does for all of them."""
    flights: SingleFlight[str, str] = SingleFlight()
    begun, go_on = threading.Event(), threading.Event()
    turns: list[str] = []
    shared: list[str] = []

    def first(_items: Sequence[str]) -> str:
        begun.set()
        go_on.wait(5)
        turns.append("first")
        return "first"

    def later(items: Sequence[str]) -> str:
        turns.append("later")
        shared.extend(items)
        return "later"

    with ThreadPoolExecutor(10) as callers:
        one = callers.submit(flights.take, "a", "0", first)
        begun.wait(5)
        rest = [callers.submit(flights.take, "a", str(number), later) for number in range(1, 10)]
        while sum(future.running() for future in rest) < 9:
            pass
        go_on.set()
    assert one.result() == "first"
    assert turns[0] == "first"
    assert set(turns) == {"first", "later"}
    assert sum(future.result() == "later" for future in rest) == turns.count("later")
    assert sorted(shared) == [str(number) for number in range(1, 10)]


def test_keys_do_not_wait_for_each_other() -> None:
    """A slow object holds up nobody else."""
    flights: SingleFlight[str, int] = SingleFlight()
    begun, go_on = threading.Event(), threading.Event()

    def slow(_items: Sequence[str]) -> int:
        begun.set()
        go_on.wait(5)
        return 1

    with ThreadPoolExecutor(1) as caller:
        held = caller.submit(flights.take, "slow", "", slow)
        begun.wait(5)
        assert flights.take("other", "", len) == 1
        go_on.set()
    assert held.result() == 1


def test_a_failed_turn_fails_for_all_who_shared_it() -> None:
    """None of their events may be acknowledged; the next turn is a fresh one."""
    flights: SingleFlight[str, int] = SingleFlight()
    begun, go_on = threading.Event(), threading.Event()

    def slow(_items: Sequence[str]) -> int:
        begun.set()
        go_on.wait(5)
        return 1

    def fail(_items: Sequence[str]) -> int:
        go_on.wait(5)
        raise ZeroDivisionError

    with ThreadPoolExecutor(4) as callers:
        callers.submit(flights.take, "a", "", slow)
        begun.wait(5)
        rest = [callers.submit(flights.take, "a", "", fail) for _ in range(3)]
        while sum(future.running() for future in rest) < 3:
            pass
        go_on.set()
        for future in rest:
            with pytest.raises(ZeroDivisionError):
                future.result()
    assert flights.take("a", "", len) == 1
