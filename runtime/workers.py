"""How many events of one process are worked on at once, apart from how many wait.

A thread is cheap while it waits for another event's turn at the same object; what is scarce are connections to the API
server and memory. So there are many threads, and few places to work.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from runtime.deadlines import TURN
from runtime.errors import Unavailable

# Places to work, and as many connections to the API server.
PLACES = 16
# Threads of a process that reconciles; most of them may wait.
THREADS = 128
# Threads that may wait for one turn at one object: two such objects leave most of the threads to others.
WAITING = 32


class Workers:
    """Places to work. Raises Unavailable where none gets free in time: the broker delivers the event again."""

    def __init__(self, places: int = PLACES, seconds: float = TURN) -> None:
        self._free = threading.BoundedSemaphore(places)
        self.seconds = seconds

    @contextmanager
    def place(self, seconds: float | None = None) -> Iterator[None]:
        """Hold one place; who has waited for something else before waits for fewer seconds."""
        patience = self.seconds if seconds is None else min(seconds, self.seconds)
        if not self._free.acquire(timeout=patience):
            raise Unavailable(f"no worker got free in {patience:.0f} s; it is tried again later")
        try:
            yield
        finally:
            self._free.release()
