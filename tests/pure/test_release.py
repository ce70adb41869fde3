"""What an image's tag tells, and what is said of a release that cannot do what is asked for."""

from typing import Any

import pytest

from crds.kepler_collected_metric import Source
from functions import collected_metric, collector, estimator, model_server
from operands import children, kepler_v07, release
from operands.release import Release
from runtime.declaration import Observed
from runtime.objects import COLLECTED_METRIC, KEPLER, Manifest, Ref
from runtime.outcome import Outcome
from tests.pure.test_exporter import OPEN, config, observed

KEY = Ref(KEPLER, "energy", "kepler")
KEPLERS = "quay.io/sustainable_computing_io/kepler"
DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (kepler_v07.IMAGE, Release(0, 7, 12)),
        (kepler_v07.MODEL_SERVER_IMAGE, Release(0, 7, 12)),
        ("kepler:release-0.6.1-libbpf", Release(0, 6, 1)),
        ("kepler_model_server:v0.7.11-2", Release(0, 7, 11)),
        ("registry.example:5000/kepler:v0.11.0", Release(0, 11)),
        (f"kepler:v0.7.8@{DIGEST}", Release(0, 7, 8)),
        ("kepler:0.8", Release(0, 8)),
        (f"kepler@{DIGEST}", None),
        ("kepler:latest", None),
        ("registry.example:5000/kepler", None),
        ("kepler:20240613", None),
    ],
)
def test_a_tag_tells_the_release(image: str, told: Release | None) -> None:
    """Whatever registry and suffix; a digest and a moving tag tell nothing."""
    assert release.release_of_tag(image) == told


def parent(**spec: Any) -> dict[str, Any]:
    """A Kepler with this spec, on which every owner of keys has reported."""
    entries = [
        {"type": condition_type, "status": "True", "reason": "R", "message": "", "observedGeneration": 1}
        for condition_type in collector.FUNCTION.awaits
    ]
    return {
        "apiVersion": KEPLER.api_version,
        "kind": KEPLER.name,
        "metadata": {"name": "kepler", "namespace": "energy", "uid": "u", "generation": 1},
        "spec": spec,
        "status": {"conditions": entries},
    }


def collected(kepler: Manifest, **sources: Any) -> Outcome:
    """What `collected_metric` says with these sources."""
    ref = Ref(COLLECTED_METRIC, "energy", "sources")
    there = {ref: {"metadata": {"name": "sources"}, "spec": {"sources": sources}}, children.cfm(KEY): None}
    named = {**kepler, "spec": {**kepler["spec"], "collected-metric": "sources"}}
    return collected_metric.desired(Observed(KEY, named, there))


@pytest.mark.parametrize(
    ("tag", "source", "read"),
    [
        ("release-0.7.12", Source.CGROUP, False),
        ("release-0.7.11", Source.CGROUP, False),
        ("release-0.7.10", Source.CGROUP, True),
        ("release-0.7.10", Source.KUBELET, False),
        ("release-0.6.1", Source.KUBELET, True),
        ("latest", Source.KUBELET, False),
        ("release-0.7.12", Source.BPF, True),
    ],
)
def test_a_source_that_the_image_does_not_read_is_said(tag: str, source: Source, read: bool) -> None:  # noqa: FBT001
    """Its switch is written all the same, so that another image finds it."""
    outcome = collected(parent(collector={"image": f"{KEPLERS}:{tag}"}), **{source: {"enabled": True}})
    assert outcome.word == "converged"
    assert (f"`sources.{source}` is on, but Kepler" in outcome.message) is not read
    assert outcome.intents[0].body["data"][collected_metric.SWITCHES[source]] == "true"


def test_metrics_without_values_are_named() -> None:
    """Those that the user listed."""
    outcome = collected(parent(), kubelet={"enabled": True, "metrics": ["container_cpu_usage_seconds_total"]})
    assert outcome.message.endswith(
        "`sources.kubelet` is on, but Kepler v0.7.12 does not read it (v0.6.1 was the last that did), so there are no "
        "values of container_cpu_usage_seconds_total"
    )


