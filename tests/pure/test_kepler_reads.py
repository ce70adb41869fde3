"""Whole configurations, read as the exporter of Kepler v0.7.12 reads them: it ends up with what was meant."""

from pathlib import Path

import pytest

from crds.environment import KEPLERS
from crds.kepler_collected_metric import Source
from effects.rendered_cluster import RenderedCluster, run_functions, with_keys
from functions.function_catalogue import FUNCTIONS
from operands import children
from operands.cfm import Key
from tests.configurations import (
    DEFAULT,
    EACH,
    ESTIMATED,
    PREFIXES,
    ConfigurationCase,
    beside,
    exporter,
    sources,
    written,
)
from tests.kepler_reads import ELSEWHERE, EXPORTER_KEYS, Estimator, Exporter


@EACH
def test_the_exporter_ends_up_with_what_was_meant(case: ConfigurationCase, tmp_path: Path) -> None:
    """Every one of its settings, typed: those we write, those we leave to it, and those that flags have a say in."""
    read = exporter(run_functions(case.cluster), tmp_path)
    model_config = read.text("MODEL_CONFIG", "")
    expected = {**EXPORTER_KEYS, **DEFAULT, **case.settings, "MODEL_CONFIG": model_config}
    assert read.settings() == expected
    assert tuple(read.model(prefix) for prefix in PREFIXES) == case.models
    assert read.model_server() == f"{expected['MODEL_SERVER_URL']}/model"


@EACH
def test_nothing_reads_as_another_value_than_was_written(case: ConfigurationCase, tmp_path: Path) -> None:
    """No 'enabled' where 'true' is read, no '3s' where a number is, and nothing that trimming would change."""
    cluster = run_functions(case.cluster)
    read = exporter(cluster, tmp_path)
    for key, value in cluster.data(children.CFM).items():
        default = EXPORTER_KEYS.get(key, "")
        text = str(read.value(key) if key in EXPORTER_KEYS else read.text(key, ""))
        assert (text.lower() if isinstance(default, bool) else text) == value, key
    for config in (children.CFM, children.MODEL_CONFIG):
        assert all(isinstance(value, str) and value == value.strip() for value in cluster.data(config).values())


@EACH
def test_flag_and_file_agree(case: ConfigurationCase, tmp_path: Path) -> None:
    """The file wins for address and path, so a flag that says otherwise would mislead whoever reads the pod."""
    read = exporter(run_functions(case.cluster), tmp_path)
    assert read.text("BIND_ADDRESS", "") == read.flag("address")
    assert read.text("METRIC_PATH", "") == read.flag("metrics-path")
    assert read.text("KEPLER_LOG_LEVEL", "") == str(read.flag("v"))
    assert Exporter(tmp_path / "none", {}, read.arguments).settings()["BIND_ADDRESS"] == read.flag("address")


@EACH
def test_names_that_have_no_default_are_in_the_environment(case: ConfigurationCase, tmp_path: Path) -> None:
    """Without its node's name Kepler ends; nothing else is set there, since it would win over the file."""
    assert exporter(run_functions(case.cluster), tmp_path).environment == {"NODE_NAME": ELSEWHERE, "NODE_IP": ELSEWHERE}


SWITCHED = [
    (Source.COUNTER, "EXPOSE_HW_COUNTER_METRICS"),
    (Source.GPU, "ENABLE_GPU"),
    (Source.BPF, "EXPOSE_BPF_METRICS"),
    (Source.IRQ, "EXPOSE_IRQ_COUNTER_METRICS"),
]
# Switches of sources that v0.7.12 does not have.
OF_OLDER_RELEASES = [
    (Source.CGROUP, "EXPOSE_CGROUP_METRICS"),
    (Source.KUBELET, "EXPOSE_KUBELET_METRICS"),
]


def on_and_off(source: Source, folder: Path) -> tuple[Exporter, Exporter]:
    """Return an exporter for which this source alone is on, and one for which it alone is off."""
    on = exporter(run_functions(written(sources(source))), folder / "on")
    return on, exporter(run_functions(written(sources(*{*Source} - {source}))), folder / "off")


@pytest.mark.parametrize(("source", "switch"), SWITCHED)
def test_each_source_has_a_switch_that_the_exporter_reads(source: Source, switch: str, tmp_path: Path) -> None:
    """'true' while it is on and 'false' while it is off, whichever the default."""
    on, off = on_and_off(source, tmp_path)
    assert (on.settings()[switch], off.settings()[switch]) == (True, False)
    for default in (True, False):
        assert on.true(switch, default=default)
        assert not off.true(switch, default=default)


