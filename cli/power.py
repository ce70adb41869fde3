"""Watts by pod, from what exporters serve at `/metrics`.

Kepler v0.7 counts joules of containers, so watts are a rate between two reads; v0.11 tells the watts of pods itself.
Idle power is left out: it is the node's, and Kepler only divides it among all processes.
"""

import re
from collections import defaultdict
from collections.abc import Mapping

from pydantic import BaseModel

from operands.series_v011 import ZONES

# A line of the exposition format: name, labels and value.
LINE = re.compile(r"^(\w+)\{([^\n]*)\} (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

# kepler v0.7.12:pkg/metrics/utils/utils.go, handleContainerStats.
JOULES = "kepler_container_joules_total"
DYNAMIC = "dynamic"
# kepler v0.11.4:internal/exporter/prometheus/collector/power_collector.go. Zones overlap, so one is chosen.
WATTS = "kepler_pod_cpu_watts"
RUNNING = "running"

# Namespace and name.
Pod = tuple[str, str]


class PodPower(BaseModel):
    """The power that one pod draws, in watts."""

    namespace: str
    pod: str
    watts: float


def watts(first: str, then: str, seconds: float) -> dict[Pod, float]:
    """Return the watts of each pod that one exporter measures, from two reads of it that are `seconds` apart."""
    for zone in ZONES:
        if measured := _sum(then, WATTS, {"zone": zone, "state": RUNNING}, "pod_namespace"):
            return measured
    before, after = (_sum(text, JOULES, {"mode": DYNAMIC}, "container_namespace") for text in (first, then))
    # A counter that is smaller than before is of an exporter that was started anew.
    used = {pod: joules - before.get(pod, 0.0) for pod, joules in after.items()}
    return {pod: (joules if joules >= 0 else after[pod]) / seconds for pod, joules in used.items()}


def ordered(powers: Mapping[Pod, float]) -> list[PodPower]:
    """Return the pods, those first that draw most."""
    pods = sorted(powers, key=lambda pod: (-powers[pod], pod))
    return [PodPower(namespace=pod[0], pod=pod[1], watts=round(powers[pod], 3)) for pod in pods]


def _sum(text: str, name: str, chosen: Mapping[str, str], namespace: str) -> dict[Pod, float]:
    """Return the values of a metric, added up by pod; only series with the chosen labels count."""
    total: defaultdict[Pod, float] = defaultdict(float)
    for metric, written, value in LINE.findall(text):
        if metric == name:
            labels = dict(LABEL.findall(written))
            if chosen.items() <= labels.items():
                total[labels.get(namespace, ""), labels.get("pod_name", "")] += float(value)
    return dict(total)
