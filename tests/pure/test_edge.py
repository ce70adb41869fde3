"""The HTTP edge: what comes in, in both CloudEvents modes, and what is answered."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from events.report import Report
from events.types import RESOURCE_UPDATE, RESYNC_REQUESTED
from functions import collector, machine_spec
from runtime.client import ApiResponse, Request
from runtime.edge import Edge, application
from runtime.errors import Unavailable
from runtime.event import Event
from runtime.receive import Received, Receiver, Reconciler
from runtime.tracing import trace_of

ATTRIBUTES = {
    "specversion": "1.0",
    "id": "1",
    "type": RESYNC_REQUESTED,
    "source": "/tests",
    "apiversion": "sustainable-computing.io/v1alpha1",
    "kind": "Kepler",
    "namespace": "energy",
    "name": "kepler",
}
REPORT = Report.model_validate(
    {
        "function": "collector",
        "trace": "0af7651916cd43dd8448eb211c80319c",
        "began": "2026-01-31T12:00:00Z",
        "outcome": "converged",
        "object": {"apiVersion": "v1", "kind": "Kepler", "namespace": "energy", "name": "kepler", "uid": "u"},
        "generation": 3,
        "conditions": [{"type": "C", "status": "True", "reason": "Reconciled", "message": "done"}],
        "changes": [],
        "calls": [],
        "rounds": 1,
        "milliseconds": 1.0,
        "cause": {"id": "1", "type": RESYNC_REQUESTED, "source": "/tests"},
    }
)


def client(receiver: Receiver) -> FlaskClient:
    """A client of an application with one receiver."""
    return application({"collector": receiver}).test_client()


def binary(to: FlaskClient, body: Any = None, **attributes: str) -> TestResponse:
    """An event in binary mode."""
    headers = {f"ce-{name}": value for name, value in {**ATTRIBUTES, **attributes}.items()}
    return to.post("/", headers=headers, json=body)


def unreachable(request: Request) -> ApiResponse:
    """No API server: what comes this far makes the test fail."""
    raise AssertionError(request)


RECONCILER = Reconciler(collector.FUNCTION, unreachable)


def nothing(_event: Event) -> Received:
    """There was nothing to do."""
    return Received()


def test_nothing_to_do_is_204_without_content() -> None:
    """No body, no content type: Knative would take anything else for a reply."""
    record = binary(client(nothing))
    assert (record.status_code, record.data, record.headers.get("content-type")) == (204, b"", None)


@pytest.mark.parametrize("structured", [False, True])
def test_both_modes_say_the_same(structured: bool) -> None:  # noqa: FBT001
    """Attributes and data arrive alike in binary and structured mode."""
    received: list[Event] = []

    def keep(event: Event) -> Received:
        received.append(event)
        return Received()

    data = {"metadata": {"name": "kepler"}}
    if structured:
        whole = {**ATTRIBUTES, "type": RESOURCE_UPDATE, "datacontenttype": "application/json", "data": data}
        record = client(keep).post("/", data=json.dumps(whole), content_type="application/cloudevents+json")
    else:
        record = binary(client(keep), data, type=RESOURCE_UPDATE)
    assert record.status_code == 204
    assert (received[0].namespace, received[0].name, received[0].object) == ("energy", "kepler", data)


def test_a_report_is_the_reply() -> None:
    """A CloudEvent with the attributes that triggers filter by, in the trace of its object's generation."""
    record = binary(client(lambda _: Received((REPORT,), 3)))
    assert record.status_code == 200
    assert record.headers["ce-type"] == "io.sustainable-computing.kepler.reconcile.converged.v1"
    assert record.headers["ce-partitionkey"] == "energy/kepler"
    assert record.headers["ce-traceparent"].startswith(f"00-{REPORT.trace}-")
    assert json.loads(record.data)["function"] == "collector"


def test_a_redelivery_repeats_the_id() -> None:
    """The id follows from the cause, so whoever keeps reports keeps each once."""
    first, second = (binary(client(lambda _: Received((REPORT,), 3))).headers["ce-id"] for _ in range(2))
    assert first == second


def test_an_api_server_that_is_away_is_503() -> None:
    """The broker delivers again."""

    def away(_event: Event) -> Received:
        raise Unavailable("the API server did not answer")

    record = binary(client(away))
    assert (record.status_code, record.text) == (503, "the API server did not answer\n")


