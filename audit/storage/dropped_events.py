"""Events that are not kept: counted by reason, and told in the log in one line, without their data.

| reason | when |
|---|---|
| `unsigned` | a report, a sweep or a request carries no signature: none of our functions sent it |
| `wrong-signature` | its signature is another one: forged, or changed on its way |
| `unreadable` | it is not what its type says: data of another form, a name that cannot be, control characters |
| `false` | the API server knows no such object or generation: forged, or late |
| `future` | it says that something happened that is yet to come |
"""

import logging
from datetime import UTC, datetime

from runtime import measures
from runtime.event import Event

log = logging.getLogger("kepler.audit")

UNSIGNED, WRONG_SIGNATURE = measures.UNSIGNED, "wrong-signature"
UNREADABLE, FALSE, FUTURE = "unreadable", "false", "future"


def note(event: Event, reason: str, why: str) -> None:
    """Count and log one event that is not kept."""
    measures.count_refused(reason)
    log.warning("not kept", extra={"event": about(event), "reason": reason, "why": why})


def about(event: Event) -> dict[str, str]:
    """Return what the log tells of any event."""
    return {"id": event.id, "type": event.type, "source": event.source, "received": datetime.now(UTC).isoformat()}
