"""The objects a Kepler gets, under the names that users' dashboards know."""

from collections.abc import Mapping

from runtime.objects import (
    CLUSTER_ROLE_BINDING,
    CONFIG_MAP,
    DAEMON_SET,
    SERVICE,
    SERVICE_ACCOUNT,
    Manifest,
    Ref,
    name,
)
from runtime.outcome import Intent
from runtime.ownership import reference

EXPORTER = "kepler-exporter"
CFM = "kepler-cfm"
ACCOUNT = "kepler"

# What the event source selects children by; upstream's operator has the label, too, with a value of its own.
MANAGED_BY = {"app.kubernetes.io/managed-by": "kepler-on-knative"}
PORT_NAME = "http"


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


def binding(_key: Ref) -> Ref:
    """The one binding, shipped in `config/`, that gives exporters what they read cluster-wide."""
    return Ref(CLUSTER_ROLE_BINDING, "", EXPORTER)


def selector(parent: Manifest) -> dict[str, str]:
    """The labels that tell this Kepler's exporter pods from all others; a DaemonSet's selector never changes."""
    return {"app.kubernetes.io/name": EXPORTER, "app.kubernetes.io/instance": name(parent)}


def labels(parent: Manifest, component: str) -> dict[str, str]:
    """The recommended labels (Kubernetes: Recommended Labels) of a child."""
    return {
        **selector(parent),
        **MANAGED_BY,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "kepler",
    }


def child(parent: Manifest, ref: Ref, component: str, body: Mapping[str, object]) -> Intent:
    """An intent that carries the labels of a child and goes when its parent goes."""
    described = {"labels": labels(parent, component), "ownerReferences": [reference(parent)]}
    return Intent(ref, {"metadata": described, **body})
