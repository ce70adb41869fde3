"""Runs one pod of Kepler's DaemonSet as a process: starts and probes it, restarts it, and writes the pod's status.

A pod has no network of its own here. The pod with address `10.a.b.c` listens on `127.a.b.c`, at the port that is
configured (see `local.pod_network` and `local/programs/kepler/rootless.go`).
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from local import pod_files, probe, vendor
from local.admin_client import AdminClient, Object
from local.layout import Layout
from local.local_errors import CommandFailed
from local.pod_files import TOKEN_PATH, PodFiles
from local.pod_network import listen_host
from local.pod_status import ContainerState, pod_status
from local.process import Process, ProcessSpec, Stage

# The command of a container -> the program that is run for it. Other containers are only reported as running.
PROGRAMS = {"/usr/bin/kepler": "kepler"}
DATA = "var/lib/kepler"

GRACE_SECONDS = 5.0
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
# A token is valid for an hour. As a kubelet, this renews it after 80 % of that.
RENEWAL_SECONDS = 2880.0


@dataclass(frozen=True)
class PodHost:
    """What all pods of the node share.

    The file `containers` tells Kepler which process belongs to which container. `proxy` is the URL of the proxy to
    Services.
    """

    api: AdminClient
    layout: Layout
    ca: Path
    containers: Path
    proxy: str


class ExporterPod:
    """An exporter pod; `address` is the pod's IP address, of the form `10.a.b.c`."""

    def __init__(self, pod: Object, address: str, host: PodHost) -> None:
        self.address = address
        self.namespace = str(pod["metadata"]["namespace"])
        self.restarts = 0
        self.ready = False
        self._pod = {**pod, "status": {"hostIP": "127.0.0.1", "podIP": address}}
        self._host = host
        self._container = next(container for container in pod["spec"]["containers"] if program(container))
        self.root: Path = host.layout.state / "pods" / pod["metadata"]["uid"]
        self._process: Process | None = None
        self._due = 0.0
        self._renewal = 0.0
        self._waiting = "ContainerCreating"
        self._reported: Object = {}
        self._deadline = 0.0

    @property
    def url(self) -> str:
        """The URL at which the exporter serves, without a path."""
        port = self._container["ports"][0]["containerPort"]
        return f"http://{listen_host(self.address)}:{port}"

    @property
    def session(self) -> tuple[int, str] | None:
        """The pid of the process, which leads a session, and the id of its container; None while no process runs."""
        return (self._process.record.pid, self._container_id) if self._process else None

    def step(self) -> None:
        """Start, restart or probe the process, whichever is due, and write the pod's status if it has changed.

        Does nothing after `stop` was called.
        """
        if self._deadline:
            return
        now = time.monotonic()
        if self._process and not self._process.alive:
            self._process.forget(self._host.layout.records)
            self._ended(now)
        if not self._process and now >= self._due:
            self._start(now)
        elif self._process and now >= self._renewal:
            self._files.write(self._container, self.root)
            self._renewal = now + RENEWAL_SECONDS
        if self._process and not self.ready:
            self.ready = probe.http(self.url + self._health)(0)
        self._report()

    def stop(self) -> bool:
        """Terminate the process; return whether it has ended. To be called until then: kills after `GRACE_SECONDS`."""
        if not self._process:
            return True
        if not self._deadline:
            self.ready = False
            self._deadline = time.monotonic() + GRACE_SECONDS
            self._process.terminate()
        if self._process.alive and time.monotonic() < self._deadline:
            return False
        self._process.kill()
        self._process.forget(self._host.layout.records)
        self._process = None
        return True

    @property
    def _files(self) -> PodFiles:
        return PodFiles(self._host.api, self._pod)

    @property
    def _health(self) -> str:
        http_get = self._container.get("readinessProbe", {}).get("httpGet", {})
        return str(http_get.get("path", "/"))

    @property
    def _container_id(self) -> str:
        return container_id(self._pod, self._container["name"], self.restarts)

    def _start(self, now: float) -> None:
        try:
            self._files.write(self._container, self.root)
            spec = self._process_spec(self._files.environment(self._container))
        except CommandFailed:  # an object that the pod mounts does not exist yet
            self._due = now + FIRST_DELAY
            return
        self._renewal = now + RENEWAL_SECONDS
        self._process = Process.start(spec, self._host.layout.records, append=self.restarts > 0)

    def _process_spec(self, environment: Mapping[str, str]) -> ProcessSpec:
        """Return how the exporter is started; also links Kepler's data and writes the kubeconfig."""
        host, meta = self._host, self._pod["metadata"]
        data = self.root / DATA / "data"
        data.parent.mkdir(parents=True, exist_ok=True)
        if not data.exists():
            data.symlink_to(host.layout.yaml / vendor.KEPLER_DATA)
        own = {
            "KEPLER_ROOT": str(self.root),
            "KEPLER_LISTEN_HOST": listen_host(self.address),
            "KEPLER_CONTAINERS": str(host.containers),
            "KUBECONFIG": str(self._kubeconfig()),
            "HTTP_PROXY": host.proxy,
        }
        name = f"{meta['namespace']}-{meta['name']}"
        built = host.layout.program(program(self._container))
        return ProcessSpec(
            name,
            Stage.NODE,
            (built, *pod_files.arguments(self._container, environment)),
            host.layout.log(name),
            probe.http(self.url + self._health),
            {**environment, **own},
            # Kepler looks for `data/cpus.yaml` in the directory it is started in, too.
            directory=data.parent,
        )

    def _kubeconfig(self) -> Path:
        """Write a kubeconfig with the pod's token, and return its path. In a cluster, the client needs none."""
        token = self.root / TOKEN_PATH
        cluster = {"server": self._host.api.server, "certificate-authority": str(self._host.ca)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "local", "cluster": cluster}],
            "users": [{"name": "pod", "user": {"tokenFile": str(token / "token")}}],
            "contexts": [{"name": "local", "context": {"cluster": "local", "user": "pod"}}],
            "current-context": "local",
        }
        path = self.root / "kubeconfig"
        path.write_text(yaml.safe_dump(content))
        return path

    def _ended(self, now: float) -> None:
        """Note that the process has ended, and when to restart it: at once, then after a delay that doubles."""
        self._process = None
        self.ready = False
        self._waiting = "CrashLoopBackOff"
        self._due = now + (min(FIRST_DELAY * 2 ** (self.restarts - 1), LONGEST_DELAY) if self.restarts else 0.0)
        self.restarts += 1

    def _report(self) -> None:
        """Write the pod's status to the API server if it differs from the one written last."""
        waiting = "" if self._process else self._waiting
        own = ContainerState(self._container_id, ready=self.ready, restarts=self.restarts, waiting=waiting)
        others = {
            container["name"]: ContainerState(container_id(self._pod, container["name"]))
            for container in (*self._pod["spec"].get("initContainers", ()), *self._pod["spec"]["containers"])
        }
        status = pod_status(self._pod, self.address, {**others, self._container["name"]: own})
        if status != self._reported:
            write_status(self._host.api, self._pod, status)
            self._reported = status


def program(container: Object) -> str:
    """Return the program that is run for a container; empty if none is."""
    if any(argument.startswith("--config.file=") for argument in container.get("args") or ()):
        return ""  # Kepler v0.11, which has the same command; there is no program of it here
    return PROGRAMS.get((container.get("command") or [""])[0], "")


def container_id(pod: Object, name: str, restarts: int = 0) -> str:
    """Return the id of a container: 64 hexadecimal digits, as Kepler expects (pkg/cgroup/resolve_container.go)."""
    return hashlib.sha256(f"{pod['metadata']['uid']}/{name}/{restarts}".encode()).hexdigest()


def write_status(api: AdminClient, pod: Object, status: Object) -> None:
    """Write a pod's status, unless the pod no longer exists or another pod has its name now."""
    meta = {key: pod["metadata"][key] for key in ("name", "namespace", "uid")}
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
    api.apply(path, {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "status": status})
