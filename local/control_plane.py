"""Runs etcd, kube-apiserver and the controllers as processes. `bare` are the first two, which most tests need.

The flags were found by experiment (Kubernetes v1.35). Authorization is RBAC, as in a cluster, so a ServiceAccount may
do exactly what its roles allow. Unless `durable` is set, etcd is configured for speed instead of durability: its
state is deleted at each start.

etcd has no users: whoever can connect to it can do anything. So it accepts only clients with the certificate of this
run. Its JSON gateway, which a web page in a browser on this machine could use, is off except for the benchmark that
fills it.
"""

from dataclasses import dataclass
from pathlib import Path

from local import probe
from local.admin_client import Object
from local.layout import Layout
from local.pki import Pki
from local.ports import LOOPBACK, Port, Ports
from local.process import ProcessSpec, Stage
from local.vendor import STAGES

HOSTNAME = "kubernetes.io/hostname"
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
# The annotation of nodes that kwok simulates.
KWOK_ANNOTATION = "kwok.x-k8s.io/node"
NODES = ("control-plane", "worker-1", "worker-2", "worker-3")
# Enough for two thousand exporters with their resource requests: `make bench` creates more than a thousand Keplers.
CAPACITY = {"cpu": "1024", "memory": "1024Gi", "pods": "2000"}

