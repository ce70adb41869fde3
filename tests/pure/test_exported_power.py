"""Every field of a KeplerExportedPower: the keys of `kepler-cfm`, read as Kepler reads them, and what is said of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crds.kepler_collected_metric import KeplerCollectedMetric
from crds.kepler_exported_power import USAGE, KeplerExportedPower, KeplerExportedPowerSpec, Level
from functions import exported_power
from operands import children, metrics
from operands.cfm import Key
from operands.metrics import Family, series
from runtime.declaration import Observed
from runtime.objects import COLLECTED_METRIC, EXPORTED_POWER, KEPLER, Ref
from runtime.outcome import Outcome

KEY = Ref(KEPLER, "energy", "kepler")
POWER = Ref(EXPORTED_POWER, "energy", "mine")
COLLECTED = Ref(COLLECTED_METRIC, "energy", "sources")

DEFAULT = KeplerExportedPowerSpec()
EVERYTHING = KeplerCollectedMetric()


def spec(**fields: Any) -> KeplerExportedPowerSpec:
    """What is asked for."""
    return KeplerExportedPower.model_validate({"spec": {key.replace("_", "-"): fields[key] for key in fields}}).spec


def parent(**fields: Any) -> dict[str, Any]:
    """A Kepler with these fields."""
    return {
        "apiVersion": KEPLER.api_version,
        "kind": "Kepler",
        "metadata": {"name": "kepler", "namespace": "energy", "uid": "u", "generation": 1},
        "spec": {key.replace("_", "-"): fields[key] for key in fields},
    }


def decide(kepler: dict[str, Any], **objects: Any) -> Outcome:
    """What `exported_power` wants, with these objects there."""
    objects_there = {POWER: objects.get("power"), COLLECTED: objects.get("collected"), children.cfm(KEY): None}
    return exported_power.desired(Observed(KEY, kepler, objects_there))


def power(**fields: Any) -> dict[str, Any]:
    """The KeplerExportedPower 'mine'."""
    return {"metadata": {"name": "mine"}, "spec": {key.replace("_", "-"): fields[key] for key in fields}}


class ConfigFiles:
    """One file a key, read as kepler v0.7.12:pkg/config/config.go does (getConfig, getBoolConfig)."""

    def __init__(self, directory: Path, outcome: Outcome) -> None:
        self.directory = directory
        for key, value in outcome.intents[0].body["data"].items():
            (directory / key).write_text(value)

    def text(self, key: str) -> str:
        """A value, trimmed."""
        return (self.directory / key).read_text().strip()

    def true(self, key: str) -> bool:
        """A switch: 'true' in any case, and nothing else, is on; here, nothing else than 'false' is off."""
        assert self.text(key) in ("true", "false")
        return self.text(key).lower() == "true"


SWITCHES = (
    "EXPOSE_COMPONENT_POWER",
    "EXPOSE_CONTAINER_METRICS",
    "EXPOSE_VM_METRICS",
    "ENABLE_PROCESS_METRICS",
    "EXPOSE_ESTIMATED_IDLE_POWER_METRICS",
)


@dataclass(frozen=True)
class ExportedPowerCase:
    """Levels, and the switches that are on for them."""

    levels: tuple[str, ...]
    on: frozenset[str]


CASES = [
    ExportedPowerCase(("node",), frozenset({"EXPOSE_COMPONENT_POWER"})),
    ExportedPowerCase(("package",), frozenset({"EXPOSE_COMPONENT_POWER"})),
    ExportedPowerCase(("pod",), frozenset({"EXPOSE_CONTAINER_METRICS"})),
    ExportedPowerCase(("container",), frozenset({"EXPOSE_CONTAINER_METRICS"})),
    ExportedPowerCase(("process",), frozenset({"ENABLE_PROCESS_METRICS"})),
    ExportedPowerCase(("vm",), frozenset({"EXPOSE_VM_METRICS", "EXPOSE_COMPONENT_POWER"})),
    ExportedPowerCase(("pod", "process"), frozenset({"EXPOSE_CONTAINER_METRICS", "ENABLE_PROCESS_METRICS"})),
    ExportedPowerCase(
        ("node", "package", "pod", "container"), frozenset({"EXPOSE_COMPONENT_POWER", "EXPOSE_CONTAINER_METRICS"})
    ),
    ExportedPowerCase(tuple(Level), frozenset(SWITCHES) - {"EXPOSE_ESTIMATED_IDLE_POWER_METRICS"}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "+".join(case.levels))
def test_a_switch_is_on_when_a_level_needs_it(case: ExportedPowerCase, tmp_path: Path) -> None:
    """And off when none does; each is always written."""
    read = ConfigFiles(tmp_path, decide(parent(exported_power="mine"), power=power(levels=case.levels)))
    assert {switch for switch in SWITCHES if read.true(switch)} == case.on


@pytest.mark.parametrize("wanted", [True, False])
def test_idle_power_has_a_switch_of_its_own(wanted: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """`EXPOSE_ESTIMATED_IDLE_POWER_METRICS`."""
    outcome = decide(parent(exported_power="mine"), power=power(idle_power=wanted))
    assert ConfigFiles(tmp_path, outcome).true("EXPOSE_ESTIMATED_IDLE_POWER_METRICS") is wanted
    assert ("idle" in outcome.message) is wanted


def test_without_a_resource_the_defaults_are_written(tmp_path: Path) -> None:
    """Node, package, pod and container, all usage metrics, no idle power."""
    outcome = decide(parent())
    read = ConfigFiles(tmp_path, outcome)
    assert {switch for switch in SWITCHES if read.true(switch)} == {
        "EXPOSE_COMPONENT_POWER",
        "EXPOSE_CONTAINER_METRICS",
    }
    assert read.text("EXPORT_METRICS") == ", ".join(USAGE)
    assert outcome.message == "exports power of node, package, pod, container; usage metrics: all there are"


def test_the_list_is_the_working_documents() -> None:
    """`EXPORT_METRICS: cpu_cycles, cache_miss, …`, in one order however it was written: no rollout for a reordering."""
    lists = [
        exported_power.keys(spec(metrics=named))[Key.EXPORT_METRICS]
        for named in (["bpf_cpu_time_ms", "cpu_cycles"], ["cpu_cycles", "bpf_cpu_time_ms"])
    ]
    assert lists == ["cpu_cycles, bpf_cpu_time_ms"] * 2


def test_every_key_it_owns_is_always_written() -> None:
    """Otherwise `collector` would wait for it forever."""
    owned = exported_power.KEYS
    assert set(exported_power.keys(DEFAULT)) == set(exported_power.keys(spec(levels=["vm"], metrics=["cache_miss"])))
    assert set(exported_power.keys(DEFAULT)) == owned


def test_a_missing_resource_is_not_replaced_by_the_defaults() -> None:
    """They would export what the user turned off; the message says what to do."""
    outcome = decide(parent(exported_power="mine"))
    assert (outcome.word, outcome.reason, outcome.intents) == ("rejected", "ExportedPowerNotFound", ())
    assert "`exported-power` names 'mine'" in outcome.message
    assert "create it, or leave `exported-power` out" in outcome.message


@dataclass(frozen=True)
class Remark:
    """Metrics asked for by name, a source that is off, and those that then have no values."""

    metrics: tuple[str, ...]
    off: str
    without: str


REMARKS = [
    Remark(("cpu_cycles", "cache_miss"), "counter", "cpu_cycles, cache_miss"),
    Remark(("cpu_cycles", "gpu_mem_util"), "gpu", "gpu_mem_util"),
    Remark(("cpu_cycles", "bpf_block_irq"), "irq", "bpf_block_irq"),
    Remark(("cpu_cycles", "bpf_cpu_time_ms", "gpu_mem_util"), "bpf", "cpu_cycles, bpf_cpu_time_ms, gpu_mem_util"),
    Remark(("cpu_cycles",), "gpu", ""),
    Remark((), "counter", ""),
]


@pytest.mark.parametrize("case", REMARKS, ids=lambda case: f"{case.off}: {case.without}")
def test_a_metric_of_a_source_that_is_off_is_told(case: Remark) -> None:
    """It is no mistake, but it has no values; the message says where to turn it on. `bpf` hides all of them."""
    kepler = parent(exported_power="mine", collected_metric="sources")
    collected = {"metadata": {"name": "sources"}, "spec": {"sources": {case.off: {"enabled": False}}}}
    outcome = decide(kepler, power=power(metrics=list(case.metrics)), collected=collected)
    assert outcome.word == "converged"
    remark = f"no values of {case.without}: enable `sources.{case.off}` in KeplerCollectedMetric 'sources'"
    assert outcome.message.split("; ")[2:] == ([remark] if case.without else [])


def test_a_metric_that_its_sources_list_leaves_out_is_told() -> None:
    """It is dropped by Prometheus; the message says where to name it."""
    kepler = parent(exported_power="mine", collected_metric="sources")
    collected = {"metadata": {"name": "sources"}, "spec": {"sources": {"counter": {"metrics": ["cpu_cycles"]}}}}
    outcome = decide(kepler, power=power(metrics=["cpu_cycles", "cache_miss"]), collected=collected)
    remark = "no values of cache_miss: add them to `sources.counter.metrics` in KeplerCollectedMetric 'sources'"
    assert outcome.message.split("; ")[2:] == [remark]


def test_a_missing_collected_metric_is_anothers_business() -> None:
    """Its own function rejects it; the switches are written all the same."""
    outcome = decide(parent(exported_power="mine", collected_metric="sources"), power=power())
    assert outcome.word == "converged"


def names(objects_there: Any) -> set[str]:
    """Names of series by family and measure."""
    return {series(family, measure) for family, measures in objects_there.items() for measure in measures}


def test_nothing_is_exported_that_is_neither_wanted_nor_dropped() -> None:
    """For each set of levels: exported is wanted and surplus, and whatever is wanted is exported."""
    for bits in range(1, 1 << len(Level)):
        levels = [level for at, level in enumerate(Level) if bits >> at & 1]
        asked = spec(levels=levels, metrics=["cpu_cycles"])
        exported = names(metrics.exported(asked))
        wanted, surplus = (names(f(asked, EVERYTHING)) for f in (metrics.wanted_series, metrics.surplus))
        assert wanted <= exported, levels
        assert surplus == exported - wanted, levels


def test_every_level_alone_has_series_of_its_own() -> None:
    """No level is asked for in vain: each keeps some power."""
    for level in Level:
        kept = names(metrics.wanted_series(spec(levels=[level]), EVERYTHING))
        assert any("joules" in text for text in kept), level


@dataclass(frozen=True)
class Dropped:
    """Levels and metrics, and what then is dropped of a family."""

    levels: tuple[str, ...]
    usage: tuple[str, ...]
    family: Family
    measures: set[str]


PARTS = {f"{part}_joules" for part in ("package", "core", "uncore", "dram", "other", "gpu", "platform")}
BUT_CYCLES = set(USAGE) - {"cpu_cycles"}
DROPPED = [
    Dropped(("node", "package"), (), Family.NODE, set()),
    Dropped(("node",), (), Family.NODE, {"core_joules", "uncore_joules"}),
    Dropped(("package",), (), Family.NODE, {"platform_joules"}),
    Dropped(("vm",), (), Family.NODE, PARTS),
    Dropped(("vm",), (), Family.VM, {"core_joules", "uncore_joules"}),
    Dropped(("node", "container"), (), Family.CONTAINER, PARTS),
    Dropped(("container",), (), Family.CONTAINER, set()),
    Dropped(("package", "container"), ("cpu_cycles",), Family.CONTAINER, BUT_CYCLES),
    Dropped(("process",), ("cpu_cycles",), Family.PROCESS, BUT_CYCLES),
    Dropped(("vm", "package"), ("cpu_cycles",), Family.VM, BUT_CYCLES),
    Dropped(("pod",), (), Family.CONTAINER, set(USAGE)),
    Dropped(("pod", "node"), (), Family.CONTAINER, set(USAGE) | PARTS),
    Dropped(("pod", "package"), (), Family.CONTAINER, set(USAGE) | {"core_joules", "uncore_joules", "platform_joules"}),
]


@pytest.mark.parametrize(
    "case", DROPPED, ids=lambda case: f"{'+'.join(case.levels)} {','.join(case.usage)} {case.family}"
)
def test_what_is_dropped(case: Dropped) -> None:
    """What Kepler exports besides; of containers, what pods are summed up from stays."""
    asked = spec(levels=list(case.levels), metrics=list(case.usage))
    assert set(metrics.surplus(asked, EVERYTHING).get(case.family, ())) == case.measures


def test_a_family_that_is_off_needs_no_dropping() -> None:
    """Kepler does not have its series."""
    assert set(metrics.surplus(spec(levels=["container"], metrics=["cache_miss"]), EVERYTHING)) == {Family.CONTAINER}


def test_both_resources_wake_the_keplers_that_name_them() -> None:
    """The one that says what is exported, and the one that says what is collected."""
    function = exported_power.FUNCTION
    kepler = parent(exported_power="mine", collected_metric="sources")
    assert function.concerns(KEY, kepler, POWER)
    assert function.concerns(KEY, kepler, COLLECTED)
    assert not function.concerns(KEY, parent(exported_power="other"), POWER)
