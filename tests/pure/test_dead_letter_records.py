"""What a dead letter says was answered, as Knative's dispatcher and the broker's filter pass it on."""

import base64
import json

import pytest
from cloudevents.core.bindings.http import to_binary_event

from dead_letters.dead_letter import CODE, DATA, DESTINATION, config_map, destination, event_of, record
from dead_letters.dead_letter_store import DeadLetterStore
from functions import function_catalogue
from runtime import requests
from runtime.client import ApiResponse, Client
from runtime.declaration import manager
from runtime.errors import ApiError
from runtime.event import Event, decode
from runtime.objects import KEPLER, Ref
from runtime.settings import COMPACT
from runtime.signature import Keyring, is_signed, signed

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


def test_a_signed_request_is_kept_with_its_data() -> None:
    """Sent again without them, it would carry the signature of something else."""
    key = b"k" * 32
    request = to_binary_event(signed(requests.resync(Ref(KEPLER, "energy", "kepler"), by="kubectl-kepler"), key))
    given_up = {f"ce-{name}": value for name, value in ((CODE, "503"), (DESTINATION, "http://kepler-compact"))}
    event = decode({**request.headers, **given_up}, request.body or b"")
    letter = record(event, "other", None)
    assert letter.complete
    again = to_binary_event(event_of("letter", config_map(event, letter)))
    assert is_signed(decode(dict(again.headers), again.body or b""), key)


def test_a_letter_is_in_the_log_while_the_api_server_is_away(caplog: pytest.LogCaptureFixture) -> None:
    """Also one about a resource of ours, which is looked up to be shown on it."""
    away = ApiResponse(0, {"message": "no answer"})
    store = DeadLetterStore(lambda _: away, lambda _: None, "kepler-operator", Keyring(lambda _: away, ""))
    event = Event("1", "t", "/s", "", KEPLER.api_version, "Kepler", "energy", "kepler", {}, {}, "", {CODE: "503"})
    with pytest.raises(ApiError):
        store.keep(event, Client(lambda _: away, manager="x", seconds=0.05))
    assert [line.message for line in caplog.records] == ["not delivered"]


def test_the_process_of_all_functions_is_a_known_destination() -> None:
    """Its letters are counted under its name, and the Kubernetes Event names it."""
    assert manager(COMPACT) in {manager(name) for name in function_catalogue.RECEIVING_LETTERS}
