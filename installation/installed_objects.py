"""Objects of the installation: their labels and their namespace."""

from typing import Any

from runtime.settings import NAMESPACE, VERSION

Object = dict[str, Any]


def labels(component: str) -> Object:
    """Return the recommended labels of the operator's own objects, which differ from the operands'."""
    return {
        "app.kubernetes.io/name": "kepler-on-knative",
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "kepler-on-knative",
        "app.kubernetes.io/version": VERSION,
    }


def manifest(api_version: str, kind: str, name: str, component: str, *, namespaced: bool = True, **rest: Any) -> Object:
    """Return one object of the installation."""
    metadata: Object = {"name": name, "labels": labels(component)}
    if namespaced:
        metadata["namespace"] = NAMESPACE
    metadata |= rest.pop("metadata", {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}
