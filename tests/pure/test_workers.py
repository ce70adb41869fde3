"""Slots for reconciles: few at once, and the event that has waited longest is served next."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from runtime.errors import Unavailable
from runtime.workers import Workers

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def order_of_service(sent: Sequence[datetime | None]) -> list[int]:
    """Return the order in which events get the only slot that come in this order and were sent at these times."""
    workers = Workers(slots=1)
    served: list[int] = []

    def serve(number: int, time_sent: datetime | None) -> None:
        with workers.slot(sent=time_sent):
            served.append(number)

    with ThreadPoolExecutor(len(sent)) as threads, workers.slot():
        for number, time_sent in enumerate(sent):
            threads.submit(serve, number, time_sent)
            while len(workers._waiting) <= number:
                time.sleep(0.001)
    return served


def test_events_are_served_as_they_came() -> None:
    """None is overtaken by one that was sent at the same time."""
    assert order_of_service([NOON] * 20) == [*range(20)]


def test_an_event_that_is_redelivered_is_served_before_those_that_were_sent_after_it() -> None:
    """It gave up its wait, and comes back behind the others."""
    assert order_of_service([NOON + timedelta(seconds=2), NOON + timedelta(seconds=1), NOON]) == [2, 1, 0]


def test_an_event_without_a_time_is_served_as_if_it_were_sent_when_it_comes() -> None:
    """After all that are older, whenever those come."""
    assert order_of_service([None, NOON]) == [1, 0]


def test_a_wait_that_was_given_up_takes_no_slot() -> None:
    """Neither while it waits nor afterwards: the next one is served as soon as the slot is free."""
    workers = Workers(slots=1)
    with workers.slot():
        with pytest.raises(Unavailable, match="no worker was free in 0 s"), workers.slot(0.01):
            raise AssertionError("there is one slot, and it is taken")
        assert workers._waiting == []
    with workers.slot(0.0):
        pass


def test_an_error_in_the_work_frees_the_slot() -> None:
    """A defect in one reconcile costs no worker."""
    workers = Workers(slots=1)
    with pytest.raises(KeyError), workers.slot():
        raise KeyError
    with workers.slot(0.0):
        pass


def test_never_more_at_once_than_there_are_slots_and_none_is_lost() -> None:
    """Many threads, some of which give up their waits at the very moment when a slot becomes free."""
    workers, lock = Workers(slots=3), threading.Lock()
    at_work = 0
    most = 0

    def serve(number: int) -> bool:
        nonlocal at_work, most
        try:
            with workers.slot(0.001 if number % 2 else 5.0):
                with lock:
                    at_work += 1
                    most = max(most, at_work)
                time.sleep(0.001)
                with lock:
                    at_work -= 1
        except Unavailable:
            return False
        return True

    with ThreadPoolExecutor(40) as threads:
        served = [*threads.map(serve, range(400))]
    assert most == 3
    assert all(served[::2])
    assert (workers._free, workers._waiting) == (3, [])
