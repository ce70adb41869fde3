"""Which series a Kepler v0.7.12 has, and which of them a KeplerExportedPower asks for.

Kepler switches families of series, not single ones. So a switch is on when any of the levels asked for needs it
(`exported_power` writes them), and what it brings beyond that is dropped by Prometheus (`monitoring` says so).

A series is called `kepler_<family>_<measure>_total` (KEP v0.7.12:pkg/metrics/consts/consts.go).
"""

from collections.abc import Iterable, Mapping
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

# What adds up to a whole: Kepler's own totals are this sum (pkg/metrics/utils/utils.go, handleContainerStats). It has
# totals of containers and processes only; a node or a VM is told by its components or not at all.
SUMMANDS = ("package", "dram", "other", "gpu")
# `core` and `uncore` are within `package`, and `platform` is the whole machine by its own meter.
COMPONENTS = ("package", "core", "uncore", "dram", "other", "gpu", "platform")


def switches(asked: KeplerExportedPowerSpec) -> dict[Key, bool]:
    """Kepler's switches, each on when one of the levels needs it.

    Without `EXPOSE_COMPONENT_POWER`, Kepler tells nothing of the energy of nodes and VMs (pkg/metrics/utils/utils.go,
    CollectEnergyMetrics), so that it stays on for these levels even where 'package' is not asked for.
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
    """The usage metrics asked for, in Kepler's order: all of them where none is named."""
    return tuple(metric for metric in USAGE if metric in asked.metrics or not asked.metrics)


# What models are trained from (MS v0.7.12:src/kepler_model/util/prom_types.py, train_types.py): what RAPL measures of a
# node, and the least that a container's share can be told by.
TRAINED_FROM: Mapping[Family, tuple[str, ...]] = {
    Family.NODE: tuple(f"{component}_{TOTAL}" for component in ("package", "core", "uncore", "dram")),
    Family.CONTAINER: METRICS[Source.BPF],
}

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
    """A series' name."""
    return f"kepler_{family}_{measure}_total"


def joules(components: tuple[str, ...]) -> tuple[str, ...]:
    """The measures of components' energy."""
    return tuple(f"{component}_{TOTAL}" for component in components)


def exported(asked: KeplerExportedPowerSpec) -> dict[Family, tuple[str, ...]]:
    """The most that a Kepler exports with its switches set for `asked`, every source read."""
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
    """What of it is asked for: the whole at each level, its components with 'package', and usage metrics."""
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
    """The measures of containers that a pod is summed up from.

    Prometheus drops before it records: what its rules read has to be kept, also where only 'pod' is asked for.
    """
    return (TOTAL, *(joules(SUMMANDS) if Level.PACKAGE in asked.levels else ()))


def surplus(asked: KeplerExportedPowerSpec, collected: KeplerCollectedMetric) -> Mapping[Family, tuple[str, ...]]:
    """What Kepler exports and nobody asked for, by family; only families that have any."""
    keep = wanted_series(asked, collected)
    extra = {
        family: tuple(measure for measure in measures if measure not in keep[family])
        for family, measures in exported(asked).items()
    }
    return {family: measures for family, measures in extra.items() if measures}


def untrainable(kept: Mapping[Family, Iterable[str]]) -> tuple[str, ...]:
    """The series that online training learns from and that are not kept: energy of nodes, and what containers use."""
    return tuple(
        series(family, measure)
        for family, measures in TRAINED_FROM.items()
        for measure in measures
        if measure not in kept.get(family, ())
    )
