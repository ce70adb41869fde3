"""Kepler itself under the configuration that the operator renders: what it exports after each edit."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from local import exporter_node, watts
from local.exporter_node import ExporterNode
from local.local_errors import NotReady
from local.pod_files import TOKEN_PATH
from local.stack import Stack
from tests.e2e.stack_namespace import StackNamespace
from tests.e2e.test_cli import Plugin
from tests.workbench import create_namespace, kepler

NAMESPACE = "real-exporter"
DAEMON_SET = "daemonset/kepler-exporter"

# One exporter, and a first measurement after a second.
COLLECTOR = {"node-selector": {"kubernetes.io/hostname": exporter_node.NAME}, "sample-period": "1s"}
REFERENCES = {"collected-metric": "default", "exported-power": "default"}

INFO = {"kepler_node_info"}
COUNTERS = ("cpu_cycles", "cpu_instructions", "cache_miss")
SOFTWARE = ("bpf_cpu_time_ms", "bpf_page_cache_hit")
INTERRUPTS = ("bpf_net_tx_irq", "bpf_net_rx_irq", "bpf_block_irq")


def energy(level: str, *, gpu: bool = False) -> set[str]:
    """Return the series of the energy of a level, by component; of containers and processes also of the whole."""
    components = ("package", "core", "uncore", "dram", "other", "platform", *(("gpu",) if gpu else ()))
    whole = {f"kepler_{level}_joules_total"} if level != "node" else set()
    return whole | {f"kepler_{level}_{component}_joules_total" for component in components}


def usage(level: str, *groups: tuple[str, ...]) -> set[str]:
    """Return the series of the usage of a level."""
    return {f"kepler_{level}_{name}_total" for group in groups for name in group}


@dataclass(frozen=True)
class ExportCase:
    """Sources that are on and levels of export -> the names of all series that Kepler exports."""

    name: str
    sources: frozenset[str]
    levels: tuple[str, ...]
    series: set[str]


SOURCES = ("counter", "cgroup", "kubelet", "gpu", "bpf", "irq")
ALL = frozenset(SOURCES)
LEVELS = ("node", "package", "container")

NODE = INFO | energy("node")
CONTAINER = NODE | energy("container", gpu=True)
# Without `node` and `package` there are no components: the whole energy is left.
POD_ALONE = INFO | {"kepler_container_joules_total"} | usage("container", COUNTERS, SOFTWARE, INTERRUPTS)
PROCESS_ALONE = INFO | {"kepler_process_joules_total"} | usage("process", COUNTERS, SOFTWARE, INTERRUPTS)
EVERYTHING = CONTAINER | usage("container", COUNTERS, SOFTWARE, INTERRUPTS)
PROCESSES = energy("process", gpu=True) | usage("process", COUNTERS, SOFTWARE, INTERRUPTS)

# Neighbours differ in what is exported. `cgroup` and `kubelet` are sources that v0.7.12 does not have.
CASES = (
    ExportCase("everything", ALL, (*LEVELS, "pod", "process", "vm"), EVERYTHING | PROCESSES),
    ExportCase("no counters", ALL - {"counter"}, LEVELS, CONTAINER | usage("container", SOFTWARE, INTERRUPTS)),
    ExportCase("no interrupts", ALL - {"irq"}, LEVELS, CONTAINER | usage("container", COUNTERS, SOFTWARE)),
    ExportCase("no GPU", ALL - {"gpu"}, LEVELS, EVERYTHING - {"kepler_container_gpu_joules_total"}),
    ExportCase("no eBPF", ALL - {"bpf"}, LEVELS, CONTAINER),
    ExportCase("no cgroup, no kubelet", ALL - {"cgroup", "kubelet"}, LEVELS, EVERYTHING),
    ExportCase("no source", frozenset(), LEVELS, NODE | energy("container")),
    ExportCase("node", ALL, ("node",), NODE),
    ExportCase("pod", ALL, ("pod",), POD_ALONE),
    ExportCase("package", ALL, ("package",), NODE),
    ExportCase("container", ALL, ("container",), POD_ALONE),
    ExportCase("vm", ALL, ("vm",), NODE),
    ExportCase("process", ALL, ("process",), PROCESS_ALONE),
)


@pytest.fixture(scope="module")
def node(stack: Stack) -> Iterator[ExporterNode]:
    """The node that runs Kepler, for this module."""
    with ExporterNode(stack) as started:
        yield started


@dataclass(frozen=True)
class RealExporter:
    """A Kepler's namespace, and the exporter that runs for it."""

    cluster: StackNamespace
    node: ExporterNode

    def configure(self, sources: frozenset[str], levels: tuple[str, ...], **spec: Any) -> None:
        """Apply all three resources."""
        switches = {source: {"enabled": source in sources} for source in SOURCES}
        collected = {**kepler("default", sources=switches), "kind": "KeplerCollectedMetric"}
        exported = {**kepler("default", levels=list(levels), **spec), "kind": "KeplerExportedPower"}
        self.cluster.apply(collected, exported, {**kepler(), "spec": {"collector": COLLECTOR, **REFERENCES}})

    def samples(self) -> list[watts.MetricSample]:
        """Return what the exporter serves; nothing between two pods."""
        running = self.node.exporter(self.cluster.namespace)
        try:
            served = watts.samples(watts.read(f"{running.url}/metrics")) if running else []
        except NotReady:
            return []
        return [sample for sample in served if sample.name.startswith("kepler_")]

    def names(self) -> set[str]:
        """Return the names of the series."""
        return {sample.name for sample in self.samples()}

    def await_names(self, names: set[str]) -> None:
        """Return once the exporter has these series and no others."""
        self.cluster.eventually(lambda: self.names() == names, lambda: self.difference(names))

    def difference(self, names: set[str]) -> str:
        """Return what is missing and what is too much."""
        present = self.names()
        return f"missing: {sorted(names - present)}, unexpected: {sorted(present - names)}"

    def labels(self, name: str, label: str) -> set[str]:
        """Return the values of a label of the series of this name."""
        return {sample.labels[label] for sample in self.samples() if sample.name == name}

    def session(self) -> tuple[int, str]:
        """Return pid and container of the exporter that runs, once one is Ready."""
        session: list[tuple[int, str]] = []

        def running() -> bool:
            exporter = self.node.exporter(self.cluster.namespace)
            session[:] = [exporter.session] if exporter and exporter.session else []
            return bool(session)

        self.cluster.eventually(running)
        return session[0]


