"""An incoming CloudEvent, read as a hint: which object to look at, and the object as it was when the event was sent."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from cloudevents.core.bindings.http import HTTPMessage, from_http
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from events.types import RESOURCE_ADD, RESOURCE_DELETE, RESOURCE_UPDATE, RESYNC_REQUESTED, WAKING
from runtime.errors import NotAnEvent
from runtime.objects import Manifest

# The one content type of an event in structured mode. A web page cannot send it elsewhere without being asked about,
# nor the headers of binary mode (Fetch, CORS-safelisted request-header).
STRUCTURED = "application/cloudevents+json"
# Attribute of a request that is for some functions only: their names, each between two slashes.
FUNCTIONS = "functions"
# Attributes of an event; ours, those of Knative and of a few systems in between are less than thirty.
MOST_ATTRIBUTES = 100
ATTRIBUTE_NAME = re.compile(r"[a-z0-9]+")
# What of an object's metadata says what the event was about, once it is decided that a function has to look.
KEPT_METADATA = ("name", "namespace", "uid", "resourceVersion", "generation")
# Entries of a list in it, and characters of an annotation: an object has far fewer, whatever an event says.
MOST_ENTRIES, MOST_CHARACTERS = 100, 200

# RFC 1123 subdomain, as the API server demands of names: what does not match cannot exist, and is never put in a path.
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")

# What reading a request can fail with; times near the ends of the calendar overflow.
UNREADABLE = (
    CloudEventValidationError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
    OverflowError,
)


def moment(value: object) -> datetime | None:
    """A time in RFC 3339, or None for anything else; also for one that is no time of UTC's calendar."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
        return time if time and time.tzinfo and time.astimezone(UTC) else None
    except (ValueError, OverflowError):
        return None


def is_name(name: str) -> bool:
    """Whether an object or a namespace can have this name."""
    return NAME.fullmatch(name) is not None


@dataclass(frozen=True)
class Event:
    """One event. `object` is what ApiServerSource's Resource mode sent along: stale by definition, or forged.

    Attributes are as sent (`kind`, `apiversion`, `namespace`, `name`), empty where there are none; `extensions` holds
    every attribute.
    """

    id: str
    type: str
    source: str
    subject: str
    api_version: str
    kind: str
    namespace: str
    name: str
    object: Manifest
    data: Manifest
    traceparent: str = ""
    extensions: Mapping[str, str] = field(default_factory=dict)

    @property
    def wakes(self) -> bool:
        """Whether this type of event asks for a reconcile."""
        return self.type in WAKING

    def is_for(self, function: str) -> bool:
        """Whether a function of this name is meant: all are, but by a request that names some."""
        named = self.extensions.get(FUNCTIONS, "") if self.type == RESYNC_REQUESTED else ""
        return not named or function in named.split("/")

    def slim(self) -> "Event":
        """Return the event with no more of its object than names it: for one that has to wait for its turn."""
        return replace(self, object=_slim(self.object), data={})

    @property
    def deletes(self) -> bool:
        """Whether the object is gone, as far as the event knows."""
        return self.type == RESOURCE_DELETE

    @property
    def sent(self) -> datetime | None:
        """When it was sent: its `time`, where that is one with a time zone."""
        return moment(self.extensions.get("time", ""))

    @property
    def shows(self) -> bool:
        """Whether `object` is an existing object, to decide from it alone."""
        return self.type in (RESOURCE_ADD, RESOURCE_UPDATE) and bool(self.object)


