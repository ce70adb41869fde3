"""Calls that are made side by side: their results, their errors, and no waiting for threads that others hold."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from runtime.parallel_calls import results_of


def test_results_come_in_the_order_of_the_items() -> None:
    """Whichever thread made the call."""
    with ThreadPoolExecutor(2) as executor:
        assert [*results_of(str, range(5), executor)] == ["0", "1", "2", "3", "4"]
    assert [*results_of(str, range(5))] == ["0", "1", "2", "3", "4"]


def test_the_first_error_in_that_order_is_raised() -> None:
    """Even if a later call has failed before it."""

    def fail(number: int) -> int:
        if number:
            raise ValueError(f"call {number}")
        return number

    with ThreadPoolExecutor(2) as executor:
        results = iter(results_of(fail, range(3), executor))
        assert next(results) == 0
        with pytest.raises(ValueError, match="call 1"):
            next(results)


def test_without_an_executor_no_call_is_made_before_its_result_is_taken() -> None:
    """The first refused write of a trial is enough."""
    called: list[int] = []
    assert next(iter(results_of(called.append, range(3)))) is None
    assert called == [0]


def test_calls_do_not_wait_for_threads_that_others_hold() -> None:
    """Slow calls of another reconcile hold all threads, so the caller makes its calls itself."""
    release, begun = threading.Event(), threading.Event()

    def hold(_number: int) -> None:
        begun.set()
        release.wait(10)

    with ThreadPoolExecutor(1) as executor, ThreadPoolExecutor(1) as slow:
        held = slow.submit(lambda: [*results_of(hold, range(1, 2), executor)])
        assert begun.wait(10)
        assert [*results_of(str, range(3), executor)] == ["0", "1", "2"]
        assert not held.done()
        release.set()
        assert held.result(10) == [None]