# Metadata only, without bodies: enough to count requests by user and user agent.
AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
"""


@dataclass(frozen=True)
class ControlPlane:
    """The parts of the control plane for one set of paths, keys and ports."""

    layout: Layout
    pki: Pki
    ports: Ports
    audit: bool = False
    durable: bool = False
    gateway: bool = False
    # The API server's egress configuration; None: it connects to pods itself.
    egress: Path | None = None

    @property
    def server(self) -> str:
        """Return the API server's address."""
        return f"https://{LOOPBACK}:{self.ports.apiserver}"

    def bare(self) -> list[ProcessSpec]:
        """Return etcd and the API server. They are started together: the API server waits for etcd."""
        return [self._etcd(), self._apiserver()]

    def controllers(self) -> list[ProcessSpec]:
        """Return the controllers that create the pods of a DaemonSet, schedule them, and simulate that they run.

        Start them once the API server is ready.
        """
        return [self._controller_manager(), self._scheduler(), self._kwok()]

    def _etcd(self) -> ProcessSpec:
        client = f"https://{LOOPBACK}:{self.ports.etcd}"
        peer = f"https://{LOOPBACK}:{self.ports.etcd_peer}"
        health = f"http://{LOOPBACK}:{self.ports.etcd_health}"
        command = (
            self.layout.program("etcd"),
            f"--data-dir={self.layout.state / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            f"--listen-metrics-urls={health}",
            f"--enable-grpc-gateway={str(self.gateway).lower()}",
            *self.pki.etcd_flags("--"),
            *self.pki.etcd_flags("--peer-"),
            *(() if self.durable else ("--unsafe-no-fsync",)),
            # Milliseconds. A single member waits this long before it elects itself.
            "--heartbeat-interval=10",
            "--election-timeout=100",
            "--log-level=warn",
        )
        ports = (
            Port(self.ports.etcd, "etcd", "clients"),
            Port(self.ports.etcd_peer, "etcd", "peers"),
            Port(self.ports.etcd_health, "etcd", "health"),
        )
        return ProcessSpec(
            "etcd", Stage.ETCD, command, self.layout.log("etcd"), probe.http(f"{health}/health"), ports=ports
        )

    def _apiserver(self) -> ProcessSpec:
        command = (
            self.layout.program("kube-apiserver"),
            f"--etcd-servers=https://{LOOPBACK}:{self.ports.etcd}",
            *self.pki.etcd_client_flags,
            f"--bind-address={LOOPBACK}",
            f"--secure-port={self.ports.apiserver}",
            *self.pki.serving_flags,
            f"--token-auth-file={self.pki.tokens}",
            "--authorization-mode=RBAC",
            *self.pki.account_flags,
            "--service-cluster-ip-range=10.96.0.0/24",
            "--endpoint-reconciler-type=none",
            # The exporter's pods are privileged; without this the API server refuses them.
            "--allow-privileged=true",
            "--profiling=false",
            *(self._auditing() if self.audit else ()),
            *((f"--egress-selector-config-file={self.egress}",) if self.egress else ()),
        )
        ready = probe.http(f"{self.server}/readyz", ca=self.pki.ca)
        ports = (Port(self.ports.apiserver, "kube-apiserver", "HTTPS"),)
        return ProcessSpec(
            "kube-apiserver", Stage.APISERVER, command, self.layout.log("kube-apiserver"), ready, ports=ports
        )

    def _auditing(self) -> tuple[str, ...]:
        """Write the audit policy, and return the API server's flags for an audit log."""
        policy = self.layout.state / "audit-policy.yaml"
        policy.write_text(AUDIT_POLICY)
        # Blocking: once a response has arrived, its line is in the file.
        return (
            f"--audit-policy-file={policy}",
            f"--audit-log-path={self.layout.log('audit')}",
            "--audit-log-mode=blocking",
        )

    def _controller_manager(self) -> ProcessSpec:
        name, port = "kube-controller-manager", self.ports.controller_manager
        command = (
            self.layout.program(name),
            f"--kubeconfig={self.layout.kubeconfig}",
            f"--service-account-private-key-file={self.pki.account_key}",
            f"--root-ca-file={self.pki.ca}",
            "--leader-elect=false",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={port}",
            *self.pki.serving_flags,
            "--kube-api-qps=100",
            "--kube-api-burst=200",
            "--authorization-always-allow-paths=/healthz,/readyz,/livez",
        )
        return self._controller(name, Stage.CONTROLLER, command, port, f"https://{LOOPBACK}:{port}/healthz")

    def _scheduler(self) -> ProcessSpec:
        name, port = "kube-scheduler", self.ports.scheduler
        command = (
            self.layout.program(name),
            f"--kubeconfig={self.layout.kubeconfig}",
            "--leader-elect=false",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={port}",
            *self.pki.serving_flags,
        )
        return self._controller(name, Stage.CONTROLLER, command, port, f"https://{LOOPBACK}:{port}/healthz")

    def _kwok(self) -> ProcessSpec:
        address = f"{LOOPBACK}:{self.ports.kwok}"
        command = (
            self.layout.program("kwok"),
            f"--kubeconfig={self.layout.kubeconfig}",
            # Not the node of `local.exporter_node`, whose pods are processes.
            "--manage-all-nodes=false",
            f"--manage-nodes-with-annotation-selector={KWOK_ANNOTATION}=fake",
            f"--server-address={address}",
            f"--node-ip={LOOPBACK}",
            "--cidr=10.0.0.0/16",
            # Its name differs at each start: if it is killed, pods make no progress until the leases have expired.
            "--node-lease-duration-seconds=40",
            f"--config={self.layout.yaml / STAGES}",
        )
        return self._controller("kwok", Stage.NODE, command, self.ports.kwok, f"http://{address}/healthz")

    def _controller(self, name: str, stage: Stage, command: tuple[str, ...], port: int, health: str) -> ProcessSpec:
        ports = (Port(port, name, "health"),)
        return ProcessSpec(name, stage, command, self.layout.log(name), probe.http(health, ca=self.pki.ca), ports=ports)


def node(name: str) -> Object:
    """Return a node that kwok keeps Ready; the first of `NODES` is tainted as a control-plane node."""
    labels = {HOSTNAME: name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    spec: Object = {}
    if name == NODES[0]:
        labels[CONTROL_PLANE] = ""
        spec["taints"] = [{"key": CONTROL_PLANE, "effect": "NoSchedule"}]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {KWOK_ANNOTATION: "fake"}},
        "spec": spec,
        "status": {"capacity": CAPACITY, "allocatable": CAPACITY},
    }