@pytest.mark.parametrize(
    ("tag", "on", "without"),
    [
        ("release-0.7.12", True, True),
        ("release-0.7.12", False, False),
        ("release-0.7.12-dcgm", True, False),
        ("release-0.7.12-habana", True, False),
        ("latest", True, False),
    ],
)
def test_an_image_without_gpu_support_is_said(tag: str, on: bool, without: bool) -> None:  # noqa: FBT001
    """It would export 0 for every container; whoever has no GPUs need not do anything."""
    outcome = collected(parent(collector={"image": f"{KEPLERS}:{tag}"}), gpu={"enabled": on})
    assert outcome.word == "converged"
    assert ("is built without support for GPUs" in outcome.message) is without


@pytest.mark.parametrize(("period", "late"), [("60s", False), ("61s", True), ("1h", True)])
def test_energy_that_comes_late_is_said(period: str, late: bool) -> None:  # noqa: FBT001
    """The exporter is ready before it has measured anything."""
    outcome = ready(parent(collector={"sample-period": period}))
    assert outcome.word == "converged"
    assert ("has no energy in the first" in outcome.message) is late


def ready(kepler: dict[str, Any], images: dict[str, str] | None = None) -> Outcome:
    """What `collector` wants of this Kepler, all else being settled."""
    return collector.desired(observed(kepler, config(kepler), images))


@pytest.mark.parametrize("tag", ["v0.11.0", "v0.9.0", "v0.0.10", "v1.0.0"])
def test_an_exporter_that_reads_another_configuration_is_refused(tag: str) -> None:
    """It would not start; the one that runs is left as it is."""
    outcome = ready(parent(collector={"image": f"{KEPLERS}:{tag}", "release": "v0.7"}))
    assert (outcome.word, outcome.reason, outcome.intents) == ("rejected", "ImageNotSupported", ())
    assert f"`collector.image` is '{KEPLERS}:{tag}', and Kepler {tag} reads none of" in outcome.message
    assert f"name a release of v0.7, such as '{kepler_v07.IMAGE}'" in outcome.message


def test_an_image_of_the_environment_is_named_as_such() -> None:
    """Whoever installed this operator has to change it, not whoever wrote the Kepler."""
    outcome = ready(parent(), {kepler_v07.IMAGE_SETTING: f"{KEPLERS}:v0.11.0"})
    assert outcome.message.startswith("`RELATED_IMAGE_KEPLER` in the functions' environment is '")


@pytest.mark.parametrize(
    ("image", "remark"),
    [
        (kepler_v07.IMAGE, ""),
        (f"{KEPLERS}:release-0.7.2", ""),
        (f"{KEPLERS}:v0.6.1", "v0.6.1 is older than v0.7.0: what it does not know, it ignores"),
        (f"{KEPLERS}@{DIGEST}", "the tag contains no release; it is treated as v0.7.12"),
    ],
)
def test_what_a_tag_leaves_open_is_said(image: str, remark: str) -> None:
    """The exporter runs it all the same."""
    outcome = ready(parent(collector={"image": image}))
    assert outcome.word == "converged"
    assert outcome.message.partition("; ")[2] == remark


@pytest.mark.parametrize(
    ("field", "decide"),
    [("estimator-sidecar", estimator.desired), ("model-server", model_server.desired)],
)
@pytest.mark.parametrize(("tag", "taken"), [("v0.7.2", False), ("v0.7.11", True), ("v0.7.12", True), ("mine", True)])
def test_images_whose_programs_have_other_names_are_refused(field: str, decide: Any, tag: str, taken: bool) -> None:  # noqa: FBT001
    """`estimator` and `model-server` are not in images before v0.7.11."""
    image = f"quay.io/sustainable_computing_io/kepler_model_server:{tag}"
    kepler = parent(**{field: {"enabled": True, "image": image}})
    there = {
        **dict.fromkeys(model_server.FUNCTION.children(KEY)),
        **dict.fromkeys(model_server.FUNCTION.inputs(KEY)),
        **OPEN,
    }
    outcome = decide(Observed(KEY, kepler, there))
    assert outcome.word == ("converged" if taken else "rejected")
    assert (f"`{field}.image` is '{image}', and v0.7.2 has other programs" in outcome.message) is not taken
