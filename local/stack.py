"""The whole local stack as one object, for `python -m local` and for tests.

    with Stack(state=tmp_path, ports=Ports.free()) as stack:
        stack.start_control_plane(bare=True)          # etcd and kube-apiserver, for protocol tests
        stack.kubectl("get", "namespaces")

    with Stack(state=tmp_path, ports=Ports.free()) as stack:
        stack.start(ROOT / "config" / "base")         # everything, until an event has travelled end to end
        stack.kill("kepler-collector")                # SIGKILL; nothing restarts it here
        stack.restart("kepler-collector")

Build the programs before (`local.go_programs.build`). No part is started twice, and leaving the `with` stops
everything.
Every step raises a `LocalError` with a message that says what to do. The dispatcher's ports are constants of Knative's:
only one stack with a data plane can run on a machine, but any number of bare ones.
"""

import shutil
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType

from local import knative, pki, services, source, topology_objects
from local.admin_client import AdminClient, Object
from local.control_plane import NODES, ControlPlane, node
from local.kubectl import Kubectl
from local.layout import DEFAULT, Layout
from local.local_errors import ConfigUnusable, NotReady
from local.owner import FolderOwner
from local.pod_network import PodNetwork
from local.ports import Ports, check
from local.probe import wait_until
from local.process import Process, ProcessSpec, await_ready, stop_recorded
from local.topology import Addresses

# Files of one run; programs and YAML may be in the same folder, and are kept.
OF_ONE_RUN = (
    *("etcd", "kept", "run", "logs", "pki", "kubeconfigs", "kubectl-cache", "kubeconfig", "audit-policy.yaml"),
    *("pods", "containers", "egress.yaml"),
)

CRD = "CustomResourceDefinition"
KNATIVE = ("eventing.knative.dev", "sources.knative.dev", "serving.knative.dev")

DEADLINE = 60.0
TOKEN_SECONDS = 365 * 24 * 3600


