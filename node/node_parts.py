"""The processes of the node, each with its command line; all of them run in the sandbox.

The control plane is that of the local stack (`local.control_plane`), and has in addition what a kubelet needs: the Node
authoriser, access to the kubelet, and addresses that pods can reach.
"""

from dataclasses import dataclass

from local import probe
from local.layout import Layout
from local.pki import Pki
from local.process import ProcessSpec, Stage
from node import node_files
from node.sandbox import HOSTNAME, NODE_ADDRESS, Sandbox

APISERVER_PORT = 6443
ETCD_PORT = 2379
ETCD_HEALTH_PORT = 2381

# The node's own user and its group, by which the Node authoriser decides.
NODE_USER = f"system:node:{HOSTNAME}"
NODE_GROUP = "system:nodes"
PROXY_USER = "system:kube-proxy"
SERVER = f"https://{NODE_ADDRESS}:{APISERVER_PORT}"


@dataclass(frozen=True)
class NodeParts:
    """The processes for one sandbox, with the paths and keys of one run."""

    layout: Layout
    pki: Pki
    sandbox: Sandbox

    def storage(self) -> list[ProcessSpec]:
        """Return etcd, the API server and containerd, which start together."""
        return [self._etcd(), self._apiserver(), self._containerd()]

    def controllers(self) -> list[ProcessSpec]:
        """Return the processes that need a ready API server: controllers, scheduler, kubelet and kube-proxy."""
        return [self._controller_manager(), self._scheduler(), self._kubelet(), self._proxy()]

    def _etcd(self) -> ProcessSpec:
        client = f"https://127.0.0.1:{ETCD_PORT}"
        peer = "https://127.0.0.1:2380"
        health = f"http://{NODE_ADDRESS}:{ETCD_HEALTH_PORT}"
        command = (
            self.layout.program("etcd"),
            f"--data-dir={self.layout.state / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            f"--listen-metrics-urls={health}",
            *self.pki.etcd_flags("--"),
            *self.pki.etcd_flags("--peer-"),
            "--unsafe-no-fsync",
            "--log-level=warn",
        )
        return self._part("etcd", Stage.ETCD, command, probe.http(f"{health}/health"))

    def _apiserver(self) -> ProcessSpec:
        command = (
            self.layout.program("kube-apiserver"),
            f"--etcd-servers=https://127.0.0.1:{ETCD_PORT}",
            *self.pki.etcd_client_flags,
            f"--advertise-address={NODE_ADDRESS}",
            f"--secure-port={APISERVER_PORT}",
            *self.pki.serving_flags,
            f"--client-ca-file={self.pki.ca}",
            f"--token-auth-file={self.pki.tokens}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            *self.pki.account_flags,
            f"--service-cluster-ip-range={node_files.SERVICE_RANGE}",
            "--allow-privileged=true",
            "--kubelet-preferred-address-types=InternalIP",
            f"--kubelet-client-certificate={self.pki.client_certificate}",
            f"--kubelet-client-key={self.pki.client_key}",
            "--profiling=false",
        )
        return self._part("kube-apiserver", Stage.APISERVER, command, probe.http(f"{SERVER}/readyz", ca=self.pki.ca))

    def _containerd(self) -> ProcessSpec:
        root = self.layout.state / "containerd"
        file = node_files.containerd(self.layout.state / "configuration", root)
        ready = probe.logged(self.layout.log("containerd"), "containerd successfully booted")
        return self._part("containerd", Stage.NODE, ("containerd", "--config", str(file)), ready)

    def _controller_manager(self) -> ProcessSpec:
        command = (
            self.layout.program("kube-controller-manager"),
            f"--kubeconfig={self.layout.kubeconfig}",
            f"--service-account-private-key-file={self.pki.account_key}",
            f"--root-ca-file={self.pki.ca}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            *self.pki.serving_flags,
            "--kube-api-qps=100",
            "--kube-api-burst=200",
        )
        return self._part("kube-controller-manager", Stage.CONTROLLER, command, _started)

    def _scheduler(self) -> ProcessSpec:
        command = (
            self.layout.program("kube-scheduler"),
            f"--kubeconfig={self.layout.kubeconfig}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            *self.pki.serving_flags,
        )
        return self._part("kube-scheduler", Stage.CONTROLLER, command, _started)

    def _kubelet(self) -> ProcessSpec:
        command = (
            self.layout.program("kubelet"),
            f"--config={node_files.kubelet(self.layout.state / 'configuration', self.pki.ca)}",
            f"--kubeconfig={self.layout.kubeconfig_of('kubelet')}",
            f"--hostname-override={HOSTNAME}",
            f"--node-ip={NODE_ADDRESS}",
        )
        return self._part("kubelet", Stage.NODE, command, _started)

    def _proxy(self) -> ProcessSpec:
        command = (
            self.layout.program("kube-proxy"),
            f"--kubeconfig={self.layout.kubeconfig_of('kube-proxy')}",
            f"--hostname-override={HOSTNAME}",
            "--proxy-mode=iptables",
            f"--cluster-cidr={node_files.POD_RANGE}",
            # These settings affect the whole machine, or cannot be written from a network namespace.
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0",
            "--conntrack-tcp-timeout-close-wait=0",
        )
        return self._part("kube-proxy", Stage.NODE, command, _started)

    def _part(self, name: str, stage: Stage, command: tuple[str, ...], ready: probe.Ready) -> ProcessSpec:
        return ProcessSpec(name, stage, self.sandbox.command(*command), self.layout.log(name), ready)


def _started(_: int) -> bool:
    """Return true: for processes that listen on the sandbox's loopback only; the node's readiness covers them."""
    return True
