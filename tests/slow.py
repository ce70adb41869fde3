"""A slow API server: a proxy in front of the real one, that holds up what it is told to hold up.

The proxy speaks plain HTTP/1.1 to the function and HTTPS to the API server, and passes everything on as it is.
"""

import http.client
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from local.stack import Stack

# Hop by hop (RFC 9110, 7.6.1), or computed anew.
NOT_PASSED_ON = {"connection", "transfer-encoding", "content-length", "host", "keep-alive"}


@dataclass
class SlowServer:
    """Where the proxy listens, and what it does: `delay` says for how many seconds a path is held up.

    `answer`, where it says anything of a path, is answered instead: a status and headers.
    """

    url: str = ""
    delay: Callable[[str], float] = lambda _path: 0.0
    answer: Callable[[str], tuple[int, dict[str, str]] | None] = lambda _path: None
    asked: list[str] = field(default_factory=list)

    def kubeconfig(self, folder: Path, like: Path) -> str:
        """A kubeconfig that leads here, with the credentials of another."""
        config = yaml.safe_load(like.read_text())
        config["clusters"][0]["cluster"] = {"server": self.url}
        path = folder / "slow-kubeconfig"
        path.write_text(yaml.safe_dump(config))
        return str(path)


@contextmanager
def slow_server(stack: Stack) -> Iterator[SlowServer]:
    """A proxy in front of a stack's API server."""
    slow = SlowServer()
    with ThreadingHTTPServer(("127.0.0.1", 0), _proxy(slow, stack)) as server:
        server.daemon_threads = True
        slow.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield slow
        server.shutdown()


def _proxy(slow: SlowServer, stack: Stack) -> type[BaseHTTPRequestHandler]:
    """What answers a request: a slow server's own answer, or a stack's API server's."""
    trust = ssl.create_default_context(cafile=str(stack.keys.ca))

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            slow.asked.append(f"{self.command} {self.path}")
            time.sleep(slow.delay(self.path))
            if instead := slow.answer(self.path):
                _respond(self, instead[0], instead[1], b'{"kind": "Status", "message": "wait a moment"}')
                return
            upstream = http.client.HTTPSConnection("127.0.0.1", stack.ports.apiserver, context=trust, timeout=60)
            upstream.request(self.command, self.path, body or None, _passed_on(self.headers.items()))
            response = upstream.getresponse()
            content, kept = response.read(), _passed_on(response.getheaders())
            upstream.close()
            _respond(self, response.status, kept, content)

        do_GET = _pass_on  # noqa: N815 - as the library has it
        do_PATCH = _pass_on  # noqa: N815
        do_DELETE = _pass_on  # noqa: N815
        do_POST = _pass_on  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library has it
            """Says nothing."""

    return Proxy


def _passed_on(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in NOT_PASSED_ON}


def _respond(connection: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    """Answers with a status, headers and a body; nothing where whoever asked has gone."""
    try:
        connection.send_response(status)
        for name, value in headers.items():
            connection.send_header(name, value)
        connection.send_header("Content-Length", str(len(body)))
        connection.end_headers()
        connection.wfile.write(body)
    except OSError:
        connection.close_connection = True  # whoever asked does not wait any more
