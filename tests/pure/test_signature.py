"""Signatures of our events: what is signed is known again however a broker wrote it, and nothing else is."""

import base64
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from runtime.client import ApiResponse, Request
from runtime.errors import Unavailable
from runtime.event import Event, decode
from runtime.signature import ATTRIBUTE, FIELD, SIGNED, Keyring, is_signed, signed

KEY = b"k" * 32
ATTRIBUTES = {
    "id": "1",
    "type": "io.sustainable-computing.kepler.reconcile.converged.v1",
    "source": "/kepler/functions/collector",
    "subject": "Kepler/energy/kepler",
    "time": datetime(2026, 1, 31, 12, 0, 0, 120000, UTC),
    "datacontenttype": "application/json",
    "apiversion": "sustainable-computing.io/v1alpha1",
    "kind": "Kepler",
    "namespace": "energy",
    "name": "kepler",
    "functions": "/collector/",
}
DATA: dict[str, Any] = {"function": "collector", "milliseconds": 12.5, "changes": [{"after": {"b": 1, "a": "ü🚫"}}]}


def event(**changed: Any) -> CloudEvent:
    """A report on its way, signed, then changed."""
    sent = signed(CloudEvent(ATTRIBUTES, DATA), KEY)
    attributes = {name: value for name, value in {**sent.get_attributes(), **changed}.items() if value is not None}
    return CloudEvent(attributes, sent.get_data())


def received(sent: CloudEvent, *, structured: bool = False, time: str = "") -> Event:
    """The event as it arrives; a broker may have written its time otherwise."""
    message = to_structured_event(sent) if structured else to_binary_event(sent)
    return decode({**message.headers, **({"ce-time": time} if time else {})}, message.body)


@pytest.mark.parametrize("structured", [False, True])
def test_a_signed_event_is_known_again(structured: bool) -> None:  # noqa: FBT001
    """In both modes of HTTP."""
    assert is_signed(received(event(), structured=structured), KEY)


@pytest.mark.parametrize(
    "time", ["2026-01-31T12:00:00.12Z", "2026-01-31T13:00:00.120+01:00", "2026-01-31T12:00:00.120000Z"]
)
def test_a_broker_may_write_times_otherwise(time: str) -> None:
    """Go drops trailing zeros of a fraction; the moment is the same."""
    assert is_signed(received(event(), time=time), KEY)


def test_a_broker_may_write_json_otherwise_and_add_attributes() -> None:
    """Keys in another order, other spacing, escapes, and the arrival time that Knative adds."""
    message = to_binary_event(event())
    body = json.dumps(dict(reversed(json.loads(message.body).items())), indent=3, ensure_ascii=True).encode()
    assert is_signed(decode({**message.headers, "ce-knativearrivaltime": "2026-01-31T12:00:01Z"}, body), KEY)


@pytest.mark.parametrize("name", SIGNED)
def test_an_attribute_cannot_be_changed(name: str) -> None:
    """Nor left out, where it is not needed by CloudEvents itself."""
    value = datetime(2031, 1, 1, tzinfo=timezone(timedelta(hours=2))) if name == "time" else "x"
    assert not is_signed(received(event(**{name: value})), KEY)


def test_names_that_look_like_times_are_told_apart() -> None:
    """Both are names of objects, and would be one moment."""
    first, second = ({**ATTRIBUTES, "name": name} for name in ("2026-01-31t12-05", "2026-01-31t13-04"))
    sent = signed(CloudEvent(first, DATA), KEY).get_attributes()
    assert not is_signed(received(CloudEvent({**second, ATTRIBUTE: sent[ATTRIBUTE]}, DATA)), KEY)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_time_at_the_end_of_the_calendar_is_only_wrong(time: str) -> None:
    """It has no equal in UTC."""
    assert not is_signed(received(event(), time=time), KEY)


def test_data_that_is_nested_too_deeply_to_be_written_is_not_ours() -> None:
    """It may be read at one depth of the stack, and not be written at another."""
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    assert not is_signed(Event("1", "t", "/s", "", "", "", "", "", {}, deep, "", {ATTRIBUTE: "0"}), KEY)


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=4))
def test_data_cannot_be_changed(data: dict[str, Any]) -> None:
    """Whatever else is sent under the same signature."""
    sent = event()
    forged = received(CloudEvent(dict(sent.get_attributes()), data))
    assert is_signed(forged, KEY) is (data == DATA)


@pytest.mark.parametrize("signature", [None, "", "0" * 64, "ü"])
def test_what_is_not_signed_is_not_ours(signature: str | None) -> None:
    """Also where something stands in the signature's place."""
    assert not is_signed(received(event(**{ATTRIBUTE: signature or None})), KEY)


def test_another_key_signs_for_another_installation() -> None:
    """Two installations behind one Broker do not speak for each other."""
    assert not is_signed(received(event()), b"x" * 32)


def test_who_comes_while_the_key_is_read_waits_for_it() -> None:
    """At a cold start several threads need it at once: an event of theirs must not go out unsigned."""
    begun, go_on = threading.Event(), threading.Event()

    def slowly(_: Request) -> ApiResponse:
        begun.set()
        go_on.wait(10)
        return ApiResponse(200, {"data": {FIELD: base64.b64encode(KEY).decode()}})

    keyring = Keyring(slowly, "kepler-operator")
    with ThreadPoolExecutor(4) as threads:
        keys = [threads.submit(keyring)]
        assert begun.wait(10)
        keys += [threads.submit(keyring) for _ in range(3)]
        time.sleep(0.2)
        go_on.set()
        assert [key.result() for key in keys] == [KEY] * 4


def test_a_signature_that_cannot_be_checked_is_no_wrong_one() -> None:
    """While the key cannot be read, the event is delivered again; an event without a signature is refused at once."""
    keyring = Keyring(lambda _: ApiResponse(0, {"message": "no answer"}), "kepler-operator")
    with pytest.raises(Unavailable, match="no signature can be checked"):
        keyring.verify(received(event(**{ATTRIBUTE: "0" * 64})))
    assert not keyring.verify(received(event(**{ATTRIBUTE: None})))
