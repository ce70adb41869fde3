"""References, labels and annotations of a Kepler's objects, under the names that users' dashboards expect."""

from collections.abc import Mapping
from dataclasses import replace

from runtime.adoption import MANAGED_BY, has_owner_or_adopter
from runtime.differences import owned_fields
from runtime.objects import (
    CLUSTER_ROLE_BINDING,
    CONFIG_MAP,
    DAEMON_SET,
    DEPLOYMENT,
    PERSISTENT_VOLUME_CLAIM,
    PROMETHEUS_RULE,
    SERVICE,
    SERVICE_ACCOUNT,
    SERVICE_MONITOR,
    Manifest,
    Ref,
    generation,
    name,
)
from runtime.outcome import Intent
from runtime.ownership import reference

EXPORTER = "kepler-exporter"
CFM = "kepler-cfm"
KEPLER_CONFIG = "kepler-config"
MODEL_SERVER = "kepler-model-server"
MODEL_CONFIG = "kepler-model-server-cfm"
CLAIM = "kepler-model-server-pvc"
ACCOUNT = "kepler"

# The label by which the event source selects children; upstream's operator sets it too, to another value.
INSTANCE = "app.kubernetes.io/instance"
# The names of all labels that `labels` sets.
LABELS = frozenset(f"app.kubernetes.io/{name}" for name in ("component", "instance", "managed-by", "name", "part-of"))
PORT_NAME = "http"
CONFIG_VOLUME = "cfm"
# Annotation of a pod template: a hash of the configuration that its pods read, so that an edit of it starts new pods.
CONFIG_HASH = "sustainable-computing.io/config-hash"


def kepler_config(key: Ref) -> Ref:
    """Return the ConfigMap that an exporter of Kepler v0.11 reads."""
    return Ref(CONFIG_MAP, key.namespace, KEPLER_CONFIG)


def cfm(key: Ref) -> Ref:
    """Return the ConfigMap that the exporter reads."""
    return Ref(CONFIG_MAP, key.namespace, CFM)


def daemon_set(key: Ref) -> Ref:
    """Return the exporter's DaemonSet."""
    return Ref(DAEMON_SET, key.namespace, EXPORTER)


def service(key: Ref) -> Ref:
    """Return the Service of the exporters, which Prometheus scrapes."""
    return Ref(SERVICE, key.namespace, EXPORTER)


def account(key: Ref) -> Ref:
    """Return the ServiceAccount that the exporter runs as."""
    return Ref(SERVICE_ACCOUNT, key.namespace, ACCOUNT)


def deployment(key: Ref) -> Ref:
    """Return the model server's Deployment."""
    return Ref(DEPLOYMENT, key.namespace, MODEL_SERVER)


def model_service(key: Ref) -> Ref:
    """Return the Service of the model server, which exporters and estimators connect to."""
    return Ref(SERVICE, key.namespace, MODEL_SERVER)


def model_config(key: Ref) -> Ref:
    """Return the ConfigMap that the model server reads."""
    return Ref(CONFIG_MAP, key.namespace, MODEL_CONFIG)


def claim(key: Ref) -> Ref:
    """Return the PersistentVolumeClaim for the model server's models; used if `storage.type` is 'claim'."""
    return Ref(PERSISTENT_VOLUME_CLAIM, key.namespace, CLAIM)


def service_monitor(key: Ref) -> Ref:
    """Return the ServiceMonitor, by which the Prometheus operator finds the exporters' Service."""
    return Ref(SERVICE_MONITOR, key.namespace, EXPORTER)


def prometheus_rule(key: Ref) -> Ref:
    """Return the PrometheusRule with the recording rules for the exporters' series."""
    return Ref(PROMETHEUS_RULE, key.namespace, EXPORTER)


def binding(_key: Ref) -> Ref:
    """Return the one ClusterRoleBinding, shipped in `config/`, that grants exporters cluster-wide read access."""
    return Ref(CLUSTER_ROLE_BINDING, "", EXPORTER)


def selector(parent: Manifest, workload: str = EXPORTER) -> dict[str, str]:
    """Return the labels that select this Kepler's exporters, or the pods of another workload. They never change."""
    return {"app.kubernetes.io/name": workload, INSTANCE: name(parent)}


def labels(parent: Manifest, component: str, workload: str = EXPORTER) -> dict[str, str]:
    """Return the recommended labels (Kubernetes: Recommended Labels) of a child."""
    return {
        **selector(parent, workload),
        **MANAGED_BY,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "kepler",
    }


def child(parent: Manifest, ref: Ref, component: str, body: Mapping[str, object], workload: str = EXPORTER) -> Intent:
    """Return an intent with a child's labels and owner reference, so that the child is deleted with its parent."""
    described = {"labels": labels(parent, component, workload), "ownerReferences": [reference(parent)]}
    return Intent(ref, {"metadata": described, **body})


def annotated(intent: Intent, annotations: Mapping[str, str]) -> Intent:
    """Return a child's intent with the user's annotations added."""
    if not annotations:
        return intent
    described = {**intent.body["metadata"], "annotations": {**annotations}}
    return replace(intent, body={**intent.body, "metadata": described})


def progresses(workload: Manifest, *, manager: str) -> bool:
    """Return whether an event of a DaemonSet or Deployment is about its pods, and not about a change of our fields.

    A change of the spec moves `metadata.generation` ahead of what its controller has observed. A change of labels or
    owner reference does not, so these are checked here.
    """
    described = owned_fields(workload, manager=manager).get("f:metadata") or {}
    observed = (workload.get("status") or {}).get("observedGeneration")
    return labelled(described) and has_owner_or_adopter(described) and observed == generation(workload)


def labelled(described: Manifest) -> bool:
    """Return whether a manager owns all labels of a child; `described` is its FieldsV1 of `metadata`.

    Whoever changes a label takes it from the manager.
    """
    owned = {label.removeprefix("f:") for label in described.get("f:labels") or {}}
    return owned >= LABELS