@pytest.mark.parametrize(("source", "switch"), OF_OLDER_RELEASES)
def test_a_source_of_older_releases_has_a_switch_that_only_they_read(
    source: Source, switch: str, tmp_path: Path
) -> None:
    """v0.7.12 has no such setting; an older release finds the switch as it expects it."""
    on, off = on_and_off(source, tmp_path)
    assert switch not in on.settings()
    for default in (True, False):
        assert on.true(switch, default=default)
        assert not off.true(switch, default=default)


def test_metrics_of_cgroups_are_a_list_or_a_star(tmp_path: Path) -> None:
    """As upstream's manifests had it while there were such metrics; v0.7.12 has none."""
    chosen = {"enabled": True, "metrics": ["cgroupfs_cpu_usage_us", "bytes_read"]}
    read = exporter(run_functions(written({"sources": {"cgroup": chosen}})), tmp_path / "some")
    assert read.text("CGROUP_METRICS", "") == "cgroupfs_cpu_usage_us,bytes_read"
    assert exporter(run_functions(written()), tmp_path / "all").text("CGROUP_METRICS", "") == "*"


# Keys that no program of v0.7.12 reads: a flag says the same, or they are older releases' or the working document's.
UNREAD = {
    Key.KEPLER_LOG_LEVEL,
    Key.CGROUP_METRICS,
    Key.EXPOSE_CGROUP_METRICS,
    Key.EXPOSE_KUBELET_METRICS,
    Key.EXPORT_METRICS,
    *(key for key in Key if key.startswith("SOURCE.")),
}
FLAGS_AND_FILES = {Key.BIND_ADDRESS, Key.METRIC_PATH}
OF_THE_ESTIMATOR = {Key.MODEL_SERVER_MODEL_LIST_PATH}


def test_every_key_has_a_reader_or_a_reason() -> None:
    """Whatever we write to `kepler-cfm` is written always, and read by somebody or for an older release."""
    owned = frozenset().union(*(function.keys for function in FUNCTIONS))
    assert set(run_functions(written()).data(children.CFM)) == {*Key} == owned
    assert {key for key in Key if key in EXPORTER_KEYS} == {*Key} - UNREAD - FLAGS_AND_FILES - OF_THE_ESTIMATOR


def test_a_variable_of_the_user_wins_over_the_file_in_the_exporter(tmp_path: Path) -> None:
    """As upstream documents it; the estimator beside it does not get it, and to it the file would win."""
    env = [{"name": "MAX_LOOKUP_RETRY", "value": "9"}, {"name": "ENABLE_MSR", "value": "true"}]
    asked = written(collector={"env": env}, estimator_sidecar=ESTIMATED)
    cluster = run_functions(RenderedCluster(asked.specs, there=with_keys({"MAX_LOOKUP_RETRY": "7"})))
    assert exporter(cluster, tmp_path / "exporter").settings()["MAX_LOOKUP_RETRY"] == 9
    estimator = beside(cluster, tmp_path / "estimator")
    assert estimator.environment == {}
    assert Estimator(estimator.files, {"MAX_LOOKUP_RETRY": "9"}).text("MAX_LOOKUP_RETRY", "") == "7"


def test_a_key_of_the_user_is_read_without_its_newline(tmp_path: Path) -> None:
    """`kubectl create configmap --from-file` leaves one; in the environment, nobody takes it away."""
    there = with_keys({"MAX_LOOKUP_RETRY": "7\n", "ENABLE_MSR": "TRUE\n"})
    read = exporter(run_functions(RenderedCluster(there=there)), tmp_path)
    assert (read.settings()["MAX_LOOKUP_RETRY"], read.settings()["ENABLE_MSR"]) == (7, True)
    assert Exporter(read.files, {"MAX_LOOKUP_RETRY": "7\n"}).settings()["MAX_LOOKUP_RETRY"] == 500


def test_only_what_kepler_reads_and_no_field_stands_for_can_be_set_in_the_environment() -> None:
    """It would win over the field without a word; of the keys that we write, one has no field."""
    assert {*KEPLERS} <= EXPORTER_KEYS.keys()
    assert {*KEPLERS} & {*Key} == {Key.ENABLE_EBPF_CGROUPID}


# What Kepler reads, and must not be set: tests' and flags' own, and what `estimator-sidecar` says in other words.
UNWANTED = {
    "ENABLE_API_SERVER",
    "ESTIMATOR_MODEL",
    "ESTIMATOR_SELECT_FILTER",
    "KUBE_CONFIG",
    "MOCK_ACPI_POWER_PATH",
    *(key for key in EXPORTER_KEYS if key.endswith("_POWER_KEY")),
}


def test_every_key_of_keplers_is_a_fields_or_the_users_or_nobodys() -> None:
    """A key of another release is to be decided on."""
    assert {*EXPORTER_KEYS} - {*Key} - {*KEPLERS} == UNWANTED
