"""Power by pod, from an exporter's `/metrics`: the rate of `kepler_container_joules_total` between two reads.

Idle power is left out: it is the node's, and Kepler only divides it among all processes
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
from local.probe import until

# One sample of the exposition format: name, labels and value.
SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
JOULES = "kepler_container_joules_total"
DYNAMIC = "dynamic"

READ_SECONDS = 5.0
# A sample period of Kepler's is at most so long for a rate to be shown.
PATIENCE = 20.0

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
    """Return the body of a `/metrics` address. Raises NotReady if it does not answer 200."""
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
    """Return the watts of each pod over one sample period of the exporter. Empty if it does not end in time.

    Counters stand still during a period, so the rate is from one change to the next.
    """
    standing, _ = _next(url, {}, stop)
    used, since = _next(url, standing, stop)
    then, end = _next(url, used, stop)
    # A counter that is smaller than before is of an exporter that was started anew: its watts are not known yet.
    gained = {pod: max(0.0, value - used.get(pod, 0.0)) for pod, value in then.items()}
    return {pod: value / (end - since) for pod, value in gained.items()} if used else {}


def _next(url: str, last: Mapping[Pod, float], stop: threading.Event) -> tuple[dict[Pod, float], float]:
    """Return the joules once they are others than `last`, and when that was; none if that takes too long."""
    read_now: dict[Pod, float] = {}

    def counted() -> bool:
        with contextlib.suppress(NotReady):  # a rollout may just replace it
            read_now.clear()
            read_now.update(joules(read(url)))
        return any(read_now.values()) and read_now != last

    return (read_now, now()) if until(counted, PATIENCE, stop) else ({}, now())


def show(watts: Mapping[Pod, float], console: Console, most: int = 10) -> None:
    """Print the pods that draw most, in order, and the sum of the others."""
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
