"""What Prometheus keeps and computes of the series of Kepler v0.11.

A series is called `kepler_<level>_cpu_<measure>` and has label `zone`. Zones overlap, so they are never added up. Pods
are a level of Kepler's own (kepler v0.11.4:internal/exporter/prometheus/collector/power_collector.go).
"""

from collections.abc import Iterator
from typing import Final

from crds.collector_fields import RaplZone
from crds.kepler import Kepler
from crds.kepler_exported_power import KeplerExportedPowerSpec, Level
from operands import common_rules, recording
from operands.common_rules import DAY, Rules
from runtime.objects import Manifest

# The zone that stands for a node's power, in order of preference: the whole processor, then the whole machine.
ZONES: Final = (RaplZone.PACKAGE, RaplZone.PSYS, RaplZone.CORE, RaplZone.DRAM, RaplZone.UNCORE)


def zone(kepler: Kepler) -> RaplZone:
    """Return the zone that rules read: the first of `ZONES` that is measured."""
    measured = kepler.spec.collector.rapl_zones or ZONES
    return next(zone for zone in ZONES if zone in measured)


def drop_rules(kepler: Kepler, asked: KeplerExportedPowerSpec) -> list[Manifest]:
    """Return drop rules for what Kepler has no switch for: idle power, single zones and CPU time, unless asked for."""
    return list(_drops(kepler, asked))


def _drops(kepler: Kepler, asked: KeplerExportedPowerSpec) -> Iterator[Manifest]:
    if not asked.idle_power:
        yield _drop(["__name__"], "kepler_node_(cpu|gpu)_idle_.+")
    if Level.PACKAGE not in asked.levels:
        other_zones = "|".join(sorted(other.value for other in RaplZone if other is not zone(kepler)))
        yield _drop(["__name__", "zone"], f"kepler_.+_cpu_.+;({other_zones})")
    if asked.metrics:
        yield _drop(["__name__"], "kepler_.+_cpu_seconds_total")


def groups(kepler: Kepler, asked: KeplerExportedPowerSpec) -> Rules:
    """Return the groups of a PrometheusRule; empty without level 'pod', the only one that has namespaces."""
    if Level.POD not in asked.levels:
        return []
    interval = kepler.spec.scrape_interval_seconds
    watts, joules = (_selected(measure, kepler) for measure in ("watts", "joules_total"))
    over_day = f"increase({joules}[{DAY}:{recording.window(interval)}])"
    return common_rules.groups(
        [*common_rules.watts(watts, kepler.namespace)],
        [*common_rules.energy(over_day, kepler.namespace)],
        interval,
    )


def _selected(measure: str, kepler: Kepler) -> str:
    # A pod that has ended keeps its last power until it is exported for the last time.
    state = ',state="running"' if measure == "watts" else ""
    return f'kepler_pod_cpu_{measure}{{namespace="{kepler.namespace}",zone="{zone(kepler)}"{state}}}'


def _drop(labels: list[str], regex: str) -> Manifest:
    return {"action": "drop", "sourceLabels": labels, "regex": regex}
