"""Notes what could not be delivered: the event, to whom, and with which answer, as one JSON line at error level.

It is every Trigger's dead-letter sink; no Trigger of its own wakes it.
"""

import logging

from runtime.event import Event
from runtime.listener import Listener
from runtime.receive import Received

log = logging.getLogger("kepler.dead_letter")

# Set by Knative's dispatcher (eventing v0.50, `pkg/kncloudevents/event_dispatcher.go`); the data is base64.
ERROR_ATTRIBUTES = ("knativeerrordest", "knativeerrorcode", "knativeerrordata")


def note(event: Event) -> Received:
    """One line with the event and why it was given up."""
    errors = {name: event.extensions.get(name, "") for name in ERROR_ATTRIBUTES}
    subject = f"{event.kind} {event.namespace}/{event.name}"
    about = {"id": event.id, "type": event.type, "source": event.source, "object": subject}
    log.error("not delivered", extra={"event": about, **errors, "data": event.data})
    return Received()


LISTENER = Listener(name="dead_letter", filters=(), receiver=lambda _: note)
