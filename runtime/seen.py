"""Which versions of which objects finished reconciles of this process have read or written.

An event about such a version brings no news to that key: its content was decided upon, and whatever changed since has
an event of its own. So our own writes coming back cost no call. Forgetting is harmless: it costs a look.
"""

from collections.abc import Iterable

from runtime.event import Event
from runtime.objects import Manifest, Ref, resource_version, uid
from runtime.remembered import Remembered

# A version of an object, as one key's reconcile saw it.
Version = tuple[Ref, str, str]
KEPT = 20_000


def version(key: Ref, manifest: Manifest) -> Version:
    """An object's version, in the eyes of `key`: others who depend on the object may not have seen it."""
    return key, uid(manifest), resource_version(manifest)


class RecentVersions:
    """The latest versions; the oldest are forgotten first."""

    def __init__(self, kept: int = KEPT) -> None:
        self._versions = Remembered(kept)

    def note(self, key: Ref, manifests: Iterable[Manifest]) -> None:
        """Call it once the reconcile that saw these has come to its end."""
        self._versions.add(version(key, manifest) for manifest in manifests)

    def is_news(self, key: Ref, event: Event) -> bool:
        """Whether the event may tell `key` something; always true where it does not show an existing object."""
        try:
            shown = version(key, event.object) if event.shows else None
        except (TypeError, AttributeError):
            return True
        return shown is None or shown not in self._versions
