"""Decodes an incoming CloudEvent: a hint that names an object, and may show it as it was when the event was sent."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from cloudevents.core.bindings.http import HTTPMessage, from_http
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from events.types import RECONCILE_REQUESTS, RESOURCE_ADD, RESOURCE_DELETE, RESOURCE_UPDATE, RESYNC_REQUESTED
from runtime.errors import NotAnEvent
from runtime.objects import Manifest

# The only content type of an event in structured mode. A web page of another origin can send neither this nor the
# headers of binary mode without a preflight request (Fetch, CORS-safelisted request-header).
STRUCTURED = "application/cloudevents+json"
# Attribute of a request for some functions only: their names, each between two slashes.
FUNCTIONS = "functions"
# The most attributes of an event; ours, Knative's and those of a few systems in between are fewer than thirty.
MOST_ATTRIBUTES = 100
# The attributes that name an event, its object, and the delivery that failed.
NAMING_ATTRIBUTES = (
    *("specversion", "id", "type", "source", "time", "apiversion", "kind", "namespace", "name"),
    *("knativeerrordest", "knativeerrorcode", "knativeerrordata"),
)
ATTRIBUTE_NAME = re.compile(r"[a-z0-9]+")
# Metadata that identifies an object; waiting events keep only this of the object.
KEPT_METADATA = ("name", "namespace", "uid", "resourceVersion", "generation")
# Of lists in metadata: what names the owners of an object, and its writers.
KEPT_OF_ENTRIES = MappingProxyType(
    {
        "ownerReferences": ("apiVersion", "kind", "name", "uid", "controller"),
        "managedFields": ("manager", "time", "subresource"),
    }
)
# The most entries of such a list, and characters of a text, to keep; real objects have no more (a name has 253).
MOST_ENTRIES, MOST_CHARACTERS = 100, 300

# RFC 1123 subdomain, as the API server requires of names: other names cannot exist, and are never put in a path.
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")

# The errors that decoding a request may raise; times near the ends of the calendar overflow.
DECODE_ERRORS = (
    CloudEventValidationError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
    OverflowError,
)


def parse_time(value: object) -> datetime | None:
    """Return a time in RFC 3339; None for any other value, and for a time without a zone or outside UTC's calendar."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
        return time if time and time.tzinfo and time.astimezone(UTC) else None
    except (ValueError, OverflowError):
        return None


def is_name(name: str) -> bool:
    """Return whether an object or a namespace can have this name."""
    return NAME.fullmatch(name) is not None


@dataclass(frozen=True)
class Event:
    """One event. `object` is what ApiServerSource's Resource mode sent along: it may be stale or forged.

    Attributes are as sent (`kind`, `apiversion`, `namespace`, `name`), empty if missing; `extensions` holds every
    attribute. `undecoded` says that only the attributes that name the event could be read (`decode_names`).
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
    undecoded: bool = False

    @property
    def requests_reconcile(self) -> bool:
        """Return whether this type of event requests a reconcile."""
        return self.type in RECONCILE_REQUESTS

    def is_for(self, function: str) -> bool:
        """Return whether the function acts on the event: only a resync request can exclude it, by naming others."""
        named = self.extensions.get(FUNCTIONS, "") if self.type == RESYNC_REQUESTED else ""
        return not named or function in named.split("/")

    def without_content(self) -> "Event":
        """Return the event with only the metadata that names its object, so that waiting events take little memory."""
        return replace(self, object=_without_content(self.object), data={})

    @property
    def deletes(self) -> bool:
        """Return whether the event says that the object was deleted."""
        return self.type == RESOURCE_DELETE

    @property
    def sent(self) -> datetime | None:
        """Return when the event was sent: its `time`, or None if that has no time zone or is invalid."""
        return parse_time(self.extensions.get("time", ""))

    @property
    def shows(self) -> bool:
        """Return whether `object` is an existing object, from which a function can decide."""
        return self.type in (RESOURCE_ADD, RESOURCE_UPDATE) and bool(self.object)


def first_sent(events: Iterable[Event]) -> datetime | None:
    """Return when the oldest of the events was sent; None if none of them says."""
    return min((sent for event in events if (sent := event.sent)), default=None)


def decode(headers: Mapping[str, str], body: bytes) -> Event:
    """Return the event in an HTTP request, in binary or structured mode (CloudEvents 1.0, HTTP binding).

    In binary mode, data that cannot be read counts as no data: the attributes name the object. Raises NotAnEvent with a
    sentence that says what is wrong with the request.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    if not (_is_binary(lowered) or _media_type(lowered) == STRUCTURED):
        raise NotAnEvent(f"not a CloudEvent: send `ce-` headers, or `Content-Type: {STRUCTURED}` and the event as JSON")
    try:
        received = _received(lowered, body)
        data = received.get_data()
        attributes = received.texts()
        content = data if isinstance(data, dict) else {} if data is None else {"undecoded": str(data)}
    except DECODE_ERRORS as wrong:
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


def decode_names(headers: Mapping[str, str]) -> Event:
    """Return what the headers of a request name, if `decode` refuses the request: the event's identity and its object.

    Other attributes and the data are left out; `undecoded` is set. Raises NotAnEvent if not even these can be read.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    names = {f"ce-{name}" for name in NAMING_ATTRIBUTES}
    return replace(decode({name: value for name, value in lowered.items() if name in names}, b""), undecoded=True)


class _Received(CloudEvent):
    """An event as decoded by the SDK, which would set a missing `time` to the current time."""

    def __init__(self, attributes: dict[str, Any], data: Any = None) -> None:
        if len(attributes) > MOST_ATTRIBUTES:
            raise NotAnEvent(f"the event has {len(attributes)} attributes, and {MOST_ATTRIBUTES} are allowed")
        self._has_time = "time" in attributes
        super().__init__(attributes, data)

    def texts(self) -> dict[str, str]:
        """Return the attributes that were sent. Raises ValueError for invalid names and values."""
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


def _without_content(shown: Manifest) -> Manifest:
    """Return the metadata that names an object, its writers and their times, and its trace, without malformed parts."""
    metadata = shown.get("metadata")
    if not isinstance(metadata, dict):
        return {}
    annotations = metadata.get("annotations")
    trace = _kept(annotations, ("traceparent",)) if isinstance(annotations, dict) else {}
    entries = {field: _kept_entries(metadata, field, kept) for field, kept in KEPT_OF_ENTRIES.items()}
    kept = {**_kept(metadata, KEPT_METADATA), **entries, **({"annotations": trace} if trace else {})}
    return {**_kept(shown, ("apiVersion", "kind")), "metadata": kept}


def _kept(content: Manifest, fields: Iterable[str]) -> Manifest:
    """Return those of the fields that are a text, a number or a boolean; a long text is cut."""
    values = {field: content.get(field) for field in fields}
    texts = {field: value[:MOST_CHARACTERS] for field, value in values.items() if isinstance(value, str)}
    return texts | {field: value for field, value in values.items() if isinstance(value, int)}


def _kept_entries(metadata: Manifest, field: str, kept: Sequence[str]) -> list[Manifest]:
    entries = metadata.get(field)
    some = entries[:MOST_ENTRIES] if isinstance(entries, list) else []
    return [_kept(entry, kept) for entry in some if isinstance(entry, dict)]


def _traceparent(headers: Mapping[str, str]) -> str:
    return next((value for name, value in headers.items() if name.lower() == "traceparent"), "")
