"""Stores edits, that is, generations of our resources, when events report them.

An event is only a hint: the object is read from the API server. Anybody who reaches the Broker can send such an event,
so only the generation that is read is stored as `verified`. Two things can only be taken from an event, because they
cannot be read any more: an earlier generation, if edits follow in quick succession, and the deletion of an object that
is known. They are stored as unverified, and never replace what was read. An event that says anything else that the API
server does not confirm is false or late, and is not stored.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from audit.storage import dropped_events, edits
from audit.storage.dropped_events import FALSE, FUTURE
from audit.storage.entries import EditEntry, EventRefused, is_ahead
from audit.storage.generations import deletion_objection
from audit.storage.store import Store
from runtime.client import Client
from runtime.event import Event, is_name
from runtime.objects import OURS, Kind, Manifest, Ref, generation, uid
from runtime.remembered import Remembered
from runtime.singleflight import SingleFlight

# Seconds for one read from the API server; a thread that waits receives no other event.
READ_TIMEOUT = 5.0
# The largest spec, in bytes, that is stored from an event alone. Otherwise a few large forged events would fill the
# database, and retention would delete true data.
MAX_UNVERIFIED_SPEC = 64 << 10
# How many generations that were read are remembered, so that a change of the status alone needs no read.
MAX_KNOWN_GENERATIONS = 5000

KINDS = {(kind.api_version, kind.name): kind for kind in OURS}


@dataclass
class EditRecorder:
    """Reads an object from the API server if an event about it brings news. Raises ApiErrors.

    `client` makes the client for one read. Events about one object that come during a read share the next one.
    """

    store: Store
    client: Callable[[], Client]
    _turns: SingleFlight[Event, int] = field(default_factory=SingleFlight)
    _known_generations: Remembered = field(default_factory=lambda: Remembered(MAX_KNOWN_GENERATIONS))

    def __call__(self, event: Event) -> int:
        """Store what is new, and return the number of API calls that were made. Raises EventRefused."""
        hinted = edits.edit_of_event(event)
        if hinted is None or (not event.deletes and _identity(event.object) in self._known_generations):
            return 0
        # None if another thread reads for this event too: it counts the calls.
        return self._turns.take(_ref(hinted), event, partial(self._read_and_store, _ref(hinted))) or 0

    def _read_and_store(self, ref: Ref, events: Sequence[Event]) -> int:
        """Read the object once for all these events, store the edits, and return the number of API calls."""
        client = self.client()
        manifest = client.get(ref)
        current = edits.verified_edit(ref.kind, manifest) if manifest else None
        unverified = [entry for event in events for entry in self._unverified_entries(event, current)]
        entries = dict.fromkeys([*([current] if current else []), *unverified])
        if entries:
            self.store.keep(*entries)
        if manifest:
            self._known_generations.add((_identity(manifest),))
        return len(client.calls)

    def _unverified_entries(self, event: Event, current: EditEntry | None) -> Iterator[EditEntry]:
        """Yield the entries of an event that are plausible but cannot be read any more; count the others as dropped."""
        hinted = edits.edit_of_event(event)
        # The edit that was read just now needs no second entry. A deletion counts as one more generation, so it never
        # ends here.
        if hinted is None or (
            current is not None and _is_same_object(hinted, current) and hinted.generation == current.generation
        ):
            return
        drop_reason = false_reason(hinted, current, deletes=event.deletes)
        if drop_reason := drop_reason or self._drop_reason(hinted, deletes=event.deletes):
            # `FALSE` counts what the API server does not confirm; some of it may be true.
            dropped_events.note(event, FALSE, drop_reason)
        elif is_ahead(hinted.time):
            dropped_events.note(event, FUTURE, "its time is in the future")
        elif event.deletes:
            # The event of a deletion has the last generation, too, which may not have been stored.
            yield from (entry for entry in (edits.last_generation(event), hinted) if entry)
        else:
            yield hinted

    def _drop_reason(self, hinted: EditEntry, *, deletes: bool) -> str:
        """Return why an edit known only from an event is not stored although it may be true; empty if it is stored."""
        if len(hinted.spec) > MAX_UNVERIFIED_SPEC:
            return f"its spec is larger than {MAX_UNVERIFIED_SPEC} bytes"
        if not deletes:
            return ""
        with self.store.database.reading() as connection:
            return deletion_objection(connection, hinted)


def _is_same_object(hinted: EditEntry, current: EditEntry) -> bool:
    return current.object.uid == hinted.object.uid


def false_reason(hinted: EditEntry, current: EditEntry | None, *, deletes: bool) -> str:
    """Return why an event cannot be true, given the object read after the event came; empty if it can be. Pure."""
    exists = current is not None and _is_same_object(hinted, current)
    if deletes:
        return "the object still exists" if exists else ""
    if current is None:
        return "the object does not exist"
    if not exists:
        return "the object has another uid"
    return "the object has no such generation yet" if hinted.generation > current.generation else ""


def _ref(hinted: EditEntry) -> Ref:
    """Return the object that an event is about. Raises EventRefused if no such object can exist."""
    subject = hinted.object
    kind: Kind | None = KINDS.get((subject.api_version, subject.kind))
    if kind is None:
        raise EventRefused(f"'{subject.kind[:40]!a}' is not a kind of this operator")
    names = [subject.name, subject.namespace] if kind.namespaced else [subject.name]
    if (subject.namespace and not kind.namespaced) or not all(is_name(text) for text in names):
        raise EventRefused(f"a {kind.name} cannot have this name and namespace")
    return Ref(kind, subject.namespace, subject.name)


def _identity(manifest: Manifest) -> tuple[str, int]:
    return uid(manifest), generation(manifest)
