"""The way of exporters to Services: an HTTP proxy that knows where a Service is served on this machine.

On a cluster, DNS and kube-proxy lead from `http://NAME.NAMESPACE.svc:PORT` to a pod. The processes of
`local.exporter_node` have neither, so they ask this proxy (`HTTP_PROXY`), which forwards to a local address, or answers
502 while nothing serves the Service, as a connection to it would fail.
"""

import http.server
import threading
from http import HTTPStatus
from urllib.parse import urlsplit

import urllib3

from local.ports import LOOPBACK

SECONDS = 10.0
# Bytes of a request.
LONGEST = 1024 * 1024


class ServiceProxy:
    """Forwards requests from its making until `close`. `routes` has for `HOST:PORT` of a Service where it is served."""

    def __init__(self) -> None:
        self.routes: dict[str, str] = {}
        pool = urllib3.PoolManager(timeout=SECONDS, retries=False)
        routes = self.routes

        class Forwarder(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._forward()

            def do_POST(self) -> None:
                self._forward()

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Write nothing: the exporters log what they ask."""

            def _forward(self) -> None:
                asked = urlsplit(self.path)
                served, length = routes.get(asked.netloc), int(self.headers.get("Content-Length") or 0)
                if served is None or length > LONGEST:
                    self.send_error(HTTPStatus.BAD_GATEWAY, "nothing serves this Service on this machine")
                    return
                headers = {"Content-Type": self.headers.get("Content-Type", "application/json")}
                try:
                    answer = pool.request(
                        self.command, f"http://{served}{asked.path}", body=self.rfile.read(length), headers=headers
                    )
                except urllib3.exceptions.HTTPError as error:
                    self.send_error(HTTPStatus.BAD_GATEWAY, str(error)[:200])
                    return
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(answer.data)))
                self.end_headers()
                self.wfile.write(answer.data)

        self._server = http.server.ThreadingHTTPServer((LOOPBACK, 0), Forwarder)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="service-proxy", daemon=True).start()

    @property
    def url(self) -> str:
        """The address of the proxy itself."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
