"""Counts events that are not stored, by reason, and logs one line for each, without its data.

| reason | when |
|---|---|
| `unsigned` | a report, a sweep or a request has no signature: none of our functions sent it |
| `wrong-signature` | the signature does not fit: the event is forged, or was changed on its way |
| `unreadable` | the data does not fit the type: another form, an impossible name, control characters |
| `false` | the API server knows no such object or generation: the event is forged or late |
| `future` | a time in the event is in the future |
"""

import logging
from datetime import UTC, datetime

from runtime import measures
from runtime.event import Event

log = logging.getLogger("kepler.audit")

UNSIGNED, WRONG_SIGNATURE = measures.UNSIGNED, "wrong-signature"
UNREADABLE, FALSE, FUTURE = "unreadable", "false", "future"


def note(event: Event, reason: str, why: str) -> None:
    """Count and log one event that is not stored."""
    measures.count_refused(reason)
    log.warning("not kept", extra={"event": about(event), "reason": reason, "why": why})


def about(event: Event) -> dict[str, str]:
    """Return the attributes of an event that are logged."""
    return {"id": event.id, "type": event.type, "source": event.source, "received": datetime.now(UTC).isoformat()}
