"""The official Knative Serving and Eventing on the node: their own manifests, their own webhooks and controllers.

Only references of images are replaced, and the few settings that an administrator chooses: the ingress, and the time
until scale to zero. Autoscalers of Knative's own pods are left out, since a single node has no metrics server. On a
machine with few CPUs the requests of Knative's pods, 1.4 CPUs in all, are reduced, since they would leave no room for
others. The pods that carry events have no request upstream, and get one, as docs/install.md requires.
"""

import json
import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from local.admin_client import AdminClient, Object
from local.kubectl import Kubectl, documents
from local.layout import Layout
from local.local_errors import NotReady
from node import pinned
from node.node_images import ProgramImage, image_reference

SERVING = "knative-serving"
EVENTING = "knative-eventing"
INGRESS_CLASS = "traefik.ingress.networking.knative.dev"
FIRST = ("Namespace", "CustomResourceDefinition")
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
LEFT_OUT = ("HorizontalPodAutoscaler",)

# An image reference of `ko`, which builds releases of Knative from these manifests: it names a main package.
IMAGE = re.compile(r"ko://(knative\.dev/(serving|eventing)/cmd/([\w/]+))")
# Main packages -> the programs' names in the local stack.
LOCAL_PROGRAMS = {
    "apiserver_receive_adapter": "adapter",
    "broker/filter": "filter",
    "broker/ingress": "ingress",
    "in_memory/channel_dispatcher": "dispatcher",
    "mtping": "mtping",
}

# On a machine with at most `FEW_CPUS`, each CPU request is reduced to `SMALL_REQUEST`.
FEW_CPUS = 3
SMALL_REQUEST = "20m"
CARRIERS = ("imc-dispatcher", "imc-controller")
CARRIERS_REQUEST = "100m"

READY_SECONDS = 300.0


@dataclass(frozen=True)
class ScaleToZero:
    """How soon an idle function is stopped, in seconds: Knative's window, then its grace. Defaults are Knative's."""

    window: int = 60
    grace: int = 30


DEFAULT_SCALING = ScaleToZero()


def program(project: str, path: str) -> str:
    """Return the built program for a main package of `serving` or `eventing`, such as `controller`."""
    if project == "eventing" and path in LOCAL_PROGRAMS:
        return LOCAL_PROGRAMS[path]
    return f"{project}-{path.replace('/', '-')}"


def images(layout: Layout) -> list[ProgramImage]:
    """Return the images that the manifests name."""
    texts = (text for _, text in _texts(layout))
    references = {program(match[2], match[3]) for text in texts for match in IMAGE.finditer(text)}
    return [ProgramImage(image_reference(name), name) for name in sorted(references)]


def manifests(layout: Layout, scaling: ScaleToZero) -> list[Object]:
    """Return all objects of Serving and Eventing in the order of installation, with our images and settings."""
    chosen = settings(scaling)
    manifests = []
    for _, text in _texts(layout):
        for manifest in documents(IMAGE.sub(lambda match: image_reference(program(match[2], match[3])), text)):
            meta = manifest["metadata"]
            data = chosen.get((meta.get("namespace", ""), meta["name"]), {})
            if data and manifest["kind"] == "ConfigMap":
                manifest["data"] = {**manifest.get("data", {}), **data}
            _set_requests(manifest)
            manifests.append(manifest)
    return [manifest for manifest in manifests if manifest["kind"] not in LEFT_OUT]


def _set_requests(manifest: Object) -> None:
    few = (os.cpu_count() or 1) <= FEW_CPUS
    for container in manifest.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
        if manifest["metadata"]["name"] in CARRIERS:
            container.setdefault("resources", {}).setdefault("requests", {})["cpu"] = CARRIERS_REQUEST
        elif few and "cpu" in container.get("resources", {}).get("requests", {}):
            container["resources"]["requests"]["cpu"] = SMALL_REQUEST


def settings(scaling: ScaleToZero) -> Mapping[tuple[str, str], Mapping[str, str]]:
    """Return the keys that are set in Serving's ConfigMaps."""
    return {
        (SERVING, "config-network"): {"ingress-class": INGRESS_CLASS},
        (SERVING, "config-autoscaler"): {
            "stable-window": f"{scaling.window}s",
            "scale-to-zero-grace-period": f"{scaling.grace}s",
        },
    }


def prepare(kubectl: Kubectl, api: AdminClient, everything: Sequence[Object]) -> None:
    """Apply namespaces and CRDs, which need no image yet; return once their kinds are served."""
    apply(kubectl, [manifest for manifest in everything if manifest["kind"] in FIRST])
    deadline = time.monotonic() + READY_SECONDS
    while missing := [definition["metadata"]["name"] for definition in api.items(CRDS) if not established(definition)]:
        if time.monotonic() > deadline:
            raise NotReady(f"not Established after {READY_SECONDS:.0f} s: {', '.join(missing)}")
        time.sleep(0.1)


def install(kubectl: Kubectl, everything: Sequence[Object]) -> None:
    """Apply the other objects; return once they are accepted. `await_ready` waits until they run."""
    apply(kubectl, [manifest for manifest in everything if manifest["kind"] not in FIRST])


def apply(kubectl: Kubectl, objects: Sequence[Object]) -> None:
    """Apply objects by `kubectl apply --server-side`, as an administrator does.

    Conflicts are forced, since after the first time webhooks own their rules.
    """
    documents = "\n".join(
        json.dumps(manifest) for manifest in objects
    )  # as JSON: a writer of YAML takes seconds for CRDs
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=documents)


def await_ready(api: AdminClient, namespaces: Iterable[str], seconds: float = READY_SECONDS) -> None:
    """Wait until all Deployments of the namespaces are available. Raises NotReady, naming those that are not."""
    deadline = time.monotonic() + seconds
    for namespace in namespaces:
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        while missing := [workload["metadata"]["name"] for workload in api.items(path) if not _available(workload)]:
            if time.monotonic() > deadline:
                pods = "\n".join(_described_pod(pod) for pod in api.items(f"/api/v1/namespaces/{namespace}/pods"))
                raise NotReady(f"{', '.join(missing)} in {namespace} not available after {seconds:.0f} s:\n{pods}")
            time.sleep(0.25)


def established(definition: Object) -> bool:
    """Return whether a CRD's kind is served. The conditions of a new CRD are null."""
    conditions = definition.get("status", {}).get("conditions") or []
    return any(condition["type"] == "Established" and condition["status"] == "True" for condition in conditions)


def _available(deployment: Object) -> bool:
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    current = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    return bool(current and status.get("availableReplicas", 0) >= wanted)


def _described_pod(pod: Object) -> str:
    """Return a pod's name, phase and the states of its containers."""
    states = {status["name"]: status["state"] for status in pod["status"].get("containerStatuses") or []}
    return f"{pod['metadata']['name']} {pod['status'].get('phase')} {json.dumps(states)}"


def _texts(layout: Layout) -> Iterable[tuple[str, str]]:
    """Yield the folder and the text of each file, in the order of installation."""
    for copied in pinned.MANIFESTS:
        for file in sorted((layout.programs / pinned.YAML / copied.name).glob("*.yaml")):
            yield copied.name, file.read_text()
