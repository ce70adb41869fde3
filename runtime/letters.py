"""Dead letters: events that could not be delivered, kept as ConfigMaps until somebody has them sent again.

Each is told in the log, as a Kubernetes Event on the object that it was about, and by a metric. What a dead letter
asked for is not lost: events are hints, and the sweep finds what they were about.
"""

import base64
import binascii
import hashlib
import json
import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.v1.event import CloudEvent

from events.types import REPLAY_REQUESTED
from runtime import measures
from runtime.client import Client, Transport
from runtime.errors import Conflict, NotAnEvent, NotFound, Refused
from runtime.event import Event, is_name
from runtime.objects import (
    CONFIG_MAP,
    EVENT,
    OURS,
    Collection,
    Manifest,
    Ref,
    metadata,
    name,
    uid,
)
from runtime.receive import Received
from runtime.sink import Sink

log = logging.getLogger("kepler.dead_letter")

# Set by Knative's dispatcher (eventing v0.50, `pkg/kncloudevents/event_dispatcher.go`); the data is base64, and cut.
DESTINATION, CODE, DATA = "knativeerrordest", "knativeerrorcode", "knativeerrordata"
# Where the broker's filter puts the body of the answer that it got, base64 again.
WRAPPED = re.compile(r'"errresponsebody":"([A-Za-z0-9+/]+=*)')

LABEL = "sustainable-computing.io/dead-letter"
MANAGER = "kepler-dead-letter"
# As many are kept; the oldest go first.
KEPT = 500
# Characters of an event's data that are kept; a ConfigMap takes a mebibyte. Events that ask for a reconcile need none.
LARGEST = 500_000


@dataclass(frozen=True)
class Letter:
    """One event that was given up, to whom it was to go, and with which answer."""

    event: Event
    destination: str
    code: str
    answer: str

    @property
    def name(self) -> str:
        """The same event given up for the same function again has the same name."""
        identity = "\n".join((self.event.source, self.event.id, self.destination))
        return f"dead-letter-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"

    @property
    def told(self) -> str:
        """What happened, in a sentence."""
        came = f"it answered {self.code}" if answered(self.code) else "it did not answer"
        said = f"{came}: {self.answer}" if self.answer else came
        return f"event '{self.event.id}' of type '{self.event.type}' was not delivered to {self.destination}, {said}"


def answered(code: str) -> bool:
    """Whether there was an answer at all, by the code that the dispatcher gives."""
    return code not in ("", "-1", "0")


def changed(letter: str) -> str:
    """What to do about a ConfigMap that is labelled as a letter and cannot be read as one."""
    return f"ConfigMap '{letter}' has been changed and is no dead letter: delete it"


def letter(event: Event) -> Letter:
    """The dead letter that Knative's dispatcher sent."""
    return Letter(
        event,
        event.extensions.get(DESTINATION, ""),
        event.extensions.get(CODE, ""),
        _answer(event.extensions.get(DATA, "")),
    )


