"""Which series Kepler v0.7.12 exports, and which of them a KeplerExportedPower asks for.

Kepler switches families of series, not single series. So a switch is on if any requested level needs it (function
`exported_power` writes the switches), and Prometheus drops the series that nobody asked for (function `monitoring`).

A series is called `kepler_<family>_<measure>_total` (kepler v0.7.12:pkg/metrics/consts/consts.go).
"""

from collections.abc import Mapping
from enum import StrEnum

from crds.kepler_collected_metric import METRICS, KeplerCollectedMetric, Source
from crds.kepler_exported_power import USAGE, KeplerExportedPowerSpec, Level
from operands.cfm import Key


class Family(StrEnum):
    """What a series is about; Kepler has no series about pods."""

    NODE = "node"
    CONTAINER = "container"
    PROCESS = "process"
    VM = "vm"


TOTAL = "joules"

# Components that add up to the total: Kepler's own totals are this sum (pkg/metrics/utils/utils.go,
# handleContainerStats). It has totals of containers and processes only; nodes and VMs have components only.
SUMMANDS = ("package", "dram", "other", "gpu")
# `core` and `uncore` are parts of `package`; `platform` is the whole machine, measured by its own meter.
COMPONENTS = ("package", "core", "uncore", "dram", "other", "gpu", "platform")


def switches(asked: KeplerExportedPowerSpec) -> dict[Key, bool]:
    """Return Kepler's switches; each is on if one of the requested levels needs it.

    Without `EXPOSE_COMPONENT_POWER`, Kepler exports no energy of nodes and VMs (pkg/metrics/utils/utils.go,
    CollectEnergyMetrics). So it stays on for these levels even if 'package' is not requested.
    """
    levels = {*asked.levels}
    return {
        Key.EXPOSE_COMPONENT_POWER: bool(levels & {Level.NODE, Level.PACKAGE, Level.VM}),
        Key.EXPOSE_CONTAINER_METRICS: bool(levels & {Level.POD, Level.CONTAINER}),
        Key.EXPOSE_VM_METRICS: Level.VM in levels,
        Key.ENABLE_PROCESS_METRICS: Level.PROCESS in levels,
        Key.EXPOSE_ESTIMATED_IDLE_POWER_METRICS: asked.idle_power,
    }


def usage(asked: KeplerExportedPowerSpec) -> tuple[str, ...]:
    """Return the requested usage metrics, in Kepler's order; all of them if none is named."""
    return tuple(metric for metric in USAGE if metric in asked.metrics or not asked.metrics)


SOURCE_OF: Mapping[str, Source] = {metric: source for source, of_it in METRICS.items() for metric in of_it}


def collected_usage(asked: KeplerExportedPowerSpec, collected: KeplerCollectedMetric) -> tuple[str, ...]:
    """Return the requested usage metrics that the lists of the sources name; a source that is off has no values."""
    on = collected.enabled()
    return tuple(
        metric
        for metric in usage(asked)
        if SOURCE_OF[metric] not in on or metric in collected.metrics(SOURCE_OF[metric])
    )


def series(family: Family, measure: str) -> str:
    """Return a series' name."""
    return f"kepler_{family}_{measure}_total"


def joules(components: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the energy measures of these components."""
    return tuple(f"{component}_{TOTAL}" for component in components)


def exported(asked: KeplerExportedPowerSpec) -> dict[Family, tuple[str, ...]]:
    """Return all that a Kepler exports with the switches set for `asked` if every source is read."""
    on = switches(asked)
    components = joules(COMPONENTS) if on[Key.EXPOSE_COMPONENT_POWER] else ()
    suffixes: dict[Family, tuple[str, ...]] = {Family.NODE: components}
    if on[Key.EXPOSE_CONTAINER_METRICS]:
        suffixes[Family.CONTAINER] = (TOTAL, *components, *USAGE)
    if on[Key.ENABLE_PROCESS_METRICS]:
        suffixes[Family.PROCESS] = (TOTAL, *components, *USAGE)
    if on[Key.EXPOSE_VM_METRICS]:
        suffixes[Family.VM] = (*components, *USAGE)
    return suffixes


def wanted_series(asked: KeplerExportedPowerSpec, collected: KeplerCollectedMetric) -> dict[Family, frozenset[str]]:
    """Return the requested series: totals of each level, components with 'package', and usage metrics."""
    levels, uses = {*asked.levels}, collected_usage(asked, collected)
    components = joules(COMPONENTS) if Level.PACKAGE in levels else ()
    whole = joules((*SUMMANDS, "platform"))
    suffixes: dict[Family, tuple[str, ...]] = {
        Family.NODE: (
            *(whole if Level.NODE in levels else ()),
            *(component for component in components if Level.NODE in levels or component != f"platform_{TOTAL}"),
        ),
        Family.CONTAINER: (TOTAL, *components, *uses) if Level.CONTAINER in levels else pod_measures(asked),
        Family.PROCESS: (TOTAL, *components, *uses),
        Family.VM: (*(components or whole), *uses),
    }
    return {family: frozenset(suffixes[family]) for family in exported(asked)}


def pod_measures(asked: KeplerExportedPowerSpec) -> tuple[str, ...]:
    """Return the container measures that the sums of pods are computed from.

    Prometheus drops series before it records. So the series that its rules read are kept, even if only 'pod' is
    requested.
    """
    return (TOTAL, *(joules(SUMMANDS) if Level.PACKAGE in asked.levels else ()))


def surplus(asked: KeplerExportedPowerSpec, collected: KeplerCollectedMetric) -> Mapping[Family, tuple[str, ...]]:
    """Return the series that Kepler exports and nobody asked for, by family; only families that have any."""
    keep = wanted_series(asked, collected)
    extra = {
        family: tuple(measure for measure in measures if measure not in keep[family])
        for family, measures in exported(asked).items()
    }
    return {family: measures for family, measures in extra.items() if measures}
