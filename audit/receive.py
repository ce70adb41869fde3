"""What `audit` does with an event: keep what it says, and answer when that is on the disk."""

import logging
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from flask import Blueprint
from pydantic import BaseModel, ValidationError

from audit import edits, entries
from audit.entries import Entry, Unkeepable
from audit.store import Store
from events.report import Report, StatusChange
from events.sweep import Resync, Swept
from events.types import (
    PREFIX,
    RECONCILE_CONVERGED,
    RECONCILE_REJECTED,
    RECONCILE_WAITING,
    RESYNC_REQUESTED,
    STATUS_CHANGED,
    SWEEP_FINISHED,
)
from runtime.event import Event
from runtime.objects import generation, uid
from runtime.receive import Received
from runtime.remembered import Remembered

# What the functions say, and under which word it is told in the log.
SAID: Mapping[str, tuple[str, type[BaseModel]]] = {
    RECONCILE_CONVERGED: ("report", Report),
    RECONCILE_WAITING: ("report", Report),
    RECONCILE_REJECTED: ("report", Report),
    STATUS_CHANGED: ("report", StatusChange),
    RESYNC_REQUESTED: ("resync", Resync),
    SWEEP_FINISHED: ("sweep", Swept),
}
# Generations that are known to be kept, so that each change of a status costs no look into the database.
REMEMBERED = 5000

log = logging.getLogger("kepler.audit")


@dataclass
class Audit:
    """Receives events, and has `pages` to show what it kept. Raises Unavailable where it can keep nothing now."""

    store: Store
    pages: Blueprint
    _seen: Remembered = field(default_factory=lambda: Remembered(REMEMBERED))

    def __call__(self, event: Event) -> Received:
        try:
            if event.type.startswith(PREFIX):
                self._note(event)
            elif event.wakes:
                self._edited(event)
        except (ValidationError, Unkeepable) as wrong:
            log.warning("not a report", extra={"event": _about(event), "reason": str(wrong)})
        return Received()

    def _note(self, event: Event) -> None:
        """Keeps what was said, and one line of it; an event of ours that says nothing known is only a line."""
        if event.type not in SAID:
            log.info("event", extra={"event": _about(event)})
            return
        word, model = SAID[event.type]
        said = model.model_validate(event.data)
        self.store.keep(entry(event, said))
        log.info(word, extra={"event": _about(event), word: said.model_dump(mode="json", by_alias=True)})

    def _edited(self, event: Event) -> None:
        """Keeps a generation that was not seen before; most events are about a status."""
        shown = edits.edit(event) if self._is_news(event) else None
        if shown is not None:
            self.store.keep(shown)
            self._seen.add((_generation(event),))

    def _is_news(self, event: Event) -> bool:
        try:
            return _generation(event) not in self._seen
        except (AttributeError, TypeError, ValueError) as wrong:
            raise Unkeepable(f"not an object: {wrong}") from wrong


def entry(event: Event, said: BaseModel) -> Entry:
    """What is kept of an event that says this; raises Unkeepable."""
    match said:
        case Report():
            return entries.report(event, said)
        case Swept():
            return entries.sweep(event, said, event.sent or datetime.now(UTC))
        case Resync():
            return entries.resync(event, said)
    raise TypeError(type(said).__name__)


def _generation(event: Event) -> Hashable:
    return uid(event.object), generation(event.object), event.deletes


def _about(event: Event) -> dict[str, str]:
    return {"id": event.id, "type": event.type, "source": event.source, "received": datetime.now(UTC).isoformat()}
