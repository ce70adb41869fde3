"""Limits how many reconciles of one process run at once, separately from how many threads wait.

A thread that waits for another reconcile of the same object costs little. Connections to the API server and memory are
scarce. So a process has many threads and few slots.

A slot that becomes free goes to the oldest event that waits, by the time at which it was sent. So in a burst that takes
longer than one delivery may wait, an event that is redelivered goes on where it was in the queue. If it stood behind
all others again, chance would decide which events run out of tries.
"""

import threading
from bisect import insort
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from runtime.deadlines import TURN
from runtime.errors import Unavailable

# Reconciles at once, each with a connection to the API server.
SLOTS = 16
# Threads that read, and try writes, for the functions of one process, whichever reconcile they work for.
SIDE_BY_SIDE = 8
# Threads of a process that reconciles; most of them may wait.
THREADS = 128
# Threads that may wait to reconcile one object: two such objects leave most of the threads to others.
WAITING = 32


@dataclass(frozen=True, order=True)
class WaitingEvent:
    """An event that waits for a slot; the one that was sent first, then the one that came first, is the smallest."""

    sent: datetime
    arrival: int
    has_slot: threading.Event = field(default_factory=threading.Event, compare=False)


class Workers:
    """Slots for reconciles. Raises Unavailable if none becomes free in time: the broker redelivers the event."""

    def __init__(self, slots: int = SLOTS, seconds: float = TURN) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._free = slots  # 0 while `_waiting` has any
        self._waiting: list[WaitingEvent] = []  # the smallest first
        self._arrivals = count()

    @contextmanager
    def slot(self, seconds: float | None = None, sent: datetime | None = None) -> Iterator[None]:
        """Hold one slot, waiting for it at most `seconds` (default: `self.seconds`).

        `sent` is when the event was sent that the slot is for (default: now).
        """
        patience = self.seconds if seconds is None else min(seconds, self.seconds)
        if not self._take(sent or datetime.now(UTC), patience):
            raise Unavailable(f"no worker was free in {patience:.0f} s; the event is retried")
        try:
            yield
        finally:
            self._release()

    def _take(self, sent: datetime, patience: float) -> bool:
        """Take a slot, or wait for one; return whether it was taken."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            waiting = WaitingEvent(sent, next(self._arrivals))
            insort(self._waiting, waiting)
        if waiting.has_slot.wait(patience):
            return True
        with self._lock:
            if not waiting.has_slot.is_set():
                self._waiting.remove(waiting)
            return waiting.has_slot.is_set()

    def _release(self) -> None:
        """Pass the slot on to the oldest event that waits, if any does."""
        with self._lock:
            if self._waiting:
                self._waiting.pop(0).has_slot.set()
            else:
                self._free += 1
