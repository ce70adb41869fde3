"""Figures of one operator: create, burst, edit, label edit, drift; time, CPU and requests of each."""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import psutil

from benchmarks.object_watch import TIMEOUT
from benchmarks.operators import EXPORTER, KEPLERS, RunningOperator
from benchmarks.process_cost import FUNCTIONS, CostMeter, resident_mib
from tests.as_kubectl import KubectlRequests
from tests.workbench import create_namespace

Figures = dict[str, dict[str, float]]
Spec = Mapping[str, Any]
MINIMAL: Spec = MappingProxyType({})
KEPLER = "keplers.sustainable-computing.io/kepler"
EVERYTHING = {"estimator-sidecar": {"enabled": True}, "model-server": {"enabled": True}}
EXPORTERS = "/apis/apps/v1/namespaces/{}/daemonsets/" + EXPORTER.partition("=")[2]
# Seconds without any request of a function after which everything has come to rest.
QUIET, QUIET_AT_MOST = 2.0, 120.0
# Resources created at once where many are needed: a burst of a thousand takes minutes.
AT_ONCE = 100


@dataclass(frozen=True)
class Sizes:
    """How many resources are measured."""

    one_by_one: int = 40
    bursts: tuple[int, ...] = (40, 100)
    edits: int = 20
    many: int = 1000


def measure(running: RunningOperator, sizes: Sizes) -> Figures:
    """Return all figures of an operator, by what was measured."""
    figures: Figures = {}
    create_one_by_one(running, "warm", 3)  # everything is loaded after this
    figures["resident, MiB"] = {"idle, " + group: mib for group, mib in resident_mib(running.stack).items()}
    figures["create, one by one"] = create_one_by_one(running, "one", sizes.one_by_one)
    figures["create with everything on, one by one"] = create_one_by_one(running, "all", sizes.edits, EVERYTHING)
    for count in sizes.bursts:
        figures[f"burst of {count}"] = burst(running, count)
    namespaces = [f"one-{number}" for number in range(sizes.edits)]
    figures["edit"] = changed(running, namespaces, _edit)
    figures["label edit that needs no action"] = changed(running, namespaces, _label)
    figures["drift"] = changed(running, namespaces, _drift)
    for first in range(0, sizes.many, AT_ONCE):
        burst(running, min(AT_ONCE, sizes.many - first), prefix=f"many-{first}")
    figures["resident, MiB"][f"{FUNCTIONS}, with {sizes.many} Keplers more"] = resident_mib(running.stack)[FUNCTIONS]
    return figures


def create_one_by_one(running: RunningOperator, prefix: str, count: int, spec: Spec = MINIMAL) -> dict[str, float]:
    """Return milliseconds from create to DaemonSet, own status and `Ready`, and the cost of one."""
    names = [f"{prefix}-{number}" for number in range(count)]
    _create_namespaces(running, names)
    meter = CostMeter(running.stack)
    took = [_post(running, name, spec)() for name in names]
    _rest(running)
    figures: dict[str, float] = {}
    for name in took[0]:
        figures |= _quantiles(f"to {name}", (times[name] for times in took))
    return figures | meter.take().per(count)


def burst(running: RunningOperator, count: int, prefix: str = "burst") -> dict[str, float]:
    """Return the resources a second when all are created as fast as the API server takes them, and the cost of one.

    Counts until the last one is Ready or, for an operator that does not look, has its own status.
    """
    names = [f"{prefix}-{count}-{number}" for number in range(count)]
    _create_namespaces(running, names)
    meter, began = CostMeter(running.stack), time.monotonic()
    pending = [_post(running, name) for name in names]
    for wait in pending:
        wait()
    seconds = time.monotonic() - began
    _rest(running)
    return {"resources a second": round(count / seconds, 1), **meter.take().per(count)}


