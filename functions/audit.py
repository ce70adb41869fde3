"""Keeps every report: one JSON line each, on standard output, where the cluster's log collection finds it.

Wakes on whatever the functions emit. It reads nothing and writes nothing, so it has no permissions.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import BaseModel, ValidationError

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
from runtime.listener import Listener
from runtime.receive import Received

# What the functions say, and under which word it is kept.
KEPT: Mapping[str, tuple[str, type[BaseModel] | None]] = {
    RECONCILE_CONVERGED: ("report", Report),
    RECONCILE_WAITING: ("report", Report),
    RECONCILE_REJECTED: ("report", Report),
    STATUS_CHANGED: ("report", StatusChange),
    RESYNC_REQUESTED: ("resync", Resync),
    SWEEP_FINISHED: ("sweep", Swept),
}

log = logging.getLogger("kepler.audit")


def note(event: Event) -> Received:
    """One line with what was said; an event of ours that says nothing known is noted without it."""
    about = {"id": event.id, "type": event.type, "source": event.source, "received": datetime.now(UTC).isoformat()}
    word, model = KEPT.get(event.type, ("", None))
    if model is None:
        log.info("event", extra={"event": about})
        return Received()
    try:
        said = model.model_validate(event.data).model_dump(mode="json", by_alias=True)
    except ValidationError as wrong:
        log.warning("not a report", extra={"event": about, "reason": str(wrong)})
        return Received()
    log.info(word, extra={"event": about, word: said})
    return Received()


LISTENER = Listener(name="audit", filters=({"prefix": {"type": PREFIX}},), receiver=lambda _: note)
