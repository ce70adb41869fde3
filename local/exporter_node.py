"""Simulates the node `this-machine` in the local stack, and runs the exporter pods on it as processes.

The local stack consists of processes: control plane, Knative's data plane and functions. This module plays the kubelet
of one node of it: keeps the node Ready, and runs the exporter pods that a DaemonSet places on it
(`local.exporter_pod`). The exporter is the real Kepler, and measures this machine. The node is tainted as a control
plane, so that the scheduler puts no other pods on it.

Kepler attributes energy to the pods of processes, so each process should belong to a pod. As a kubelet has a mirror pod
for each static pod of a control plane, the node has one mirror pod for each process of the stack: the watts of etcd,
the API server and each function are shown as the watts of these pods.

    with ExporterNode(stack) as node:
        node.exporter("kepler-system").url      # the exporter's URL; `exporter` returns None until it is Ready
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from types import TracebackType

from local.admin_client import Object
from local.control_plane import CAPACITY, CONTROL_PLANE, HOSTNAME
from local.exporter_pod import ExporterPod, PodHost, container_id, program, write_status
from local.local_errors import CommandFailed
from local.pod_network import pod_address
from local.pod_status import ContainerState, now, pod_status
from local.ports import LOOPBACK
from local.probe import wait_until
from local.process import Stage
from local.service_proxy import ServiceProxy
from local.source import SYSTEM_NAMESPACE
from local.stack import Stack

NAME = "this-machine"
NODE = f"/api/v1/nodes/{NAME}"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{NAME}"
LEASE_SECONDS = 40
RENEWAL_SECONDS = 10.0

INTERVAL = 0.2
STOP_SECONDS = 10.0

# The annotation of a mirror pod, as a kubelet sets it.
MIRROR = "kubernetes.io/config.mirror"
# Namespace of a mirror pod, by the stage of its process. A function's pod is in the function's own namespace, pods of
# all other stages are in `kube-system`.
MIRROR_NAMESPACES = {
    Stage.SOURCE: SYSTEM_NAMESPACE,
    Stage.INGRESS: SYSTEM_NAMESPACE,
    Stage.FILTER: SYSTEM_NAMESPACE,
    Stage.DISPATCHER: SYSTEM_NAMESPACE,
}

# The number in the address of pods without a process; exporters have numbers from 1.
NO_PROCESS_NUMBER = 0

# Not enforced, since the pods are plain processes. But the functions' namespace has Pod Security level 'restricted',
# which rejects pods without this security context.
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


class ExporterNode:
    """Runs the node while its `with` block runs. A thread reconciles the node's pods every `INTERVAL` seconds.

    `services.routes` tells the exporters where Services are served on this machine. It is empty at first.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._api = stack.api
        self.services = ServiceProxy()
        containers = stack.layout.state / "containers"
        self._host = PodHost(stack.api, stack.layout, stack.keys.ca, containers, self.services.url)
        # By uid; None for a pod without a process here, such as a mirror pod.
        self._pods: dict[str, ExporterPod | None] = {}
        self._mirrors: dict[str, Object] = {}
        self._table = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)

    def __enter__(self) -> "ExporterNode":
        """Register the node and its mirror pods."""
        self._register()
        self._mirrors = {name: self._mirror(name) for name in self._stack.processes}
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the exporters, then delete the node and all of its pods.

        If the API server does not answer, they are left.
        """
        self._stopping.set()
        self._thread.join()
        self.services.close()
        for exporter in self._exporters():
            wait_until(exporter.stop, STOP_SECONDS, threading.Event())
        with contextlib.suppress(CommandFailed):
            self._api.delete(NODE)
            for pod in self._list():
                self._delete(pod)

    def exporter(self, namespace: str) -> ExporterPod | None:
        """Return the Ready exporter of a namespace; None while there is none."""
        return next((pod for pod in self._exporters() if pod.namespace == namespace and pod.ready), None)

    def _exporters(self) -> list[ExporterPod]:
        return [pod for pod in list(self._pods.values()) if pod]

    def _run(self) -> None:
        renewed = 0.0
        while not self._stopping.wait(INTERVAL):
            # A request that fails is made again in the next round, as by a kubelet.
            with contextlib.suppress(CommandFailed):
                if time.monotonic() - renewed > RENEWAL_SECONDS:
                    self._renew()
                    renewed = time.monotonic()
                self._reconcile_pods()

    def _reconcile_pods(self) -> None:
        """Start, step and stop exporters so that they match the node's pods in the API server."""
        pods = {pod["metadata"]["uid"]: pod for pod in self._list()}
        for uid in self._pods.keys() - pods.keys():
            self._stop(uid)
        for uid, pod in pods.items():
            if "deletionTimestamp" in pod["metadata"]:
                if self._stop(uid):
                    self._delete(pod)
            elif uid not in self._pods:
                self._pods[uid] = self._adopt(pod)
        self._write_containers()
        for exporter in self._exporters():
            exporter.step()

    def _list(self) -> list[Object]:
        return self._api.items(f"/api/v1/pods?fieldSelector=spec.nodeName={NAME}")

    def _adopt(self, pod: Object) -> ExporterPod | None:
        """Return the exporter pod to run; report any other pod as running, and return None."""
        if any(program(container) for container in pod["spec"]["containers"]):
            return ExporterPod(pod, self._free_address(), self._host)
        names = [container["name"] for container in _containers(pod)]
        states = {name: ContainerState(container_id(pod, name)) for name in names}
        write_status(self._api, pod, pod_status(pod, pod_address(self._stack.ports, NO_PROCESS_NUMBER), states))
        return None

    def _stop(self, uid: str) -> bool:
        """Stop a pod's process, if it has one; return whether it has ended."""
        exporter = self._pods.get(uid)
        if exporter and not exporter.stop():
            return False
        self._pods.pop(uid, None)
        return True

    def _delete(self, pod: Object) -> None:
        meta = pod["metadata"]
        self._api.delete(f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}?gracePeriodSeconds=0")

    def _free_address(self) -> str:
        used = {exporter.address for exporter in self._exporters()}
        return next(
            address for number in range(1, 255) if (address := pod_address(self._stack.ports, number)) not in used
        )

    def _write_containers(self) -> None:
        """Write the file that tells Kepler which process belongs to which container.

        It has one line `PID CONTAINER-ID` for each exporter and each process of the stack. The pid is that of a session
        leader; Kepler counts every process of the session to the container.
        """
        mirrored = [
            (process.record.pid, container_id(self._mirrors[name], name))
            for name, process in list(self._stack.processes.items())
            if name in self._mirrors
        ]
        sessions = [*mirrored, *(exporter.session for exporter in self._exporters() if exporter.session)]
        table = "".join(f"{pid} {identity}\n" for pid, identity in sessions)
        if table != self._table:
            draft = self._host.containers.with_suffix(".tmp")
            draft.write_text(table)
            draft.replace(self._host.containers)
            self._table = table

    def _register(self) -> None:
        """Create the Node and its Lease, and set the node Ready."""
        labels = {HOSTNAME: NAME, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", CONTROL_PLANE: ""}
        meta = {"name": NAME, "labels": labels}
        taints = [{"key": CONTROL_PLANE, "effect": "NoSchedule"}]
        node = {"apiVersion": "v1", "kind": "Node", "metadata": meta}
        self._renew()
        self._api.apply(NODE, {**node, "spec": {"taints": taints}})
        condition = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": "the pods of this node are processes of this machine",
            "lastHeartbeatTime": now(),
            "lastTransitionTime": now(),
        }
        status = {
            "addresses": [{"type": "InternalIP", "address": LOOPBACK}, {"type": "Hostname", "address": NAME}],
            "capacity": CAPACITY,
            "allocatable": CAPACITY,
            "conditions": [condition],
        }
        self._api.apply(f"{NODE}/status", {**node, "status": status})

    def _renew(self) -> None:
        """Renew the node's Lease, from which the node lifecycle controller sees that the node is alive."""
        spec = {"holderIdentity": NAME, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": f"{now()[:-1]}.000000Z"}
        meta = {"name": NAME, "namespace": "kube-node-lease"}
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}
        self._api.apply(LEASE, lease)

    def _mirror(self, name: str) -> Object:
        """Create the mirror pod of a process of the stack, and return it."""
        function = next((function for function in self._stack.functions if function.name == name), None)
        spec = self._stack.processes[name].spec
        namespace = function.namespace if function else MIRROR_NAMESPACES.get(spec.stage, "kube-system")
        path = f"/api/v1/namespaces/{namespace}/pods"
        meta = {"name": f"{name}-{NAME}", "namespace": namespace, "annotations": {MIRROR: name}}
        container = {"name": name, "image": "local", "command": list(spec.command[:1]), "securityContext": RESTRICTED}
        pod_spec = {"nodeName": NAME, "containers": [container], "tolerations": [{"operator": "Exists"}]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": pod_spec}
        created = self._api.create(path, pod)
        states = {name: ContainerState(container_id(created, name))}
        self._pods[created["metadata"]["uid"]] = None
        write_status(self._api, created, pod_status(created, pod_address(self._stack.ports, NO_PROCESS_NUMBER), states))
        return created


def _containers(pod: Object) -> Iterator[Object]:
    """Yield the init containers and the containers of a pod."""
    yield from pod["spec"].get("initContainers", ())
    yield from pod["spec"]["containers"]
