"""Measures the power of each pod: the rate of `kepler_container_joules_total` in an exporter's `/metrics`.

Idle power is left out: the node uses it anyway, and Kepler only divides it among all processes
(kepler v0.7.12:pkg/metrics/utils/utils.go).
"""

import contextlib
import re
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic as now

import urllib3
from rich.console import Console
from rich.table import Table

from local.local_errors import NotReady
from local.probe import wait_until

# One sample of the exposition format: name, labels and value.
SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
JOULES = "kepler_container_joules_total"
DYNAMIC = "dynamic"

READ_SECONDS = 5.0
# Seconds to wait for the next sample of Kepler; with a longer sample period, no rate is shown.
SAMPLE_TIMEOUT = 20.0

# Namespace and name.
Pod = tuple[str, str]


@dataclass(frozen=True)
class MetricSample:
    """One line of `/metrics`."""

    name: str
    labels: Mapping[str, str]
    value: float


def samples(text: str) -> list[MetricSample]:
    """Return the samples of a text in the exposition format; comments are left out."""
    return [
        MetricSample(name, dict(LABEL.findall(labels)), float(value)) for name, labels, value in SAMPLE.findall(text)
    ]


def read(url: str) -> str:
    """Return the metrics that are served at this URL. Raises NotReady unless the answer is 200."""
    try:
        answer = urllib3.request("GET", url, timeout=READ_SECONDS, retries=False)
    except urllib3.exceptions.HTTPError as error:
        raise NotReady(f"{url} does not answer: {error}") from error
    if answer.status != 200:
        raise NotReady(f"{url} answers {answer.status}")
    return answer.data.decode()


def joules(text: str) -> dict[Pod, float]:
    """Return the joules that each pod has used since the exporter's start, without idle power."""
    total: defaultdict[Pod, float] = defaultdict(float)
    for sample in samples(text):
        if sample.name == JOULES and sample.labels["mode"] == DYNAMIC:
            total[sample.labels["container_namespace"], sample.labels["pod_name"]] += sample.value
    return dict(total)


def measure(url: str, stop: threading.Event) -> dict[Pod, float]:
    """Return the watts of each pod over one sample period of the exporter; empty if no sample comes in time.

    The exporter updates its counters once in a period, so the rate is measured from one update to the next.
    """
    before, _ = _next_sample(url, {}, stop)
    first, since = _next_sample(url, before, stop)
    second, end = _next_sample(url, first, stop)
    # A counter that is smaller than before is of an exporter that has restarted: its watts are not known yet.
    gained = {pod: max(0.0, value - first.get(pod, 0.0)) for pod, value in second.items()}
    return {pod: value / (end - since) for pod, value in gained.items()} if first else {}


def _next_sample(url: str, last: Mapping[Pod, float], stop: threading.Event) -> tuple[dict[Pod, float], float]:
    """Return the joules of each pod once they differ from `last`, and the time; no joules after `SAMPLE_TIMEOUT`."""
    current: dict[Pod, float] = {}

    def updated() -> bool:
        with contextlib.suppress(NotReady):  # a rollout may replace the exporter at this moment
            current.clear()
            current.update(joules(read(url)))
        return any(current.values()) and current != last

    return (current, now()) if wait_until(updated, SAMPLE_TIMEOUT, stop) else ({}, now())


def show(watts: Mapping[Pod, float], console: Console, most: int = 10) -> None:
    """Print the `most` pods that use most power, in descending order, and the sum of the others."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("NAMESPACE")
    table.add_column("POD")
    table.add_column("WATTS", justify="right")
    ordered = sorted(watts, key=lambda pod: (-watts[pod], pod))
    for pod in ordered[:most]:
        table.add_row(*pod, f"{watts[pod]:.2f}")
    if others := ordered[most:]:
        table.add_row("", f"{len(others)} more", f"{sum(watts[pod] for pod in others):.2f}")
    console.print(table)
