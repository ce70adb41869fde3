"""What the models make of objects as the API server gives them."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, JsonValue, ValidationError

from crds.crd_files import RESOURCES
from crds.fields import DAY, seconds
from crds.kepler import Kepler
from crds.kepler_collected_metric import METRICS, KeplerCollectedMetric, Source
from crds.kepler_exported_power import USAGE, KeplerExportedPower, Level
from crds.kepler_machine_config import KeplerMachineConfig
from crds.meta import Resource, SpecPart

SAMPLES = Path(__file__).parents[2] / "config" / "samples"
EACH = pytest.mark.parametrize("resource", RESOURCES.values(), ids=lambda resource: resource.names.kind)


@dataclass(frozen=True)
class Span:
    written: str
    seconds: int | None


SPANS = [
    Span("1s", 1),
    Span("30s", 30),
    Span("1m30s", 90),
    Span("90m", 5400),
    Span("1h", 3600),
    Span("1h0m1s", 3601),
    Span("24h", DAY),
    Span("86400s", DAY),
    Span("24h1s", None),
    Span("0s", None),
    Span("", None),
    Span("30", None),
    Span("500ms", None),
    Span("1.5s", None),
    Span("1s30m", None),
    Span("1d", None),
    Span("-5s", None),
    Span(" 5s", None),
    Span("5s\n", None),
    Span("٣s", None),
]


@pytest.mark.parametrize("span", SPANS, ids=lambda span: repr(span.written))
def test_a_span_is_whole_seconds_up_to_a_day(span: Span) -> None:
    if span.seconds is None:
        with pytest.raises(ValueError, match="must be whole seconds from '1s' to '24h'"):
            seconds(span.written)
    else:
        assert seconds(span.written) == span.seconds


@given(st.integers(0, 23), st.integers(0, 59), st.integers(1, 59))
def test_a_span_is_the_sum_of_its_parts(hours: int, minutes: int, rest: int) -> None:
    assert seconds(f"{hours}h{minutes}m{rest}s") == hours * 3600 + minutes * 60 + rest


@EACH
@pytest.mark.parametrize("absent", [{}, {"spec": None}, {"spec": {}, "status": None}, {"metadata": None}], ids=str)
def test_a_blank_resource_has_the_defaults(resource: type[Resource], absent: dict[str, JsonValue]) -> None:
    assert resource.model_validate(absent) == resource()


def blank(part: type[BaseModel]) -> dict[str, JsonValue]:
    """Every block of a part written out, with every field of it blank."""
    blocks = {str(field.alias): field.annotation for field in part.model_fields.values()}
    return {
        name: blank(block) if isinstance(block, type) and issubclass(block, SpecPart) else None
        for name, block in blocks.items()
    }


@EACH
def test_blank_fields_have_the_defaults(resource: type[Resource]) -> None:
    spec = type(resource.model_fields["spec"].get_default())
    assert spec.model_validate(blank(spec)) == spec()


def test_the_working_documents_sample_has_the_defaults() -> None:
    kepler = Kepler.model_validate(yaml.safe_load((SAMPLES / "working-doc/kepler.yaml").read_text()))
    assert kepler.spec == Kepler().spec


def test_the_defaults_are_the_documents() -> None:
    spec = Kepler().spec
    assert spec.scrape_interval_seconds == 30
    assert (spec.collector.port, spec.collector.sample_period, spec.collector.log_level) == (9102, 3, 1)
    assert (spec.collector.image, spec.collector.tolerations, spec.collector.env) == (None, None, ())
    assert (spec.estimator_sidecar.enabled, spec.estimator_sidecar.mnt_path) == (False, "/tmp")
    assert (spec.model_server.enabled, spec.model_server.port, spec.model_server.sampling_period) == (False, 8100, 300)
    storage = spec.model_server.storage
    assert (storage.type, storage.path) == ("local", "models")
    assert (storage.claim.size, storage.claim.access_mode, storage.claim.on_delete) == (
        "5Gi",
        "ReadWriteOnce",
        "Retain",
    )
    assert (spec.model_server.training.online, spec.model_server.training.step) == (False, 3)


@pytest.mark.parametrize(
    ("spec", "interval"),
    [({"scrape-interval": "1m"}, 60), ({"scape-interval": "15s"}, 15), ({"scape-interval": None}, 30), ({}, 30)],
)
def test_both_spellings_of_the_scrape_interval_are_read(spec: dict[str, JsonValue], interval: int) -> None:
    assert Kepler.model_validate({"spec": spec}).spec.scrape_interval_seconds == interval


def test_no_tolerations_is_not_the_same_as_none_written() -> None:
    kepler = Kepler.model_validate({"spec": {"collector": {"tolerations": []}}})
    assert kepler.spec.collector.tolerations == ()
    assert Kepler().spec.collector.tolerations is None


def test_an_amount_may_be_a_number() -> None:
    kepler = Kepler.model_validate({"spec": {"model-server": {"storage": {"claim": {"size": 5368709120}}}}})
    assert kepler.spec.model_server.storage.claim.size == "5368709120"


@EACH
def test_an_unknown_field_of_the_spec_is_refused(resource: type[Resource]) -> None:
    with pytest.raises(ValidationError, match="colector"):
        resource.model_validate({"spec": {"colector": {}}})


@pytest.mark.parametrize("resource", [Kepler, KeplerMachineConfig])
def test_what_another_release_wrote_into_the_status_is_ignored(resource: type[Kepler | KeplerMachineConfig]) -> None:
    ready = {"type": "Ready", "status": "True", "observedGeneration": 3, "severity": "none"}
    read = resource.model_validate({"status": {"conditions": [ready], "phase": "Running", "observedGeneration": 3}})
    assert read.status.observed_generation == 3
    assert (read.status.conditions[0].type, read.status.conditions[0].observed_generation) == ("Ready", 3)


def test_metadata_is_read() -> None:
    metadata = {
        "name": "a",
        "namespace": "b",
        "uid": "c",
        "generation": 4,
        "resourceVersion": "5",
        "deletionTimestamp": "2022-11-16T00:00:00Z",
        "annotations": {"d": "e"},
        "labels": None,
        "managedFields": [],
    }
    kepler = Kepler.model_validate({"apiVersion": "x", "kind": "Kepler", "metadata": metadata})
    assert (kepler.name, kepler.namespace, kepler.metadata.uid) == ("a", "b", "c")
    assert (kepler.metadata.generation, kepler.metadata.resource_version) == (4, "5")
    assert kepler.metadata.deletion_timestamp == "2022-11-16T00:00:00Z"
    assert (kepler.metadata.annotations, kepler.metadata.labels) == ({"d": "e"}, {})


def test_a_resource_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Kepler().spec.collector.port = 1  # type: ignore[misc]


def test_the_sources_that_are_read_by_default() -> None:
    assert KeplerCollectedMetric().enabled() == {Source.COUNTER, Source.GPU, Source.BPF, Source.IRQ}


def test_a_source_without_a_list_is_read_whole() -> None:
    metrics = KeplerCollectedMetric.model_validate({"spec": {"sources": {"gpu": {"metrics": []}}}})
    assert metrics.metrics(Source.GPU) == METRICS[Source.GPU]


def test_a_source_with_a_list_is_read_in_part() -> None:
    metrics = KeplerCollectedMetric.model_validate({"spec": {"sources": {"counter": {"metrics": ["cache_miss"]}}}})
    assert metrics.metrics(Source.COUNTER) == ("cache_miss",)


def test_nothing_is_read_of_a_source_that_is_off() -> None:
    metrics = KeplerCollectedMetric.model_validate({"spec": {"sources": {"counter": {"enabled": False}}}})
    assert metrics.metrics(Source.COUNTER) == ()
    assert Source.COUNTER not in metrics.enabled()


def test_what_is_exported_by_default() -> None:
    spec = KeplerExportedPower().spec
    assert spec.levels == (Level.NODE, Level.PACKAGE, Level.POD, Level.CONTAINER)
    assert (spec.metrics, spec.idle_power) == ((), False)
    assert set(USAGE) <= {metric for names in METRICS.values() for metric in names}


def test_no_machine_is_changed_by_default() -> None:
    spec = KeplerMachineConfig().spec
    assert spec.roles == ("worker",)
    assert (spec.kernel_devel, spec.cgroup_v2, spec.allow_reboot, spec.machine_spec) == (False, False, False, {})
