"""An event about one of our resources is a hint to look: what is kept is what the API server answers.

Anybody who reaches the Broker can send such an event. So the object is read, and its generation is kept as `verified`.
An event can tell two things that cannot be read any more: an earlier generation, when edits follow in quick succession,
and the end of an object of which something is kept. They are kept as told, never over what was read. Everything else
that an event tells and the API server does not know is false or late, and is not kept.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from audit.storage import dropped_events, edits
from audit.storage.dropped_events import FALSE, FUTURE
from audit.storage.entries import EditEntry, NotKept, is_ahead
from audit.storage.generations import deletion_objection
from audit.storage.store import Store
from runtime.client import Client
from runtime.event import Event, is_name
from runtime.objects import OURS, Kind, Manifest, Ref, generation, uid
from runtime.remembered import Remembered
from runtime.singleflight import SingleFlight

# For one look at the API server; who waits takes no other event meanwhile.
SECONDS = 5.0
# Bytes of a spec that only an event tells: nobody is to push out with some large ones what is true.
LARGEST = 64 << 10
# Generations that were read, so that each change of a status costs no look.
REMEMBERED = 5000

KINDS = {(kind.api_version, kind.name): kind for kind in OURS}


@dataclass
class Hints:
    """Looks at the API server where an event tells something new. Raises ApiErrors.

    `client` makes the client for one look. Events about one object that come during a look share the next one.
    """

    store: Store
    client: Callable[[], Client]
    _turns: SingleFlight[Event, int] = field(default_factory=SingleFlight)
    _read: Remembered = field(default_factory=lambda: Remembered(REMEMBERED))

    def __call__(self, event: Event) -> int:
        """Keep what there is to keep; the number of API calls that it took. Raises NotKept."""
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
        """Return what an event tells that cannot be read any more; what is not believed is noted."""
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
    """Why an event cannot be true, given what was read after it came; empty where it can. Pure."""
    is_there = current is not None and _is_of(hinted, current)
    if deletes:
        return "the object is there" if is_there else ""
    if current is None:
        return "there is no such object"
    if not is_there:
        return "the object has another uid"
    return "there is no such generation yet" if hinted.generation > current.generation else ""


def _ref(hinted: EditEntry) -> Ref:
    """The object that an event is about. Raises NotKept where there can be none."""
    subject = hinted.object
    kind: Kind | None = KINDS.get((subject.api_version, subject.kind))
    if kind is None:
        raise NotKept(f"'{subject.kind[:40]!a}' is no kind of ours")
    if (
        not is_name(subject.name)
        or bool(subject.namespace) is not kind.namespaced
        or not is_name(subject.namespace or "a")
    ):
        raise NotKept(f"no {kind.name} can have this name")
    return Ref(kind, subject.namespace, subject.name)


def _identity(manifest: Manifest) -> tuple[str, int]:
    return uid(manifest), generation(manifest)