def test_a_defect_of_ours_is_500_and_named() -> None:
    """The sentence ends up in the dead letter."""

    def broken(_event: Event) -> Received:
        raise ZeroDivisionError("oops")

    assert (binary(client(broken)).status_code, binary(client(broken)).text) == (500, "ZeroDivisionError: oops\n")


SHOWN = {
    "metadata": {"name": "kepler", "namespace": "energy", "uid": "u", "generation": 3},
    "spec": {"collector": {"env": [{"name": "X", "value": "hunter22"}]}},
}


@pytest.mark.parametrize(
    ("error", "message", "outcome"),
    [(Unavailable("'hunter22' is refused"), "failed", "failed"), (ValueError("hunter22"), "defect", "defect")],
)
def test_what_goes_wrong_is_told_with_what_is_known(
    caplog: pytest.LogCaptureFixture, error: Exception, message: str, outcome: str
) -> None:
    """One line, with object, generation and trace; neither it nor the answer repeats what the object keeps secret."""

    def broken(_event: Event) -> Received:
        raise error

    record = binary(client(broken), SHOWN, type=RESOURCE_UPDATE)
    (line,) = caplog.records
    data = vars(line)
    assert (line.message, data["outcome"], data["generation"]) == (message, outcome, 3)
    assert data["object"] == "Kepler energy/kepler"
    assert data["trace"] == str(trace_of(SHOWN))
    assert "hunter22" not in record.text + str(data)


def test_a_reconcile_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """With the object, its generation, the outcome and the trace."""
    with caplog.at_level("INFO", "kepler"):
        binary(client(lambda _: Received((REPORT,), 3)))
    (line,) = caplog.records
    record = vars(line)
    assert (record["object"], record["generation"], record["outcome"]) == ("Kepler energy/kepler", 3, "converged")
    assert record["trace"] == REPORT.trace


@pytest.mark.parametrize("structured", [False, True])
def test_an_event_without_a_time_is_given_none(structured: bool) -> None:  # noqa: FBT001
    """Nobody knows how old it is; the SDK would have it sent just now."""
    received: list[Event] = []
    to = client(lambda event: received.append(event) or Received())  # type: ignore[func-returns-value]
    for time in ({}, {"time": "2026-01-31T12:00:00Z"}):
        if structured:
            body = json.dumps({**ATTRIBUTES, **time, "data": {"time": "x"}})
            to.post("/", data=body, content_type="application/cloudevents+json")
        else:
            binary(to, {"time": "x"}, **time)
    without, with_ = received
    assert without.sent is None
    assert with_.sent == datetime(2026, 1, 31, 12, tzinfo=UTC)


POSTS: dict[str, Callable[[FlaskClient], TestResponse]] = {
    "no event at all": lambda to: to.post("/", data=b""),
    "JSON that is no event": lambda to: to.post("/", json={"a": 1}),
    "not JSON": lambda to: to.post("/", data=b"\xff\xfe", content_type="application/cloudevents+json"),
    "no type": lambda to: to.post("/", headers={"ce-id": "1", "ce-source": "/", "ce-specversion": "1.0"}),
    "a time that is none": lambda to: binary(to, time="yesterday"),
    "a specversion that is none": lambda to: binary(to, specversion="9"),
    "an event as text": lambda to: to.post("/", data=json.dumps(ATTRIBUTES), content_type="text/plain"),
    "an event as plain JSON": lambda to: to.post("/", json=ATTRIBUTES),
    "another path": lambda to: to.post("/elsewhere"),
    "another method": lambda to: to.get("/"),
}


@pytest.mark.parametrize("post", POSTS.values(), ids=POSTS)
def test_what_cannot_be_decoded_is_400(post: Callable[[FlaskClient], TestResponse]) -> None:
    """With a sentence, not a page; and never 404 or 409, which Knative would retry."""
    record = post(client(RECONCILER))
    assert record.status_code == 400
    assert record.text.endswith("\n")
    assert "<html" not in record.text


