"""Starts and removes the node as a whole, for the command line and for tests.

    with Node() as node:
        node.up(operator=True)         # a Ready node with Knative, and the operator as a user installs it
        node.kubectl("get", "nodes")

A node stays up after the process that started it has ended, or was killed: `down` finds it by the record in its state
folder.
"""

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

import psutil

from local import pki
from local.admin_client import AdminClient, Object
from local.kubectl import Kubectl
from local.layout import DEFAULT, Layout
from local.local_errors import AlreadyRunning, NotReady
from local.probe import wait_until
from local.process import Process, await_ready, recorded_processes
from node import gateway, node_images, official, sandbox, user_install
from node.node_parts import NODE_GROUP, NODE_USER, PROXY_USER, SERVER, NodeParts
from node.official import DEFAULT_SCALING, ScaleToZero
from node.sandbox import NODE_ADDRESS, Sandbox

STATE = DEFAULT / "node"
CONTEXT = "kepler-node"
ADDRESSES = ("127.0.0.1", NODE_ADDRESS, pki.SERVICE_CLUSTER_IP)
USERS = {NODE_USER: NODE_GROUP, PROXY_USER: PROXY_USER}

# Files of one run; archives of images are kept.
OF_ONE_RUN = ("etcd", "containerd", "mounted", "run", "logs", "pki", "kubeconfigs", "kubectl-cache", "configuration")

READY_SECONDS = 120.0
# The removal of `config/base` waits for pods that drain.
KUBECTL_SECONDS = 240.0

Say = Callable[[str], None]