@pytest.fixture(scope="module")
def exporter(stack: Stack, node: ExporterNode) -> Iterator[RealExporter]:
    """A namespace whose only exporter is the real one."""
    create_namespace(stack, NAMESPACE)
    yield RealExporter(StackNamespace(stack, NAMESPACE), node)
    stack.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_edit_of_sources_or_levels_changes_what_is_exported(exporter: RealExporter, case: ExportCase) -> None:
    """Exactly the series that the configuration asks for, at the rendered port, from the rendered ConfigMap."""
    exporter.configure(case.sources, case.levels)
    exporter.await_names(case.series)


@pytest.fixture
def plain(exporter: RealExporter) -> RealExporter:
    """All sources and the usual levels, and Kepler exports them."""
    exporter.configure(ALL, LEVELS)
    exporter.cluster.await_ready()
    exporter.await_names(EVERYTHING)
    return exporter


def test_idle_power_is_exported_where_it_is_asked_for(plain: RealExporter) -> None:
    """The components' series have a mode each."""
    name = "kepler_container_package_joules_total"
    assert plain.labels(name, "mode") == {"dynamic"}

    plain.configure(ALL, LEVELS, idle_power=True)
    plain.cluster.eventually(lambda: plain.labels(name, "mode") == {"dynamic", "idle"})


