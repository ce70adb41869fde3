"""The operator that the functions are compared with: kopf, in one process, for the exporter's own objects.

It makes what function `collector` makes of a Kepler (ServiceAccount, ConfigMap, Service, DaemonSet) and a status,
follows edits, and puts back a DaemonSet that somebody changed. It has none of the other functions, no reports and no
sweep. Run by `kopf run` with a kubeconfig (`benchmarks.operators`).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import kopf
from kubernetes import client, config

from operands import children

GROUP, VERSION, PLURAL = "sustainable-computing.io", "v1alpha1", "keplers"
IMAGE = "quay.io/sustainable_computing_io/kepler:release-0.7.12"
LABELS = {"app.kubernetes.io/name": children.EXPORTER, "app.kubernetes.io/managed-by": "kopf"}
Body = dict[str, Any]
# A JSON merge patch (RFC 7386): lists are replaced, while a strategic one would keep the port before.
MERGE = "application/merge-patch+json"
# The type of its only condition.
DEPLOYED = "Deployed"


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Connect to the API server; handlers run on threads, as many as a function has workers."""
    config.load_config()
    settings.execution.max_workers = 16
    settings.posting.enabled = False
    settings.persistence.finalizer = f"{GROUP}/kopf"


@kopf.on.create(GROUP, VERSION, PLURAL)  # type: ignore[arg-type]
def create(spec: Body, namespace: str, meta: Body, patch: kopf.Patch, **_: Any) -> None:
    """Create the four objects, owned by the Kepler, and report."""
    for kind, manifest in _objects(spec, namespace).items():
        kopf.adopt(manifest)
        _create(kind, namespace, manifest)
    patch.status["conditions"] = [
        {
            "type": DEPLOYED,
            "status": "True",
            "reason": DEPLOYED,
            "message": "the exporter's objects exist",
            "observedGeneration": meta["generation"],
            "lastTransitionTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    ]


@kopf.on.update(GROUP, VERSION, PLURAL, field="spec")  # type: ignore[arg-type]
def update(spec: Body, namespace: str, **_: Any) -> None:
    """Bring the objects to the new spec."""
    objects = _objects(spec, namespace)
    core, apps = client.CoreV1Api(), client.AppsV1Api()
    core.patch_namespaced_config_map(children.CFM, namespace, objects["ConfigMap"], _content_type=MERGE)
    core.patch_namespaced_service(children.EXPORTER, namespace, objects["Service"], _content_type=MERGE)
    apps.patch_namespaced_daemon_set(children.EXPORTER, namespace, objects["DaemonSet"], _content_type=MERGE)


@kopf.on.update("apps", "v1", "daemonsets", labels=LABELS, field="spec")  # type: ignore[arg-type]
def repair(namespace: str, body: kopf.Body, **_: Any) -> None:
    """Put back what somebody changed in the DaemonSet."""
    owner = body["metadata"]["ownerReferences"][0]["name"]
    kepler: Any = client.CustomObjectsApi().get_namespaced_custom_object(GROUP, VERSION, namespace, PLURAL, owner)
    wanted = _objects(kepler.get("spec") or {}, namespace)["DaemonSet"]
    if body["spec"]["template"]["spec"]["containers"][0]["image"] != IMAGE:
        client.AppsV1Api().patch_namespaced_daemon_set(children.EXPORTER, namespace, wanted, _content_type=MERGE)


def _create(kind: str, namespace: str, manifest: Body) -> None:
    core, apps = client.CoreV1Api(), client.AppsV1Api()
    creates: dict[str, Callable[..., object]] = {
        "ServiceAccount": core.create_namespaced_service_account,
        "ConfigMap": core.create_namespaced_config_map,
        "Service": core.create_namespaced_service,
        "DaemonSet": apps.create_namespaced_daemon_set,
    }
    try:
        creates[kind](namespace, manifest)
    except client.ApiException as error:
        if error.status != 409:
            raise kopf.TemporaryError(str(error), delay=1) from error


def _objects(spec: Body, namespace: str) -> dict[str, Body]:
    """Return the exporter's objects for a Kepler's spec."""
    port = (spec.get("collector") or {}).get("port", 9102)

    def manifest(api_version: str, kind: str, name: str, **fields: Any) -> Body:
        metadata = {"name": name, "namespace": namespace, "labels": LABELS}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}

    container = {
        "name": "kepler-exporter",
        "image": IMAGE,
        "args": [f"-address=0.0.0.0:{port}", "-enable-gpu=false"],
        "ports": [{"containerPort": port, "name": "http"}],
        "securityContext": {"privileged": True},
        "volumeMounts": [{"name": "cfm", "mountPath": "/etc/kepler/kepler.config"}],
    }
    pod = {
        "serviceAccountName": children.ACCOUNT,
        "hostNetwork": False,
        "containers": [container],
        "volumes": [{"name": "cfm", "configMap": {"name": children.CFM}}],
    }
    selector = {"app.kubernetes.io/name": children.EXPORTER}
    template = {"metadata": {"labels": LABELS, "annotations": {"port": str(port)}}, "spec": pod}
    return {
        "ServiceAccount": manifest("v1", "ServiceAccount", children.ACCOUNT),
        "ConfigMap": manifest("v1", "ConfigMap", children.CFM, data={"BIND_ADDRESS": f"0.0.0.0:{port}"}),
        "Service": manifest(
            "v1",
            "Service",
            children.EXPORTER,
            spec={"clusterIP": "None", "selector": selector, "ports": [{"name": "http", "port": port}]},
        ),
        "DaemonSet": manifest(
            "apps/v1",
            "DaemonSet",
            children.EXPORTER,
            spec={"selector": {"matchLabels": selector}, "template": template},
        ),
    }