@dataclass(frozen=True)
class Letters:
    """Receives what could not be delivered, and the request to send it again."""

    transport: Transport
    sink: Sink
    namespace: str

    def __call__(self, event: Event) -> Received:
        client = Client(self.transport, manager=MANAGER)
        if event.type == REPLAY_REQUESTED and CODE not in event.extensions:
            self.replay(event.name, client)
        else:
            self.keep(letter(event), client)
        return Received(calls=len(client.calls))

    def keep(self, found: Letter, client: Client) -> None:
        """Tells of the letter, then keeps it: where the API server is away, the log has it."""
        event = found.event
        log.error(
            "not delivered",
            extra={
                "event": {"id": event.id, "type": event.type, "source": event.source, "object": _subject(event)},
                "letter": found.name,
                DESTINATION: found.destination,
                CODE: found.code,
                "answer": found.answer,
            },
        )
        measures.dead_letter(found.destination, event.type)
        kept = client.get(self._ref(found.name))
        client.apply(self._ref(found.name), _config_map(found), over=kept)
        self._show(found, client)
        self._forget(client)

    def replay(self, wanted: str, client: Client) -> None:
        """Sends a letter's event to the Broker again, and forgets the letter. One that is not there was sent before.

        One that is given up again meanwhile is a newer version, which stays.
        """
        if not is_name(wanted):
            raise NotAnEvent(f"attribute `name` '{wanted}' names no dead letter")
        kept = client.get(self._ref(wanted))
        if kept is None or LABEL not in (metadata(kept).get("labels") or {}):
            return
        self.sink(_event(wanted, kept))
        log.info("sent again", extra={"letter": wanted})
        with suppress(Conflict):
            client.delete(self._ref(wanted), over=kept)

    def _show(self, found: Letter, client: Client) -> None:
        """A Kubernetes Event on the object, where there is one: `kubectl describe` shows it."""
        event = found.event
        where = event.namespace or "default"  # where Events about cluster-scoped objects are
        if not (event.kind and event.api_version and is_name(event.name) and is_name(where)):
            return
        try:
            shown = _shown(found, where, self._uid(event, client))
            client.apply(Ref(EVENT, where, f"{event.name[:200]}.{found.name}"), shown, over=None)
        except (Conflict, NotFound, Refused) as refused:
            log.warning("not shown", extra={"letter": found.name, "reason": refused.message})

    def _uid(self, event: Event, client: Client) -> str:
        """Of the object, by which `kubectl describe` finds its Events."""
        for kind in OURS:
            if (kind.api_version, kind.name) == (event.api_version, event.kind):
                return uid(client.get(Ref(kind, event.namespace, event.name)) or {})
        return uid(event.object)

    def _forget(self, client: Client) -> None:
        kept = list(client.list(Collection(CONFIG_MAP, self.namespace), labelled=LABEL))
        by_age = sorted(kept, key=lambda one: str(metadata(one).get("creationTimestamp")))
        for old in by_age[: max(0, len(by_age) - KEPT)]:
            client.delete(self._ref(name(old)), over=old)

    def _ref(self, wanted: str) -> Ref:
        return Ref(CONFIG_MAP, self.namespace, wanted)


def _config_map(found: Letter) -> Manifest:
    attributes = {key: value for key, value in found.event.extensions.items() if not key.startswith("knative")}
    data = json.dumps(found.event.data)
    kept = {
        "told": found.told,
        "at": datetime.now(UTC).isoformat(),
        "destination": found.destination,
        "code": found.code,
        "answer": found.answer,
        "attributes": json.dumps(attributes, indent=1),
        "data": data if len(data) <= LARGEST else "{}",
    }
    return {"metadata": {"labels": {LABEL: "true"}}, "data": kept}


def _event(letter: str, kept: Manifest) -> CloudEvent:
    """The event as it was, with the id that it had."""
    try:
        content: Mapping[str, str] = kept["data"]
        attributes: dict[str, Any] = json.loads(content["attributes"])
        if sent := attributes.get("time"):
            attributes["time"] = datetime.fromisoformat(sent)
        return CloudEvent({**attributes, "datacontenttype": "application/json"}, json.loads(content["data"]))
    except (KeyError, TypeError, ValueError, AttributeError, BaseCloudEventException) as wrong:
        raise NotAnEvent(changed(letter)) from wrong


def _shown(found: Letter, where: str, identity: str) -> Manifest:
    event, now = found.event, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    about = {"apiVersion": event.api_version, "kind": event.kind, "name": event.name, "uid": identity}
    return {
        "involvedObject": about | ({"namespace": where} if event.namespace else {}),
        "reason": "NotDelivered",
        "message": f"{found.told}; the sweep looks at this object within minutes; letter '{found.name}'"[:1024],
        "type": "Warning",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
        "source": {"component": MANAGER},
        "reportingComponent": MANAGER,
    }


def _answer(encoded: str) -> str:
    """What was answered; the broker's filter wraps it once more, since it asks for us, and either may be cut."""
    said = _decoded(encoded)
    wrapped = WRAPPED.search(said)
    return _decoded(wrapped[1]) if wrapped else said


def _decoded(encoded: str) -> str:
    whole = encoded[: len(encoded) // 4 * 4]
    try:
        return base64.b64decode(whole, validate=True).decode(errors="replace").strip()
    except (binascii.Error, ValueError):
        return encoded


def _subject(event: Event) -> str:
    return f"{event.kind} {event.namespace}/{event.name}"
