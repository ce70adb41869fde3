"""Remembers, for each object, the newest version that a finished reconcile of this process has read or written.

An event about that version or an older one brings no news for that key: the reconcile decided from it or from what came
after it, and each later change has its own event. So echoes of our own writes, and events that come late, cost no API
call. A forgotten version only costs a reconcile.

This holds as long as one process at a time reconciles a key: `runtime.singleflight` sees to that within a process, and
the Services of the functions have at most one pod (`max-scale`). Else another process could have handled an event
between two reads of this one, which then would decide from an old version of one object and a new one of another. Two
revisions overlap for moments during an upgrade: should that ever happen then, the next sweep finds it.
"""

import threading
from collections.abc import Iterable, Mapping

from cachetools import LRUCache

from runtime.event import Event
from runtime.objects import Manifest, Ref, resource_version, uid

# What a function remembers in all, in versions and keys together, and the versions for one key: more than the objects
# that a reconcile reads.
KEPT, KEPT_FOR_ONE = 20_000, 256


class RecentVersions:
    """The newest versions of objects by uid, for each key that was reconciled; the oldest are forgotten first.

    A Kepler has about ten objects, and a process of all functions keeps their versions once for each function. So there
    is one small dictionary for each key, not an entry of the cache for each object.
    """

    def __init__(self, kept: int = KEPT, kept_for_one: int = KEPT_FOR_ONE) -> None:
        self._newest: LRUCache[Ref, dict[str, str]] = LRUCache(kept, getsizeof=_size)
        self._kept_for_one = min(kept - 1, kept_for_one)
        self._lock = threading.Lock()

    def note(self, key: Ref, manifests: Iterable[Manifest]) -> None:
        """Remember the versions of these objects, in the order in which they were read or written.

        Call it after the reconcile has finished.
        """
        with self._lock:
            newest = self._newest.pop(key, {})
            for manifest in manifests:
                noted = uid(manifest)
                newest.pop(noted, None)  # the version noted last stands last
                newest[noted] = resource_version(manifest)
            while len(newest) > self._kept_for_one:
                del newest[next(iter(newest))]
            self._newest[key] = newest

    def is_news(self, key: Ref, event: Event) -> bool:
        """Return whether the event may bring news for `key`; always true if it shows no existing object."""
        if not event.shows:
            return True
        try:
            shown_uid, version = uid(event.object), resource_version(event.object)
        except (TypeError, AttributeError):
            return True
        with self._lock:
            newest = self._newest.get(key, {}).get(shown_uid)
        return newest is None or not (version == newest or is_older(version, newest))


def _size(versions: Mapping[str, str]) -> int:
    """Return what a key counts for: its versions, and 1 for itself, since it may have none."""
    return len(versions) + 1


def is_older(first: str, second: str) -> bool:
    """Return whether resourceVersion `first` of an object is older than `second` of the same object.

    They are decimal numbers that grow with each write (guaranteed since Kubernetes 1.35, KEP-5504; with etcd it always
    was so). A version that is no number cannot be compared.
    """
    return _is_number(first) and _is_number(second) and int(first) < int(second)


def _is_number(version: str) -> bool:
    return version.isascii() and version.isdigit() and len(version) < 40  # 128 bits
