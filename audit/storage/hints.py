"""Stores edits: an event about one of our resources is a hint to read that resource from the API server.

Anybody who reaches the Broker can send such an event. So the object is read, and its generation is stored as
`verified`. Two things can only be taken from an event, because they cannot be read any more: an earlier generation, if
edits follow in quick succession, and the deletion of an object that is known. They are stored as unverified, and never
replace what was read. An event that says anything else that the API server does not confirm is false or late, and is
not stored.
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
SECONDS = 5.0
# Most bytes of a spec that only an event shows: a few large forged ones must not push true data out of the retention.
LARGEST = 64 << 10
# How many generations that were read are remembered, so that a change of the status alone needs no read.
REMEMBERED = 5000

KINDS = {(kind.api_version, kind.name): kind for kind in OURS}


@dataclass
class Hints:
    """Reads an object from the API server if an event about it brings news. Raises ApiErrors.

    `client` makes the client for one read. Events about one object that come during a read share the next one.
    """

    store: Store
    client: Callable[[], Client]
    _turns: SingleFlight[Event, int] = field(default_factory=SingleFlight)
    _read: Remembered = field(default_factory=lambda: Remembered(REMEMBERED))

    def __call__(self, event: Event) -> int:
        """Store what is new, and return the number of API calls that were made. Raises EventRefused."""
        hinted = edits.edit(event)
        if hinted is None or (not event.deletes and _identity(event.object) in self._read):
            return 0
        return self._turns.take(_ref(hinted), event, partial(self._look, _ref(hinted))) or 0

    def _look(self, ref: Ref, events: Sequence[Event]) -> int:
        client = self.client()
        manifest = client.get(ref)
        current = edits.read(ref.kind, manifest) if manifest else None
        believed = [entry for event in events for entry in self._believed(event, current)]
        kept = dict.fromkeys([*([current] if current else []), *believed])
        if kept:
            self.store.keep(*kept)
        if manifest:
            self._read.add((_identity(manifest),))
        return len(client.calls)

    def _believed(self, event: Event, current: EditEntry | None) -> Iterator[EditEntry]:
        """Yield the entries of an event that are plausible but cannot be read any more; others are noted as dropped."""
        hinted = edits.edit(event)
        if hinted is None or (
            current is not None and _is_of(hinted, current) and hinted.generation == current.generation
        ):
            return
        if why := contradiction(hinted, current, deletes=event.deletes) or self._doubts(hinted, deletes=event.deletes):
            dropped_events.note(event, FALSE, why)
        elif is_ahead(hinted.time):
            dropped_events.note(event, FUTURE, "it tells of an edit that is yet to come")
        elif event.deletes:
            yield from (entry for entry in (edits.last_generation(event), hinted) if entry)
        else:
            yield hinted

    def _doubts(self, hinted: EditEntry, *, deletes: bool) -> str:
        if len(hinted.spec) > LARGEST:
            return f"its spec is larger than {LARGEST} bytes"
        if not deletes:
            return ""
        with self.store.database.reading() as connection:
            return deletion_objection(connection, hinted)


def _is_of(hinted: EditEntry, current: EditEntry) -> bool:
    return current.object.uid == hinted.object.uid


def contradiction(hinted: EditEntry, current: EditEntry | None, *, deletes: bool) -> str:
    """Return why an event cannot be true, given what was read after it came; empty if it can. Pure."""
    is_there = current is not None and _is_of(hinted, current)
    if deletes:
        return "the object is there" if is_there else ""
    if current is None:
        return "there is no such object"
    if not is_there:
        return "the object has another uid"
    return "there is no such generation yet" if hinted.generation > current.generation else ""


def _ref(hinted: EditEntry) -> Ref:
    """Return the object that an event is about. Raises EventRefused if no such object can exist."""
    subject = hinted.object
    kind: Kind | None = KINDS.get((subject.api_version, subject.kind))
    if kind is None:
        raise EventRefused(f"'{subject.kind[:40]!a}' is no kind of ours")
    if (
        not is_name(subject.name)
        or bool(subject.namespace) is not kind.namespaced
        or not is_name(subject.namespace or "a")
    ):
        raise EventRefused(f"no {kind.name} can have this name")
    return Ref(kind, subject.namespace, subject.name)


def _identity(manifest: Manifest) -> tuple[str, int]:
    return uid(manifest), generation(manifest)
