"""Stores events that could not be delivered as ConfigMaps, until somebody replays or discards them.

Each is reported in the log, by a metric, and as a Kubernetes Event on the resource that it is about. The work that a
dead letter requested is not lost: events are hints, and the sweep finds the objects that they were about.

Anybody can send letters. So their number is limited (`dead_letters.dead_letter`), a Kubernetes Event is made only on an
existing resource of ours, and only a signed request replays or discards a letter.
"""

import logging
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from dead_letters.dead_letter import (
    CODE,
    LABEL,
    LetterRecord,
    config_map,
    event_of,
    group_of,
    is_letter,
    letter_name,
    parse_record,
    record,
    surplus,
)
from events.types import DISCARD_REQUESTED, REPLAY_REQUESTED
from runtime import measures
from runtime.client import Client, Transport
from runtime.declaration import manager
from runtime.errors import Conflict, NotAnEvent, NotFound, Refused, Unavailable
from runtime.event import Event, is_name
from runtime.objects import CONFIG_MAP, EVENT, OURS, Collection, Manifest, Ref, name, uid
from runtime.receive import Received
from runtime.signature import Keyring
from runtime.sink import Sink

log = logging.getLogger("kepler.dead_letter")

MANAGER = manager("dead_letter")
# Tries to write a letter if others write the same one.
ROUNDS = 6
# Requests of users about one letter.
REQUESTS = (REPLAY_REQUESTED, DISCARD_REQUESTED)


