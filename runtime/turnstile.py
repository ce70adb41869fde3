"""One worker an object at a time, within one process; who comes meanwhile shares the next turn.

A rollout sends a burst of events about one object. Each must be followed by a look that begins after it came, but one
look will do for all that wait. This is economy, not safety: other processes do not take part, and need not.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class _Turn(Generic[Item, Result]):
    """One turn, and for whom it is."""

    items: list[Item] = field(default_factory=list)
    ended: "Future[Result]" = field(default_factory=Future)


class Turnstile(Generic[Item, Result]):
    """Turns by key. A turn that fails, fails for all who shared it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: dict[Hashable, _Turn[Item, Result]] = {}
        self._next: dict[Hashable, _Turn[Item, Result]] = {}

    def take(self, key: Hashable, item: Item, work: Callable[[Sequence[Item]], Result]) -> Result | None:
        """The result of `work` on the items of all who shared the turn; None for all of them but the first."""
        with self._lock:
            running, shared = self._turns.get(key), self._next.get(key)
            turn: _Turn[Item, Result] = shared or _Turn()
            turn.items.append(item)
            (self._turns if running is None else self._next)[key] = turn
        if shared is not None:
            shared.ended.result()
            return None
        if running is not None:
            self._await(key, running)
        return self._run(key, turn, work)

    def _await(self, key: Hashable, running: _Turn[Item, Result]) -> None:
        wait((running.ended,))
        with self._lock:
            self._turns[key] = self._next.pop(key)

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
