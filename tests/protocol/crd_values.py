"""Values of fields of the four resources, by their paths, and manifests with them."""

import json
from dataclasses import dataclass

from pydantic import JsonValue

from crds.kepler import Kepler
from crds.kepler_collected_metric import KeplerCollectedMetric
from crds.kepler_exported_power import KeplerExportedPower
from crds.kepler_machine_config import KeplerMachineConfig
from crds.meta import API_VERSION, Resource


@dataclass(frozen=True)
class Value:
    """One field of a resource, by its path below `spec`; `says` is what a refusal must tell."""

    path: str
    value: JsonValue
    says: str = ""
    resource: type[Resource] = Kepler

    def __str__(self) -> str:
        shown = json.dumps(self.value)
        return f"{self.resource.names.kind}-{self.path}={shown if len(shown) < 60 else f'{shown[:40]}..'}"


def document(resource: type[Resource], spec: JsonValue, name: str = "tried") -> str:
    """A manifest, as JSON, with this spec, for a dry run: in namespace 'default', as nothing is stored."""
    metadata: dict[str, JsonValue] = {"name": name}
    if resource.names.namespaced:
        metadata["namespace"] = "default"
    return json.dumps({"apiVersion": API_VERSION, "kind": resource.names.kind, "metadata": metadata, "spec": spec})


def nested(path: str, value: JsonValue) -> JsonValue:
    """The value within one object for each step of the path."""
    for step in reversed(path.split(".")):
        value = {step: value}
    return value


def metric(path: str, value: JsonValue, says: str = "") -> Value:
    return Value(f"sources.{path}.metrics", value, says, KeplerCollectedMetric)


def power(path: str, value: JsonValue, says: str = "") -> Value:
    return Value(path, value, says, KeplerExportedPower)


def machine(path: str, value: JsonValue, says: str = "") -> Value:
    return Value(path, value, says, KeplerMachineConfig)


S3: dict[str, JsonValue] = {
    "endpoint": "https://s3.example.com",
    "bucket": "kepler",
    "credentials": {"secret": "kepler-s3"},
}
MODEL = "estimator-sidecar.models.node-components"
STORAGE = "model-server.storage"


DESCRIBING = (
    *("collector.pod-labels", "collector.pod-annotations", "collector.service-annotations"),
    *("model-server.pod-labels", "model-server.pod-annotations", "model-server.service-annotations"),
    "monitoring.labels",
)
