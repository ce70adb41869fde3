"""A dead letter: an event that could not be delivered, as it is recorded in a ConfigMap.

The part of a letter that lists show is one JSON document in an annotation, so that lists read metadata only, however
large the events are. Everything in a record is bounded and redacted, since anybody who can reach the Broker can create
letters with any content.

An event that only requests a reconcile is recorded without its data: the function reads the object itself. Other events
keep their data, redacted, up to `MAX_DATA` characters.
"""

import base64
import binascii
import hashlib
import ipaddress
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.v1.event import CloudEvent
from pydantic import TypeAdapter

from events.types import RESOURCES
from runtime import redact
from runtime.errors import NotAnEvent
from runtime.event import DECODE_ERRORS, Event, parse_time
from runtime.objects import OURS, Manifest, metadata

# Attributes set by Knative's dispatcher (eventing v0.50, `pkg/kncloudevents/event_dispatcher.go`); data is base64, cut.
DESTINATION, CODE, DATA = "knativeerrordest", "knativeerrorcode", "knativeerrordata"
# The field in which the broker's filter puts the body of the answer that it got, again in base64.
WRAPPED = re.compile(r'"errresponsebody":"([A-Za-z0-9+/]{1,16384}={0,2})')

# The path at the Broker's filter: /triggers/NAMESPACE/NAME/UID (eventing v0.50, `pkg/broker/filter/filter_handler.go`).
TRIGGER_PATH = re.compile(r"/triggers/[^/]+/([^/]+)/[^/]+")

LABEL = "sustainable-computing.io/dead-letter"
ANNOTATION = "sustainable-computing.io/dead-letter-record"

# Characters to keep of an event's data, of one attribute's value, and of an answer.
MAX_DATA, MAX_VALUE, MAX_ANSWER = 200_000, 1024, 1000
# The most attributes of one event, and the most destinations that did not accept it, to keep.
MAX_ATTRIBUTES, MAX_DESTINATIONS = 40, 20

# The most letters in all, and of one group. A group is a kind and a namespace.
MAX_LETTERS, MAX_LETTERS_PER_GROUP = 500, 60
# The group of letters that are not about an existing object of ours.
OTHER = "other"


@dataclass(frozen=True)
class LetterEvent:
    """The event's identity and the object that it names; each value is cut."""

    id: str
    type: str
    source: str
    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True)
class LetterRecord:
    """The record of one event, however many functions did not accept it, and however often.

    `code` and `answer` are those of the last failure. `complete` means that the event can be sent again unchanged.
    """

    first: str
    last: str
    count: int
    destinations: tuple[str, ...]
    code: str
    answer: str
    event: LetterEvent
    group: str = OTHER
    complete: bool = True

    @property
    def message(self) -> str:
        """Return what happened, as a sentence."""
        last = f"was answered with status {self.code}" if has_response(self.code) else "got no answer"
        sentence = f"the last attempt {last}"
        answer = f"{sentence}: {self.answer}" if self.answer else sentence
        to = ", ".join(self.destinations)
        return f"event '{self.event.id}' of type '{self.event.type}' was not delivered to {to}: {answer}"


RECORD = TypeAdapter(LetterRecord)


def has_response(code: str) -> bool:
    """Return whether the destination answered at all, from the dispatcher's code."""
    return code not in ("", "-1", "0")


def letter_name(event: Event) -> str:
    """Return the name of an event's letter; each event has one letter."""
    identity = f"{event.source}\n{event.id}"
    return f"dead-letter-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def destination(event: Event) -> str:
    """Return which destination did not accept the event, from the dispatcher's URL: a Service's name or an address.

    The URL is that of the Broker's filter if a Trigger's subscriber failed; our Triggers have their Service's name.
    """
    url = event.extensions.get(DESTINATION, "")
    try:
        parts = urlsplit(url)
        if trigger := TRIGGER_PATH.fullmatch(parts.path):
            return _redacted(trigger[1])
        host = parts.netloc if _is_address(parts.hostname or "") else parts.netloc.partition(".")[0]
    except ValueError:
        host = ""
    return _redacted(host or url)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def record(event: Event, group: str, before: LetterRecord | None) -> LetterRecord:
    """Return the record of a letter that has just arrived; `before` is the stored record of the same event, if any."""
    now = datetime.now(UTC).isoformat()
    code = _redacted(event.extensions.get(CODE, ""))
    letter = LetterRecord(
        now, now, 1, (destination(event),), code, _answer(event), _about(event), group, _is_complete(event)
    )
    if before is None:
        return letter
    known = (*before.destinations, *(name for name in letter.destinations if name not in before.destinations))
    return replace(letter, first=before.first, count=before.count + 1, destinations=known[:MAX_DESTINATIONS])


