"""KeplerCollectedMetric: which sources the exporter reads, and which metrics of each.

The sources are the working document's, and the two that Kepler itself has beside them (bpf, irq). Metric names are
those of Kepler v0.7.12 (pkg/config/types.go); Kepler lost `cgroup` and `kubelet` before that release, so theirs are
the names of the releases that had them.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from crds.fields import Each, one_of, unique
from crds.meta import AGE, Column, Names, Resource, SpecPart


class Source(StrEnum):
    """Where measurements come from. The value is the field's name."""

    COUNTER = "counter"
    CGROUP = "cgroup"
    KUBELET = "kubelet"
    GPU = "gpu"
    BPF = "bpf"
    IRQ = "irq"


METRICS: dict[Source, tuple[str, ...]] = {
    Source.COUNTER: ("cpu_cycles", "cpu_ref_cycles", "cpu_instructions", "cache_miss"),
    Source.CGROUP: (
        "cgroupfs_memory_usage_bytes",
        "cgroupfs_kernel_memory_usage_bytes",
        "cgroupfs_tcp_memory_usage_bytes",
        "cgroupfs_cpu_usage_us",
        "cgroupfs_system_cpu_usage_us",
        "cgroupfs_user_cpu_usage_us",
        "cgroupfs_ioread_bytes",
        "cgroupfs_iowrite_bytes",
        "bytes_read",
        "bytes_writes",
        "block_devices_used",
    ),
    Source.KUBELET: (
        "container_cpu_usage_seconds_total",
        "container_memory_working_set_bytes",
        "node_cpu_usage_seconds_total",
        "node_memory_working_set_bytes",
    ),
    Source.GPU: ("gpu_compute_util", "gpu_mem_util"),
    Source.BPF: ("bpf_cpu_time_ms", "bpf_page_cache_hit"),
    Source.IRQ: ("bpf_net_tx_irq", "bpf_net_rx_irq", "bpf_block_irq"),
}
"""All there is to read of each source, in Kepler's own order."""

Metrics = Annotated[tuple[Annotated[str, Field(max_length=128)], ...], Field(max_length=16), unique()]
COUNTERS_RENAMED = "'cached_miss' is now 'cache_miss', 'cpu_instr' 'cpu_instructions'"


def known(source: Source, hint: str = "") -> Each:
    """Only metrics of the source."""
    return Each(one_of(METRICS[source], hint))


class CounterSource(SpecPart):
    """Hardware counters of the CPU, by perf events."""

    enabled: bool = True
    """Whether hardware counters are read: `EXPOSE_HW_COUNTER_METRICS` and `SOURCE.COUNTER` in ConfigMap `kepler-cfm`.
    Virtual machines often have none."""
    metrics: Annotated[Metrics, known(Source.COUNTER, COUNTERS_RENAMED)] = ()
    """Which of the counters Prometheus keeps, by the ServiceMonitor; absent or empty means all. Kepler reads them
    all."""


class CgroupSource(SpecPart):
    """Accounting of the cgroup file system, in Kepler up to v0.7.10."""

    enabled: bool = False
    """Whether cgroup accounting is read: `EXPOSE_CGROUP_METRICS` and `SOURCE.CGROUP` in ConfigMap `kepler-cfm`.
    Kepler v0.7.11 and later ignore it."""
    metrics: Annotated[Metrics, known(Source.CGROUP)] = ()
    """Which of the cgroup metrics are read, `CGROUP_METRICS` in ConfigMap `kepler-cfm`; absent or empty means all."""


class KubeletSource(SpecPart):
    """The kubelet's statistics, in Kepler up to v0.6.1."""

    enabled: bool = False
    """Whether the kubelet's statistics are read: `EXPOSE_KUBELET_METRICS` and `SOURCE.KUBELET` in ConfigMap
    `kepler-cfm`. Kepler v0.7.1 and later ignore it."""
    metrics: Annotated[Metrics, known(Source.KUBELET)] = ()
    """Which of the kubelet's metrics are meant; absent or empty means all. No supported release reads them, which
    condition `CollectedMetricReconciled` says where the source is on."""


class GpuSource(SpecPart):
    """GPUs, through NVML, DCGM or Habana."""

    enabled: bool = True
    """Whether GPUs are read: `ENABLE_GPU` and `SOURCE.GPU` in ConfigMap `kepler-cfm`."""
    metrics: Annotated[Metrics, known(Source.GPU, "'gpu_sm_util' is now 'gpu_compute_util'")] = ()
    """Which of the GPU metrics Prometheus keeps, by the ServiceMonitor; absent or empty means all."""


class BpfSource(SpecPart):
    """Software counters that Kepler's eBPF programs keep."""

    enabled: bool = True
    """Whether usage metrics are exported at all: `EXPOSE_BPF_METRICS` and `SOURCE.BPF` in ConfigMap `kepler-cfm`.
    Kepler v0.7 hides hardware-counter and GPU usage together with it."""
    metrics: Annotated[Metrics, known(Source.BPF, "'cpu_time' is now 'bpf_cpu_time_ms'")] = ()
    """Which of the eBPF counters Prometheus keeps, by the ServiceMonitor; absent or empty means all."""


class IrqSource(SpecPart):
    """Interrupts, counted by Kepler's eBPF programs."""

    enabled: bool = True
    """Whether interrupts are counted: `EXPOSE_IRQ_COUNTER_METRICS` and `SOURCE.IRQ` in ConfigMap `kepler-cfm`. Needs a
    kernel with the tracepoint `softirq_entry`; without it Kepler does not start."""
    metrics: Annotated[Metrics, known(Source.IRQ)] = ()
    """Which of the interrupt counters Prometheus keeps, by the ServiceMonitor; absent or empty means all."""


class Sources(SpecPart):
    """The sources of metrics, each with its switch."""

    counter: CounterSource = CounterSource()
    """Hardware counters of the CPU."""
    cgroup: CgroupSource = CgroupSource()
    """Accounting of the cgroup file system; only Kepler up to v0.7.10 reads it."""
    kubelet: KubeletSource = KubeletSource()
    """The kubelet's statistics; only Kepler up to v0.6.1 reads them."""
    gpu: GpuSource = GpuSource()
    """GPUs, through NVML, DCGM or Habana."""
    bpf: BpfSource = BpfSource()
    """Software counters kept by eBPF programs."""
    irq: IrqSource = IrqSource()
    """Interrupts, counted by eBPF programs."""


class KeplerCollectedMetricSpec(SpecPart):
    """Which sources are read, and which metrics of each."""

    sources: Sources = Sources()
    """The sources of measurements, each switched on its own."""


class KeplerCollectedMetric(Resource):
    """Which metrics the exporter collects. A Kepler refers to it by `collected-metric`."""

    names: ClassVar = Names("KeplerCollectedMetric", "keplercollectedmetrics", "kcm")
    columns: ClassVar = (*(Column(s.name.title(), f".spec.sources.{s}.enabled", "boolean") for s in Source), AGE)

    spec: KeplerCollectedMetricSpec = KeplerCollectedMetricSpec()
    """What is wanted."""

    def enabled(self) -> frozenset[Source]:
        """The sources that are read."""
        return frozenset(source for source in Source if getattr(self.spec.sources, source).enabled)

    def metrics(self, source: Source) -> tuple[str, ...]:
        """The metrics used of a source that is read: those named, or all of them; none of a source that is not."""
        if source not in self.enabled():
            return ()
        chosen: tuple[str, ...] = getattr(self.spec.sources, source).metrics
        return chosen or METRICS[source]
