"""The way to the Broker: over TLS with the authorities that the installation names, and with its OIDC token."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cloudevents.core.v1.event import CloudEvent

from local import pki
from runtime import sink
from runtime.errors import Misconfigured, Unavailable
from runtime.signature import ATTRIBUTE, signed

EVENT = CloudEvent({"id": "1", "type": "t", "source": "/s", "datacontenttype": "application/json"}, {"a": 1})


@contextmanager
def broker(keys: pki.Pki | None = None, status: int = 202) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A Broker's ingress, over TLS where it has keys: its address, and the headers of each event that came."""
    came: list[dict[str, str]] = []

    class Ingress(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            came.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library has it
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Ingress) as server:
        if keys:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(keys.certificate, keys.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http{'s' if keys else ''}://127.0.0.1:{server.server_port}/ns/default", came
        server.shutdown()


def test_a_broker_with_a_certificate_of_the_clusters_authority_is_trusted(tmp_path: Path) -> None:
    """`K_CA_CERTS`, as a SinkBinding sets it where Knative's transport encryption is on."""
    keys = pki.create(tmp_path)
    with broker(keys) as (address, came):
        sink.sink({"K_SINK": address, "K_CA_CERTS": keys.ca.read_text()})(EVENT)
    assert came[0]["ce-id"] == "1"


def test_a_broker_with_any_other_certificate_gets_nothing(tmp_path: Path) -> None:
    """Without the authority, or with another one."""
    keys, others = pki.create(tmp_path / "a"), pki.create(tmp_path / "b")
    with broker(keys) as (address, came):
        for authorities in ({}, {"K_CA_CERTS": others.ca.read_text()}):
            with pytest.raises(Unavailable, match="does not answer"):
                sink.sink({"K_SINK": address, **authorities}, seconds=0.2)(EVENT)
    assert not came


def test_the_token_is_read_anew_for_each_event(tmp_path: Path) -> None:
    """The kubelet renews it in the file; where there is none, none is sent."""
    token = tmp_path / "token"
    with broker() as (address, came):
        send = sink.sink({"K_SINK": address, "K_SINK_TOKEN_FILE": str(token)})
        send(EVENT)
        for content in ("first\n", "second\n"):
            token.write_text(content)
            send(EVENT)
    assert [headers.get("authorization") for headers in came] == [None, "Bearer first", "Bearer second"]


def test_a_broker_that_asks_for_a_token_says_so() -> None:
    """Its 401 becomes a sentence that names the file and the policy; the token is in none."""
    with broker(status=401) as (address, _), pytest.raises(Unavailable, match="mount one with its audience"):
        sink.sink({"K_SINK": address}, seconds=0.2)(EVENT)


@pytest.mark.parametrize("environment", [{}, {"K_SINK": "https://x", "K_CA_CERTS": "no certificate"}])
def test_a_wrong_setting_is_said_at_the_start(environment: dict[str, str]) -> None:
    """Not with the first event."""
    with pytest.raises(Misconfigured):
        sink.sink(environment)


def test_what_is_sent_is_signed() -> None:
    """By whatever signs for the process."""
    with broker() as (address, came):
        sink.sink({"K_SINK": address}, lambda event: signed(event, b"k" * 32))(EVENT)
    assert len(came[0][f"ce-{ATTRIBUTE}"]) == 64


def test_sending_ends_in_time() -> None:
    """However long the Broker takes for an answer, retries included; the time for sending limits each attempt."""
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts connections, and never answers
        began = time.monotonic()
        with pytest.raises(Unavailable, match="does not answer"):
            sink.sink({"K_SINK": f"http://127.0.0.1:{silent.getsockname()[1]}"}, seconds=0.3)(EVENT)
    assert time.monotonic() - began < sink.CONNECT
