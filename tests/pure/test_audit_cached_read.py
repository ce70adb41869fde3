"""One read of the cluster for all who ask, how old it is, and how soon a newer one can be had."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from audit.answers import cached_read
from audit.answers.cached_read import CachedRead
from runtime.errors import Unavailable


def test_one_reads_for_all_who_ask_meanwhile() -> None:
    """However many consoles are open."""
    reads: list[int] = []
    begun = threading.Event()

    def slowly() -> tuple[int, ...]:
        reads.append(1)
        begun.set()
        time.sleep(0.2)
        return (7,)

    cached = CachedRead(slowly)
    with ThreadPoolExecutor(8) as consoles:
        assert {future.result().items for future in [consoles.submit(cached) for _ in range(8)]} == {(7,)}
    assert cached().items == (7,)
    assert len(reads) == 1


def test_what_was_read_is_good_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it is read again."""
    monkeypatch.setattr(cached_read, "MIN_PAUSE", 0.0)
    numbers = iter(range(9))
    cached = CachedRead(lambda: (next(numbers),))
    assert [cached().items, cached().items] == [(0,), (1,)]


def test_while_a_read_takes_long_the_last_one_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand resources take seconds; what is too old is waited for, and the API server gets a rest."""
    monkeypatch.setattr(cached_read, "MIN_PAUSE", 0.0)
    monkeypatch.setattr(cached_read, "SLOW_READ", 0.01)
    going, reads = threading.Event(), iter(range(9))

    def slowly() -> tuple[int, ...]:
        number = next(reads)
        assert number == 0 or going.wait(10)
        return (number,)

    cached = CachedRead(slowly)
    assert cached().items == (0,)
    assert [cached().items, cached().items] == [(0,), (0,)]
    monkeypatch.setattr(cached_read, "MAX_AGE", 0.0)
    with monkeypatch.context() as hasty:
        hasty.setattr(cached_read, "REQUEST_TIMEOUT", 0.01)
        with pytest.raises(Unavailable, match="still being read"):
            cached()
    with ThreadPoolExecutor(1) as console:
        asked = console.submit(cached)
        assert not asked.done()
        going.set()
        assert asked.result(10).items == (1,)


def test_a_read_that_takes_long_is_followed_by_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fifth of the time is spent on reading, however many look."""
    monkeypatch.setattr(cached_read, "MIN_PAUSE", 0.0)
    monkeypatch.setattr(cached_read, "QUICK_READ", 0.05)
    monkeypatch.setattr(cached_read, "PAUSE_FACTOR", 1000.0)
    monkeypatch.setattr(cached_read, "MAX_PAUSE", 1000.0)
    numbers = iter(range(9))

    def slowly() -> tuple[int, ...]:
        time.sleep(0.06)
        return (next(numbers),)

    cached = CachedRead(slowly)
    assert [cached().items for _ in range(5)] == [(0,)] * 5


def test_an_error_is_everybodys_and_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API server that is away costs one thread at a time, not all of them one after the other."""
    answers: list[Any] = [Unavailable("away"), (1,)]
    reads: list[int] = []

    def away() -> tuple[int, ...]:
        reads.append(1)
        time.sleep(0.1)
        if isinstance(answers[0], Exception):
            raise answers.pop(0)
        return (1,)

    cached = CachedRead(away)
    with ThreadPoolExecutor(4) as consoles:
        asked = [consoles.submit(cached) for _ in range(4)]
    assert all(isinstance(future.exception(), Unavailable) for future in asked)
    assert len(reads) == 1
    monkeypatch.setattr(cached_read, "MIN_PAUSE", 0.0)
    cached._next_read = 0.0
    assert cached().items == (1,)


def test_who_asks_after_a_change_learns_when_to_ask_again_and_then_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cached result is older than the question; the read that follows is not."""
    monkeypatch.setattr(cached_read, "MIN_PAUSE", 0.2)
    state = ["old"]
    cached = CachedRead(lambda: tuple(state))
    cached()
    state[0] = "new"
    asked = time.monotonic()
    first = cached()
    assert first.items == ("old",)
    assert first.age.seconds > time.monotonic() - asked
    assert 0 < first.age.next <= 0.2
    time.sleep(first.age.next + 0.01)
    second = cached()
    assert second.items == ("new",)
    assert second.age.seconds < time.monotonic() - asked


def test_viewers_who_ask_again_share_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty of them need no more than the one after the change, however they come one after the other."""
    monkeypatch.setattr(cached_read, "MIN_PAUSE", 0.2)
    numbers = itertools.count()
    cached = CachedRead(lambda: (next(numbers),))
    cached()
    asked = time.monotonic()
    time.sleep(cached().age.next + 0.01)
    with ThreadPoolExecutor(8) as consoles:
        answers = [future.result() for future in [consoles.submit(cached) for _ in range(50)]]
    assert {answer.items for answer in answers} == {(1,)}
    waited = time.monotonic() - asked
    assert all(answer.age.seconds < waited for answer in answers)


def test_while_a_read_goes_on_its_end_is_asked_for_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long it takes is not known; the previous result is answered meanwhile."""
    monkeypatch.setattr(cached_read, "MIN_PAUSE", 0.0)
    monkeypatch.setattr(cached_read, "SLOW_READ", 0.02)
    going, numbers = threading.Event(), itertools.count()

    def slowly() -> tuple[int, ...]:
        number = next(numbers)
        assert number == 0 or going.wait(10)
        return (number,)

    cached = CachedRead(slowly)
    assert cached().items == (0,)
    during = cached()
    going.set()
    assert (during.items, during.age.next) == ((0,), 0.02)
