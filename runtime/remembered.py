"""A bounded set, shared by all threads of a process. A forgotten key only costs a read."""

import threading
from collections.abc import Hashable, Iterable

from cachetools import LRUCache


class Remembered:
    """The `most` keys that were added last."""

    def __init__(self, most: int) -> None:
        self._keys: LRUCache[Hashable, None] = LRUCache(most)
        self._lock = threading.Lock()

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._keys

    def add(self, keys: Iterable[Hashable]) -> None:
        """Add these keys; the oldest are dropped if there is no room."""
        with self._lock:
            for key in keys:
                self._keys[key] = None
