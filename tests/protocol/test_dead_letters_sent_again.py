"""Dead letters that are sent again or discarded: only letters, only on a signed request, and as they were."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import urllib3
from cloudevents.core.bindings.http import to_binary_event
from cloudevents.core.v1.event import CloudEvent

from dead_letters import dead_letter
from dead_letters.dead_letter import letter_name
from events.types import DISCARD_REQUESTED, MODEL_TRAINED, RECONCILE_CONVERGED, REPLAY_REQUESTED
from local.stack import Stack
from runtime import requests
from runtime.errors import NotAnEvent
from runtime.event import Event, decode
from runtime.settings import NAMESPACE
from runtime.signature import ATTRIBUTE
from tests.dead_letter_samples import discard_request, given_up, keyring, replay_request, store
from tests.protocol.dead_letter_desk import DeadLetterDesk
from tests.protocol.test_process import running
from tests.workbench import received


def test_a_letter_is_sent_again_as_it_was(desk: DeadLetterDesk, namespace: str) -> None:
    """With its id, its time and its data, without what the dispatcher added; then it is forgotten."""
    event = given_up(MODEL_TRAINED, namespace=namespace, data={"spec": {"port": 1}}, id=namespace)
    desk.store(event)
    desk.replay(letter_name(event))
    (sent,) = desk.sent
    attributes = sent.get_attributes()
    assert (sent.get_id(), sent.get_type(), sent.get_data()) == (namespace, MODEL_TRAINED, {"spec": {"port": 1}})
    assert not any(key.startswith("knative") for key in attributes)
    assert attributes["namespace"] == namespace
    assert desk.kept(event) is None
    desk.replay(letter_name(event))
    assert len(desk.sent) == 1


def test_a_letter_is_discarded_without_being_sent(desk: DeadLetterDesk, namespace: str) -> None:
    """Once is enough; no other ConfigMap goes that way, and no name that is none."""
    event, stays = (given_up(namespace=namespace, id=f"{namespace}-{number}") for number in range(2))
    for letter in (event, stays):
        desk.store(letter)
    for _ in range(2):
        desk.store(discard_request(desk.stack, letter_name(event)))
    assert desk.kept(event) is None
    assert desk.kept(stays)
    assert not desk.sent
    desk.stack.kubectl("-n", NAMESPACE, "create", "configmap", "not-a-letter")
    desk.store(discard_request(desk.stack, "not-a-letter"))
    assert desk.stack.kubectl("-n", NAMESPACE, "get", "configmap", "not-a-letter")
    with pytest.raises(NotAnEvent):
        desk.store(discard_request(desk.stack, "../../secrets"))


@pytest.mark.parametrize("request_", [REPLAY_REQUESTED, DISCARD_REQUESTED])
def test_a_request_that_is_not_signed_does_nothing(desk: DeadLetterDesk, namespace: str, request_: str) -> None:
    """Else a forged letter and a forged request together would send an event of anybody's choice."""
    event = given_up(namespace=namespace, id=namespace)
    desk.store(event)
    name = letter_name(event)
    asked = {"name": name, "kind": "ConfigMap", "apiversion": "v1", "code": ""}
    desk.store(given_up(request_, data={"letter": name}, **asked))
    desk.store(given_up(request_, data={"letter": name}, signature="0" * 64, **asked))
    assert not desk.sent
    assert desk.kept(event)


def test_a_letter_that_is_given_up_again_stays(desk: DeadLetterDesk, namespace: str) -> None:
    """Also where that happens before it is forgotten."""
    event = given_up(namespace=namespace, id=namespace)
    desk.store(event)

    def again(_: CloudEvent) -> None:
        desk.store(event)

    store(desk.stack, again)(replay_request(desk.stack, letter_name(event)))
    assert desk.kept(event)


def test_only_letters_are_sent_again(desk: DeadLetterDesk, control_plane: Stack) -> None:
    """Not any ConfigMap that somebody names, and no name that is none."""
    control_plane.kubectl("-n", NAMESPACE, "create", "configmap", "mine", "--from-literal=attributes={}")
    desk.replay("mine")
    assert not desk.sent
    with pytest.raises(NotAnEvent):
        desk.replay("../../secrets")


@pytest.mark.parametrize("changed", ["[]", "{}", "x", '{"id": "1", "type": "", "source": "a"}'])
def test_a_letter_that_somebody_has_changed_says_so(desk: DeadLetterDesk, namespace: str, changed: str) -> None:
    """It is refused, not tried for ever, and stays."""
    event = given_up(namespace=namespace, id=namespace)
    desk.store(event)
    patch = json.dumps({"data": {"attributes": changed}})
    desk.stack.kubectl("-n", NAMESPACE, "patch", "configmap", letter_name(event), "--type=merge", f"--patch={patch}")
    with pytest.raises(NotAnEvent, match="has been changed and is no dead letter: delete it"):
        desk.replay(letter_name(event))
    assert not desk.sent
    assert desk.kept(event)


def test_a_letter_that_is_nested_without_end_is_changed() -> None:
    """It is refused, not a defect."""
    kept = {"data": {"attributes": '{"id": "1", "type": "t", "source": "/s"}', "data": "[" * 100_000}}
    with pytest.raises(NotAnEvent):
        dead_letter.event_of("letter", kept)


def test_what_is_sent_again_is_not_signed_for_that(control_plane: Stack, namespace: str) -> None:
    """By the real process. Measured before: a forged report came back with a signature of ours, and `audit` kept it."""
    keys = keyring(control_plane)
    report = {"function": "collector", "message": "forged"}
    forged = given_up(RECONCILE_CONVERGED, namespace=namespace, data=report, id=namespace)
    ours = keys.sign(CloudEvent({"id": f"{namespace}-ours", "type": RECONCILE_CONVERGED, "source": "/s"}, report))
    with running_sink() as (sink, came), running(control_plane, FUNCTION="dead_letter", K_SINK=sink) as (_, url):
        for event in (forged, received(ours)):
            post(url, CloudEvent({**event.extensions, "time": datetime.now(UTC)} | _time(event), dict(event.data)))
        for event in (forged, received(ours)):
            post(url, keys.sign(requests.replay(letter_name(event), by="tests")))
    assert ATTRIBUTE not in {event.id: event for event in came}[forged.id].extensions
    assert keys.verify({event.id: event for event in came}[f"{namespace}-ours"])


def _time(event: Event) -> dict[str, Any]:
    return {"time": event.sent} if event.sent else {}


def post(url: str, event: CloudEvent) -> None:
    """Send one event, which must be taken."""
    message = to_binary_event(event)
    answer = urllib3.request("POST", url, body=message.body, headers=dict(message.headers), retries=False)
    assert answer.status == 204, answer.data


@contextmanager
def running_sink() -> Iterator[tuple[str, list[Event]]]:
    """A Broker that takes everything: where it is, and what came."""
    came: list[Event] = []

    class RecordingBroker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(decode(dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(202)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library has it
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), RecordingBroker) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", came
        server.shutdown()


def test_a_report_that_was_given_up_keeps_its_signature(desk: DeadLetterDesk) -> None:
    """Sent again, it is still ours: what was redacted once is not redacted into something else."""
    key = desk.store.keyring
    report = {"function": "collector", "message": "password: (hidden)", "x": 1.0}
    attributes = {"id": "report-1", "type": MODEL_TRAINED, "source": "/kepler/functions/collector"}
    signed = key.sign(CloudEvent(attributes, report))
    event = received(signed)
    desk.store(event)
    desk.replay(letter_name(event))
    assert key.verify(received(desk.sent[-1]))
