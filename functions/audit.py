"""Keeps every report: one JSON line each, on standard output, where the cluster's log collection finds it.

Wakes on whatever the functions emit. It reads nothing and writes nothing, so it has no permissions.
"""

import logging
from datetime import UTC, datetime

from pydantic import ValidationError

from events.report import Report, StatusChange
from events.types import PREFIX, STATUS_CHANGED
from runtime.event import Event
from runtime.listener import Listener
from runtime.receive import Received

log = logging.getLogger("kepler.audit")


def note(event: Event) -> Received:
    """One line with the report; an event of ours with other data is noted without it."""
    about = {"id": event.id, "type": event.type, "source": event.source, "received": datetime.now(UTC).isoformat()}
    model = StatusChange if event.type == STATUS_CHANGED else Report
    try:
        said = model.model_validate(event.data).model_dump(mode="json", by_alias=True)
    except ValidationError as wrong:
        log.warning("not a report", extra={"event": about, "reason": str(wrong)})
        return Received()
    log.info("report", extra={"event": about, "report": said})
    return Received()


LISTENER = Listener(name="audit", filters=({"prefix": {"type": PREFIX}},), receive=note)
