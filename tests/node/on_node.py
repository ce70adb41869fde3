"""A user at the operator on a whole node: one namespace, the operator's pods, and the time that things take.

Whatever is waited for is asked of the API server directly: a kubectl for each look would keep a small machine busy.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.admin_client import Object, ObjectNotFound
from local.layout import ROOT
from node import user_install
from node.machine import Node
from tests.namespaced import Namespaced

# Seconds within which anything here happens on a busy machine of two CPUs; typical is a tenth.
PATIENCE = 150.0
OPERATOR = user_install.NAMESPACE
AUDIT = "kepler-audit"

PATHS = {
    "daemonset": "/apis/apps/v1/namespaces/{}/daemonsets/{}",
    "service": "/api/v1/namespaces/{}/services/{}",
    "configmap": "/api/v1/namespaces/{}/configmaps/{}",
    "serviceaccount": "/api/v1/namespaces/{}/serviceaccounts/{}",
    "keplers": "/apis/sustainable-computing.io/v1alpha1/namespaces/{}/keplers/{}",
}
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{OPERATOR}/deployments"
PODS = f"/api/v1/namespaces/{OPERATOR}/pods"
INSIDE = "import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1], timeout=60).read().decode())"


class OnNode(Namespaced):
    """One namespace of the node, with the operator installed."""

    def __init__(self, node: Node, namespace: str) -> None:
        super().__init__(node.kubectl, namespace, PATIENCE)
        self.node = node
        self.api = node.api

    def get(self, what: str) -> Any:
        """The object by `resource/name`, or None."""
        resource, _, name = what.partition("/")
        try:
            return self.api.get(PATHS[resource].format(self.namespace, name))
        except ObjectNotFound:
            return None

    def available(self) -> bool:
        """Whether the exporter of the DaemonSet's present generation runs, and is Ready."""
        manifest = self.get("daemonset/kepler-exporter") or {"metadata": {"generation": -1}}
        status = manifest.get("status", {})
        current = status.get("observedGeneration") == manifest["metadata"]["generation"]
        return bool(current and status.get("numberAvailable") and status.get("updatedNumberScheduled"))

    def exporter(self) -> Object:
        """The running exporter's pod."""
        pods = self.api.items(f"/api/v1/namespaces/{self.namespace}/pods")
        running = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
        return next(pod for pod in running if pod["metadata"]["name"].startswith("kepler-exporter"))

    def scrape(self, port: int) -> str:
        """What the exporter's pod answers on this port, asked from within the node."""
        address = self.exporter()["status"]["podIP"]
        return self.node.sandbox.run("python3", "-c", INSIDE, f"http://{address}:{port}/metrics")

    def seconds(self, act: Callable[[], object], true: Callable[[], object]) -> float:
        """Act, wait until it is true, and return how long both took."""
        began = time.monotonic()
        act()
        self.eventually(true, self.trouble)
        return time.monotonic() - began

    def trouble(self) -> str:
        """What an administrator would look at: conditions, and the operator's pods."""
        pods = self.cluster_wide("-n", OPERATOR, "get", "pods", "-o", "wide")
        return f"{json.dumps(self.conditions(), indent=1)}\n{pods}"

    def awake(self) -> set[str]:
        """The functions that have pods, or are to have some; `audit`, which always has one, left out."""
        names = set()
        for deployment in self.api.items(DEPLOYMENTS):
            name = deployment["metadata"].get("labels", {}).get("serving.knative.dev/service", "")
            if name and name != AUDIT and (deployment["spec"]["replicas"] or deployment["status"].get("replicas")):
                names.add(name)
        return names

    def await_zero(self) -> None:
        """Return when only `audit` has a pod; pods that are ending are not waited for."""
        self.eventually(lambda: not self.awake(), self.awake)

    def kill(self, selector: str, namespace: str = OPERATOR) -> None:
        """SIGKILL to the pods of a selector, at once."""
        command = ("-n", namespace, "delete", "pod", "-l", selector, "--force", "--grace-period=0", "--wait=false")
        self.cluster_wide(*command)

    def plugin(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """`kubectl kepler ...` in this namespace, however it ends."""
        folders = (ROOT / ".venv/bin", Path(self.node.layout.program("kubectl")).parent)
        path = os.pathsep.join([*map(str, folders), os.environ["PATH"]])
        environment = os.environ | {"PATH": path, "KUBECONFIG": str(self.node.layout.kubeconfig)}
        command = ["kubectl", "kepler", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
