"""The key that events of tests are signed with, for `audit` in this process, and for one of its own."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from runtime.event import Event
from runtime.settings import NAMESPACE
from runtime.signature import FIELD, SECRET_NAME, is_signed

KEY = b"a key of thirty-two bytes, or so"


@dataclass(frozen=True)
class FixedKey:
    """A keyring that never looks."""

    key: bytes

    def verify(self, event: Event) -> bool:
        """Whether the event is signed with it."""
        return is_signed(event, self.key)


KEYS = FixedKey(KEY)


class KeyServer:
    """Answers on this machine as an API server that has the Secret with the key, and nothing else."""

    def __init__(self, folder: Path) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.kubeconfig = folder / f"kubeconfig-{self._server.server_port}"
        self.kubeconfig.write_text(yaml.safe_dump(_kubeconfig(f"http://127.0.0.1:{self._server.server_port}")))

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def key_server(folder: Path) -> Iterator[KeyServer]:
    """One that answers until this ends; its kubeconfig is in the folder."""
    key_server = KeyServer(folder)
    try:
        yield key_server
    finally:
        key_server.close()


def _kubeconfig(server: str) -> dict[str, object]:
    return {
        "clusters": [{"name": "a", "cluster": {"server": server}}],
        "users": [{"name": "a", "user": {}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "current-context": "a",
    }


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        is_signing_key = self.path == f"/api/v1/namespaces/{NAMESPACE}/secrets/{SECRET_NAME}"
        secret = {"kind": "Secret", "data": {FIELD: base64.b64encode(KEY).decode()}}
        body = json.dumps(secret if is_signing_key else {"message": "not found"}).encode()
        self.send_response(200 if is_signing_key else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""
