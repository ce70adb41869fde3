"""ServiceMonitor and recording rules for every level, interval and cluster, read as Prometheus reads them."""

import re
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pytest

from crds.kepler_collected_metric import METRICS, KeplerCollectedMetric, Source
from crds.kepler_exported_power import USAGE, Level
from effects.cluster_objects import definition
from functions import exported_power, monitoring
from functions.monitoring import MANAGER
from operands import children, metrics, recording
from operands.metrics import series
from runtime.adoption import MANAGED_BY
from runtime.declaration import Observed
from runtime.objects import (
    COLLECTED_METRIC,
    EXPORTED_POWER,
    KEPLER,
    PROMETHEUS_RULE,
    SERVICE_MONITOR,
    Kind,
    Ref,
)
from runtime.outcome import Outcome
from tests.pure.test_exported_power import spec

KEY = Ref(KEPLER, "energy", "kepler")
POWER = Ref(EXPORTED_POWER, "energy", "mine")
SOURCES = Ref(COLLECTED_METRIC, "energy", "sources")
LEVELS = [levels for many in range(1, len(Level) + 1) for levels in combinations(Level, many)]


def said(
    status: str = "True", message: str = "", generation: int = 1, by: str = exported_power.CONDITION
) -> dict[str, Any]:
    """A condition, `exported_power`'s if no other is named."""
    entry = {"type": by, "status": status, "reason": "R", "message": message}
    return entry | {"observedGeneration": generation, "lastTransitionTime": "2026-01-01T00:00:00Z"}