def decode(headers: Mapping[str, str], body: bytes) -> Event:
    """Return the event in an HTTP request, in binary or structured mode (CloudEvents 1.0, HTTP binding).

    Data that cannot be read, beside attributes that can, is no data: the attributes say which object to look at. Raises
    NotAnEvent with a sentence that says what is wrong with the request.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    if not (_is_binary(lowered) or _media_type(lowered) == STRUCTURED):
        raise NotAnEvent(f"not a CloudEvent: send `ce-` headers, or `Content-Type: {STRUCTURED}` and the event as JSON")
    try:
        received = _received(lowered, body)
        data = received.get_data()
        attributes = received.texts()
        content = data if isinstance(data, dict) else {} if data is None else {"undecoded": str(data)}
    except UNREADABLE as wrong:
        raise NotAnEvent(f"not a CloudEvent in binary or structured mode: {wrong}") from wrong
    return Event(
        id=attributes["id"],
        type=attributes["type"],
        source=attributes["source"],
        subject=attributes.get("subject", ""),
        api_version=attributes.get("apiversion", ""),
        kind=attributes.get("kind", ""),
        namespace=attributes.get("namespace", ""),
        name=attributes.get("name", ""),
        object=content if attributes["type"] in (RESOURCE_ADD, RESOURCE_UPDATE, RESOURCE_DELETE) else {},
        data=content,
        traceparent=_traceparent(headers) or attributes.get("traceparent", ""),
        extensions=attributes,
    )


class _Received(CloudEvent):
    """An event as the SDK reads it, which puts the present in where there is no `time`."""

    def __init__(self, attributes: dict[str, Any], data: Any = None) -> None:
        if len(attributes) > MOST_ATTRIBUTES:
            raise NotAnEvent(f"the event has {len(attributes)} attributes, and {MOST_ATTRIBUTES} are allowed")
        self._has_time = "time" in attributes
        super().__init__(attributes, data)

    def texts(self) -> dict[str, str]:
        """Return the attributes that were sent. Raises ValueError for names and values that no attribute can have."""
        sent = {name: value for name, value in self.get_attributes().items() if name != "time" or self._has_time}
        if wrong := [name for name in sent if not ATTRIBUTE_NAME.fullmatch(name)]:
            raise ValueError(f"attribute {wrong[0]!a} is not named with lower-case letters and digits")
        texts = {name: str(value) for name, value in sent.items() if value is not None}
        "".join(texts.values()).encode()  # fails for half a surrogate pair, which JSON can spell
        return texts


def _received(headers: Mapping[str, str], body: bytes) -> _Received:
    try:
        received = from_http(HTTPMessage(dict(headers), body), JSONFormat(), _Received)
    except (ValueError, RecursionError):
        if not _is_binary(headers):
            raise
        received = from_http(HTTPMessage(dict(headers), b""), JSONFormat(), _Received)
    assert isinstance(received, _Received)  # noqa: S101 (the factory)
    return received


def _is_binary(headers: Mapping[str, str]) -> bool:
    return any(name.startswith("ce-") for name in headers)


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _slim(shown: Manifest) -> Manifest:
    """What of an object's metadata names it, who wrote which part of it when, and its trace; malformed parts go."""
    metadata = shown.get("metadata")
    if not isinstance(metadata, dict):
        return {}
    writers = [
        {key: entry.get(key) for key in ("manager", "time", "subresource")}
        for entry in _entries(metadata, "managedFields")
        if isinstance(entry, dict)
    ]
    annotations = metadata.get("annotations")
    carried = annotations.get("traceparent") if isinstance(annotations, dict) else None
    kept = {key: metadata[key] for key in KEPT_METADATA if isinstance(metadata.get(key), str | int)}
    trace = {"annotations": {"traceparent": carried[:MOST_CHARACTERS]}} if isinstance(carried, str) else {}
    named = {key: shown[key] for key in ("apiVersion", "kind") if isinstance(shown.get(key), str)}
    owners = _entries(metadata, "ownerReferences")
    return {**named, "metadata": {**kept, "ownerReferences": owners, "managedFields": writers, **trace}}


def _entries(metadata: Manifest, field: str) -> list[object]:
    entries = metadata.get(field)
    return entries[:MOST_ENTRIES] if isinstance(entries, list) else []


def _traceparent(headers: Mapping[str, str]) -> str:
    return next((value for name, value in headers.items() if name.lower() == "traceparent"), "")