def test_energy_is_that_of_pods_by_name(plain: RealExporter) -> None:
    """Kepler finds the names by the rendered ServiceAccount's permission to watch pods."""
    pods = {
        "etcd-this-machine",
        "kube-apiserver-this-machine",
        f"{plain.cluster.serving('kepler-collector')}-this-machine",
    }
    plain.cluster.eventually(lambda: pods <= plain.labels("kepler_container_joules_total", "pod_name"))

    def joules() -> float:
        url = plain.node.exporter(NAMESPACE).url  # type: ignore[union-attr]
        return watts.joules(watts.read(f"{url}/metrics"))["kube-system", "kube-apiserver-this-machine"]

    before = joules()
    plain.cluster.eventually(lambda: joules() > before)


def test_top_shows_the_watts_of_pods(plain: RealExporter) -> None:
    """Read by way of the API server, as on a cluster."""
    rows = Plugin(plain.cluster).data("top", "--seconds", "3")

    assert {"kube-apiserver-this-machine", "etcd-this-machine"} <= {row["pod"] for row in rows}
    assert rows[0]["watts"] > 0


def test_its_token_is_the_rendered_service_accounts(plain: RealExporter) -> None:
    """As a kubelet projects it, for this pod alone."""
    root = plain.node.exporter(NAMESPACE).root  # type: ignore[union-attr]
    review = {"spec": {"token": (root / TOKEN_PATH / "token").read_text()}}
    status = plain.cluster.stack.api.create("/apis/authentication.k8s.io/v1/tokenreviews", review)["status"]

    assert status["user"]["username"] == f"system:serviceaccount:{NAMESPACE}:kepler"


def test_another_port_is_served(plain: RealExporter) -> None:
    """And the old one is closed."""
    old = plain.node.exporter(NAMESPACE).url  # type: ignore[union-attr]
    plain.cluster.patch("keplers/kepler", {"spec": {"collector": {"port": 9105}}})

    plain.cluster.eventually(lambda: (running := plain.node.exporter(NAMESPACE)) and running.url.endswith(":9105"))
    plain.await_names(EVERYTHING)
    with pytest.raises(NotReady):
        watts.read(f"{old}/metrics")


def test_nothing_is_measured_before_the_sample_period_is_over(plain: RealExporter) -> None:
    """With an hour there is no energy of the node for an hour, and with a second there is."""
    plain.cluster.patch("keplers/kepler", {"spec": {"collector": {"sample-period": "1h"}}})
    plain.await_names(EVERYTHING - energy("node"))

    plain.cluster.patch("keplers/kepler", {"spec": {"collector": {"sample-period": "1s"}}})
    plain.await_names(EVERYTHING)


def test_the_users_own_key_reaches_kepler(plain: RealExporter) -> None:
    """A key of `kepler-cfm` that the operator does not know."""
    plain.cluster.patch("configmap/kepler-cfm", {"data": {"CPU_ARCH_OVERRIDE": "of the user"}})
    plain.cluster.eventually(lambda: plain.labels("kepler_node_info", "cpu_architecture") == {"of the user"})

    plain.cluster.patch("configmap/kepler-cfm", {"data": {"CPU_ARCH_OVERRIDE": None}})
    plain.cluster.eventually(
        lambda: plain.labels("kepler_node_info", "cpu_architecture") not in ({"of the user"}, set())
    )


def test_a_rollout_ends_the_process_and_starts_another(plain: RealExporter) -> None:
    """One is left: the new pod's."""
    pid, container = plain.session()
    plain.cluster.kubectl("rollout", "restart", DAEMON_SET)

    plain.cluster.eventually(lambda: plain.session()[1] != container)
    assert not psutil.pid_exists(pid)


def test_an_exporter_that_ends_is_started_again_in_its_pod(plain: RealExporter) -> None:
    """The pod stays; its status counts the restart."""
    pid, container = plain.session()
    pod = plain.cluster.items("pods")[0]["metadata"]["name"]
    os.kill(pid, signal.SIGKILL)

    plain.cluster.eventually(lambda: plain.session()[1] != container)
    plain.await_names(EVERYTHING)
    plain.cluster.eventually(
        lambda: plain.cluster.get(f"pod/{pod}")["status"]["containerStatuses"][0]["restartCount"] == 1
    )
    plain.cluster.await_ready()
