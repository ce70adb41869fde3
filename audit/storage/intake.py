"""Receives the events of `audit`: stores what they say, and returns when that is on disk."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never

from flask import Blueprint
from pydantic import ValidationError

from audit.storage import dropped_events, entries, signing
from audit.storage.dropped_events import UNREADABLE
from audit.storage.edit_recorder import EditRecorder
from audit.storage.entries import Entry, EventRefused
from audit.storage.signing import Keys
from audit.storage.store import Store
from events.report import Report, StatusChange
from events.sweep_data import Resync, SweepData
from events.types import (
    DISCARD_REQUESTED,
    MODEL_TRAINED,
    PREFIX,
    RECONCILE_CONVERGED,
    RECONCILE_REJECTED,
    RECONCILE_WAITING,
    REPLAY_REQUESTED,
    RESOURCES,
    RESYNC_REQUESTED,
    STATUS_CHANGED,
    SWEEP_FINISHED,
)
from runtime.event import Event
from runtime.receive import Received

# Data of the event types that are stored; each has a case in `entry`.
EventContent = Report | SweepData | Resync
# Type of an event that is stored -> the word for it in the log, and the model of its data.
KEPT: Mapping[str, tuple[str, type[EventContent]]] = {
    RECONCILE_CONVERGED: ("report", Report),
    RECONCILE_WAITING: ("report", Report),
    RECONCILE_REJECTED: ("report", Report),
    STATUS_CHANGED: ("report", StatusChange),
    RESYNC_REQUESTED: ("resync", Resync),
    SWEEP_FINISHED: ("sweep", SweepData),
}
# Events that are only logged: whether such a request succeeded shows in the dead letters themselves.
LOGGED = frozenset({REPLAY_REQUESTED, DISCARD_REQUESTED, MODEL_TRAINED})
# Events that must be signed, since only our functions send them, or users through them. MODEL_TRAINED is not one of
# these: pipelines send it, and they have no key.
SIGNED = frozenset({*KEPT, REPLAY_REQUESTED, DISCARD_REQUESTED})

log = logging.getLogger("kepler.audit")


@dataclass
class Audit:
    """Receives events; `pages` is the Blueprint that shows what is stored. Raises Unavailable if it cannot store."""

    store: Store
    pages: Blueprint
    edit_recorder: EditRecorder
    keys: Keys

    def __call__(self, event: Event) -> Received:
        try:
            if event.type.startswith(PREFIX):
                self._note(event)
            elif event.type in RESOURCES:
                return Received(calls=self.edit_recorder(event))
        except EventRefused as wrong:
            dropped_events.note(event, wrong.reason, str(wrong))
        except ValidationError as wrong:
            dropped_events.note(event, UNREADABLE, _first(wrong))
        return Received()

    def _note(self, event: Event) -> None:
        """Store an event of our functions, and log one line; an event of any other type is only logged."""
        if event.type in SIGNED:
            signing.check(event, self.keys)
        if event.type not in KEPT:
            log.info("event", extra={"event": dropped_events.about(event)})
            return
        word, model = KEPT[event.type]
        content = model.model_validate(event.data)
        self.store.keep(entry(event, content))
        log.info(
            word, extra={"event": dropped_events.about(event), word: content.model_dump(mode="json", by_alias=True)}
        )


def entry(event: Event, content: EventContent) -> Entry:
    """Return the entry to store for an event with this content. Raises EventRefused."""
    match content:
        case Report():
            return entries.report(event, content)
        case SweepData():
            return entries.sweep(event, content, event.sent or datetime.now(UTC))
        case Resync():
            return entries.resync(event, content)
    assert_never(content)


def _first(wrong: ValidationError) -> str:
    """Return the first error, without the data that was sent."""
    error = wrong.errors(include_input=False, include_url=False)[0]
    return f"{error['type']} at {'.'.join(map(str, error['loc']))[:80]!a}"
