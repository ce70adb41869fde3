"""The resources of kepler-operator, as far as a user moves them: names, scope, and the fields of `spec` with defaults.

From its definitions of June 2025, the last with Kepler v0.7 (config/crd/bases: keplers and keplerinternals). Limits,
descriptions, the status, and what a claim has below `persistentVolumeClaim` are left out.
"""

import json
from collections.abc import Mapping
from typing import Any

GROUP = "kepler.system.sustainable.computing.io"

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
SWITCH = {"type": "boolean", "default": False}
ANY = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def block(**properties: Any) -> dict[str, Any]:
    """A schema of an object with these fields."""
    return {"type": "object", "properties": properties}


TOLERATION = block(effect=TEXT, key=TEXT, operator=TEXT, value=TEXT)
DEPLOYMENT = {
    "nodeSelector": {"type": "object", "additionalProperties": TEXT, "default": {"kubernetes.io/os": "linux"}},
    "port": {**NUMBER, "default": 9103},
    "tolerations": {
        "type": "array",
        "items": TOLERATION,
        "default": [{"effect": "", "key": "", "operator": "Exists", "value": ""}],
    },
}
REDFISH = block(secretRef=TEXT, probeInterval=TEXT, skipSSLVerify=SWITCH)
MODEL = block(initUrl=TEXT, selector=block(filterConditions=TEXT, modelName=TEXT), sidecar=SWITCH)
MODELS = block(total=MODEL, components=MODEL)

KEPLER = block(exporter=block(deployment=block(**DEPLOYMENT), redfish=REDFISH))
INTERNAL = block(
    exporter=block(deployment=block(**DEPLOYMENT, image=TEXT, namespace=TEXT), redfish=REDFISH),
    estimator=block(image=TEXT, node=MODELS, container=MODELS),
    modelServer=block(
        enabled=SWITCH,
        image=TEXT,
        port=NUMBER,
        url=TEXT,
        path=TEXT,
        requestPath=TEXT,
        listPath=TEXT,
        pipelineUrl=TEXT,
        errKey=TEXT,
        storage=block(persistentVolumeClaim=ANY),
    ),
    openshift=block(enabled={"type": "boolean", "default": True}, dashboard=block(enabled=SWITCH)),
)


def _definition(kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    names = {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": f"{kind.lower()}s",
        "singular": kind.lower(),
    }
    version = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": block(spec=spec)},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names['plural']}.{GROUP}"},
        "spec": {"group": GROUP, "names": names, "scope": "Cluster", "versions": [version]},
    }


DEFINITIONS = (_definition("Kepler", KEPLER), _definition("KeplerInternal", INTERNAL))


def resource() -> str:
    """Return upstream's Kepler as its users apply it: all defaults."""
    spec: dict[str, Any] = {"exporter": {"deployment": {}}}
    return json.dumps(
        {"apiVersion": f"{GROUP}/v1alpha1", "kind": "Kepler", "metadata": {"name": "kepler"}, "spec": spec}
    )


def exporter() -> dict[str, Any]:
    """Return a DaemonSet with the name that upstream's exporter has, and what makes its pods privileged."""
    labels = {"app.kubernetes.io/name": "kepler-exporter", "app.kubernetes.io/managed-by": "kepler-operator"}
    container = {"name": "kepler-exporter", "image": "kepler", "securityContext": {"privileged": True}}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "kepler", "labels": labels},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }


def account(internal: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ServiceAccount of a KeplerInternal, which owns it: both have one name."""
    owner = {
        "apiVersion": internal["apiVersion"],
        "kind": internal["kind"],
        "name": internal["metadata"]["name"],
        "uid": internal["metadata"]["uid"],
        "controller": True,
    }
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": internal["metadata"]["name"], "ownerReferences": [owner]},
    }
