"""Knative Eventing's data plane as processes, and the objects that they require: its CRDs and ConfigMaps."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from local import probe, vendor
from local.admin_client import Object
from local.kubectl import documents
from local.layout import Layout
from local.ports import DISPATCHER, DISPATCHER_HTTPS, EVERYWHERE, LOOPBACK, Port, Ports
from local.process import ProcessSpec, Stage
from local.source import SYSTEM_NAMESPACE

# The version of EventTypes that Knative reads and `config/base` writes.
EVENT_TYPES = "v1beta3"


@dataclass(frozen=True)
class Knative:
    """The four processes of the data plane; `local.source` has the adapter of an ApiServerSource.

    Start them once CRDs are established and ConfigMaps exist: without one, they exit or hang.
    """

    layout: Layout
    ports: Ports

    def broker(self) -> list[ProcessSpec]:
        """Return the processes that make up a Broker."""
        return [self._dispatcher(), self._ingress(), self._filter()]

    def sources(self) -> list[ProcessSpec]:
        """Return the process that serves PingSources.

        Start it once the dispatcher is ready, like any adapter: adapters answer probes on the dispatcher's port if it
        is free, and the dispatcher exits if it is not.
        """
        return [self._mtping()]

    def _dispatcher(self) -> ProcessSpec:
        environment = {
            "MAX_IDLE_CONNS": "1000",
            "MAX_IDLE_CONNS_PER_HOST": "100",
            "PROFILING_PORT": str(self.ports.dispatcher_profiling),
        }
        ports = (
            Port(DISPATCHER, "dispatcher", "events; a constant of Knative's", EVERYWHERE),
            Port(DISPATCHER_HTTPS, "dispatcher", "events over TLS; a constant of Knative's", EVERYWHERE),
            Port(self.ports.dispatcher_profiling, "dispatcher", "profiling", EVERYWHERE),
        )
        ready = _healthy(DISPATCHER)
        return self._part("dispatcher", Stage.DISPATCHER, ready, environment, ports, "--disable-ha")

    def _ingress(self) -> ProcessSpec:
        http, https = self.ports.ingress, self.ports.ingress_https
        environment = {"INGRESS_PORT": str(http), "INGRESS_PORT_HTTPS": str(https)}
        return self._part("ingress", Stage.INGRESS, _healthy(http), environment, _two("ingress", http, https))

    def _filter(self) -> ProcessSpec:
        http, https = self.ports.filter, self.ports.filter_https
        environment = {"NAMESPACE": SYSTEM_NAMESPACE, "FILTER_PORT": str(http), "FILTER_PORT_HTTPS": str(https)}
        return self._part("filter", Stage.FILTER, _healthy(http), environment, _two("filter", http, https))

    def _mtping(self) -> ProcessSpec:
        profiling = self.ports.mtping_profiling
        environment = {
            "NAMESPACE": SYSTEM_NAMESPACE,
            "PROFILING_PORT": str(profiling),
            "K_SINK_TIMEOUT": "10",
        }
        ports = (Port(profiling, "mtping", "profiling", EVERYWHERE),)
        ready = probe.logged(self.layout.log("mtping"), "Started workers")
        return self._part("mtping", Stage.SOURCE, ready, environment, ports, "--disable-ha")

    def _part(
        self,
        name: str,
        stage: Stage,
        ready: probe.Ready,
        environment: dict[str, str],
        ports: tuple[Port, ...],
        *arguments: str,
    ) -> ProcessSpec:
        common = {
            "KUBECONFIG": str(self.layout.kubeconfig),
            "SYSTEM_NAMESPACE": SYSTEM_NAMESPACE,
            "POD_NAME": name,
            "CONTAINER_NAME": name,
            "KUBE_API_QPS": "200",
            "KUBE_API_BURST": "400",
        }
        command = (self.layout.program(name), *arguments)
        return ProcessSpec(name, stage, command, self.layout.log(name), ready, common | environment, ports)


def _healthy(port: int) -> probe.Ready:
    return probe.http(f"http://{LOOPBACK}:{port}/healthz", headers=probe.KUBELET)


def _two(name: str, http: int, https: int) -> tuple[Port, ...]:
    return (Port(http, name, "events", EVERYWHERE), Port(https, name, "events over TLS", EVERYWHERE))


def crds(layout: Layout) -> list[Object]:
    """Return Knative's CRDs without conversion, since its webhook does not run here.

    One version of each is used and stored. Knative stores EventTypes as v1beta2, which has no `attributes`, and reads
    and writes v1beta3.
    """
    objects = list(_yaml(layout, vendor.CRDS))
    for crd in objects:
        crd["spec"]["conversion"] = {"strategy": "None"}
        if crd["spec"]["names"]["kind"] == "EventType":
            for version in crd["spec"]["versions"]:
                version["storage"] = version["name"] == EVENT_TYPES
    return objects


def settings(layout: Layout) -> list[Object]:
    """Return Knative's namespace and its ConfigMaps, without the examples that make up most of their size."""
    objects = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM_NAMESPACE}}]
    for config in _yaml(layout, vendor.CONFIG_MAPS):
        with contextlib.suppress(KeyError):
            del config["data"]["_example"]
        objects.append(config)
    return objects


def _yaml(layout: Layout, folder: str) -> Iterator[Object]:
    for file in sorted((layout.yaml / folder).glob("*.yaml")):
        yield from documents(file.read_text())
