"""Shares one read of the cluster among all viewers, and says how old it is.

However many viewers ask, a read begins MIN_PAUSE seconds after the end of the last one at the earliest; later if reads
take long. A result that was read before the question may lack the newest change. So each result has its age and the
time until the next read can begin: whoever needs a newer result asks again then (`audit/console/freshness.js`). No
request waits for the next read, since a thread that waits receives no events.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from runtime.errors import Unavailable

# Least seconds between the end of a read and the start of the next.
MIN_PAUSE = 1.0
# After a read that takes longer than QUICK_READ seconds, none starts for PAUSE_FACTOR times as long, up to MAX_PAUSE
# seconds.
QUICK_READ, PAUSE_FACTOR, MAX_PAUSE = 0.1, 4.0, 20.0
# After SLOW_READ seconds a request is answered with the previous result, unless that is more than MAX_AGE seconds old.
SLOW_READ, MAX_AGE = 0.5, 60.0
# Seconds after which a request fails because the read is not done; a thread that waits receives no events.
REQUEST_TIMEOUT = 10.0

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Age:
    """The age of what an answer shows: `seconds` since its read began, and seconds until the `next` read can begin."""

    seconds: float
    next: float


@dataclass(frozen=True, slots=True)
class ReadResult(Generic[Item]):
    """What a read returned, and its age when it was handed out."""

    items: tuple[Item, ...]
    age: Age


@dataclass(frozen=True, slots=True)
class _FinishedRead(Generic[Item]):
    """What a read returned, and when it began and ended, by the monotonic clock."""

    items: tuple[Item, ...]
    began: float
    ended: float


class CachedRead(Generic[Item]):
    """Caches the result of a read for a moment; requests that come during a read share its result, or its error.

    A read that takes long continues in its own thread. Meanwhile the previous result is returned, unless it is too old.
    """

    def __init__(self, read: Callable[[], tuple[Item, ...]]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._next_read = float("-inf")
        self._pending: Future[_FinishedRead[Item]] = Future()
        self._last: _FinishedRead[Item] = _FinishedRead((), float("-inf"), float("-inf"))

    def __call__(self) -> ReadResult[Item]:
        with self._lock:
            if time.monotonic() > self._next_read:
                self._next_read = float("inf")
                self._pending = Future()
                threading.Thread(target=self._refresh, args=(self._pending,), daemon=True).start()
            pending, last = self._pending, self._last
        is_old = time.monotonic() - last.ended > MAX_AGE
        wait((pending,), timeout=REQUEST_TIMEOUT if is_old else SLOW_READ)
        if is_old and not pending.done():
            raise Unavailable("there are many resources, and they are still being read")
        return self._handed_out(pending.result() if pending.done() else last)

    def _handed_out(self, read: _FinishedRead[Item]) -> ReadResult[Item]:
        """Return a read with its age. How long a read still takes is not known: SLOW_READ is given for it."""
        now = time.monotonic()
        with self._lock:
            pause = self._next_read - now
        return ReadResult(read.items, Age(now - read.began, max(0.0, pause) if pause < float("inf") else SLOW_READ))

    def _refresh(self, pending: "Future[_FinishedRead[Item]]") -> None:
        """Read once, and give the result or the error to everybody who waits for `pending`."""
        began = time.monotonic()
        try:
            items = self._read()
        except Exception as error:
            self._schedule_next(began)
            pending.set_exception(error)
        else:
            finished = _FinishedRead(items, began, time.monotonic())
            with self._lock:
                self._last = finished
            self._schedule_next(began)
            pending.set_result(finished)

    def _schedule_next(self, began: float) -> None:
        """Set when the next read may start: later, if this one took long."""
        now = time.monotonic()
        took = now - began
        with self._lock:
            self._next_read = now + max(MIN_PAUSE, min(MAX_PAUSE, PAUSE_FACTOR * took) if took > QUICK_READ else 0.0)
