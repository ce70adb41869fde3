"""Single-flight: one run of some work for a key at a time in one process; callers that wait share the next run.

The work is a reconcile of one object, for example. A rollout sends a burst of events about it: each must be followed by
a reconcile that begins after it came, but one reconcile is enough for all that wait.

Writes of children are safe without it: each is locked on the resourceVersion that was read. Dropping events is not:
`runtime.seen` drops events about versions that a reconcile has read. After two objects have changed, two reconciles at
the same time could each read the change of one, and none would read both, yet the events about both would be dropped.
"""

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from runtime.deadlines import TURN
from runtime.errors import Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")

# No limit on the items that one turn keeps.
UNLIMITED = 1 << 30


@dataclass
class _Turn(Generic[Item, Result]):
    """One run of the work, and the items of all who share it."""

    items: list[Item] = field(default_factory=list)
    ended: "Future[Result]" = field(default_factory=Future)


class SingleFlight(Generic[Item, Result]):
    """Runs work, one run ("turn") at a time for each key. Callers that wait share the next turn, and its error.

    The caller that runs a turn waits up to `seconds` for it to begin; callers that share it, up to twice that for it to
    end. After that they get Unavailable; if the item is an event, the broker then redelivers it.

    A turn keeps its first `max_waiting` items and the latest of all further ones. Once it has a further one, a caller
    only replaces that one and returns at once: it does not learn whether the turn succeeds. If the turn fails, `lost`
    of the caller that ran it is called, so that nothing depends on those who have returned.
    """

    def __init__(self, seconds: float = TURN, max_waiting: int = UNLIMITED) -> None:
        self._seconds = seconds
        self._max_waiting = max_waiting
        self._lock = threading.Lock()
        self._running: dict[Hashable, _Turn[Item, Result]] = {}
        self._next: dict[Hashable, _Turn[Item, Result]] = {}

    def is_full(self, items: Sequence[Item]) -> bool:
        """Return whether a turn with these items is full: the last is a further one, which may have replaced others."""
        return len(items) > self._max_waiting

    def take(
        self,
        key: Hashable,
        item: Item,
        work: Callable[[Sequence[Item]], Result],
        seconds: float | None = None,
        lost: Callable[[Item], None] | None = None,
    ) -> Result | None:
        """Run `work` once on the items of all callers that share the turn; return the result to the caller that ran it.

        All other callers get None: when the turn has ended or, if it was full when they came, at once. Raises
        Unavailable, and what `work` raises. `seconds` limits the wait as in the class, if it is shorter. `lost` gets
        the last item of a full turn that failed; it must not raise.
        """
        timeout = self._seconds if seconds is None else min(seconds, self._seconds)
        with self._lock:
            running, shared = self._running.get(key), self._next.get(key)
            turn: _Turn[Item, Result] = shared or _Turn()
            is_full = self.is_full(turn.items)
            turn.items[self._max_waiting :] = [item]  # appended or, if the turn is full, in place of the last one
            (self._running if running is None else self._next)[key] = turn
        if shared is not None:
            if not is_full:
                self._share(key, shared, 2 * timeout)  # the running turn has to end, and then the shared one
            return None
        try:
            if running is not None:
                self._await(key, turn, running, timeout)
            return self._run(key, turn, work)
        except BaseException:
            if lost and self.is_full(turn.items):
                lost(turn.items[-1])
            raise

    def _share(self, key: Hashable, turn: _Turn[Item, Result], timeout: float) -> None:
        """Wait until a turn that another thread runs has ended; raise its error, if it has one."""
        wait((turn.ended,), timeout)
        if not turn.ended.done():
            raise _late(key, timeout)
        turn.ended.result()

    def _await(self, key: Hashable, turn: _Turn[Item, Result], running: _Turn[Item, Result], timeout: float) -> None:
        """Wait until `running` has ended, then make `turn` the running turn; on timeout, fail it for its callers."""
        wait((running.ended,), timeout)
        with self._lock:
            del self._next[key]
            if running.ended.done():
                self._running[key] = turn
                return
        error = _late(key, timeout)
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
        """Hold the lock while the turn's result is set, then remove the turn unless a next one waits for it.

        Both happen under one lock: otherwise the next turn could become the running one in between, and would be
        removed in place of the ended one.
        """
        with self._lock:
            yield
            if key not in self._next:
                del self._running[key]


def _late(key: Hashable, seconds: float) -> Unavailable:
    return Unavailable(f"{key}: the run that this call waits for has not ended in {seconds:.0f} s")
