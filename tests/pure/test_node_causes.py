"""Nodes that are left out, since an image is built for one architecture only, as `explain` tells of them."""

from dataclasses import dataclass
from typing import Any

import pytest

from cli.explanation.node_causes import left_out
from operands import kepler_v07
from runtime.objects import KEPLER

UPSTREAM, OWN = kepler_v07.MODEL_SERVER_IMAGE, "registry.example/models:1"
ON: dict[str, Any] = {"enabled": True}
ARCH = "kubernetes.io/arch"
ONLY = "is built for amd64 only"


def node(name: str, architecture: str, system: str = "linux", **labels: str) -> dict[str, Any]:
    """A node as its kubelet registers it."""
    known = {"kubernetes.io/os": system, ARCH: architecture, **labels}
    info = {"architecture": architecture, "operatingSystem": system}
    return {"metadata": {"name": name, "labels": known}, "status": {"nodeInfo": info}}


NODES = (node("a", "amd64"), node("b", "arm64"), node("c", "arm64", disk="ssd"), node("w", "amd64", "windows"))


def kepler(image: str = UPSTREAM, **spec: Any) -> dict[str, Any]:
    """A Kepler that runs this image of estimator and model server."""
    return {
        "apiVersion": KEPLER.api_version,
        "kind": "Kepler",
        "metadata": {"name": "kepler", "namespace": "energy"},
        "spec": {field.replace("_", "-"): value for field, value in spec.items()},
        "status": {"images": {"estimator": image, "modelServer": image}},
    }


def requiring(label: str) -> dict[str, Any]:
    """A node affinity for a label."""
    terms = [{"matchExpressions": [{"key": label, "operator": "In", "values": ["amd64"]}]}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


@dataclass(frozen=True)
class NodeCauseCase:
    """A Kepler, and what is told of these nodes."""

    title: str
    kepler: dict[str, Any]
    says: tuple[str, ...] = ()
    nodes: tuple[dict[str, Any], ...] = NODES


CASES = (
    NodeCauseCase("everything off", kepler()),
    NodeCauseCase(
        "the estimator",
        kepler(estimator_sidecar=ON),
        (f"2 nodes of arm64 ('b', 'c') have no exporter: the image of `estimator-sidecar` {ONLY}",),
    ),
    NodeCauseCase("an image of another name", kepler(OWN, estimator_sidecar=ON, model_server=ON)),
    NodeCauseCase("no other nodes", kepler(estimator_sidecar=ON, model_server=ON), nodes=NODES[:1]),
    NodeCauseCase(
        "nodes that the user chooses",
        kepler(estimator_sidecar=ON, collector={"node-selector": {"disk": "ssd"}}),
        (f"1 node of arm64 ('c') has no exporter: the image of `estimator-sidecar` {ONLY}",),
    ),
    NodeCauseCase(
        "the architecture that it does not run on",
        kepler(estimator_sidecar=ON, collector={"node-selector": {ARCH: "arm64"}}),
        (
            "2 nodes of arm64 ('b', 'c') cannot start the estimator, nor the exporter: the image of "
            f"`estimator-sidecar` {ONLY}",
        ),
    ),
    NodeCauseCase(
        "the one that it runs on", kepler(estimator_sidecar=ON, collector={"node-selector": {ARCH: "amd64"}})
    ),
    NodeCauseCase(
        "an affinity for the one that it runs on", kepler(estimator_sidecar=ON, collector={"affinity": requiring(ARCH)})
    ),
    NodeCauseCase("a model server that some node runs", kepler(model_server=ON)),
    NodeCauseCase(
        "a model server that no node runs",
        kepler(model_server=ON),
        (f"no node can run the model server: the image of `model-server` {ONLY}",),
        NODES[1:],
    ),
    NodeCauseCase("nodes that are not known", kepler(estimator_sidecar=ON, model_server=ON), nodes=()),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_nodes_that_are_left_out_are_named(case: NodeCauseCase) -> None:
    """With their architecture and the block whose image is why."""
    assert tuple(left_out(case.kepler, case.nodes)) == case.says
