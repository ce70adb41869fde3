"""Signs and verifies our own events, so that `audit` and `dead_letter` can distinguish them from all others.

Anybody who can open a connection to the Broker can send an event of any type. So reports, sweeps and requests carry the
attribute `signature`: HMAC-SHA256 (RFC 2104), in hexadecimal, over the attributes that say what the event is about and
over its data. Brokers add attributes of their own and may write JSON and times in another form, so the signature covers
values, not bytes.

The key is in Secret `kepler-signing-key` of the functions' namespace. `audit` makes it when it starts for the first
time. Each function may `get` that Secret, by its name, and no other.
"""

import base64
import binascii
import hashlib
import hmac
import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cloudevents.core.v1.event import CloudEvent

from runtime.client import Client, Transport
from runtime.deadlines import Deadline
from runtime.declaration import Permission
from runtime.errors import Conflict, OperatorError, Unavailable
from runtime.event import Event, parse_time
from runtime.objects import SECRET, Manifest, Ref

log = logging.getLogger("kepler.signature")

ATTRIBUTE = "signature"
SECRET_NAME = "kepler-signing-key"
FIELD = "key"
# Random bytes of a key, and the minimum for a key made by hand: as many as the digest has (RFC 2104, 3).
BYTES = 32

# Attributes that are signed; one that an event does not have counts as empty.
SIGNED = ("id", "type", "source", "subject", "time", "apiversion", "kind", "namespace", "name", "functions")

# Seconds between two reads of a missing key, and the time limit of one read.
AGAIN = 1.0
PATIENCE = 3.0
# Seconds after which a key is read again, since somebody may have replaced it.
FRESH = 10.0

READ_KEY = Permission("", "secrets", ("get",), (SECRET_NAME,), own=True)
MAKE_KEY = Permission("", "secrets", ("create", "get", "patch"), (SECRET_NAME,), own=True)

Sign = Callable[[CloudEvent], CloudEvent]


def secret(namespace: str) -> Ref:
    """Return the Secret with the key, in the functions' namespace."""
    return Ref(SECRET, namespace, SECRET_NAME)


def unsigned(event: CloudEvent) -> CloudEvent:
    """Return the event unchanged; for a process without a key."""
    return event


def event_hmac(attributes: Mapping[str, Any], data: object, key: bytes) -> str:
    """Return the signature of an event with these attributes and this data (JSON)."""
    signed = {name: str(attributes.get(name) or "") for name in SIGNED} | {"time": _time(attributes.get("time"))}
    content = json.dumps({"attributes": signed, "data": data}, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, content.encode(), hashlib.sha256).hexdigest()


def signed(event: CloudEvent, key: bytes) -> CloudEvent:
    """Return the event with its signature. Its data must be JSON."""
    attributes = dict(event.get_attributes())
    return CloudEvent({**attributes, ATTRIBUTE: event_hmac(attributes, event.get_data(), key)}, event.get_data())


def is_signed(event: Event, key: bytes) -> bool:
    """Return whether a received event carries the signature that this key produces."""
    carried = event.extensions.get(ATTRIBUTE, "")
    try:
        expected = event_hmac(event.extensions, event.data, key)
    except RecursionError:
        return False  # nested more deeply than anything of ours
    return hmac.compare_digest(carried.encode(errors="replace"), expected.encode())


@dataclass
class Keyring:
    """The key of this installation, read from the API server when it is needed, and again after `FRESH` seconds.

    Calling it returns the key, or None while there is none. If the key is missing or cannot be read, it is read again
    some seconds later. While there is none, every caller waits for that read; while there is one, only the caller that
    reads does. The last key that was read stays valid until another one is read.
    """

    transport: Transport
    namespace: str
    _key: bytes | None = None
    _looked: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> bytes | None:
        """Return the key, or None if there is none (yet)."""
        if self._key is None:
            self._look()
        elif time.monotonic() - self._looked >= FRESH:
            self._look(wait=False)
        return self._key

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds` for a key that is about to be made; return whether there is one."""
        until = Deadline(seconds)
        while self() is None and until.left:
            time.sleep(min(AGAIN, until.left))
        return self() is not None

    def sign(self, event: CloudEvent) -> CloudEvent:
        """Return the event with its signature, or as it is while there is no key."""
        key = self()
        return signed(event, key) if key else event

    def verify(self, event: Event) -> bool:
        """Return whether the event is signed with the key; if not, the key is read again in case it was replaced.

        Raises Unavailable if the event carries a signature, and there is no key to check it with.
        """
        key = self()
        if key is not None and is_signed(event, key):
            return True
        if not event.extensions.get(ATTRIBUTE):
            return False
        self._look()
        if self._key is None:
            raise Unavailable(f"no signature can be checked: Secret '{SECRET_NAME}' is missing, or cannot be read")
        return self._key != key and is_signed(event, self._key)

    def make(self) -> None:
        """Create the Secret with a new key, unless there is one. Raises ApiError."""
        client = self._client()
        if client.get(secret(self.namespace)) is None:
            body = {"type": "Opaque", "data": {FIELD: base64.b64encode(secrets.token_bytes(BYTES)).decode()}}
            try:
                client.apply(secret(self.namespace), body, over=None)
            except Conflict:
                log.info("another process made the key")

    def _client(self) -> Client:
        return Client(self.transport, manager="kepler-signature", seconds=PATIENCE)

    def _look(self, *, wait: bool = True) -> None:
        """Read the key. If another thread reads it, wait for that thread with `wait`, else return at once."""
        if not self._lock.acquire(blocking=wait):
            return
        try:
            if time.monotonic() - self._looked >= AGAIN:
                self._read()
        finally:
            self._lock.release()

    def _read(self) -> None:
        try:
            self._key = key_of(self._client().get(secret(self.namespace))) or self._key
        except OperatorError as failed:
            log.warning("the signing key cannot be read", extra={"reason": str(failed)})
        finally:
            self._looked = time.monotonic()  # now, so that those who have waited do not read again at once


def key_of(secret: Manifest | None) -> bytes | None:
    """Return the key in the Secret; None if there is none, or if it is too short."""
    encoded = ((secret or {}).get("data") or {}).get(FIELD) or ""
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if secret is not None and len(key) < BYTES:
        log.warning(f"`{FIELD}` of Secret '{SECRET_NAME}' has less than {BYTES} bytes: delete the Secret, then `audit`")
    return key if len(key) >= BYTES else None


def _time(value: object) -> str:
    """Return the event's time in one form, whoever wrote it: in UTC, with microseconds."""
    at = value if isinstance(value, datetime) else parse_time(value)
    return at.astimezone(UTC).isoformat(timespec="microseconds") if at else str(value or "")
