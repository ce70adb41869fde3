"""Makes request events: those of users, from the console or `kubectl kepler`, and those of functions.

A user's request has a new id and its own trace; `by` names the program, and its source is `/kepler/<by>`. A function
sends requests when one event concerns several objects, one for each, and for rechecks.
"""

import uuid
from collections.abc import Iterable, Sequence

from cloudevents.core.v1.event import CloudEvent

from events.request_data import Discard, Replay
from events.sweep_data import Resync
from events.types import DISCARD_REQUESTED, REPLAY_REQUESTED, RESYNC_REQUESTED
from runtime.envelope import cloud_event, object_name
from runtime.event import FUNCTIONS, Event
from runtime.objects import CONFIG_MAP, Ref
from runtime.tracing import detached_trace


def replay(letter: str, *, by: str) -> CloudEvent:
    """Return `replay.requested`: send the event of this dead letter again.

    The request has no namespace: dead letters are in the functions' own.
    """
    return _request(REPLAY_REQUESTED, Ref(CONFIG_MAP, "", letter), Replay(letter=letter), by)


def discard(letter: str, *, by: str) -> CloudEvent:
    """Return `discard.requested`: delete this dead letter, without sending its event again."""
    return _request(DISCARD_REQUESTED, Ref(CONFIG_MAP, "", letter), Discard(letter=letter), by)


def resync(key: Ref, *, by: str) -> CloudEvent:
    """Return `resync.requested`: every function reconciles this object again."""
    return _request(RESYNC_REQUESTED, key, Resync(object=object_name(key), diverges={}), by)


def functions_attribute(functions: Iterable[str]) -> dict[str, str]:
    """Return the attribute of a request that only these functions act on, such as '/collector/status/'.

    Without names there is no attribute, and every function acts on the request.
    """
    names = "/".join(functions)
    return {FUNCTIONS: f"/{names}/"} if names else {}


def one_of_many(key: Ref, event: Event, functions: Sequence[str]) -> CloudEvent:
    """Return `resync.requested` for one of the objects that an event concerns, for the functions that it concerns.

    Its id follows from the event, so a redelivery repeats it. The first function is its source.
    """
    identity = f"{event.source}/{event.id}/{'/'.join(functions)}/{key.namespace}/{key.name}"
    why = (f"{event.kind} '{event.name}' concerns it",)
    return cloud_event(
        RESYNC_REQUESTED,
        f"functions/{functions[0]}",
        Resync(object=object_name(key), diverges=dict.fromkeys(functions, why)),
        identity=identity,
        key=key,
        traceparent=detached_trace(f"{event.source}/{event.id}").within(identity),
        **functions_attribute(functions),
    )


def recheck(key: Ref, function: str) -> CloudEvent:
    """Return `resync.requested` from a function to itself, for an object that may have changed without an event."""
    return cloud_event(
        RESYNC_REQUESTED,
        f"functions/{function}",
        Resync(object=object_name(key), diverges={function: ("what it waits for has no event",)}),
        key=key,
        **functions_attribute((function,)),
    )


def _request(event_type: str, key: Ref, request: Replay | Discard | Resync, by: str) -> CloudEvent:
    trace = f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01"
    return cloud_event(event_type, by, request, key=key, traceparent=trace)