class Node:
    """A node in `state`; `programs` is the builder's target. Leaving the `with` removes the node.

    `config` is what is installed as the operator: `config/base`, or the overlay `compact`.
    """

    def __init__(
        self, state: Path = STATE, programs: Path = DEFAULT, say: Say = print, *, config: Path = user_install.BASE
    ) -> None:
        self.layout = Layout(state.absolute(), programs.absolute())
        self.say = say
        self.config = config
        self.kubectl = Kubectl(
            self.layout.program("kubectl"),
            self.layout.kubeconfig,
            self.layout.state / "kubectl-cache",
            KUBECTL_SECONDS,
        )

    def __enter__(self) -> "Node":
        """Return itself; nothing is started yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the node."""
        self.down()

    @property
    def sandbox(self) -> Sandbox:
        """Return the running sandbox. Raises NotReady if there is none."""
        record = sandbox.running(self.layout.state)
        if not record:
            raise NotReady("no node is up: `python -m node up` starts one")
        return record

    @property
    def api(self) -> AdminClient:
        """Return a client of the API server as the administrator."""
        token = (self.layout.pki / "admin.token").read_text()
        return AdminClient(SERVER, self.layout.pki / "ca.crt", token)

    def up(self, scaling: ScaleToZero = DEFAULT_SCALING, *, operator: bool = False) -> None:
        """Start everything until Knative is available and, with `operator`, until our configuration is Ready.

        Raises AlreadyRunning, or another LocalError after removing what was started.
        """
        if sandbox.running(self.layout.state):
            raise AlreadyRunning("a node is up already: `python -m node down` removes it")
        self.down()
        self._clean()
        try:
            self._start(scaling, operator=operator)
        except BaseException:
            self.down()
            raise

    def down(self) -> list[str]:
        """Remove the node, even if only a part of it is up; return sentences on what could not be removed."""
        return sandbox.down(self.layout.state)

    def overlay(self, tag: str, patches: Sequence[Object] = ()) -> Path:
        """Write the kustomization that installs the operator, as `user_install.overlay` does, and return its folder."""
        return user_install.overlay(self.layout.state / "overlay", tag, patches, config=self.config)

    def apply(self, tag: str) -> None:
        """Apply the configuration with an image that was imported before; return once all of it is Ready."""
        user_install.apply(self.kubectl, self.overlay(tag))
        user_install.await_ready(self.api)

    def restart(self, name: str) -> None:
        """Kill one of etcd, kube-apiserver or containerd and start it again; return when it is ready."""
        keys = pki.Pki(self.layout.pki, "", {})
        part = next(part for part in NodeParts(self.layout, keys, self.sandbox).storage() if part.name == name)
        for record in recorded_processes(self.layout.records):
            if record.name == name and (process := record.process()):
                processes = [process, *process.children(recursive=True)]
                os.killpg(record.pid, signal.SIGKILL)
                psutil.wait_procs(processes, timeout=READY_SECONDS)
        await_ready([Process.start(part, self.layout.records, append=True)], READY_SECONDS, threading.Event())

    def _start(self, scaling: ScaleToZero, *, operator: bool) -> None:
        self.say("writing the images of programs that changed")
        gateway.fetch(self.layout.programs)
        images = [node_images.PAUSE, gateway.DNS, gateway.TRAEFIK, user_install.exporter()]
        archives = node_images.make([*images, *official.images(self.layout)], self.layout, self.archives)
        self.say("starting the control plane, containerd and the kubelet")
        node_sandbox, controllers = self._boot()
        # Images are imported while the API server accepts CRDs, the operator's image while Knative starts.
        with ThreadPoolExecutor() as executor:
            imported = executor.submit(node_images.load, node_sandbox, archives)
            manifests = official.manifests(self.layout, scaling)
            official.prepare(self.kubectl, self.api, manifests)
            self._await_node(controllers)
            imported.result()
            self.say("installing DNS, the ingress and Knative")
            operator_image = executor.submit(self._load_operator, node_sandbox) if operator else None
            official.apply(self.kubectl, [*gateway.dns(), *gateway.ingress()])
            official.install(self.kubectl, manifests)
            namespaces = ("kube-system", gateway.TRAEFIK_NAMESPACE, official.SERVING, official.EVENTING)
            official.await_ready(self.api, namespaces)
            if operator_image:
                tag = operator_image.result()
                self.say("installing the operator")
                self.apply(tag)

    def _load_operator(self, node_sandbox: Sandbox) -> str:
        """Import the operator's image with the version that `config/base` names; return that version."""
        tag = user_install.version()
        node_images.load(node_sandbox, {tag: user_install.archive(tag)})
        return tag

    def _boot(self) -> tuple[Sandbox, list[Process]]:
        """Start all processes. The node is not Ready yet when this returns."""
        keys = self._keys()
        node_sandbox = sandbox.up(self.layout.state, Path(self.layout.program("pause")))
        parts = NodeParts(self.layout, keys, node_sandbox)
        started = [Process.start(part, self.layout.records) for part in parts.storage()]
        await_ready(started, READY_SECONDS, threading.Event())
        self._await_roles()
        return node_sandbox, [Process.start(part, self.layout.records) for part in parts.controllers()]

    def _await_node(self, controllers: list[Process]) -> None:
        if not wait_until(lambda: self._ready(controllers), READY_SECONDS, threading.Event()):
            raise controllers[2].failure(f"did not make its node Ready in {READY_SECONDS:.0f} s")

    @property
    def archives(self) -> Path:
        """Return the folder in which archives of images are kept."""
        return self.layout.state / "images"

    def _keys(self) -> pki.Pki:
        """Create keys and tokens, and write the kubeconfigs of the administrator, the kubelet and kube-proxy."""
        keys = pki.create(self.layout.pki, ADDRESSES, USERS)
        token = self.layout.pki / "admin.token"
        token.touch(mode=0o600)
        token.write_text(keys.admin_token)
        users = {
            self.layout.kubeconfig: ("admin", keys.admin_token),
            self.layout.kubeconfig_of("kubelet"): (NODE_USER, keys.user_tokens[NODE_USER]),
            self.layout.kubeconfig_of("kube-proxy"): (PROXY_USER, keys.user_tokens[PROXY_USER]),
        }
        for path, (user, value) in users.items():
            pki.write_kubeconfig(path, server=SERVER, ca=keys.ca, token=value, user=user, context=CONTEXT)
        return keys

    def _await_roles(self) -> None:
        """Wait for the API server's own ClusterRoles, which it writes after it is ready."""
        path = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
        deadline = time.monotonic() + READY_SECONDS
        while "system:node-proxier" not in {role["metadata"]["name"] for role in self.api.items(path)}:
            if time.monotonic() > deadline:
                raise NotReady("the API server did not write its own ClusterRoles")
            time.sleep(0.1)

    def _ready(self, processes: list[Process]) -> bool:
        """Return whether a node is Ready. Raises PartFailed if one of the processes has ended."""
        for process in processes:
            if not process.alive:
                raise process.failure("ended while starting")
        nodes = self.api.items("/api/v1/nodes")
        conditions = [condition for node in nodes for condition in node.get("status", {}).get("conditions", [])]
        return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)

    def _clean(self) -> None:
        for name in OF_ONE_RUN:
            shutil.rmtree(self.layout.state / name, ignore_errors=True)
