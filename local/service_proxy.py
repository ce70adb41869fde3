"""Connects exporters to Services: an HTTP proxy that forwards the address of a Service to one of this machine.

In a cluster, DNS and kube-proxy lead from `http://NAME.NAMESPACE.svc:PORT` to a pod. The exporters of
`local.exporter_node` are processes and have neither. So they send their requests to this proxy (`HTTP_PROXY`). It
answers 502 while nothing serves the Service, when a connection in a cluster would fail.
"""

import http.server
import threading
from http import HTTPStatus
from urllib.parse import urlsplit

import urllib3

from local.ports import LOOPBACK

TIMEOUT = 10.0
# The largest body of a request, in bytes.
MAX_BODY = 1024 * 1024


class ServiceProxy:
    """The proxy, which serves until `close`. `routes` maps `HOST:PORT` of a Service to a local address."""

    def __init__(self) -> None:
        self.routes: dict[str, str] = {}
        pool = urllib3.PoolManager(timeout=TIMEOUT, retries=False)
        routes = self.routes

        class Forwarder(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._forward()

            def do_POST(self) -> None:
                self._forward()

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Log nothing: the exporters log their requests."""

            def _forward(self) -> None:
                url = urlsplit(self.path)
                address, length = routes.get(url.netloc), int(self.headers.get("Content-Length") or 0)
                if address is None or length > MAX_BODY:
                    self.send_error(HTTPStatus.BAD_GATEWAY, "nothing serves this Service on this machine")
                    return
                headers = {"Content-Type": self.headers.get("Content-Type", "application/json")}
                try:
                    answer = pool.request(
                        self.command, f"http://{address}{url.path}", body=self.rfile.read(length), headers=headers
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