class Stack:
    """A control plane, a data plane and functions, owned by this process.

    The files of an earlier run are removed from `state`, and its leftover processes stopped first; raises
    AlreadyRunning if another process owns it. `programs` is the builder's target. With `audit`,
    `<state>/logs/audit.log` gets one JSON line for each request to the API server. `durable` makes etcd write through
    to the disk. `gateway` lets clients with etcd's certificate fill it by JSON. With `pods` the API server reaches the
    pods of `local.exporter_node`. Setting `stop` makes any waiting step raise Interrupted. `command` is what a Knative
    Service runs, with `settings` added to its environment.
    """

    def __init__(  # noqa: PLR0913 - all but the first two are for tests
        self,
        state: Path = DEFAULT,
        ports: Ports | None = None,
        *,
        programs: Path = DEFAULT,
        audit: bool = False,
        durable: bool = False,
        gateway: bool = False,
        pods: bool = False,
        stop: threading.Event | None = None,
        command: tuple[str, ...] = services.COMMAND,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.layout = Layout(state.absolute(), programs.absolute())
        self.ports = ports or Ports.fixed()
        self.processes: dict[str, Process] = {}
        self.functions: list[services.LocalService] = []
        self._stop = stop or threading.Event()
        self._command = command
        self._settings = settings
        self._objects: list[Object] = []
        self._owner = FolderOwner(self.layout.state)
        _clean(self.layout)
        self.layout.databases.mkdir(mode=0o700)
        self.keys = pki.create(self.layout.pki)
        self._pods = PodNetwork(self.ports) if pods else None
        egress = self._pods.write_configuration(self.layout.state / "egress.yaml") if self._pods else None
        self._plane = ControlPlane(self.layout, self.keys, self.ports, audit, durable, gateway, egress)
        self._knative = knative.Knative(self.layout, self.ports)
        self._write_kubeconfig(self.admin, self.keys.admin_token, "admin")
        self.api = AdminClient(self._plane.server, self.keys.ca, self.keys.admin_token)
        self.kubectl = Kubectl(self.layout.program("kubectl"), self.admin, self.layout.state / "kubectl-cache")

    def __enter__(self) -> "Stack":
        """Return itself: the folder was taken in `__init__`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        self.close()

    def close(self) -> None:
        """Stop every part in order and release the state folder; logs and kubeconfigs are kept."""
        stop_recorded(self.layout.records)
        if self._pods:
            self._pods.close()
        self._owner.release()

    @property
    def admin(self) -> Path:
        """Return the administrator's kubeconfig."""
        return self.layout.kubeconfig

    @property
    def addresses(self) -> Addresses:
        """Return the addresses of Brokers, channels and functions."""
        return Addresses(self.ports, {(function.namespace, function.name): function.url for function in self.functions})

    def start(self, config: Path) -> None:
        """Start everything, independent parts at the same time. Checks all ports before the first process.

        The controllers start once the CRDs exist, since the garbage collector looks for new kinds every 30 s only.
        """
        self._read(config)
        self._check_ports()
        self.start_control_plane(bare=True)
        self.start_knative(wait=False)
        self._define()
        self._start_controllers()
        self._apply()
        self.start_functions(wait=False)
        self.connect()
        self._await(self.processes.values())

    def url(self, function: str) -> str:
        """Return the URL of the function of this name."""
        return next(served.url for served in self.functions if served.name == function) + "/"

    def announce_ready(self) -> None:
        """Announce to `up` and `status` that the start is complete."""
        self._owner.ready()

    def start_control_plane(self, *, bare: bool = False) -> None:
        """Start etcd and the API server and, unless `bare`, the controllers, the scheduler and four nodes."""
        self._await(self._start_parts(self._plane.bare()))
        if not bare:
            self._await(self._start_controllers())

    def start_knative(self, *, wait: bool = True) -> None:
        """Install Knative's CRDs and ConfigMaps, and start the processes of a Broker; `connect` starts the sources."""
        for setting in knative.settings(self.layout):
            self._apply_core(setting)
        crds = knative.crds(self.layout)
        for crd in crds:
            self.api.apply(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{crd['metadata']['name']}", crd)
        self._await_served(crds)
        parts = self._start_parts(self._knative.broker())
        if wait:
            self._await(parts)

    def install(self, config: Path) -> None:
        """Apply `config` with kubectl, except its Knative Services, which `start_functions` runs as processes."""
        self._read(config)
        self._define()
        self._apply()

    def install_bare(self, config: Path) -> None:
        """Apply the part of `config` that an API server without Knative knows: CRDs, permissions and accounts."""
        rendered = self.kubectl.render(config)
        self.kubectl.apply([manifest for manifest in rendered if not manifest["apiVersion"].startswith(KNATIVE)])
        self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")

    def start_functions(self, *, wait: bool = True) -> None:
        """Start a process for each installed Knative Service, with its own ServiceAccount's token."""
        for function in self.functions:
            self.kubeconfig_for(function.namespace, function.account)
        parts = self._start_parts([self._function_part(function) for function in self.functions])
        if wait:
            self._await(parts)

    def connect(self) -> None:
        """Wire Brokers, Triggers and sources, start the sources, and send a test event through all of it."""
        broker = [self.processes[part.name] for part in self._knative.broker()]
        self._await(broker[:1])
        sources = self._start_parts(
            [*self._knative.sources(), *(self._source_part(manifest) for manifest in self._sources())]
        )
        self._await(broker)
        self.wire()
        self._await(sources)

    def wire(self) -> None:
        """Wire Brokers, Triggers and sources as they are now; return once an event has travelled that way.

        Call it again after Triggers have changed, or after a part of the Broker was restarted.
        """
        topology_objects.wire_and_test(self.api, self.addresses, self._stop)

    def kubeconfig_for(self, namespace: str, account: str) -> Path:
        """Return a kubeconfig with that ServiceAccount's own token, from the TokenRequest API."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        answer = self.api.create(path, {"spec": {"expirationSeconds": TOKEN_SECONDS}})
        kubeconfig = self.layout.kubeconfig_of(account)
        self._write_kubeconfig(kubeconfig, str(answer["status"]["token"]), account)
        return kubeconfig

    def run(self, part: ProcessSpec) -> None:
        """Start one more part, which is stopped with the others, and return when it is ready."""
        self._await(self._start_parts([part]))

    def kill(self, name: str) -> None:
        """Send SIGKILL to one part, as if its machine were lost."""
        self.processes[name].kill()

    def revive(self, name: str) -> Process:
        """Start a part that has ended, appending to its log, without waiting until it is ready."""
        process = Process.start(self.processes[name].spec, self.layout.records, append=True)
        self.processes[name] = process
        return process

    def restart(self, name: str) -> None:
        """Stop one part and start it again; return when it is ready."""
        self.kill(name)
        self._await([self.revive(name)])

    def _read(self, config: Path) -> None:
        if not config.is_dir():
            raise ConfigUnusable(f"there is no configuration in {config}")
        self._objects = self.kubectl.render(config)
        self.functions = services.functions(self._objects, self.ports)

    def _start_controllers(self) -> list[Process]:
        controllers = self._start_parts(self._plane.controllers())
        for name in NODES:
            self.api.create("/api/v1/nodes", node(name))
        return controllers

    def _define(self) -> None:
        crds = [manifest for manifest in self._objects if manifest["kind"] == CRD]
        self.kubectl.apply(crds)
        self._await_served(crds)

    def _apply(self) -> None:
        self.kubectl.apply(
            [manifest for manifest in self._objects if manifest["kind"] != CRD and not services.is_service(manifest)]
        )

    def _await_served(self, crds: Sequence[Object]) -> None:
        wanted = {
            (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"])
            for crd in crds
            for version in crd["spec"]["versions"]
            if version["served"]
        }
        # Discovery is updated last: a CRD that it lists is established.
        if wanted and not wait_until(lambda: wanted <= self.api.kinds(), DEADLINE, self._stop):
            missing = ", ".join(sorted(kind for _, kind in wanted - self.api.kinds()))
            raise NotReady(f"the API server does not serve {missing}: `kubectl get crd` says why")

    def _apply_core(self, manifest: Object) -> None:
        meta = manifest["metadata"]
        folder = f"namespaces/{meta['namespace']}/configmaps" if manifest["kind"] == "ConfigMap" else "namespaces"
        self.api.apply(f"/api/v1/{folder}/{meta['name']}", manifest)

    def _sources(self) -> list[Object]:
        return source.only_one(manifest for manifest in self._objects if manifest["kind"] == "ApiServerSource")

    def _source_part(self, manifest: Object) -> ProcessSpec:
        kubeconfig = self.kubeconfig_for(*source.account(manifest))
        return source.part(manifest, kubeconfig=kubeconfig, layout=self.layout, addresses=self.addresses)

    def _function_part(self, function: services.LocalService) -> ProcessSpec:
        return services.part(
            function,
            kubeconfig=self.layout.kubeconfig_of(function.account),
            layout=self.layout,
            addresses=self.addresses,
            command=self._command,
            settings=self._settings,
        )

    def _check_ports(self) -> None:
        fixed = [*self._plane.bare(), *self._plane.controllers(), *self._knative.broker(), *self._knative.sources()]
        own = [self._function_part(function) for function in self.functions]
        sources = [source.port(manifest, self.ports) for manifest in self._sources()]
        check([*(port for part in (*fixed, *own) for port in part.ports), *sources])

    def _start_parts(self, parts: Sequence[ProcessSpec]) -> list[Process]:
        """Start these parts, and return their processes without waiting until they are ready."""
        check(port for part in parts for port in part.ports)
        for part in parts:
            self.processes[part.name] = Process.start(part, self.layout.records)
        return [self.processes[part.name] for part in parts]

    def _await(self, processes: Iterable[Process]) -> None:
        await_ready(processes, DEADLINE, self._stop)

    def _write_kubeconfig(self, path: Path, token: str, user: str) -> None:
        pki.write_kubeconfig(path, server=self._plane.server, ca=self.keys.ca, token=token, user=user)


def _clean(layout: Layout) -> None:
    stop_recorded(layout.records)
    for name in OF_ONE_RUN:
        path = layout.state / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