def parent(*conditions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A Kepler that names the KeplerExportedPower 'mine', and on which others have reported."""
    others = [said(by=condition_type) for condition_type in monitoring.FUNCTION.awaits]
    return {
        "apiVersion": KEPLER.api_version,
        "kind": "Kepler",
        "metadata": {"name": "kepler", "namespace": "energy", "uid": "u", "generation": 1},
        "spec": {"exported-power": "mine"} | {key.replace("_", "-"): fields[key] for key in fields},
        "status": {
            "conditions": [
                *conditions,
                *(condition for condition in others if condition["type"] not in _types(conditions)),
            ]
        },
    }


def _types(conditions: tuple[dict[str, Any], ...]) -> set[str]:
    return {condition["type"] for condition in conditions}


OPERATED = {monitoring.definition(kind): definition(kind) for kind in (SERVICE_MONITOR, PROMETHEUS_RULE)}
BARE: dict[Ref, Any] = dict.fromkeys(OPERATED)


def decide(kepler: dict[str, Any] | None = None, there: Any = None, **power: Any) -> Outcome:
    """What `monitoring` wants: with this KeplerExportedPower, in a cluster that has these objects."""
    asked = {"metadata": {"name": "mine"}, "spec": {key.replace("_", "-"): power[key] for key in power}}
    objects = {**dict.fromkeys(monitoring.FUNCTION.children(KEY)), **OPERATED, POWER: asked, **(there or {})}
    return monitoring.desired(Observed(KEY, kepler or parent(), objects))


def body(outcome: Outcome, kind: Kind) -> Any:
    """The intent of this kind, or None."""
    return {intent.ref.kind: intent.body for intent in outcome.intents}.get(kind)


def endpoint(outcome: Outcome) -> Any:
    """The only one of the ServiceMonitor."""
    (manifest,) = body(outcome, SERVICE_MONITOR)["spec"]["endpoints"]
    return manifest


def rules(outcome: Outcome) -> list[dict[str, str]]:
    """All recording rules, in the order in which Prometheus evaluates them."""
    manifest = body(outcome, PROMETHEUS_RULE)
    return [rule for group in manifest["spec"]["groups"] for rule in group["rules"]] if manifest else []


def kept(outcome: Outcome, exported: set[str]) -> set[str]:
    """The series that Prometheus keeps: its regular expressions are anchored at both ends."""
    dropped = [
        relabeling["regex"]
        for relabeling in endpoint(outcome).get("metricRelabelings", [])
        if (relabeling["action"], relabeling["sourceLabels"]) == ("drop", ["__name__"])
    ]
    return {metric for metric in exported if not any(re.fullmatch(regex, metric) for regex in dropped)}


def names(objects_there: Any) -> set[str]:
    """Names of series by family and measure."""
    return {series(family, measure) for family, measures in objects_there.items() for measure in measures}


INFO = {"kepler_node_info", "kepler_exporter_build_info", "kepler_container_of_tomorrow_total"}


@pytest.mark.parametrize("levels", LEVELS, ids="+".join)
def test_prometheus_keeps_what_is_asked_for(levels: tuple[str, ...]) -> None:
    """All of that, nothing else of what this Kepler exports, and whatever it does not know."""
    asked = spec(levels=levels, metrics=["cpu_cycles"])
    outcome = decide(levels=levels, metrics=["cpu_cycles"])
    assert (
        kept(outcome, names(metrics.exported(asked)) | INFO)
        == names(metrics.wanted_series(asked, KeplerCollectedMetric())) | INFO
    )


@pytest.mark.parametrize("levels", LEVELS, ids="+".join)
def test_rules_read_only_what_is_kept(levels: tuple[str, ...]) -> None:
    """Prometheus drops before it records: a rule over a dropped series would record nothing."""
    outcome = decide(levels=levels, metrics=["cpu_cycles"])
    there = kept(outcome, names(metrics.exported(spec(levels=levels))))
    recorded: set[str] = set()
    for rule in rules(outcome):
        assert set(re.findall(r"[(]([a-z_0-9:]+){", rule["expr"])) <= there | recorded
        recorded.add(rule["record"])


@dataclass(frozen=True)
class MonitoringCase:
    """Levels, and what is recorded for them."""

    levels: tuple[str, ...]
    records: set[str]


DAY = "container_joules_total:increase:24h"
WATTS = "container_watts:2m:by_ns_pod"
# The names that every line of Kepler records.
COMMON = {"pod_watts", "namespace_watts", "pod_joules:24h", "namespace_joules:24h"}
PARTS = {f"container_{part}_watts:2m:by_ns_pod" for part in ("package", "dram", "other", "gpu")}
CASES = [
    MonitoringCase(("node", "package", "process", "vm"), set()),
    MonitoringCase(("container",), {f"{DAY}:by_ns"}),
    MonitoringCase(("pod",), {WATTS, f"{DAY}:by_ns_pod", f"{DAY}:by_ns", *COMMON}),
    MonitoringCase(("pod", "container", "node"), {WATTS, f"{DAY}:by_ns_pod", f"{DAY}:by_ns", *COMMON}),
    MonitoringCase(("pod", "package"), {WATTS, *PARTS, f"{DAY}:by_ns_pod", f"{DAY}:by_ns", *COMMON}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "+".join(case.levels))
def test_what_is_recorded(case: MonitoringCase) -> None:
    """Pods where asked for, with components where asked for; namespaces wherever there are containers."""
    outcome = decide(levels=case.levels)
    assert {rule["record"] for rule in rules(outcome)} == {f"kepler:{record}" for record in case.records}
    assert outcome.absent == (() if case.records else (children.prometheus_rule(KEY),))


def test_a_rule_is_about_this_keplers_series_only() -> None:
    """Another Kepler in the cluster measures the same pods: its namespace is selected, and kept in the result."""
    for rule in rules(decide(levels=list(Level))):
        assert '{namespace="energy"' in rule["expr"]
        assert rule["expr"].startswith(("sum by (namespace, container_namespace", "sum by (namespace, pod_namespace"))


@pytest.mark.parametrize(
    ("seconds", "window"), [(1, "2m"), (30, "2m"), (31, "124s"), (60, "4m"), (300, "20m"), (86400, "5760m")]
)
def test_rates_are_taken_over_four_scrapes_and_two_minutes_at_least(seconds: int, window: str) -> None:
    """The name tells the time, so that nobody reads an hour's mean as two minutes'."""
    assert recording.window(seconds) == window
    (rate, *_) = rules(decide(parent(scrape_interval=f"{seconds}s"), levels=["pod"]))
    assert rate["record"] == f"kepler:container_watts:{window}:by_ns_pod"
    assert f"[{window}]" in rate["expr"]


@pytest.mark.parametrize("field", ["scrape_interval", "scape_interval"])
def test_the_scrape_interval_in_either_spelling(field: str) -> None:
    """Blank means 30 s; written like '1m30s', Prometheus gets seconds."""
    assert endpoint(decide(parent(**{field: "1m30s"})))["interval"] == "90s"
    assert endpoint(decide(parent(**{field: None})))["interval"] == "30s"


def test_series_are_found_by_their_node() -> None:
    """`instance` is the node's name, not the pod's address; `job` is the Service's name."""
    outcome = decide()
    assert endpoint(outcome)["path"] == "/metrics"
    assert endpoint(outcome)["relabelings"] == [
        {"action": "replace", "sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "instance"}
    ]
    assert body(outcome, SERVICE_MONITOR)["spec"]["jobLabel"] == "app.kubernetes.io/name"


def test_labels_of_the_user_are_what_prometheus_selects_by() -> None:
    """On both objects; they win over what the usual installations select by, and not over ours."""
    mine = {"example.com/team": "energy", "release": "mine", "role": "slo", "app.kubernetes.io/name": "other"}
    outcome = decide(parent(monitoring={"labels": mine}), levels=["node", "pod"])
    for kind in (SERVICE_MONITOR, PROMETHEUS_RULE):
        labels = body(outcome, kind)["metadata"]["labels"]
        assert {name: labels[name] for name in ("example.com/team", "release", "role")}.items() <= mine.items()
        assert labels.items() >= MANAGED_BY.items()
        assert labels["app.kubernetes.io/name"] == "kepler-exporter"


@pytest.mark.parametrize(("managers", "release"), [((MANAGER,), "prometheus"), ((MANAGER, "kubectl-label"), "mine")])
def test_a_release_that_came_from_a_field_goes_with_it(managers: tuple[str, ...], release: str) -> None:
    """The value of a label that is ours alone is nobody's any more; one that somebody else has put there stays."""
    owned: dict[str, Any] = {"f:metadata": {"f:labels": {"f:release": {}}}}
    entries = [{"manager": manager, "operation": "Apply", "fieldsV1": owned} for manager in managers]
    described = {"labels": {"release": "mine"}, "managedFields": entries}
    outcome = decide(parent(), there={children.service_monitor(KEY): {"metadata": described}}, levels=["node"])
    assert body(outcome, SERVICE_MONITOR)["metadata"]["labels"]["release"] == release


@pytest.mark.parametrize(("there", "release"), [(None, "prometheus"), ("mine", "mine"), ("", "prometheus")])
def test_the_release_that_is_there_stays(there: str | None, release: str) -> None:
    """Helm installs of Prometheus select by it; only where there is none, ours is written."""
    refs = monitoring.FUNCTION.children(KEY)
    objects_there = {ref: {"metadata": {"labels": {"release": there}}} for ref in refs} if there is not None else {}
    for intent in decide(there=objects_there).intents:
        labels = intent.body["metadata"]["labels"]
        assert labels["release"] == release
        assert MANAGED_BY.items() <= labels.items()


BELOW_A_NODE: Any = ["node", "package", "container", "process"]


def sources(**chosen: Any) -> dict[Ref, Any]:
    """The KeplerCollectedMetric 'sources'."""
    return {SOURCES: {"metadata": {"name": "sources"}, "spec": {"sources": chosen}}}


@pytest.mark.parametrize("source", [Source.COUNTER, Source.GPU, Source.BPF, Source.IRQ])
def test_metrics_that_a_sources_list_leaves_out_are_dropped(source: Source) -> None:
    """Only series of that source are dropped, at every level that has them."""
    first, *rest = METRICS[source]
    outcome = decide(parent(collected_metric="sources"), sources(**{source: {"metrics": [first]}}), levels=BELOW_A_NODE)
    left_out = {
        series(family, measure) for family in (metrics.Family.CONTAINER, metrics.Family.PROCESS) for measure in rest
    }
    exported = names(metrics.exported(spec(levels=BELOW_A_NODE)))
    assert exported - kept(outcome, exported) == left_out & exported != set()


def test_a_source_that_is_off_has_no_series_to_drop() -> None:
    """The metrics that its list names make no difference."""
    off = sources(irq={"enabled": False, "metrics": ["bpf_block_irq"]})
    exported = names(metrics.exported(spec(levels=BELOW_A_NODE)))
    assert kept(decide(parent(collected_metric="sources"), off, levels=BELOW_A_NODE), exported) == exported


@dataclass(frozen=True)
class PrometheusOperatorCase:
    """What the cluster has of the Prometheus operator, and what then is intended."""

    there: dict[Ref, Any]
    kinds: set[str]
    lacks: str


MONITORS, RULES = (monitoring.definition(kind) for kind in (SERVICE_MONITOR, PROMETHEUS_RULE))
CLUSTERS = [
    PrometheusOperatorCase(OPERATED, {"ServiceMonitor", "PrometheusRule"}, ""),
    PrometheusOperatorCase(BARE, set(), "ServiceMonitor and PrometheusRule"),
    PrometheusOperatorCase({RULES: None}, {"ServiceMonitor"}, "PrometheusRule"),
    PrometheusOperatorCase({MONITORS: None}, {"PrometheusRule"}, "ServiceMonitor"),
    PrometheusOperatorCase({MONITORS: definition(SERVICE_MONITOR, "False")}, {"PrometheusRule"}, "ServiceMonitor"),
    PrometheusOperatorCase({MONITORS: definition(SERVICE_MONITOR, served=False)}, {"PrometheusRule"}, "ServiceMonitor"),
    PrometheusOperatorCase(
        {MONITORS: {**definition(SERVICE_MONITOR), "metadata": {"deletionTimestamp": "now"}}},
        {"PrometheusRule"},
        "ServiceMonitor",
    ),
]


@pytest.mark.parametrize("case", CLUSTERS, ids=lambda case: case.lacks)
def test_only_kinds_that_are_served_are_intended(case: PrometheusOperatorCase) -> None:
    """What is missing is no failure; the condition says what goes without, and what to do."""
    outcome = decide(there=case.there)
    assert outcome.word == "converged"
    assert outcome.reason == ("NotInstalled" if case.lacks else "Reconciled")
    assert {intent.ref.kind.name for intent in outcome.intents} == case.kinds
    assert (f"this cluster has no {case.lacks}" in outcome.message) is bool(case.lacks)
    assert ("install the Prometheus operator" in outcome.message) is bool(case.lacks)


@pytest.mark.parametrize("awaited", monitoring.FUNCTION.awaits)
def test_nothing_is_decided_before_the_others_have(awaited: str) -> None:
    """Not reported yet, or for an older spec, or a resource that has just gone: its word is a moment away."""
    for kepler in (parent(said(generation=0, by=awaited)), parent(said("Unknown", by=awaited))):
        assert decide(kepler).writes_nothing
    assert decide(there={POWER: None}).writes_nothing
    assert decide(parent(collected_metric="sources"), there={SOURCES: None}).writes_nothing


@pytest.mark.parametrize("awaited", monitoring.FUNCTION.awaits)
def test_what_another_function_rejects_is_passed_on(awaited: str) -> None:
    """What Prometheus collects stays as it is; the message is the one that says what to do."""
    outcome = decide(parent(said("False", "create it", by=awaited)))
    assert (outcome.word, outcome.reason, outcome.intents, outcome.absent) == ("waiting", "Waiting", (), ())
    assert "create it" in outcome.message


def test_only_kinds_of_every_cluster_wake_it() -> None:
    """The event source ends where it is to watch a kind that does not exist."""
    assert {wake.kind.group for wake in monitoring.FUNCTION.wakes} == {KEPLER.group}


def test_the_metrics_are_all_there() -> None:
    """No list means all of them, at each level that has them."""
    assert all(
        series(metrics.Family.CONTAINER, metric) in names(metrics.wanted_series(spec(), KeplerCollectedMetric()))
        for metric in USAGE
    )
