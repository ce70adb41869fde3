"""A model server's HTTP protocol over files in the published layout, as exporters and estimators ask for node models.

The protocol is that of kepler-model-server v0.7.12:src/kepler_model/server/model_server.py. `POST /model` with
`{metrics, output_type, source, weight, trainer_name, filter, ...}` is answered with the weights of the model that fits,
as JSON, if `weight` is true, else with the model's archive. `GET /best-models` lists the names of models.

Files are those of Kepler's model database: `<pipeline>/<source>/<output type>/<feature group>/<model>.json` are
weights, `<model>.zip` beside them is the archive. Whatever RAPL source is asked for, models are in `rapl-sysfs`.
"""

import http.server
import json
import threading
import zipfile
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

PIPELINE, MODEL = "ec2-0.7.11", "SGDRegressorTrainer_0"
RAPL = "rapl-sysfs"
# The components whose power a source's model tells.
COMPONENTS = {"acpi": ("platform",), RAPL: ("package", "core", "uncore", "dram")}
# Feature groups, and the metrics that a request has to name for them (src/kepler_model/util/train_types.py).
FEATURES = {"BPFOnly": {"bpf_cpu_time_ms", "bpf_page_cache_hit"}}
# The file with the weights in an archive.
WEIGHTS_FILE = "weight.json"


def write_constant_models(folder: Path, watts: Mapping[str, float]) -> None:
    """Write models by which each component of a node draws so many watts, whatever runs on it."""
    for source, components in COMPONENTS.items():
        group = folder / PIPELINE / source / "AbsPower" / "BPFOnly"
        group.mkdir(parents=True)
        weights = {component: _constant(watts[component]) for component in components}
        content = json.dumps({"model_name": MODEL, **weights})
        (group / f"{MODEL}.json").write_text(content)
        with zipfile.ZipFile(group / f"{MODEL}.zip", "w") as archive:
            archive.writestr("metadata.json", json.dumps({"model_name": MODEL, "mae": 1.0}))
            archive.writestr(WEIGHTS_FILE, content)


def _constant(watts: float) -> dict[str, Any]:
    """Return weights whose sum is the bias alone."""
    features = {"bpf_cpu_time_ms": {"scale": 1.0, "weight": 0.0}}
    bias = {"Bias_Weight": watts, "Categorical_Variables": {}, "Numerical_Variables": features}
    return {"All_Weights": bias}


def energy_source(asked: str | None) -> str:
    """Return the folder of the source that a request names; every RAPL source is one (get_model)."""
    return RAPL if asked is None or "rapl" in asked else asked


def find_model(folder: Path, request: Mapping[str, Any]) -> Path | None:
    """Return the file that answers a request for a model; None if no model fits."""
    if request.get("filter"):
        return None  # no metadata passes any filter in this release (util/loader.py, is_valid_model)
    suffix = "json" if request.get("weight") else "zip"
    for group, features in FEATURES.items():
        if not features <= {*request["metrics"]}:
            continue
        models = folder / PIPELINE / energy_source(request.get("source")) / str(request["output_type"]) / group
        for model in sorted(models.glob(f"*.{suffix}")):
            if (request.get("trainer_name") or "") in model.stem:
                return model
    return None


def best_models(folder: Path, source: str | None) -> dict[str, dict[str, str]] | None:
    """Return the name of a model for each feature group, by output type; None without models of the source."""
    models = folder / PIPELINE / energy_source(source)
    if not models.exists():
        return None
    files = [file.relative_to(models) for file in sorted(models.glob("*/*/*.zip"))]
    outputs = {file.parts[0] for file in files}
    return {output: {file.parts[1]: file.stem for file in files if file.parts[0] == output} for output in outputs}


class ModelService:
    """The server, from its making until `close`; `asked` are the requests that it answered with a model."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[Any] = []
        asked = self.asked

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                model = find_model(folder, request) if self.path == "/model" else None
                if model:
                    asked.append(request)
                self._answer(model.read_bytes() if model else None)

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                source = parse_qs(url.query).get("energy-source", [None])[0]
                names = best_models(folder, source) if url.path == "/best-models" else None
                self._answer(None if names is None else json.dumps(names).encode())

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Write nothing."""

            def _answer(self, content: bytes | None) -> None:
                if content is None:
                    self.send_error(HTTPStatus.BAD_REQUEST, "cannot find model")
                    return
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

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
