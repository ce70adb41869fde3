"""A model server's HTTP protocol over files in the published layout, as far as exporters ask: weights of nodes' power.

An exporter posts `/model` with `{metrics, output_type, source, weight, trainer_name, ...}` and gets the weights of the
model that fits, as JSON (kepler-model-server v0.7.12:src/kepler_model/server/model_server.py). Files are in
`<folder>/<source>/<output type>/<feature group>/<model>/weight.json`, as in an archive of Kepler's model database.
"""

import http.server
import json
import threading
from http import HTTPStatus
from pathlib import Path
from typing import Any

MODEL, FEATURES = "SGDRegressorTrainer_0", "BPFOnly"
# The component whose power a source's model tells.
COMPONENTS = {"acpi": ("platform",), "rapl-sysfs": ("package", "core", "uncore", "dram")}


def write_constant_models(folder: Path, watts: float) -> None:
    """Write, for each source, a model by which a node draws so many watts, whatever runs on it."""
    weights = {
        "All_Weights": {
            "Bias_Weight": watts,
            "Categorical_Variables": {},
            "Numerical_Variables": {"bpf_cpu_time_ms": {"scale": 1.0, "weight": 0.0}},
        }
    }
    for source, components in COMPONENTS.items():
        model = folder / source / "AbsPower" / FEATURES / MODEL
        model.mkdir(parents=True)
        content = {"model_name": MODEL, **dict.fromkeys(components, weights)}
        (model / "weight.json").write_text(json.dumps(content))


class ModelService:
    """The server, from its making until `close`; `asked` are the requests that it answered with a model."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[Any] = []
        asked = self.asked

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                model = folder / request["source"] / request["output_type"] / FEATURES / MODEL / "weight.json"
                if self.path != "/model" or not request["weight"] or not model.exists():
                    self.send_error(HTTPStatus.BAD_REQUEST, "cannot find model")
                    return
                asked.append(request)
                content = model.read_bytes()
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Write nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def authority(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
