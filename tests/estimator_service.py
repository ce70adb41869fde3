"""The estimator's protocol on its socket, as far as node models go: asks the model server, predicts with what it got.

An exporter sends `{metrics, values, output_type, source, trainer_name, filter, ...}` and reads `{powers, msg}` (kepler
v0.7.12:pkg/model/estimator/sidecar/estimate.go). The real program (kepler-model-server
v0.7.12:src/kepler_model/estimate/estimator.py) keeps a model for ever once it has one, and asks again as long as it has
none. Without a model and without an `INIT_URL` that is a file, it asks the Internet, and ends if there is none: so does
this one, and the exporter then has no node energy as long as it runs.
"""

import contextlib
import fcntl
import io
import json
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import urllib3

from local.probe import wait_until
from operands.kepler_v07 import ESTIMATOR_SOCKET
from tests.kepler_reads import Estimator
from tests.model_service import WEIGHTS_FILE, energy_source

# Seconds that another run of these tests may keep the socket, whose path is built into the exporter.
PATIENCE = 100.0
SECONDS = 5.0


@contextlib.contextmanager
def socket_reserved() -> Iterator[None]:
    """Keep every other run of these tests on this machine away from the socket, and remove what one left there."""
    with Path(f"{ESTIMATOR_SOCKET}.lock").open("w") as lock:

        def is_taken() -> bool:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            return False

        assert wait_until(is_taken, PATIENCE, threading.Event()), f"another run has {ESTIMATOR_SOCKET}"
        Path(ESTIMATOR_SOCKET).unlink(missing_ok=True)
        try:
            yield
        finally:
            Path(ESTIMATOR_SOCKET).unlink(missing_ok=True)


class EstimatorService:
    """The estimator, from its making until `close`; it listens at once, as a sidecar does before the exporter starts.

    `configuration` is asked for at a request: what the program reads in its pod, None before there is a pod. Exporters
    of other tests on this machine reach the same socket: until there is a pod, they get no answer. `proxy` leads to
    Services.
    `failed` counts the requests for which it had no model, `ended` says that the real program would have ended.
    """

    def __init__(self, configuration: Callable[[], Estimator | None], proxy: str) -> None:
        self.failed = 0
        self.ended = False
        self._configuration = configuration
        self._pool = urllib3.ProxyManager(proxy, timeout=SECONDS, retries=False)
        self._models: dict[str, Mapping[str, float]] = {}
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(ESTIMATOR_SOCKET)
        self._socket.listen(1)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while not self.ended:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # closed
            with connection, contextlib.suppress(OSError):
                connection.settimeout(SECONDS)
                answer = self._answer(_received(connection))
                if answer is not None:
                    connection.sendall(json.dumps(answer).encode())
        self._socket.close()

    def _answer(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the powers of each row of values, none without a model; None if the real program is gone."""
        source = energy_source(request["source"])
        if source not in self._models:
            program = self._configuration()
            if program is None:
                return None
            model = self._download(program, request) if program.asks_model_server() else None
            if model is None:
                self.failed += 1
                self.ended = not program.init_url(source).startswith("file:")
                return None if self.ended else {"powers": {}, "msg": "failed to get model"}
            self._models[source] = model
        rows = len(request["values"])
        return {"powers": {name: [watts] * rows for name, watts in self._models[source].items()}, "msg": ""}

    def _download(self, program: Estimator, request: Mapping[str, Any]) -> Mapping[str, float] | None:
        """Return the watts of each component by the archive that the model server has; None if it has none."""
        url, _ = program.model_server()
        asked = {
            "metrics": [*request["metrics"], *request["system_features"]],
            "source": energy_source(request["source"]),
            **{name: request[name] for name in ("output_type", "filter", "trainer_name")},
        }
        try:
            answer = self._pool.request("POST", url, json=asked)
        except urllib3.exceptions.HTTPError:
            return None
        if answer.status != 200:
            return None
        with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
            weights = json.loads(archive.read(WEIGHTS_FILE))
        return {
            name: weight["All_Weights"]["Bias_Weight"] for name, weight in weights.items() if isinstance(weight, dict)
        }


def _received(connection: socket.socket) -> Mapping[str, Any]:
    """Return the request: one JSON object, which ends with its last brace (estimator.py, accepted)."""
    data = b""
    while not data.rstrip().endswith(b"}"):
        chunk = connection.recv(4096)
        if not chunk:
            raise OSError("the exporter has closed the connection")
        data += chunk
    request: Mapping[str, Any] = json.loads(data)
    return request
