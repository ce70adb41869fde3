"""What a dead letter says was answered, as Knative's dispatcher and the broker's filter pass it on."""

import base64
import json

import pytest

from dead_letters.dead_letter import CODE, DATA, DESTINATION, record
from runtime.event import Event

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
