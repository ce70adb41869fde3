"""A fresh installation whose model server is available 30 s later than the exporters: its power appears by itself."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from local import exporter_node, watts
from local.exporter_node import ExporterNode
from local.local_errors import NotReady
from local.stack import Stack
from operands.children import CFM, EXPORTER, MODEL_SERVER
from tests.e2e.stack_namespace import StackNamespace
from tests.estimator_service import EstimatorService, socket_reserved
from tests.kepler_reads import Estimator
from tests.model_service import ModelService, write_constant_models
from tests.workbench import create_namespace, kepler

# In the first, exporters ask the model server for weights; in the second, their estimator asks it for archives.
WEIGHTS, ESTIMATED = NAMESPACES = ("weights-late", "estimated-late")
LATE_SECONDS = 30.0
SERVED = {"platform": 9000.0, "package": 8000.0, "core": 4000.0, "uncore": 2000.0, "dram": 3000.0}
# Above what Kepler's built-in weights estimate for a node at rest (platform 63.7 W), below what is served.
BETWEEN = 1000.0
LATE = {"served": "late"}


@pytest.fixture
def clusters(stack: Stack) -> Iterator[tuple[StackNamespace, StackNamespace]]:
    """Two namespaces of their own."""
    for namespace in NAMESPACES:
        create_namespace(stack, namespace)
    yield StackNamespace(stack, WEIGHTS), StackNamespace(stack, ESTIMATED)
    stack.kubectl("label", "node", "worker-1", "served-")
    stack.kubectl("delete", "namespace", *NAMESPACES, "--wait=false")


def joules(node: ExporterNode, namespace: str) -> Mapping[str, float]:
    """Return what the exporter says that each component of the node has used at rest; 0 without such series."""
    exporter = node.exporter(namespace)
    if exporter is None:
        return {}
    try:
        samples = watts.samples(watts.read(f"{exporter.url}/metrics"))
    except NotReady:
        return {}
    idle = {sample.name: sample.value for sample in samples if sample.labels.get("mode") == "idle"}
    return {component: idle.get(f"kepler_node_{component}_joules_total", 0.0) for component in SERVED}


def idle_watts(node: ExporterNode) -> dict[tuple[str, str], float]:
    """Return the watts of each component at rest, by namespace; nothing of an exporter that does not answer."""
    before, began = {namespace: joules(node, namespace) for namespace in NAMESPACES}, time.monotonic()
    time.sleep(2.2)
    seconds = time.monotonic() - began
    return {
        (namespace, component): (value - before[namespace][component]) / seconds
        for namespace in NAMESPACES
        for component, value in joules(node, namespace).items()
        if component in before[namespace]
    }


def fresh_install(*, estimated: bool) -> tuple[dict[str, Any], ...]:
    """Return the resources, with a model server that has no node for the time being."""
    collector = {"node-selector": {"kubernetes.io/hostname": exporter_node.NAME}, "sample-period": "1s"}
    power = {**kepler("power", **{"levels": ["node", "package"], "idle-power": True}), "kind": "KeplerExportedPower"}
    server = {"enabled": True, "node-selector": LATE}
    spec = {
        "collector": collector,
        "exported-power": "power",
        "model-server": server,
        "estimator-sidecar": {"enabled": estimated},
    }
    return power, {**kepler(), "spec": spec}


def configuration(cluster: StackNamespace, folder: Path) -> Callable[[], Estimator | None]:
    """Return how an estimator in the exporters' pods reads its configuration at its start; None before there are pods.

    A `kepler-cfm` alone is not enough: until there is a DaemonSet, some functions have not written their keys.
    """

    def read() -> Estimator | None:
        config_map = cluster.get(f"configmap/{CFM}")
        if config_map is None or cluster.get(f"daemonset/{EXPORTER}") is None:
            return None
        folder.mkdir(exist_ok=True)
        for key, value in config_map["data"].items():
            (folder / key).write_text(value)
        return Estimator(folder)

    return read


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Path]:
    """The folder of the models, while no other run of this test on the machine has the estimator's socket."""
    write_constant_models(tmp_path / "models", SERVED)
    with socket_reserved():
        yield tmp_path / "models"


def test_power_by_the_served_model_appears_without_a_restart_by_hand(
    clusters: tuple[StackNamespace, StackNamespace], stack: Stack, served: Path, tmp_path: Path
) -> None:
    """An exporter asks for weights once: it starts again when the server is available. An estimator asks until then."""
    weighted, estimated = clusters
    with ExporterNode(stack) as node:
        asks = configuration(estimated, tmp_path / "configuration")
        with closing(EstimatorService(asks, node.services.url)) as estimator:
            began = time.monotonic()
            weighted.apply(*fresh_install(estimated=False))
            estimated.apply(*fresh_install(estimated=True))
            weighted.eventually(lambda: idle_watts(node).get((WEIGHTS, "platform"), 0) > 0)
            estimated.eventually(lambda: estimator.failed)
            while time.monotonic() - began < LATE_SECONDS:
                assert all(power < BETWEEN for power in idle_watts(node).values())
            assert not estimator.ended

            with closing(ModelService(served)) as service:
                for namespace in NAMESPACES:
                    node.services.routes[f"{MODEL_SERVER}.{namespace}.svc:8100"] = service.authority
                stack.kubectl("label", "node", "worker-1", "served=late")

                watched: dict[tuple[str, str], float] = {}

                def is_served() -> bool:
                    watched.clear()
                    watched.update(idle_watts(node))
                    return len(watched) == 2 * len(SERVED) and all(power > BETWEEN for power in watched.values())

                weighted.eventually(is_served, lambda: watched)
                for cluster in clusters:
                    cluster.await_ready()
    weights = {request["source"] for request in service.asked if request.get("weight")}
    archives = {request["source"] for request in service.asked if not request.get("weight")}
    assert (weights, archives) == ({"acpi", "intel_rapl"}, {"acpi", "rapl-sysfs"})
