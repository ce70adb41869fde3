"""What Prometheus keeps and records of Kepler v0.11, by the series that the program has."""

import re
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from runtime.objects import SERVICE_MONITOR
from tests.pure.test_monitoring import body, decide, endpoint, parent, rules

ZONES = ("package", "core", "dram", "uncore", "psys")
# kepler v0.11.4:internal/exporter/prometheus/collector/power_collector.go
BY_ZONE = [
    *(f"kepler_node_cpu_{part}{measure}" for part in ("", "active_", "idle_") for measure in ("joules_total", "watts")),
    *(
        f"kepler_{level}_cpu_{measure}"
        for level, measure in product(("process", "container", "vm", "pod"), ("joules_total", "watts"))
    ),
]
OTHERS = (
    "kepler_node_cpu_usage_ratio",
    "kepler_node_cpu_info",
    "kepler_node_gpu_watts",
    "kepler_node_gpu_idle_watts",
    "kepler_pod_gpu_watts",
    "kepler_process_cpu_seconds_total",
    "kepler_platform_watts",
    "kepler_build_info",
)
SERIES = frozenset({*product(BY_ZONE, ZONES), *((name, "") for name in OTHERS)})


def v011(**collector: Any) -> Any:
    """A Kepler of line v0.11 on which everybody has reported."""
    kepler = parent()
    return {**kepler, "spec": {**kepler["spec"], "collector": {"release": "v0.11", **collector}}}


def kept(manifest: Any) -> frozenset[tuple[str, str]]:
    """Return the series, by name and zone, that the relabelings of an endpoint leave."""
    drops = manifest.get("metricRelabelings", [])
    return frozenset(
        (name, zone)
        for name, zone in SERIES
        if not any(re.fullmatch(drop["regex"], joined(drop, name, zone)) for drop in drops)
    )


def joined(drop: Any, name: str, zone: str) -> str:
    """Return what Prometheus matches: the values of the labels, joined by ';'."""
    return ";".join({"__name__": name, "zone": zone}[label] for label in drop["sourceLabels"])


IDLE = frozenset(series for series in SERIES if "_idle_" in series[0])
ZONED = frozenset(series for series in SERIES if series[1] not in ("", "package"))
TIMES = frozenset(series for series in SERIES if series[0].endswith("cpu_seconds_total"))


@dataclass(frozen=True)
class KeptCase:
    """A KeplerExportedPower, and what is dropped for it."""

    power: dict[str, Any]
    dropped: frozenset[tuple[str, str]]


CASES = [
    KeptCase({"levels": ["node", "package"], "idle_power": True}, frozenset()),
    KeptCase({"levels": ["node", "package"]}, IDLE),
    KeptCase({"levels": ["pod"], "idle_power": True}, ZONED),
    KeptCase({"levels": ["pod"]}, IDLE | ZONED),
    KeptCase({"levels": ["package"], "idle_power": True, "metrics": ["cpu_cycles"]}, TIMES),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.power))
def test_what_kepler_has_no_switch_for_is_dropped(case: KeptCase) -> None:
    """Idle power, zones beside the one, and CPU time: each unless it is asked for."""
    assert kept(endpoint(decide(v011(), **case.power))) == SERIES - case.dropped


@pytest.mark.parametrize(
    ("zones", "zone"),
    [([], "package"), (["dram", "psys"], "psys"), (["dram", "core"], "core"), (["uncore"], "uncore")],
)
def test_rules_read_one_zone_that_is_measured(zones: list[str], zone: str) -> None:
    """Zones overlap: they are never added up."""
    outcome = decide(v011(**{"rapl-zones": zones}), levels=["pod"])
    read = [rule["expr"] for rule in rules(outcome) if "kepler_pod" in rule["expr"]]
    assert read
    assert all(f'{{namespace="energy",zone="{zone}"' in expression for expression in read)
    left = {zone for name, zone in kept(endpoint(outcome)) if name == "kepler_pod_cpu_watts"}
    assert left == {zone}


def test_both_lines_record_the_same_names_and_labels() -> None:
    """A dashboard over these survives the change of line."""
    named = ("kepler:pod_", "kepler:namespace_")
    old, new = (
        {
            rule["record"]: rule["expr"].partition(" (")[2].partition(")")[0]
            for rule in rules(decide(kepler, levels=["pod"]))
        }
        for kepler in (parent(), v011())
    )
    assert {record: by for record, by in old.items() if record.startswith(named)} == new
    assert new == {
        "kepler:pod_watts": "namespace, pod_namespace, pod_name",
        "kepler:namespace_watts": "namespace, pod_namespace",
        "kepler:pod_joules:24h": "namespace, pod_namespace, pod_name",
        "kepler:namespace_joules:24h": "namespace, pod_namespace",
    }


def test_without_pods_nothing_is_recorded() -> None:
    """Series of containers name no namespace."""
    assert rules(decide(v011(), levels=["container"])) == []


def test_prometheus_asks_by_https_where_the_port_has_tls() -> None:
    """With the authority of the same Secret, and for the Service's name."""
    secured = endpoint(decide(v011(**{"web-config": {"secret": "tls"}})))
    assert secured["scheme"] == "https"
    assert secured["tlsConfig"] == {
        "ca": {"secret": {"name": "tls", "key": "ca.crt"}},
        "serverName": "kepler-exporter.energy.svc",
    }
    v07 = {**parent(), "spec": {"collector": {"web-config": {"secret": "tls"}}}}
    assert "scheme" not in body(decide(v07), SERVICE_MONITOR)["spec"]["endpoints"][0]
