"""The last so many of something, for all threads of a process. What is forgotten only costs a look."""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable


class Remembered:
    """The latest keys; the oldest are forgotten first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._keys: OrderedDict[Hashable, None] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._keys

    def add(self, keys: Iterable[Hashable]) -> None:
        """These, too."""
        with self._lock:
            for key in keys:
                self._keys[key] = None
            while len(self._keys) > self._most:
                self._keys.popitem(last=False)
