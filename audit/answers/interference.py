"""Reads from the API server which fields of a resource's children others own; caches the result for a few seconds."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cachetools import TTLCache

from audit.answer_models import ForeignField
from audit.answers import foreign
from audit.answers.cached_read import Age
from runtime.client import Client
from runtime.declaration import Writers
from runtime.errors import Forbidden
from runtime.objects import Manifest, Ref

# Seconds for which a result is cached, and for how many resources.
CACHE_SECONDS = 3.0
MAX_CACHED = 100


@dataclass(frozen=True)
class ForeignFields:
    """The fields of a resource's children that others own, and the children that may not be read.

    `began` is when they were read, by the monotonic clock.
    """

    fields: tuple[ForeignField, ...]
    unread: tuple[str, ...]
    began: float

    def age(self) -> Age:
        """Return the age of this read, which is cached for CACHE_SECONDS."""
        seconds = time.monotonic() - self.began
        return Age(seconds, max(0.0, CACHE_SECONDS - seconds))


@dataclass
class ChildReader:
    """Reads the children of a resource with the permissions of `audit`. Raises ApiErrors.

    `writers` names the children of a resource and the field managers that write them.
    """

    client: Callable[[], Client]
    writers: Callable[[Ref], Writers]
    _cached: TTLCache[Ref, ForeignFields] = field(default_factory=lambda: TTLCache(MAX_CACHED, CACHE_SECONDS))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def foreign(self, key: Ref) -> ForeignFields:
        """Return the fields of this resource's children that others own."""
        with self._lock:
            known = self._cached.get(key)
        if known is not None:
            return known
        fields = self._read(key)
        with self._lock:
            self._cached[key] = fields
        return fields

    def managers(self, key: Ref) -> frozenset[str]:
        """Return the field managers of all functions that write something for this resource."""
        return frozenset[str]().union(*self.writers(key).values())

    def _read(self, key: Ref) -> ForeignFields:
        unread: list[str] = []
        began = time.monotonic()
        objects = self._objects(key, unread)
        return ForeignFields(tuple(foreign.children(key, objects)), tuple(unread), began)

    def _objects(self, key: Ref, unread: list[str]) -> Iterator[tuple[Ref, Manifest | None, frozenset[str]]]:
        """Yield each child with the field managers that write it; add those that may not be read to `unread`."""
        client = self.client()
        for ref, ours in self.writers(key).items():
            try:
                yield ref, client.get(ref), ours
            except Forbidden:
                unread.append(str(ref))
