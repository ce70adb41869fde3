"""Limits how many reconciles of one process run at once, separately from how many threads wait.

A thread that waits for another reconcile of the same object costs little. Connections to the API server and memory are
scarce. So a process has many threads and few slots.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

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


class Workers:
    """Slots for reconciles. Raises Unavailable if none becomes free in time: the broker redelivers the event."""

    def __init__(self, slots: int = SLOTS, seconds: float = TURN) -> None:
        self._free = threading.BoundedSemaphore(slots)
        self.seconds = seconds

    @contextmanager
    def slot(self, seconds: float | None = None) -> Iterator[None]:
        """Hold one slot, waiting for it at most `seconds` (default: `self.seconds`)."""
        patience = self.seconds if seconds is None else min(seconds, self.seconds)
        if not self._free.acquire(timeout=patience):
            raise Unavailable(f"no worker was free in {patience:.0f} s; the event is retried")
        try:
            yield
        finally:
            self._free.release()