def changed(
    running: RunningOperator, namespaces: list[str], change: Callable[[RunningOperator, str, int], Any]
) -> dict[str, float]:
    """Return the milliseconds that changes take to show, if they shall show, and the cost of one."""
    meter, took = CostMeter(running.stack), []
    for number, namespace in enumerate(namespaces):
        began = time.monotonic()
        shows = change(running, namespace, number)
        while shows is not None and not shows():
            if time.monotonic() - began > TIMEOUT:
                raise TimeoutError(f"a change in namespace '{namespace}' did not show in {TIMEOUT:.0f} s")
            time.sleep(0.002)
        took.append((time.monotonic() - began) * 1000)
    _rest(running)
    times = _quantiles("to DaemonSet", took) if shows is not None else {}
    return times | meter.take().per(len(namespaces))


def _create_namespaces(running: RunningOperator, names: Iterable[str]) -> None:
    """Create namespaces, and wait until nobody is busy with them: what is measured is the cost of a resource."""
    for name in names:
        create_namespace(running.stack, name)
    _rest(running)


def _post(running: RunningOperator, namespace: str, spec: Spec = MINIMAL) -> Callable[[], dict[str, float]]:
    """Create a Kepler, and return a function that waits for it and returns the milliseconds of each step."""
    where = KEPLERS.replace("/keplers", f"/namespaces/{namespace}/keplers")
    api_version = KEPLERS.removeprefix("/apis/").removesuffix("/keplers")
    manifest = {"apiVersion": api_version, "kind": "Kepler", "metadata": {"name": "kepler"}, "spec": {**spec}}
    running.stack.api.create(where, manifest)
    created = time.monotonic()

    def wait() -> dict[str, float]:
        at = {
            "DaemonSet": running.daemon_sets.at("exists", namespace),
            "own status": running.keplers.at("own", namespace),
        }
        if running.operator.has_ready:
            at["Ready"] = running.keplers.at("ready", namespace)
        return {name: (time - created) * 1000 for name, time in at.items()}

    return wait


def _edit(running: RunningOperator, namespace: str, number: int) -> Callable[[], bool]:
    """Change a field that the exporter's pods follow; shows in the DaemonSet."""
    before = _exporter(running, namespace)["metadata"]["generation"]
    _patch(running, namespace, {"spec": {"collector": {"port": 9200 + number}}})
    return lambda: bool(_exporter(running, namespace)["metadata"]["generation"] > before)


def _label(running: RunningOperator, namespace: str, number: int) -> None:
    """Change a label of the Kepler, which is for nobody: as an echo, or a status written by another one."""
    _patch(running, namespace, {"metadata": {"labels": {"number": str(number)}}})


def _drift(running: RunningOperator, namespace: str, _number: int) -> Callable[[], bool]:
    """Change the exporter's image by hand; shows once it is put back."""
    exporter = _exporter(running, namespace)
    [container, *others] = exporter["spec"]["template"]["spec"]["containers"]
    edited = [{**container, "image": "example.com/other:v1"}, *others]
    patch = {"spec": {"template": {"spec": {"containers": edited}}}}
    _patch(running, namespace, patch, "daemonset/kepler-exporter")

    def shows() -> bool:
        [now, *_] = _exporter(running, namespace)["spec"]["template"]["spec"]["containers"]
        return bool(now["image"] == container["image"])

    return shows


def _patch(running: RunningOperator, namespace: str, change: Any, target: str = KEPLER) -> None:
    KubectlRequests(running.stack).patch(namespace, target, change)


def _exporter(running: RunningOperator, namespace: str) -> Any:
    return running.stack.api.get(EXPORTERS.format(namespace))


def _quantiles(name: str, milliseconds: Iterable[float]) -> dict[str, float]:
    ordered = sorted(milliseconds)
    p95 = statistics.quantiles(ordered, n=20)[-1] if len(ordered) > 1 else ordered[0]
    return {f"{name} p50, ms": round(statistics.median(ordered), 1), f"{name} p95, ms": round(p95, 1)}


def _rest(running: RunningOperator) -> None:
    """Wait until the functions have used no CPU worth mentioning for a while."""
    processes = [
        psutil.Process(process.record.pid)
        for name, process in running.stack.processes.items()
        if name.startswith(("kepler-", "kopf"))
    ]
    deadline = time.monotonic() + QUIET_AT_MOST
    used = -1.0
    while time.monotonic() < deadline:
        now = sum(process.cpu_times().user + process.cpu_times().system for process in processes)
        if now - used < 0.03 * QUIET:
            return
        used = now
        time.sleep(QUIET)