@dataclass(frozen=True)
class DeadLetterStore:
    """Receives events that could not be delivered, and requests to replay or discard them.

    `destinations` are the names of Services that may have rejected an event; others are counted as one.
    """

    transport: Transport
    sink: Sink
    namespace: str
    keyring: Keyring
    destinations: frozenset[str] = frozenset()

    def __call__(self, event: Event) -> Received:
        client = Client(self.transport, manager=MANAGER)
        if event.type in REQUESTS and CODE not in event.extensions:
            self._requested(event, client)
        else:
            self.keep(event, client)
        return Received(calls=len(client.calls))

    def receive_undecoded(self, event: Event) -> Received:
        """Keep an event that nobody could decode: its letter has its names and the answer, and cannot be replayed."""
        client = Client(self.transport, manager=MANAGER)
        self.keep(event, client)
        return Received(calls=len(client.calls))

    def keep(self, event: Event, client: Client) -> None:
        """Log the letter, then store it: if the API server is unavailable, the log still has it."""
        self._tell(record(event, group_of(event, exists=False), None), letter_name(event))
        there = self._object(event, client)
        group = group_of(event, exists=there is not None)
        kept = self._write(event, group, client)
        if there is not None:
            self._show(event, there, kept, client)
        listed = client.list(Collection(CONFIG_MAP, self.namespace), labelled=LABEL, metadata_only=True)
        for old in surplus(listed):
            with suppress(Conflict):
                client.delete(self._ref(name(old)), over=old)

    def _tell(self, kept: LetterRecord, letter: str) -> None:
        about = {"id": kept.event.id, "type": kept.event.type, "source": kept.event.source, "object": _subject(kept)}
        extra = {"event": about, "letter": letter, "destination": kept.destinations[0]}
        log.error("not delivered", extra={**extra, "code": kept.code, "answer": kept.answer})
        known = kept.destinations[0] if kept.destinations[0] in self.destinations else measures.OTHER
        measures.dead_letter(known, kept.event.type)

    def _write(self, event: Event, group: str, client: Client) -> LetterRecord:
        """Write the letter over the stored one of the same event. Raises Unavailable if conflicts do not end."""
        ref = self._ref(letter_name(event))
        for attempt in range(ROUNDS):
            before = client.get(ref)
            kept = record(event, group, parse_record(before) if before else None)
            with suppress(Conflict):
                client.apply(ref, config_map(event, kept), over=before)
                return kept
            time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 (jitter, not a secret)
        raise Unavailable(f"{ref}: others write it again and again; the event is retried")

    def _requested(self, event: Event, client: Client) -> None:
        if not self.keyring.verify(event):
            measures.count_refused(measures.UNSIGNED)
            log.warning("a request about a letter is not signed: nothing is done", extra={"event": event.id})
            return
        act = self.replay if event.type == REPLAY_REQUESTED else self.discard
        act(str(event.data.get("letter", "")), client)

    def replay(self, letter: str, client: Client) -> None:
        """Send a letter's event to the Broker again, and delete the letter. A missing letter was replayed before.

        If the event fails again meanwhile, the letter has a newer version, which stays.
        """
        kept = self._find(letter, client)
        if kept is None:
            return
        letter_record = parse_record(kept)
        if letter_record is not None and not letter_record.complete:
            log.warning("not sent again: not all of it was kept", extra={"letter": letter})
            return
        self.sink(event_of(letter, kept))
        log.info("sent again", extra={"letter": letter})
        with suppress(Conflict):
            client.delete(self._ref(letter), over=kept)

    def discard(self, letter: str, client: Client) -> None:
        """Delete a letter without sending its event again. If the event fails again meanwhile, the letter stays."""
        kept = self._find(letter, client)
        if kept is None:
            return
        with suppress(Conflict):
            client.delete(self._ref(letter), over=kept)
            log.info("discarded", extra={"letter": letter})

    def _find(self, letter: str, client: Client) -> Manifest | None:
        """Return the letter of this name; None if there is none. Raises NotAnEvent for an invalid name."""
        if not is_name(letter):
            raise NotAnEvent(f"`letter` '{letter[:80]}' names no dead letter")
        kept = client.get(self._ref(letter))
        return kept if kept is not None and is_letter(kept) else None

    def _object(self, event: Event, client: Client) -> Manifest | None:
        """Return the resource of ours that the event is about; None if there is none."""
        for kind in OURS:
            if (kind.api_version, kind.name) != (event.api_version, event.kind):
                continue
            if is_name(event.name) and (is_name(event.namespace) if kind.namespaced else not event.namespace):
                return client.get(Ref(kind, event.namespace, event.name))
        return None

    def _show(self, event: Event, there: Manifest, kept: LetterRecord, client: Client) -> None:
        """Make a Kubernetes Event on the resource, which `kubectl describe` shows."""
        letter = letter_name(event)
        where = event.namespace or "default"  # the namespace of Events about cluster-scoped objects
        try:
            shown = _kubernetes_event(event, uid(there), letter, kept.destinations[-1] in self.destinations, kept)
            client.apply(Ref(EVENT, where, f"{event.name[:200]}.{letter}"), shown, over=None)
        except (Conflict, NotFound, Refused) as refused:
            log.debug("not shown", extra={"letter": letter, "reason": refused.message})

    def _ref(self, letter: str) -> Ref:
        return Ref(CONFIG_MAP, self.namespace, letter)


def _kubernetes_event(event: Event, identity: str, letter: str, known: bool, kept: LetterRecord) -> Manifest:  # noqa: FBT001
    """Return the Kubernetes Event, in our own words: it repeats no text of the event."""
    to = f"'{kept.destinations[-1]}'" if known else "a function"
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    about = {"apiVersion": event.api_version, "kind": event.kind, "name": event.name, "uid": identity}
    return {
        "involvedObject": about | ({"namespace": event.namespace} if event.namespace else {}),
        "reason": "NotDelivered",
        "message": f"an event about this resource could not be delivered to {to}: the sweep looks at the resource "
        f"within minutes; `kubectl kepler dead-letters show {letter}` says more",
        "type": "Warning",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
        "source": {"component": MANAGER},
        "reportingComponent": MANAGER,
    }


def _subject(kept: LetterRecord) -> str:
    return f"{kept.event.kind} {kept.event.namespace}/{kept.event.name}"
