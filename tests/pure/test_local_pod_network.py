"""The egress proxy between the API server and pods: requests that it rejects."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.pod_network import PodNetwork
from local.ports import Ports


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[str]:
    """The path of a proxy's socket."""
    network = PodNetwork(Ports.free())
    configuration = network.write_configuration(tmp_path / "egress.yaml").read_text()
    match = re.search(r'udsName: "(.+)"', configuration)
    assert match
    yield match[1]
    network.close()


@pytest.mark.parametrize(
    ("request_line", "answer"),
    [
        (b"GET / HTTP/1.1", b"HTTP/1.1 400 not a CONNECT"),
        (b"CONNECT 10.0.0.1:http HTTP/1.1", b"HTTP/1.1 400 not a port: 'http'"),
        (b"CONNECT 127.0.0.1:70000 HTTP/1.1", b"HTTP/1.1 400 not a port: '70000'"),
        (b"CONNECT \xff\xfe:80 HTTP/1.1", b"HTTP/1.1 502 no process listens for this pod"),
        (b"CONNECT 192.0.2.1:80 HTTP/1.1", b"HTTP/1.1 502 no process listens for this pod"),
        (b"CONNECT 127.0.0.1:1 HTTP/1.1", b""),
    ],
)
def test_an_invalid_request_is_answered_without_a_traceback(
    proxy: str, request_line: bytes, answer: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written to standard error, whatever is sent."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(proxy)
        client.sendall(request_line + b"\r\n\r\n")
        assert client.recv(1000).startswith(answer)
        assert client.recv(1000) == b""
    assert capfd.readouterr().err == ""
