"""The objects a Kepler gets, under the names that users' dashboards know."""

from collections.abc import Mapping
from dataclasses import replace

from runtime.adoption import MANAGED_BY, tied
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
MODEL_SERVER = "kepler-model-server"
MODEL_CONFIG = "kepler-model-server-cfm"
CLAIM = "kepler-model-server-pvc"
ACCOUNT = "kepler"

# What the event source selects children by; upstream's operator has the label, too, with a value of its own.
INSTANCE = "app.kubernetes.io/instance"
# The names of all labels that a child has from us (`labels`).
LABELS = frozenset(f"app.kubernetes.io/{name}" for name in ("component", "instance", "managed-by", "name", "part-of"))
PORT_NAME = "http"
CONFIG_VOLUME = "cfm"
# Annotation of a pod template: a hash of the configuration that its pods read, so that an edit of it starts new pods.
CONFIG_HASH = "sustainable-computing.io/config-hash"


def cfm(key: Ref) -> Ref:
    """The ConfigMap that the exporter reads."""
    return Ref(CONFIG_MAP, key.namespace, CFM)


def daemon_set(key: Ref) -> Ref:
    """The exporter, one pod a node."""
    return Ref(DAEMON_SET, key.namespace, EXPORTER)


def service(key: Ref) -> Ref:
    """Where Prometheus finds the exporters."""
    return Ref(SERVICE, key.namespace, EXPORTER)


def account(key: Ref) -> Ref:
    """The ServiceAccount the exporter runs as."""
    return Ref(SERVICE_ACCOUNT, key.namespace, ACCOUNT)


def deployment(key: Ref) -> Ref:
    """The model server."""
    return Ref(DEPLOYMENT, key.namespace, MODEL_SERVER)


def model_service(key: Ref) -> Ref:
    """Where exporters and estimators find the model server."""
    return Ref(SERVICE, key.namespace, MODEL_SERVER)


def model_config(key: Ref) -> Ref:
    """The ConfigMap that the model server and its trainer read."""
    return Ref(CONFIG_MAP, key.namespace, MODEL_CONFIG)


def claim(key: Ref) -> Ref:
    """Where the model server keeps its models, if not elsewhere."""
    return Ref(PERSISTENT_VOLUME_CLAIM, key.namespace, CLAIM)


def service_monitor(key: Ref) -> Ref:
    """How the Prometheus operator is told of the Service."""
    return Ref(SERVICE_MONITOR, key.namespace, EXPORTER)


def prometheus_rule(key: Ref) -> Ref:
    """What Prometheus works out from the exporters' series."""
    return Ref(PROMETHEUS_RULE, key.namespace, EXPORTER)


def binding(_key: Ref) -> Ref:
    """The one binding, shipped in `config/`, that gives exporters what they read cluster-wide."""
    return Ref(CLUSTER_ROLE_BINDING, "", EXPORTER)


def selector(parent: Manifest, workload: str = EXPORTER) -> dict[str, str]:
    """The labels that tell this Kepler's exporters, or another workload's pods, from all others; they never change."""
    return {"app.kubernetes.io/name": workload, INSTANCE: name(parent)}


def labels(parent: Manifest, component: str, workload: str = EXPORTER) -> dict[str, str]:
    """The recommended labels (Kubernetes: Recommended Labels) of a child."""
    return {
        **selector(parent, workload),
        **MANAGED_BY,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "kepler",
    }


def child(parent: Manifest, ref: Ref, component: str, body: Mapping[str, object], workload: str = EXPORTER) -> Intent:
    """An intent that carries the labels of a child and goes when its parent goes."""
    described = {"labels": labels(parent, component, workload), "ownerReferences": [reference(parent)]}
    return Intent(ref, {"metadata": described, **body})


def annotated(intent: Intent, annotations: Mapping[str, str]) -> Intent:
    """A child's intent with annotations, of which none are ours."""
    if not annotations:
        return intent
    described = {**intent.body["metadata"], "annotations": {**annotations}}
    return replace(intent, body={**intent.body, "metadata": described})


def progresses(workload: Manifest, *, manager: str) -> bool:
    """Whether an event of a DaemonSet or Deployment is about pods that come and go, not about what was asked for.

    A change of the spec moves `metadata.generation` ahead of what its controller has observed; labels and owner
    reference are checked here, since changing them does not.
    """
    described = owned_fields(workload, manager=manager).get("f:metadata") or {}
    observed = (workload.get("status") or {}).get("observedGeneration")
    return labelled(described) and tied(described) and observed == generation(workload)


def labelled(described: Manifest) -> bool:
    """Whether a manager, by its FieldsV1 of `metadata`, owns all labels of a child: who changes one takes it."""
    owned = {label.removeprefix("f:") for label in described.get("f:labels") or {}}
    return owned >= LABELS
