"""Which nodes the exporter and the model server are kept from, since an image is built for amd64 only."""

from dataclasses import dataclass
from typing import Any

import pytest

from crds.kepler import Kepler
from operands import architecture, children, exporter, kepler_v07, model_pod
from runtime.objects import KEPLER, Ref

KEY = Ref(KEPLER, "energy", "kepler")
LINUX = {"kubernetes.io/os": "linux"}
AMD64 = {"kubernetes.io/arch": "amd64"}
MIRROR = "registry.example:5000/mirror/kepler_model_server:v0.7.12"
OWN = "registry.example/models:1"
UPSTREAM = kepler_v07.MODEL_SERVER_IMAGE


def kepler(**collector: Any) -> dict[str, Any]:
    """A Kepler with the estimator on."""
    spec = {
        "collector": {name.replace("_", "-"): value for name, value in collector.items()},
        "estimator-sidecar": {"enabled": True},
        "model-server": {"enabled": True},
    }
    described = {"name": "kepler", "namespace": "energy", "uid": "u", "generation": 1}
    return {"apiVersion": KEPLER.api_version, "kind": "Kepler", "metadata": described, "spec": spec}


def requiring(label: str, value: str) -> dict[str, Any]:
    """A node affinity."""
    terms = [{"matchExpressions": [{"key": label, "operator": "In", "values": [value]}]}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


@dataclass(frozen=True)
class ArchitectureCase:
    """Fields of the collector, the estimator's image, and what is added to the node selector and said of it."""

    title: str
    image: str | None
    added: dict[str, str]
    says: str
    collector: dict[str, Any]


LEFT_OUT = "is built for amd64 only, so that nodes of another `kubernetes.io/arch` are left out"
CASES = (
    ArchitectureCase("upstream's image", UPSTREAM, AMD64, LEFT_OUT, {}),
    ArchitectureCase("a mirror of it", MIRROR, AMD64, LEFT_OUT, {}),
    ArchitectureCase("by digest", f"{UPSTREAM.partition(':')[0]}@sha256:{'0' * 64}", AMD64, LEFT_OUT, {}),
    ArchitectureCase("no estimator", None, {}, "", {}),
    ArchitectureCase("an image of another name", OWN, {}, "", {}),
    ArchitectureCase("the user chooses it", UPSTREAM, {}, "", {"node_selector": AMD64}),
    ArchitectureCase(
        "the user chooses another one",
        UPSTREAM,
        {},
        "does not start on nodes of `kubernetes.io/arch` 'arm64'",
        {"node_selector": {"kubernetes.io/arch": "arm64"}},
    ),
    ArchitectureCase("another label", UPSTREAM, AMD64, LEFT_OUT, {"node_selector": {"disk": "ssd"}}),
    ArchitectureCase("by affinity", UPSTREAM, {}, "", {"affinity": requiring("kubernetes.io/arch", "amd64")}),
    ArchitectureCase("affinity for another label", UPSTREAM, AMD64, LEFT_OUT, {"affinity": requiring("disk", "ssd")}),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_the_exporter_is_kept_from_nodes_on_which_the_estimator_does_not_start(case: ArchitectureCase) -> None:
    """Unless the user chooses an architecture; the condition says what is left out, and what to do."""
    parent = kepler(**case.collector)
    inputs = exporter.PodInputs(kepler_v07.IMAGE, {}, "digest", case.image)
    template = exporter.daemon_set(parent, KEY, inputs).body["spec"]["template"]["spec"]
    asked = case.collector.get("node_selector") or {}
    assert template["nodeSelector"] == {**asked, **LINUX, **case.added}

    text = architecture.remark(Kepler.model_validate(parent), case.image)
    assert case.says in text
    assert bool(text) == bool(case.says)
    if text:
        assert "turn `estimator-sidecar.enabled` off" in text


@pytest.mark.parametrize(
    ("image", "asked", "expected"),
    [
        (UPSTREAM, {}, {**LINUX, **AMD64}),
        (MIRROR, {}, {**LINUX, **AMD64}),
        (OWN, {}, LINUX),
        (UPSTREAM, {"kubernetes.io/arch": "arm64"}, {**LINUX, "kubernetes.io/arch": "arm64"}),
    ],
)
def test_the_model_server_runs_where_its_image_does(
    image: str, asked: dict[str, str], expected: dict[str, str]
) -> None:
    """Unless the user chooses an architecture."""
    parent = kepler()
    parent["spec"]["model-server"]["node-selector"] = asked
    intent = model_pod.deployment(parent, KEY, (image, kepler_v07.RCLONE_IMAGE), "digest")
    assert intent.ref == children.deployment(KEY)
    assert intent.body["spec"]["template"]["spec"]["nodeSelector"] == expected
    says = architecture.model_server_remark(Kepler.model_validate(parent), image)
    assert bool(says) == (image != OWN)
