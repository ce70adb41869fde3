"""The node as a whole, for the command line and for tests.

    with Node() as node:
        node.up()                      # a Ready node with DNS
        node.kubectl("get", "nodes")

A node that is up stays up without any process of ours: `down` finds it by the record in its state folder, also after
whoever started it was killed.
"""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from local import pki
from local.api import Api
from local.errors import AlreadyRunning, NotReady
from local.kubectl import Kubectl
from local.layout import DEFAULT, Layout
from local.probe import until
from local.process import Process, await_ready
from node import node_files, node_images, sandbox
from node.node_parts import NODE_GROUP, NODE_USER, PROXY_USER, SERVER, NodeParts
from node.sandbox import HOSTNAME, NODE_ADDRESS, Sandbox

STATE = DEFAULT / "node"
CONTEXT = "kepler-node"
ADDRESSES = ("127.0.0.1", NODE_ADDRESS, pki.SERVICE_CLUSTER_IP)
USERS = {NODE_USER: NODE_GROUP, PROXY_USER: PROXY_USER}

# What belongs to one run; archives of images stay.
OF_ONE_RUN = ("etcd", "containerd", "mounted", "run", "logs", "pki", "kubeconfigs", "kubectl-cache", "configuration")

READY_SECONDS = 120.0

Say = Callable[[str], None]


class Node:
    """A node in `state`; `programs` is where the builder built to. Leaving the `with` removes it."""

    def __init__(self, state: Path = STATE, programs: Path = DEFAULT, say: Say = print) -> None:
        self.layout = Layout(state.absolute(), programs.absolute())
        self.say = say
        self.kubectl = Kubectl(
            self.layout.program("kubectl"), self.layout.kubeconfig, self.layout.state / "kubectl-cache"
        )

    def __enter__(self) -> "Node":
        """Itself; nothing is started yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Removes the node."""
        self.down()

    @property
    def sandbox(self) -> Sandbox:
        """The running sandbox. Raises NotReady where there is none."""
        found = sandbox.running(self.layout.state)
        if not found:
            raise NotReady("no node is up: `python -m node up` starts one")
        return found

    @property
    def api(self) -> Api:
        """The API server as the administrator sees it."""
        token = (self.layout.pki / "admin.token").read_text()
        return Api(SERVER, self.layout.pki / "ca.crt", token)

    def up(self) -> None:
        """Start everything up to a Ready node. Raises AlreadyRunning, or a LocalError after having removed it again."""
        if sandbox.running(self.layout.state):
            raise AlreadyRunning("a node is up already: `python -m node down` removes it")
        self.down()
        self._clean()
        try:
            self._start()
        except BaseException:
            self.down()
            raise

    def down(self) -> list[str]:
        """Remove the node, however it was left; return what could not be removed, in words."""
        return sandbox.down(self.layout.state)

    def _start(self) -> None:
        archives = node_images.make([node_images.PAUSE], self.layout, self.archives)
        keys = self._keys()
        made = sandbox.up(self.layout.state, Path(self.layout.program("pause")))
        parts = NodeParts(self.layout, keys, made)
        started = [Process.start(part, self.layout.records) for part in parts.storage()]
        await_ready(started, READY_SECONDS, threading.Event())
        node_images.load(made, archives)
        self._bind_proxy()
        controllers = [Process.start(part, self.layout.records) for part in parts.controllers()]
        if not until(lambda: self._ready(controllers), READY_SECONDS, threading.Event()):
            raise controllers[2].failure(f"did not make its node Ready in {READY_SECONDS:.0f} s")

    @property
    def archives(self) -> Path:
        """Where archives of images are kept."""
        return self.layout.state / "images"

    def _keys(self) -> pki.Pki:
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

    def _bind_proxy(self) -> None:
        """Wait for the API server's own ClusterRoles, which it writes after it is ready."""
        name = "node-proxier"
        path = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
        deadline = time.monotonic() + READY_SECONDS
        while f"system:{name}" not in {role["metadata"]["name"] for role in self.api.items(path)}:
            if time.monotonic() > deadline:
                raise NotReady("the API server did not write its own ClusterRoles")
            time.sleep(0.1)

    def _ready(self, processes: list[Process]) -> bool:
        for process in processes:
            if not process.alive:
                raise process.failure("ended while starting")
        nodes = self.api.items("/api/v1/nodes")
        conditions = [condition for node in nodes for condition in node.get("status", {}).get("conditions", [])]
        return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)

    def _clean(self) -> None:
        for name in OF_ONE_RUN:
            shutil.rmtree(self.layout.state / name, ignore_errors=True)


__all__ = ["CONTEXT", "HOSTNAME", "STATE", "Node", "node_files"]
