"""Recording rules: pods, of which Kepler tells nothing, and namespaces, both summed up from containers.

Names and expressions follow those that Kepler ships (KEP v0.7.12:manifests/k8s/config/exporter/
prometheus_common_rules.yaml), so that dashboards find them. The time in a name is the one it is computed over.
"""

from collections.abc import Iterator
from typing import Any

from crds.kepler_exported_power import KeplerExportedPowerSpec, Level
from operands import metrics
from operands.metrics import TOTAL, Family, series

# `rate` needs two scrapes within its range, and four survive a lost one; below, the range is Kepler's own two minutes.
SCRAPES = 4
LEAST = 120
DAY = "24h"

# Scraped series carry the exporter's own namespace as `namespace`: two Keplers in a cluster measure the same pods, and
# their sums are kept apart.
BY_NAMESPACE = ("namespace", "container_namespace")
BY_POD = (*BY_NAMESPACE, "pod_name")

Rules = list[dict[str, Any]]


def groups(asked: KeplerExportedPowerSpec, namespace: str, interval: int) -> Rules:
    """The groups of a PrometheusRule, none where no level has containers to sum up; `interval` is in seconds.

    Watts are worked out at every scrape, energy of a day once a minute at most.
    """
    watts, energy = list(_watts(asked, namespace, interval)), list(_energy(asked, namespace, interval))
    groups = (("kepler-watts", f"{interval}s", watts), ("kepler-energy", f"{max(60, interval)}s", energy))
    return [{"name": name, "interval": often, "rules": rules} for name, often, rules in groups if rules]


def _watts(asked: KeplerExportedPowerSpec, namespace: str, interval: int) -> Iterator[dict[str, str]]:
    """Power of each pod: the whole and, with 'package', its components."""
    if Level.POD not in asked.levels:
        return
    over = window(interval)
    for measure in metrics.pod_measures(asked):
        record = f"kepler:container_{measure.replace(TOTAL, 'watts')}:{over}:by_ns_pod"
        yield _rule(record, BY_POD, f"rate({_selected(measure, namespace)}[{over}])")


def _energy(asked: KeplerExportedPowerSpec, namespace: str, interval: int) -> Iterator[dict[str, str]]:
    """Energy in a day: of each pod, and of each namespace's containers."""
    record = f"kepler:container_joules_total:increase:{DAY}"
    of_containers = f"increase({_selected(TOTAL, namespace)}[{DAY}:{window(interval)}])"
    if Level.POD in asked.levels:
        yield _rule(f"{record}:by_ns_pod", BY_POD, of_containers)
        yield _rule(f"{record}:by_ns", BY_NAMESPACE, f'{record}:by_ns_pod{{namespace="{namespace}"}}')
    elif Level.CONTAINER in asked.levels:
        yield _rule(f"{record}:by_ns", BY_NAMESPACE, of_containers)


def window(interval: int) -> str:
    """The time a rate is taken over, as Prometheus writes it, for a scrape every `interval` seconds."""
    seconds = max(LEAST, SCRAPES * interval)
    return f"{seconds}s" if seconds % 60 else f"{seconds // 60}m"


def _selected(measure: str, namespace: str) -> str:
    return f'{series(Family.CONTAINER, measure)}{{namespace="{namespace}"}}'


def _rule(record: str, by: tuple[str, ...], expression: str) -> dict[str, str]:
    return {"record": record, "expr": f"sum by ({', '.join(by)}) ({expression})"}
