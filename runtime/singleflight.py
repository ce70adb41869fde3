"""One worker an object at a time, within one process; who comes meanwhile shares the next turn.

A rollout sends a burst of events about one object. Each must be followed by a look that begins after it came, but one
look will do for all that wait. This is economy, not safety: other processes do not take part, and need not.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from runtime.deadlines import TURN
from runtime.errors import Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")

# No bound on how many wait for one turn.
EVERYBODY = 1 << 30


@dataclass
class _Turn(Generic[Item, Result]):
    """One turn, and for whom it is."""

    items: list[Item] = field(default_factory=list)
    ended: "Future[Result]" = field(default_factory=Future)


class SingleFlight(Generic[Item, Result]):
    """Turns by key. A turn that fails, fails for all who shared it.

    Nobody waits longer than `seconds` for a turn to begin: then Unavailable is raised, for the broker to deliver the
    event again. Beyond `waiting` callers for one turn nobody waits at all; their items are part of it all the same.
    """

    def __init__(self, seconds: float = TURN, waiting: int = EVERYBODY) -> None:
        self._seconds = seconds
        self._waiting = waiting
        self._lock = threading.Lock()
        self._turns: dict[Hashable, _Turn[Item, Result]] = {}
        self._next: dict[Hashable, _Turn[Item, Result]] = {}

    def take(self, key: Hashable, item: Item, work: Callable[[Sequence[Item]], Result]) -> Result | None:
        """Return the result of `work` on the items of all who shared the turn; None for all of them but the first."""
        with self._lock:
            running, shared = self._turns.get(key), self._next.get(key)
            turn: _Turn[Item, Result] = shared or _Turn()
            is_full = len(turn.items) > self._waiting
            turn.items[self._waiting :] = [item]
            (self._turns if running is None else self._next)[key] = turn
        if shared is not None:
            if not is_full:
                self._share(key, shared)
            return None
        if running is not None:
            self._await(key, turn, running)
        return self._run(key, turn, work)

    def _share(self, key: Hashable, turn: _Turn[Item, Result]) -> None:
        """Wait for a turn that another thread takes: for the one before it, and for its own."""
        try:
            turn.ended.result(2 * self._seconds)
        except Late:
            raise self._late(key) from None

    def _await(self, key: Hashable, turn: _Turn[Item, Result], running: _Turn[Item, Result]) -> None:
        """Wait until the running turn has ended, then make the next one the running one."""
        ended = wait((running.ended,), self._seconds).done
        with self._lock:
            del self._next[key]
            if ended:
                self._turns[key] = turn
        if not ended:
            error = self._late(key)
            turn.ended.set_exception(error)
            raise error

    def _late(self, key: Hashable) -> Unavailable:
        return Unavailable(f"{key}: the reconcile before this one has not ended in {self._seconds:.0f} s")

    def _run(self, key: Hashable, turn: _Turn[Item, Result], work: Callable[[Sequence[Item]], Result]) -> Result:
        try:
            result = work(turn.items)
        except BaseException as failed:
            self._end(key)
            turn.ended.set_exception(failed)
            raise
        self._end(key)
        turn.ended.set_result(result)
        return result

    def _end(self, key: Hashable) -> None:
        with self._lock:
            if key not in self._next:
                del self._turns[key]
