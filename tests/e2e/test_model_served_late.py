"""A fresh installation whose model server is available later than the exporters: its power appears by itself."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import exporter_node, watts
from local.exporter_node import ExporterNode
from local.local_errors import NotReady
from local.stack import Stack
from tests.e2e.stack_namespace import StackNamespace
from tests.model_service import ModelService, write_constant_models
from tests.workbench import create_namespace, kepler

NAMESPACE = "served-late"
PLATFORM = "kepler_node_platform_joules_total"
SERVED = 5000.0
# Above what Kepler's built-in weights estimate for a node at rest (63.7 W), below what is served.
BETWEEN = 1000.0
LATE = {"served": "late"}


@pytest.fixture
def cluster(stack: Stack) -> Iterator[StackNamespace]:
    """A namespace of its own."""
    create_namespace(stack, NAMESPACE)
    yield StackNamespace(stack, NAMESPACE)
    stack.kubectl("label", "node", "worker-1", "served-")
    stack.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def idle_watts(node: ExporterNode) -> float:
    """Return what the exporter says that the node draws at rest; 0 while it says nothing."""

    def joules(url: str) -> float:
        return sum(
            sample.value
            for sample in watts.samples(watts.read(f"{url}/metrics"))
            if sample.name == PLATFORM and sample.labels["mode"] == "idle"
        )

    exporter = node.exporter(NAMESPACE)
    if exporter is None:
        return 0.0
    try:
        before, began = joules(exporter.url), time.monotonic()
        time.sleep(2.2)
        return (joules(exporter.url) - before) / (time.monotonic() - began)
    except NotReady:
        return 0.0


def test_power_by_the_served_model_appears_without_a_restart_by_hand(
    cluster: StackNamespace, stack: Stack, tmp_path: Path
) -> None:
    """The exporter asks once, at its start: it starts again when the server is available for the first time."""
    write_constant_models(tmp_path, SERVED)
    service = ModelService(tmp_path)
    collector = {"node-selector": {"kubernetes.io/hostname": exporter_node.NAME}, "sample-period": "1s"}
    power = {**kepler("power", **{"levels": ["node", "package"], "idle-power": True}), "kind": "KeplerExportedPower"}
    server = {"enabled": True, "node-selector": LATE}
    wanted = {**kepler(), "spec": {"collector": collector, "exported-power": "power", "model-server": server}}
    with ExporterNode(stack) as node:
        cluster.apply(power, wanted)
        cluster.eventually(lambda: 0 < idle_watts(node) < BETWEEN)
        assert not service.asked

        node.services.routes[f"kepler-model-server.{NAMESPACE}.svc:8100"] = service.authority
        stack.kubectl("label", "node", "worker-1", "served=late")

        cluster.eventually(lambda: idle_watts(node) > BETWEEN)
        cluster.await_ready()
    assert {request["source"] for request in service.asked} >= {"acpi"}
    service.close()
