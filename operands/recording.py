"""Recording rules for the power of pods, which Kepler does not export, and of namespaces: both are sums of containers.

Names and expressions follow those that Kepler ships (kepler v0.7.12:manifests/k8s/config/exporter/
prometheus_common_rules.yaml), so that dashboards find them. The time in a name is the range that it is computed over.
"""

from collections.abc import Iterator

from crds.kepler_exported_power import KeplerExportedPowerSpec, Level
from operands import common_rules, metrics
from operands.common_rules import DAY, Rules, summed
from operands.metrics import TOTAL, Family, series

# `rate` needs two scrapes within its range; with four, one may be lost. The minimum is Kepler's own range, in seconds.
SCRAPES = 4
LEAST = 120

# Scraped series have the exporter's namespace as `namespace`. Two Keplers in a cluster measure the same pods, so their
# sums are kept apart by it.
BY_NAMESPACE = ("namespace", "container_namespace")
BY_POD = (*BY_NAMESPACE, "pod_name")


def groups(asked: KeplerExportedPowerSpec, namespace: str, interval: int) -> Rules:
    """Return the groups of a PrometheusRule; empty if no level needs sums. `interval` is the scrape's, in seconds."""
    return common_rules.groups([*_watts(asked, namespace, interval)], [*_energy(asked, namespace, interval)], interval)


def _watts(asked: KeplerExportedPowerSpec, namespace: str, interval: int) -> Iterator[dict[str, str]]:
    """Yield the rules for the power of each pod: the total and, with 'package', its components."""
    if Level.POD not in asked.levels:
        return
    over = window(interval)
    for measure in metrics.pod_measures(asked):
        record = f"kepler:container_{measure.replace(TOTAL, 'watts')}:{over}:by_ns_pod"
        yield summed(record, BY_POD, f"rate({_selected(measure, asked, namespace)}[{over}])")
    recorded = f'kepler:container_watts:{over}:by_ns_pod{{namespace="{namespace}"}}'
    yield from common_rules.watts(_by_pod_namespace(recorded), namespace)


def _energy(asked: KeplerExportedPowerSpec, namespace: str, interval: int) -> Iterator[dict[str, str]]:
    """Yield the rules for the energy in a day: of each pod, and of each namespace's containers."""
    record = f"kepler:container_joules_total:increase:{DAY}"
    of_containers = f"increase({_selected(TOTAL, asked, namespace)}[{DAY}:{window(interval)}])"
    if Level.POD in asked.levels:
        yield summed(f"{record}:by_ns_pod", BY_POD, of_containers)
        recorded = f'{record}:by_ns_pod{{namespace="{namespace}"}}'
        yield summed(f"{record}:by_ns", BY_NAMESPACE, recorded)
        yield from common_rules.energy(_by_pod_namespace(recorded), namespace)
    elif Level.CONTAINER in asked.levels:
        yield summed(f"{record}:by_ns", BY_NAMESPACE, of_containers)


def window(interval: int) -> str:
    """Return the range of a rate, in Prometheus' notation, for a scrape every `interval` seconds."""
    seconds = max(LEAST, SCRAPES * interval)
    return f"{seconds}s" if seconds % 60 else f"{seconds // 60}m"


def _by_pod_namespace(expression: str) -> str:
    """Return the expression with the measured pods' namespace under the name that every line has for it."""
    return f'label_replace({expression}, "pod_namespace", "$1", "container_namespace", "(.*)")'


def _selected(measure: str, asked: KeplerExportedPowerSpec, namespace: str) -> str:
    """Return the selector of a series of containers.

    Containers have idle power whether it is asked for or not (kepler v0.7.12:pkg/metrics/utils/utils.go,
    handleContainerStats).
    """
    mode = "" if asked.idle_power else ',mode="dynamic"'
    return f'{series(Family.CONTAINER, measure)}{{namespace="{namespace}"{mode}}}'
