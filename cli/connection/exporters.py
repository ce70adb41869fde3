"""What the exporters' pods serve, by way of the API server: `get pods/proxy` is the permission for it.

kubectl asks, as the user whom the command acts for.
"""

import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cli.command_errors import Unreachable
from cli.connection.cluster import CONNECTIONS, Cluster
from cli.kinds import POD
from operands import children, kepler_v07
from runtime.objects import Manifest, metadata, name

# Seconds for one read of metrics through kubectl.
KUBECTL_TIMEOUT = 15.0
LABELLED = f"app.kubernetes.io/name={children.EXPORTER}"


@dataclass(frozen=True)
class ExporterAnswer:
    """The answer of one exporter: its `/metrics`, or why there is none."""

    pod: str
    text: str = ""
    problem: str = ""


def exporters(cluster: Cluster, namespace: str) -> list[Manifest]:
    """Return the exporters' pods that run; of all namespaces if `namespace` is empty."""
    pods = cluster.list(POD, namespace, labelled=LABELLED)
    return [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Running"]


def read(cluster: Cluster, pods: Sequence[Manifest]) -> list[ExporterAnswer]:
    """Return what each pod serves now. Raises Unreachable if there is no kubectl."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise Unreachable("kubectl is not on your PATH, and `kubectl get --raw` is needed: install it")
    command = [kubectl, *cluster.place.kubectl, "get", "--raw"]
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return list(threads.map(lambda pod: _read(cluster, command, pod), pods))


def _read(cluster: Cluster, command: Sequence[str], pod: Manifest) -> ExporterAnswer:
    port = next(
        entry["containerPort"]
        for container in pod["spec"]["containers"]
        for entry in container.get("ports") or ()
        if entry.get("name") == children.PORT_NAME
    )
    path = f"/api/v1/namespaces/{metadata(pod)['namespace']}/pods/{name(pod)}:{port}/proxy{kepler_v07.METRIC_PATH}"
    try:
        done = subprocess.run([*command, path], capture_output=True, text=True, timeout=KUBECTL_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ExporterAnswer(name(pod), problem=f"kubectl did not answer within {KUBECTL_TIMEOUT:.0f} s")
    if done.returncode:
        return ExporterAnswer(name(pod), problem=cluster.without_token(" ".join(done.stderr.split())[:300]))
    return ExporterAnswer(name(pod), done.stdout)
