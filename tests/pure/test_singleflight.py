"""Turns by key: one at a time, shared by who waits."""

import itertools
import random
import threading
import time
from collections.abc import Sequence
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest

from runtime import singleflight
from runtime.errors import Unavailable
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
        name = callers.submit(flights.take, "a", "0", first)
        begun.wait(5)
        rest = [callers.submit(flights.take, "a", str(number), later) for number in range(1, 10)]
        while sum(future.running() for future in rest) < 9:
            pass
        go_on.set()
    assert name.result() == "first"
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


def test_a_full_turn_that_fails_tells_the_item_of_those_who_have_gone() -> None:
    """Callers that were answered at once do not learn of the failure: the one that ran the turn makes up for them."""
    flights: SingleFlight[str, int] = SingleFlight(max_waiting=1)
    begun, go_on, lost = threading.Event(), threading.Event(), list[str]()

    def slow(_items: Sequence[str]) -> int:
        begun.set()
        go_on.wait(5)
        return 1

    def fail(_items: Sequence[str]) -> int:
        raise ZeroDivisionError

    with ThreadPoolExecutor(3) as callers:
        callers.submit(flights.take, "a", "running", slow, lost=lost.append)
        begun.wait(5)
        failing = [callers.submit(flights.take, "a", str(number), fail, lost=lost.append) for number in range(2)]
        while "a" not in flights._next or len(flights._next["a"].items) < 2:
            time.sleep(0.001)
        assert flights.take("a", "latest", fail, lost=lost.append) is None
        go_on.set()
        for future in failing:
            with pytest.raises(ZeroDivisionError):
                future.result()
    assert lost == ["latest"]


def test_a_timeout_of_the_work_is_not_a_wait_that_ended() -> None:
    """A `TimeoutError` of the work itself reaches callers that share the turn as it is."""
    flights: SingleFlight[str, int] = SingleFlight()
    begun, go_on = threading.Event(), threading.Event()

    def slow(_items: Sequence[str]) -> int:
        begun.set()
        go_on.wait(5)
        return 1

    def times_out(_items: Sequence[str]) -> int:
        raise TimeoutError("the database")

    with ThreadPoolExecutor(3) as callers:
        first = callers.submit(flights.take, "a", "", slow)
        begun.wait(5)
        sharing = [callers.submit(flights.take, "a", "", times_out) for _ in range(2)]
        while "a" not in flights._next or len(flights._next["a"].items) < 2:
            time.sleep(0.001)
        go_on.set()
        for future in sharing:
            with pytest.raises(TimeoutError, match="the database"):
                future.result()
        assert first.result() == 1


def test_a_turn_that_ends_as_the_wait_for_it_does_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who stopped waiting at that very moment left the ended turn behind, and was to come again for nothing."""
    flights: SingleFlight[str, int] = SingleFlight(seconds=0.01)
    begun, go_on = threading.Event(), threading.Event()

    def slow(_items: Sequence[str]) -> int:
        begun.set()
        go_on.wait(5)
        return 1

    def too_short(running: tuple[Future[int]], seconds: float) -> object:
        seen = futures.wait(running, seconds)
        go_on.set()
        running[0].result(5)
        return seen

    monkeypatch.setattr(singleflight, "wait", too_short)
    with ThreadPoolExecutor(2) as callers:
        first = callers.submit(flights.take, "a", "", slow)
        begun.wait(5)
        second = callers.submit(flights.take, "a", "", len)
        assert (first.result(), second.result()) == (1, 1)
    assert not flights._running
    assert not flights._next


def test_whoever_shares_the_last_place_is_not_forgotten() -> None:
    """Of those who do not wait only the last is kept, and the work is told that there may have been others."""
    flights: SingleFlight[str, int] = SingleFlight(max_waiting=2)
    begun, go_on = threading.Event(), threading.Event()
    full: list[bool] = []

    def first(items: Sequence[str]) -> int:
        begun.set()
        go_on.wait(5)
        full.append(flights.is_full(items))
        return 1

    def later(items: Sequence[str]) -> int:
        full.append(flights.is_full(items))
        assert items[-1] == "last"
        return 2

    with ThreadPoolExecutor(8) as callers:
        callers.submit(flights.take, "a", "0", first)
        begun.wait(5)
        waiting = [callers.submit(flights.take, "a", str(number), later) for number in range(3)]
        while len(flights._next) < 1 or len(flights._next["a"].items) < 3:
            time.sleep(0.001)
        assert [flights.take("a", name, later) for name in ("echo", "last")] == [None, None]
        go_on.set()
        assert sum(future.result() or 0 for future in waiting) == 2
    assert full == [False, True]


class Stress:
    """Callers of a few keys, at random moments, whose work takes its time and sometimes fails."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.flights: SingleFlight[int, None] = SingleFlight(seconds=0.05, max_waiting=3)
        self.lock = threading.Lock()
        self.at_work: set[str] = set()
        self.begun: dict[str, list[int]] = {}
        self.tick = itertools.count()

    def work(self, key: str, _items: Sequence[int]) -> None:
        with self.lock:
            assert key not in self.at_work
            self.at_work.add(key)
            self.begun.setdefault(key, []).append(next(self.tick))
        try:
            time.sleep(self.chance.choice([0, 0.001, 0.01, 0.08]))
            if self.chance.random() < 0.2:
                raise self.chance.choice((ZeroDivisionError(), KeyboardInterrupt(), Unavailable("away")))
        finally:
            with self.lock:
                self.at_work.remove(key)

    def call(self, key: str) -> tuple[str, int]:
        """Come until it is taken, as a broker has it; return when."""
        time.sleep(self.chance.random() * 0.05)
        came = next(self.tick)
        while True:
            try:
                self.flights.take(key, came, partial(self.work, key))
            except (ZeroDivisionError, KeyboardInterrupt, Unavailable):
                continue
            return key, came


@pytest.mark.parametrize("seed", range(4))
def test_under_stress_nobody_is_lost_and_nothing_is_left(seed: int) -> None:
    """Each caller returns or raises, work on a key is alone, and for whoever returned a turn began after they came.

    Who did not wait because enough others do is covered by the turn that these wait for, or come again for.
    """
    stress = Stress(seed)
    with ThreadPoolExecutor(48) as callers:
        calls = [callers.submit(stress.call, key) for _ in range(400) for key in ("a", "b", "c")]
        taken = [call.result(60) for call in calls]
    assert all(stress.begun[key][-1] > came for key, came in taken)
    assert not stress.flights._running
    assert not stress.flights._next
