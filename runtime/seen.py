"""Remembers the versions of objects that finished reconciles of this process have read or written.

An event about such a version brings no news for that key: its content was decided on, and each later change has its own
event. So echoes of our own writes cost no API call. A forgotten version only costs a reconcile.
"""

from collections.abc import Iterable

from runtime.event import Event
from runtime.objects import Manifest, Ref, resource_version, uid
from runtime.remembered import Remembered

# A version of an object, as the reconcile of one key read it.
Version = tuple[Ref, str, str]
KEPT = 20_000


def version(key: Ref, manifest: Manifest) -> Version:
    """Return an object's version as seen by `key`: other keys that depend on the object may not have seen it."""
    return key, uid(manifest), resource_version(manifest)


class RecentVersions:
    """The latest versions; the oldest are forgotten first."""

    def __init__(self, kept: int = KEPT) -> None:
        self._versions = Remembered(kept)

    def note(self, key: Ref, manifests: Iterable[Manifest]) -> None:
        """Remember the versions of these objects. Call it after the reconcile that read them has finished."""
        self._versions.add(version(key, manifest) for manifest in manifests)

    def is_news(self, key: Ref, event: Event) -> bool:
        """Return whether the event may bring news for `key`; always true if it shows no existing object."""
        try:
            shown = version(key, event.object) if event.shows else None
        except (TypeError, AttributeError):
            return True
        return shown is None or shown not in self._versions
