"""Dead letters for tests: events that were given up, and the function that keeps them, with its own permissions."""

import base64
from collections.abc import Callable
from typing import Any

from cloudevents.core.bindings.http import to_structured_event
from cloudevents.core.v1.event import CloudEvent

from dead_letters.dead_letter_store import MANAGER, DeadLetterStore
from events.types import RESYNC_REQUESTED
from local.stack import Stack
from runtime import requests
from runtime.client import Transport
from runtime.event import Event, decode
from runtime.settings import NAMESPACE
from runtime.signature import Keyring
from tests.workbench import received, transport

REFUSED = "not an event: `name` is missing"
COLLECTOR = "kepler-collector"


def given_up(event_type: str = RESYNC_REQUESTED, *, code: str = "400", data: Any = None, **attributes: str) -> Event:
    """An event as Knative's dispatcher sends it to a dead-letter sink, decoded as the edge does."""
    wrong = {
        "knativeerrordest": f"http://{COLLECTOR}.kepler-operator.svc",
        "knativeerrorcode": code,
        "knativeerrordata": base64.b64encode(REFUSED.encode()).decode(),
    }
    event = CloudEvent(
        {
            "id": "1",
            "type": event_type,
            "source": "/tests",
            "datacontenttype": "application/json",
            "apiversion": "sustainable-computing.io/v1alpha1",
            "kind": "Kepler",
            "name": "kepler",
            **(wrong if code else {}),
            **attributes,
        },
        data or {},
    )
    message = to_structured_event(event)
    return decode(dict(message.headers), message.body)


def keyring(stack: Stack, account: str = MANAGER) -> Keyring:
    """The installation's key, as a function reads it; `audit` has made it."""
    Keyring(transport(stack, "kepler-audit"), NAMESPACE).make()
    return Keyring(transport(stack, account), NAMESPACE)


def store(
    stack: Stack, sink: Callable[[CloudEvent], None] = lambda _: None, send: Transport | None = None
) -> DeadLetterStore:
    """The function that keeps letters; `send` is another way to the API server than its own."""
    way = send or transport(stack, MANAGER)
    return DeadLetterStore(way, sink, NAMESPACE, keyring(stack), frozenset({COLLECTOR}))


def discard_request(stack: Stack, letter: str) -> Event:
    """A signed request to delete a letter."""
    return received(keyring(stack).sign(requests.discard(letter, by="tests")))


def replay_request(stack: Stack, letter: str) -> Event:
    """A signed request to send a letter again."""
    return received(keyring(stack).sign(requests.replay(letter, by="tests")))
