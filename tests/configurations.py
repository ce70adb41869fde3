"""Whole configurations, and the programs that read them: environment and arguments are those of the containers.

The ConfigMaps are mounted as the kubelet mounts them; what the programs make of them is `tests.kepler_reads`'.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from crds.kepler_collected_metric import Source
from effects.field_cases import cluster
from effects.rendered_cluster import KEY, Rendered, RenderedCluster
from operands import children, kepler_v07, sidecar
from runtime.objects import COLLECTED_METRIC, EXPORTED_POWER, KEPLER, Ref
from tests.kepler_reads import Estimator, Exporter, ModelServerProgram, Value, environment, mounted

ADDRESS = "http://kepler-model-server.energy.svc"
GRADIENT = "GradientBoostingRegressorTrainer"
MODEL = "http://models.energy.svc/ec2/rapl-sysfs/AbsPower/BPFOnly/SGDRegressorTrainer_0.zip"
PREFIXES = ("NODE_TOTAL", "NODE_COMPONENTS", "PROCESS_TOTAL", "PROCESS_COMPONENTS")

# What the exporter of a Kepler with nothing in its spec ends up with, where that is not Kepler's own default.
DEFAULT: Mapping[str, Value] = {
    "KEPLER_NAMESPACE": "energy",
    "ENABLE_GPU": True,
    "EXPOSE_VM_METRICS": False,
    "ENABLE_API_SERVER": True,
    "BIND_ADDRESS": ":9102",
    "METRIC_PATH": "/metrics",
    "MODEL_SERVER_URL": f"{ADDRESS}:8100",
}
WEIGHTS = ("Regressor", "SGDRegressorTrainer", "")
RATIO = ("Ratio", "", "")
SIDECAR = ("EstimatorSidecar", "", "")


def written(collected: Any = None, power: Any = None, **kepler: Any) -> RenderedCluster:
    """The specs of a Kepler and, where given, of the two resources that it names."""
    specs = {COLLECTED_METRIC.name: collected, EXPORTED_POWER.name: power}
    spec = {word.replace("_", "-"): value for word, value in kepler.items()}
    return cluster({KEPLER.name: spec, **{kind: value for kind, value in specs.items() if value is not None}})


def sources(*on: Source) -> dict[str, Any]:
    """A KeplerCollectedMetric with these sources on, and no others."""
    return {"sources": {source.value: {"enabled": source in on} for source in Source}}


@dataclass(frozen=True)
class ConfigurationCase:
    """Resources; what the exporter's settings then differ in from the default; and how each power is estimated."""

    says: str
    cluster: RenderedCluster
    settings: dict[str, Value] = field(default_factory=dict)
    models: tuple[tuple[str, str, str], ...] = (WEIGHTS, WEIGHTS, RATIO, RATIO)


