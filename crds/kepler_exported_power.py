"""KeplerExportedPower: at which levels power is exported, and which usage metrics beside it.

Names are those of Kepler v0.7.12 (pkg/metrics/consts/consts.go).
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from crds.fields import CelRule, Each, atomic, different, one_of, unique
from crds.kepler_collected_metric import METRICS, Source
from crds.meta import AGE, Column, Names, Resource, SpecPart


class Level(StrEnum):
    """What power is told of."""

    NODE = "node"
    PACKAGE = "package"
    POD = "pod"
    CONTAINER = "container"
    PROCESS = "process"
    VM = "vm"


USAGE = (
    "cpu_cycles",
    "cpu_instructions",
    "cache_miss",
    *METRICS[Source.BPF],
    *METRICS[Source.IRQ],
    *METRICS[Source.GPU],
)
"""The usage metrics Kepler exports beside power; `cpu_ref_cycles` is read and not exported."""


class KeplerExportedPowerSpec(SpecPart):
    """At which levels power is exported, and which usage metrics beside it."""

    levels: Annotated[
        tuple[Level, ...],
        Field(max_length=16),
        atomic(),
        different(),
        CelRule("size(self) > 0", "`{field}` must name one level or more; {instead}"),
    ] = (Level.NODE, Level.PACKAGE, Level.POD, Level.CONTAINER)
    """Levels of which power is exported. 'package' splits it into components (package, core, uncore, dram, other, gpu),
    those of nodes and of every other level listed: `EXPOSE_COMPONENT_POWER` in ConfigMap `kepler-cfm`, which Kepler
    needs for 'node' and 'vm', too. 'container' is `EXPOSE_CONTAINER_METRICS`, 'process' `ENABLE_PROCESS_METRICS`, 'vm'
    `EXPOSE_VM_METRICS`; 'pod' is recording rules over containers. What Kepler has no switch for is dropped where
    Prometheus scrapes by the ServiceMonitor."""
    metrics: Annotated[
        tuple[Annotated[str, Field(max_length=128)], ...],
        Field(max_length=32),
        unique(),
        Each(one_of(USAGE, "'cached_miss' is now 'cache_miss', 'cpu_time' 'bpf_cpu_time_ms'")),
    ] = ()
    """Usage metrics exported beside power: `EXPORT_METRICS` in ConfigMap `kepler-cfm`, and what Prometheus keeps.
    Absent or empty means all."""
    idle_power: bool = False
    """Whether power used when idle, as models estimate it, is exported: `EXPOSE_ESTIMATED_IDLE_POWER_METRICS` in
    ConfigMap `kepler-cfm`. Only right on bare metal, or with one virtual machine on it."""


class KeplerExportedPower(Resource):
    """What the exporter exports. A Kepler refers to it by `exported-power`."""

    names: ClassVar = Names("KeplerExportedPower", "keplerexportedpowers", "kep")
    columns: ClassVar = (
        Column("Levels", ".spec.levels"),
        Column("Idle", ".spec.idle-power", "boolean"),
        Column("Metrics", ".spec.metrics", priority=1),
        AGE,
    )

    spec: KeplerExportedPowerSpec = KeplerExportedPowerSpec()
    """What is wanted."""
