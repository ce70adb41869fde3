"""Requests that people make, by the console or by `kubectl kepler`, as the events that carry them.

Each is a new one, with a new id and a trace of its own. `by` says through what it was made: its source is
`/kepler/<by>`.
"""

import uuid

from cloudevents.core.v1.event import CloudEvent

from events.report import ObjectName
from events.requests import Replay
from events.sweep import Resync
from events.types import REPLAY_REQUESTED, RESYNC_REQUESTED
from runtime.envelope import about, envelope
from runtime.objects import CONFIG_MAP, Ref


def replay(letter: str, *, by: str) -> CloudEvent:
    """`replay.requested`: send the event of this dead letter again. Letters are where the functions are."""
    return _request(REPLAY_REQUESTED, Ref(CONFIG_MAP, "", letter), Replay(letter=letter), by)


def resync(key: Ref, *, by: str) -> CloudEvent:
    """`resync.requested`: every function is to look at this object again."""
    named = ObjectName(api_version=key.kind.api_version, kind=key.kind.name, namespace=key.namespace, name=key.name)
    return _request(RESYNC_REQUESTED, key, Resync(object=named, diverges={}), by)


def _request(event_type: str, key: Ref, said: Replay | Resync, by: str) -> CloudEvent:
    attributes = {
        **envelope(event_type, f"/kepler/{by}", str(uuid.uuid4())),
        **about(key),
        "traceparent": f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01",
    }
    return CloudEvent(attributes, said.model_dump(mode="json", by_alias=True))