ESTIMATED: dict[str, Any] = {"enabled": True}
NFS = {"type": "nfs", "nfs": {"server": "10.0.0.5", "export": "/srv/kepler"}}
NAMED = {
    "node-total": {"trainer": "SVRRegressorTrainer"},
    "node-components": {"trainer": GRADIENT, "init-url": MODEL},
}
CASES = [
    ConfigurationCase("nothing at all", written()),
    ConfigurationCase(
        "everything on",
        written(
            sources(Source.COUNTER, Source.GPU, Source.BPF, Source.IRQ),
            {"levels": ["node", "package", "pod", "container"], "metrics": ["cpu_cycles", "cache_miss"]},
            estimator_sidecar={**ESTIMATED, "models": {"node-components": {"init-url": MODEL}}},
            model_server={"enabled": True, "storage": NFS},
        ),
        {"MODEL_SERVER_ENABLE": True},
        (SIDECAR, SIDECAR, RATIO, RATIO),
    ),
    ConfigurationCase(
        "everything off",
        written(sources(), {"levels": ["container"]}),
        {
            "ENABLE_GPU": False,
            "EXPOSE_HW_COUNTER_METRICS": False,
            "EXPOSE_IRQ_COUNTER_METRICS": False,
            "EXPOSE_BPF_METRICS": False,
            "EXPOSE_COMPONENT_POWER": False,
        },
    ),
    ConfigurationCase("sources of older releases", written(sources(*Source))),
    ConfigurationCase(
        "virtual machines and processes, with idle power",
        written(power={"levels": ["vm", "process"], "idle-power": True}),
        {
            "EXPOSE_VM_METRICS": True,
            "ENABLE_PROCESS_METRICS": True,
            "EXPOSE_CONTAINER_METRICS": False,
            "EXPOSE_ESTIMATED_IDLE_POWER_METRICS": True,
        },
    ),
    ConfigurationCase(
        "the exporter's own fields",
        written(collector={"port": 9103, "sample-period": "1m30s", "log-level": 5}),
        {"BIND_ADDRESS": ":9103", "SAMPLE_PERIOD_SEC": 90},
    ),
    ConfigurationCase(
        "a model server that gives weights",
        written(model_server={"enabled": True, "port": 9000}),
        {"MODEL_SERVER_ENABLE": True, "MODEL_SERVER_URL": f"{ADDRESS}:9000", "MODEL_SERVER_PORT": "9000"},
    ),
    ConfigurationCase("an estimator alone", written(estimator_sidecar=ESTIMATED), {}, (SIDECAR, SIDECAR, RATIO, RATIO)),
    ConfigurationCase(
        "models of two trainers",
        written(estimator_sidecar={**ESTIMATED, "models": NAMED}, model_server={"enabled": True}),
        {"MODEL_SERVER_ENABLE": True},
        (("EstimatorSidecar", "SVRRegressorTrainer", ""), ("EstimatorSidecar", GRADIENT, ""), RATIO, RATIO),
    ),
]
EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)


def container(cluster: Rendered, ref: Ref, name: str) -> Any:
    """A container of a workload's pod, by its name."""
    pod = cluster.pod(ref)
    return {container["name"]: container for container in (*pod["containers"], *pod.get("initContainers", ()))}[name]


def started(cluster: Rendered, ref: Ref, name: str, directory: Path) -> tuple[Path, dict[str, str]]:
    """What a container finds at the path that all programs read, mounted at `directory`, and its environment."""
    own = container(cluster, ref, name)
    volume = next(
        volume_mount["name"]
        for volume_mount in own["volumeMounts"]
        if volume_mount["mountPath"] == kepler_v07.CONFIG_PATH
    )
    source = next(entry for entry in cluster.pod(ref)["volumes"] if entry["name"] == volume)
    return mounted(_files(cluster, ref, source), directory), environment(own)


def _files(cluster: Rendered, ref: Ref, source: Any) -> Mapping[str, str]:
    """What a volume holds: the ConfigMap that it names, or the annotations of the pod that it takes files from."""
    if "configMap" in source:
        return cluster.data(source["configMap"]["name"])
    annotations = cluster.objects[ref]["spec"]["template"]["metadata"]["annotations"]
    fields = {item["path"]: item["fieldRef"]["fieldPath"] for item in source["downwardAPI"]["items"]}
    return {path: annotations[field.split("'")[1]] for path, field in fields.items()}


def exporter(cluster: Rendered, directory: Path) -> Exporter:
    """The exporter in its pod."""
    ref = children.daemon_set(KEY)
    arguments = tuple(container(cluster, ref, children.EXPORTER)["args"])
    return Exporter(*started(cluster, ref, children.EXPORTER, directory), arguments)


def beside(cluster: Rendered, directory: Path) -> Estimator:
    """The estimator in the exporter's pod."""
    return Estimator(*started(cluster, children.daemon_set(KEY), sidecar.NAME, directory))


def served(cluster: Rendered, directory: Path) -> ModelServerProgram:
    """The model server in its pod."""
    return ModelServerProgram(*started(cluster, children.deployment(KEY), "server-api", directory))
