"""Events that are not kept: counted by reason, and told in the log in one line, without their data.

| reason | when |
|---|---|
| `unreadable` | it is not what its type says: data of another form, a name that cannot be, control characters |
| `false` | the API server knows no such object or generation: forged, or late |
| `future` | it says that something happened that is yet to come |
"""

import logging
from datetime import UTC, datetime

from runtime.event import Event
from runtime.measures import METER

log = logging.getLogger("kepler.audit")

UNREADABLE, FALSE, FUTURE = "unreadable", "false", "future"

REFUSED = METER.create_counter(
    "kepler.audit.refused",
    unit="{event}",
    description="Events that `audit` did not keep, by reason",
)


def note(event: Event, reason: str, why: str) -> None:
    """Count and log one event that is not kept."""
    REFUSED.add(1, {"kepler.reason": reason})
    log.warning("not kept", extra={"event": about(event), "reason": reason, "why": why})


def about(event: Event) -> dict[str, str]:
    """Return what the log tells of any event."""
    return {"id": event.id, "type": event.type, "source": event.source, "received": datetime.now(UTC).isoformat()}
