"""What a dead letter says was answered, as Knative's dispatcher and the broker's filter pass it on."""

import base64
import json

import pytest

from dead_letters.dead_letter import CODE, DATA, DESTINATION, destination, record
from runtime.event import Event

FILTER = "http://broker-filter.knative-eventing.svc.cluster.local"
REFUSED = "dial tcp 127.0.0.1:8080: connect: connection refused"


def encoded(text: str) -> str:
    """As both encode it."""
    return base64.b64encode(text.encode()).decode()


def wrapped(text: str) -> str:
    """As the filter puts an answer."""
    return encoded(json.dumps({"errdestination": "http://f", "errresponsebody": encoded(text)}, separators=(",", ":")))


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (encoded(REFUSED), REFUSED),
        (wrapped(REFUSED), REFUSED),
        (wrapped("x" * 2000)[:1024], "x"),
        ("not base64!", "not base64!"),
        ("", ""),
    ],
    ids=["plain", "wrapped", "cut", "unknown", "nothing"],
)
def test_the_answer_is_unwrapped(data: str, answer: str) -> None:
    """Once or twice, as far as it goes."""
    event = Event("1", "t", "/s", "", "v1", "Kepler", "a", "b", {}, {}, "", {DESTINATION: "d", CODE: "500", DATA: data})
    message = record(event, "other", None).answer
    assert message.startswith(answer)
    assert (len(message) > 500) is (answer == "x")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://kepler-collector.kepler-operator.svc.cluster.local", "kepler-collector"),
        ("http://127.0.0.1:55569", "127.0.0.1:55569"),
        (f"{FILTER}/triggers/kepler-operator/kepler-status/5b0e2c1d", "kepler-status"),
        (f"{FILTER}/triggers/kepler-operator", "broker-filter"),
        ("http://[fd00::1]:8080/", "[fd00::1]:8080"),
        ("http://[fd00", "http://[fd00"),
        ("", ""),
    ],
)
def test_a_destination_is_a_services_name_or_a_whole_address(url: str, name: str) -> None:
    """The first part of an address names nobody."""
    assert destination(Event("1", "t", "/s", "", "v1", "Kepler", "a", "b", {}, {}, "", {DESTINATION: url})) == name
