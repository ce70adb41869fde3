"""Requests over raw connections to a real process: what is refused ends, what is taken is whole, memory is bounded."""

import json
import os
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from local.stack import Stack
from runtime.front import LARGE, LARGE_AT_ONCE, MOST
from tests.protocol.test_many import memory_limit, peak_memory
from tests.protocol.test_process import resync, running, wait

STRUCTURED = {"Content-Type": "application/cloudevents+json"}
# What takes the most memory for its size once it is decoded, and the most attributes.
DENSE = b'{"a":[' + b"[]," * ((MOST - 1000) // 3) + b"[]]}"
MANY = json.dumps({f"a{number:06}": "x" for number in range(130_000)}, separators=(",", ":")).encode()


def event(namespace: str = "nowhere") -> dict[str, str]:
    """A `resync.requested` in structured mode."""
    return {name.removeprefix("ce-"): value for name, value in resync(namespace).items()}


def request(path: str, headers: dict[str, str]) -> bytes:
    """The head of a POST."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join((*lines, "", "")).encode()


def chunked(body: bytes, size: int) -> Iterator[bytes]:
    """The body in chunks, and its end."""
    for start in range(0, len(body), size):
        chunk = body[start : start + size]
        yield b"%x\r\n%s\r\n" % (len(chunk), chunk)
    yield b"0\r\n\r\n"


def answer(url: str, parts: Sequence[bytes], seconds: float = 60) -> int:
    """The status that is answered; 0 where the connection ends without any."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it was answered before the end
        line = connection.recv(12)
        return int(line[9:12]) if line else 0


@pytest.fixture(scope="module", params=["collector", "audit", "dead_letter"])
def process(control_plane: Stack, request: pytest.FixtureRequest) -> Iterator[tuple[psutil.Process, str]]:
    """A function of each sort."""
    with running(control_plane, FUNCTION=request.param, ACCESS="open", LOG_LEVEL="ERROR") as (found, url):
        yield psutil.Process(found.pid), url


def test_a_refused_body_of_unknown_size_holds_nothing(process: tuple[psutil.Process, str]) -> None:
    """Its connection ends. Measured before: it never did, and after four of these no large body was read any more."""
    measured, url = process
    parts = [request("/", {**resync("a"), "Transfer-Encoding": "chunked"}), *chunked(b" " * (MOST + LARGE), LARGE)]
    for _ in range(2 * LARGE_AT_ONCE):
        assert answer(url, parts, 10) == 400
    assert wait(lambda: not connected(measured))
    large = [request("/", {**resync("a"), "Content-Length": str(2 * LARGE)}), b" " * 2 * LARGE]
    assert answer(url, large) in (200, 204)


@pytest.mark.parametrize("path", ["/", "/health/liveness"])
def test_a_client_that_leaves_in_the_middle_leaves_nothing(process: tuple[psutil.Process, str], path: str) -> None:
    """Many pieces that nobody takes: the connection ends with the client's."""
    measured, url = process
    host, port = url.removeprefix("http://").split(":")
    for _ in range(10):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(request(path, {"Transfer-Encoding": "chunked"}) + b"1\r\nx\r\n" * 40)
    assert wait(lambda: not connected(measured))


def connected(process: psutil.Process) -> int:
    """How many clients are connected to the process, half-closed ones included."""
    return sum(
        bool(net_connection.raddr) and net_connection.laddr.port == listening(process)
        for net_connection in process.net_connections("tcp")
    )


def listening(process: psutil.Process) -> int:
    """Where the process listens."""
    return int(process.environ()["LISTEN_ADDRESS"].split(":")[1])


def test_an_event_may_come_in_chunks(process: tuple[psutil.Process, str]) -> None:
    """Measured before: its body was taken for empty, and the event refused for good."""
    body = json.dumps(event()).encode()
    parts = [request("/", {**STRUCTURED, "Transfer-Encoding": "chunked"}), *chunked(body, 100)]
    assert answer(process[1], parts) in (200, 204)


def test_senders_that_stop_delay_a_large_body_for_seconds(process: tuple[psutil.Process, str]) -> None:
    """More of them than there are places; a small body is not delayed at all."""
    host, port = process[1].removeprefix("http://").split(":")
    slow = [socket.create_connection((host, int(port))) for _ in range(3 * LARGE_AT_ONCE)]
    for connection in slow:
        connection.sendall(request("/", {**resync("a"), "Content-Length": str(MOST)}) + b" " * 2 * LARGE)
    small = [request("/", {**resync("a"), "Content-Length": "2"}), b"{}"]
    large = [request("/", {**resync("a"), "Content-Length": str(2 * LARGE)}), b" " * 2 * LARGE]
    assert answer(process[1], small, 5) in (200, 204)
    assert answer(process[1], large, 20) in (200, 204)
    for connection in slow:
        connection.close()


def bodies() -> dict[str, list[bytes]]:
    """Requests as large as they may be."""
    whole = json.dumps(event()).encode()[:-1] + b',"data":' + DENSE[: -len(b"[]," * 200) - 4] + b"[]]}}"
    many = json.dumps(event()).encode()[:-1] + b"," + MANY[1:]
    trained = {**resync("a"), "ce-type": "io.sustainable-computing.kepler.model.trained.v1"}
    return {
        "binary": [request("/", {**trained, "Content-Length": str(len(DENSE))}), DENSE],
        "structured": [request("/", {**STRUCTURED, "Content-Length": str(len(whole))}), whole],
        "many attributes": [request("/", {**STRUCTURED, "Content-Length": str(len(many))}), many],
        "chunked": [request("/", {**trained, "Transfer-Encoding": "chunked"}), *chunked(DENSE, LARGE)],
    }


def test_large_bodies_of_every_form_stay_below_the_pods_memory(process: tuple[psutil.Process, str]) -> None:
    """Thirty-two senders at once of each form. Measured before: 32 with many attributes took 655 MiB."""
    measured, url = process
    for name, parts in bodies().items():
        with ThreadPoolExecutor(32) as senders:
            answers = set(senders.map(lambda parts: answer(url, parts, 120), [parts] * 32))
        assert answers <= {200, 204, 400, 408, 503}, (name, answers)  # 408: a busy machine reads them too slowly
    assert peak_memory(measured) < memory_limit(), os.getpid()
