"""Single-flight: one reconcile of an object at a time within one process; events that wait share the next one.

A rollout sends a burst of events about one object. Each must be followed by a reconcile that begins after it came, but
one reconcile is enough for all that wait. This saves work and is not needed for safety: other processes do the same
object at the same time.
"""

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as Late
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from runtime.deadlines import TURN
from runtime.errors import Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")

# No limit on how many wait for one turn.
UNLIMITED = 1 << 30


@dataclass
class _Turn(Generic[Item, Result]):
    """One run of the work, and the items of all who share it."""

    items: list[Item] = field(default_factory=list)
    ended: "Future[Result]" = field(default_factory=Future)


class SingleFlight(Generic[Item, Result]):
    """Runs work by key, one run ("turn") at a time. If a turn fails, it fails for all callers that share it.

    A caller that waits longer than `seconds` for its turn to begin gets Unavailable, so that the broker redelivers the
    event. Once `waiting` callers share a turn, further callers do not wait: only the last of their items is kept.
    """

    def __init__(self, seconds: float = TURN, waiting: int = UNLIMITED) -> None:
        self._seconds = seconds
        self._waiting = waiting
        self._lock = threading.Lock()
        self._turns: dict[Hashable, _Turn[Item, Result]] = {}
        self._next: dict[Hashable, _Turn[Item, Result]] = {}

    def is_full(self, items: Sequence[Item]) -> bool:
        """Return whether items may have been dropped from this turn, because more callers came than may wait."""
        return len(items) > self._waiting

    def take(
        self, key: Hashable, item: Item, work: Callable[[Sequence[Item]], Result], seconds: float | None = None
    ) -> Result | None:
        """Return the result of `work` on the items of all callers that share the turn; None for all but the first.

        `seconds` limits how long this caller waits for its turn to begin.
        """
        patience = self._seconds if seconds is None else min(seconds, self._seconds)
        with self._lock:
            running, shared = self._turns.get(key), self._next.get(key)
            turn: _Turn[Item, Result] = shared or _Turn()
            is_full = self.is_full(turn.items)
            turn.items[self._waiting :] = [item]
            (self._turns if running is None else self._next)[key] = turn
        if shared is not None:
            if not is_full:
                self._share(key, shared, 2 * patience)
            return None
        if running is not None:
            self._await(key, turn, running, patience)
        return self._run(key, turn, work)

    def _share(self, key: Hashable, turn: _Turn[Item, Result], patience: float) -> None:
        """Wait for a turn that another thread runs, and for the turn before it."""
        try:
            turn.ended.result(patience)
        except Late:
            raise _late(key, patience) from None

    def _await(self, key: Hashable, turn: _Turn[Item, Result], running: _Turn[Item, Result], patience: float) -> None:
        """Wait until the running turn has ended, then make the next one the running one."""
        wait((running.ended,), patience)
        with self._lock:
            del self._next[key]
            if running.ended.done():
                self._turns[key] = turn
                return
        error = _late(key, patience)
        turn.ended.set_exception(error)
        raise error

    def _run(self, key: Hashable, turn: _Turn[Item, Result], work: Callable[[Sequence[Item]], Result]) -> Result:
        try:
            result = work(turn.items)
        except BaseException as failed:
            with self._ending(key):
                turn.ended.set_exception(failed)
            raise
        with self._ending(key):
            turn.ended.set_result(result)
        return result

    @contextmanager
    def _ending(self, key: Hashable) -> Iterator[None]:
        """Set the turn's result within this: a caller whose wait expires sees either the result or a running turn."""
        with self._lock:
            yield
            if key not in self._next:
                del self._turns[key]


def _late(key: Hashable, seconds: float) -> Unavailable:
    return Unavailable(f"{key}: the reconcile before this one has not ended in {seconds:.0f} s")
