"""The Broker's ingress as `kubectl kepler` meets it: takes CloudEvents by HTTP, and keeps them to be delivered."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from runtime.event import Event, decode


class BrokerIngress:
    """An HTTP server on the loopback interface, at `url` while it is entered."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        events = self._events

        class IngressRequest(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                events.append(decode(dict(self.headers.items()), body))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                """Be ready, as the functions are whose Triggers lead here."""
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Nothing: the test says what went wrong."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), IngressRequest)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where it takes events."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    def take(self) -> list[Event]:
        """Return the events that came since the last time."""
        taken = self._events[:]
        del self._events[: len(taken)]
        return taken

    def __enter__(self) -> "BrokerIngress":
        """Serve."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the server and its thread."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