@pytest.mark.parametrize(
    "named",
    [
        {"name": "../../secrets"},
        {"namespace": "a/b"},
        {"name": ""},
        {"namespace": ""},
        {"kind": "KeplerMachineConfig", "namespace": "energy"},
    ],
    ids=["a name that reaches elsewhere", "a namespace that reaches elsewhere", "no name", "nowhere", "somewhere"],
)
def test_an_event_that_can_name_no_object_is_acknowledged_and_nothing_is_asked(
    named: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Eight functions would each make a dead letter of it; a namespaced kind in no namespace would list the cluster."""
    receiver = Reconciler(collector.FUNCTION if "kind" not in named else machine_spec.FUNCTION, unreachable)
    assert binary(client(receiver), **named).status_code == 204
    assert [record.message for record in caplog.records] == ["an event names no object"]


@pytest.mark.parametrize(
    "host", ["attacker.example", "attacker.example:9001", "10.0.0.7", "127.0.0.1.attacker.example"]
)
def test_a_process_of_this_machine_answers_to_no_other_name(host: str) -> None:
    """A web page may make a name of its own resolve to 127.0.0.1, and then send whatever headers it likes."""
    edge = Edge(loopback_only=True)
    to = application({"collector": nothing}, edge).test_client()
    sent = {f"ce-{name}": value for name, value in ATTRIBUTES.items()}
    assert to.post("/", headers={**sent, "Host": host}).status_code == 403
    assert to.post("/", headers={**sent, "Host": "localhost:9001"}).status_code == 204
    assert to.post("/", headers={**sent, "Host": "[::1]:9001"}).status_code == 204


headers = st.dictionaries(
    st.sampled_from([f"ce-{name}" for name in (*ATTRIBUTES, "time", "subject", "datacontenttype", "traceparent", "x")]),
    st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=40),
)
kinds = st.sampled_from(
    ["application/json", "application/cloudevents+json", "text/plain", "application/x-www-form-urlencoded", ""]
)


def structured(**attributes: Any) -> bytes:
    """The body of an event in structured mode."""
    return json.dumps({**ATTRIBUTES, **attributes}).encode()


def nested(depth: int) -> bytes:
    """An event whose data is a list in a list, and so on."""
    return structured()[:-1] + b',"data":' + b"[" * depth + b"]" * depth + b"}"


UNREADABLE_BODIES = {
    "half a surrogate pair in an id": structured(id="\ud800"),
    "half a surrogate pair in a name": structured(**{"\ud800": "x"}),
    "a name with a line break": structured(**{"a\n": "x"}),
    "a time after the last": structured(time="9999-12-31T24:00:00Z"),
    "too many attributes": structured(**{f"a{number}": "x" for number in range(200)}),
    "an endless number": structured()[:-1] + b',"data":' + b"1" * 5000 + b"}",
    "nested without end": nested(100_000),
}


@pytest.mark.parametrize("body", UNREADABLE_BODIES.values(), ids=UNREADABLE_BODIES)
def test_what_no_event_can_have_is_400(body: bytes) -> None:
    """Measured before: 500 for some, after which the broker delivers them again, and hundreds of MiB for others."""
    record = client(nothing).post("/", data=body, content_type="application/cloudevents+json")
    assert record.status_code == 400


@pytest.mark.parametrize("depth", [800, 900, 940, 960, 980, 990, 1000])
def test_nested_data_is_never_a_defect(depth: int) -> None:
    """However close to what Python can follow: in data that names an object in its attributes, it is no data."""
    assert client(nothing).post("/", data=nested(depth), content_type="application/cloudevents+json").status_code < 500
    sent = {f"ce-{name}": value for name, value in ATTRIBUTES.items()} | {"content-type": "application/json"}
    assert client(nothing).post("/", data=b"[" * 5000, headers=sent).status_code == 204


def test_an_attribute_that_is_null_is_none() -> None:
    """As the JSON format has it; 'None' would be a name like any other."""
    received: list[Event] = []

    def keep(event: Event) -> Received:
        received.append(event)
        return Received()

    client(keep).post("/", data=structured(namespace=None), content_type="application/cloudevents+json")
    assert received[0].namespace == ""


@given(headers=headers, body=st.binary(max_size=200), kind=kinds)
def test_no_request_whatever_is_a_defect(headers: dict[str, str], body: bytes, kind: str) -> None:
    """Fuzzed headers and bodies: taken or refused, never a 5xx."""
    record = client(nothing).post("/", headers={**headers, "content-type": kind}, data=body)
    assert record.status_code in (204, 400)


def test_several_functions_answer_by_path() -> None:
    """One process for small clusters."""
    everyone = application({"collector": nothing, "status": nothing}).test_client()
    sent = {f"ce-{name}": value for name, value in ATTRIBUTES.items()}
    assert everyone.post("/status", headers=sent).status_code == 204
    refused = everyone.post("/", headers=sent)
    assert (refused.status_code, refused.text) == (400, "POST events to /collector, /status\n")