def config_map(event: Event, kept: LetterRecord) -> Manifest:
    """Return the ConfigMap of a letter, without name and namespace."""
    annotations = {ANNOTATION: json.dumps(asdict(kept), ensure_ascii=False)}
    attributes = json.dumps(_attributes(event), indent=1, ensure_ascii=False)
    data = {"attributes": attributes, "data": _data(event)}
    return {"metadata": {"labels": {LABEL: "true"}, "annotations": annotations}, "data": data}


def parse_record(config_map: Manifest) -> LetterRecord | None:
    """Return the record in a ConfigMap, or in its metadata; None if it is not valid."""
    try:
        letter = RECORD.validate_json(metadata(config_map)["annotations"][ANNOTATION], strict=True)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return letter if parse_time(letter.first) and parse_time(letter.last) else None


def is_letter(config_map: Manifest) -> bool:
    """Return whether a ConfigMap is a letter; the functions' namespace has others."""
    return LABEL in (metadata(config_map).get("labels") or {})


def not_a_letter_message(letter: str) -> str:
    """Return what to do about a ConfigMap that is labelled as a letter but cannot be read as one."""
    return f"ConfigMap '{letter}' has been changed and is no dead letter: delete it"


def event_of(letter: str, config_map: Manifest) -> CloudEvent:
    """Return the event of a letter, with its original id. Raises NotAnEvent if it cannot be read."""
    try:
        content: Mapping[str, str] = config_map["data"]
        attributes: dict[str, Any] = json.loads(content["attributes"])
        if sent := attributes.get("time"):
            attributes["time"] = datetime.fromisoformat(sent)
        return CloudEvent({**attributes, "datacontenttype": "application/json"}, json.loads(content["data"]))
    except (*DECODE_ERRORS, BaseCloudEventException) as wrong:
        raise NotAnEvent(not_a_letter_message(letter)) from wrong


def group_of(event: Event, *, exists: bool) -> str:
    """Return the group of a letter. Letters about other kinds, or about objects that do not exist, share one."""
    ours = any((kind.api_version, kind.name) == (event.api_version, event.kind) for kind in OURS)
    return f"{event.kind}/{event.namespace}" if ours and exists else OTHER


def surplus(config_maps: Iterable[Manifest]) -> Iterator[Manifest]:
    """Yield the letters to delete: the oldest of groups that are too large, then the oldest of the largest groups."""
    groups: dict[str, list[Manifest]] = {}
    for letter in sorted(config_maps, key=_age):
        kept = parse_record(letter)
        groups.setdefault(kept.group if kept else OTHER, []).append(letter)
    total = sum(map(len, groups.values()))
    while total:
        largest = max(groups.values(), key=len)
        if total <= MAX_LETTERS and len(largest) <= MAX_LETTERS_PER_GROUP:
            return
        yield largest.pop(0)
        total -= 1


def _age(config_map: Manifest) -> str:
    kept = parse_record(config_map)
    return kept.last if kept else ""


def _about(event: Event) -> LetterEvent:
    names = (event.api_version, event.kind, event.namespace, event.name)
    return LetterEvent(_redacted(event.id), _redacted(event.type), _redacted(event.source), *map(_redacted, names))


def _redacted(text: str) -> str:
    return redact.text(text)[:MAX_VALUE]


def _attributes(event: Event) -> dict[str, str]:
    return {key[:MAX_VALUE]: value[:MAX_VALUE] for key, value in _own(event)[:MAX_ATTRIBUTES]}


def _own(event: Event) -> list[tuple[str, str]]:
    return [(key, value) for key, value in event.extensions.items() if not key.startswith("knative")]


def _data(event: Event) -> str:
    """Return the data to keep. Data that is too large is dropped without redaction, which would take seconds."""
    if event.type in RESOURCES or not _fits(event.data):
        return "{}"
    data = json.dumps(redact.manifest(event.data))
    return data if len(data) <= MAX_DATA else "{}"


def _fits(data: Manifest) -> bool:
    try:
        return len(json.dumps(data)) <= MAX_DATA
    except RecursionError:
        return False


def _is_complete(event: Event) -> bool:
    if event.undecoded or _attributes(event) != dict(_own(event)):
        return False
    return event.type in RESOURCES or not event.data or _data(event) != "{}"


def _answer(event: Event) -> str:
    """Return the answer. The broker's filter wraps the answer that it got in its own; both may be cut."""
    outer = _decoded(event.extensions.get(DATA, ""))
    wrapped = WRAPPED.search(outer)
    return redact.text(_decoded(wrapped[1]) if wrapped else outer)[:MAX_ANSWER]


def _decoded(encoded: str) -> str:
    whole = encoded[: len(encoded) // 4 * 4]
    try:
        return base64.b64decode(whole, validate=True).decode(errors="replace").strip()
    except (binascii.Error, ValueError):
        return encoded
