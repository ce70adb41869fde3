"""Kubernetes objects as plain JSON, addressed by `Ref`.

The API server's objects stay untyped (one dictionary each): partial intents are normal, and fields of a newer server
must survive. Their content is read through the functions here or through the models in `crds`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crds.meta import GROUP, VERSION

# JSON of unknown shape has this name only; behind the models of `crds` and this module, everything is typed.
Manifest = Mapping[str, Any]


@dataclass(frozen=True, order=True)
class Kind:
    """A kind of object, and where the API server serves it."""

    api_version: str
    name: str
    plural: str
    namespaced: bool = True

    @property
    def group(self) -> str:
        """Return `apps` for `apps/v1`; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """Return `v1` for `apps/v1`."""
        return self.api_version.rpartition("/")[2]


@dataclass(frozen=True, order=True)
class Ref:
    """One object: `namespace` is empty for cluster-scoped kinds."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.name} '{self.name}'"


@dataclass(frozen=True, order=True)
class Collection:
    """All objects of a kind in a namespace, or in all namespaces if `namespace` is empty.

    `fields` is a field selector. `most` is the largest number of objects; 0 for all.
    """

    kind: Kind
    namespace: str
    fields: str = ""
    most: int = 0


@dataclass(frozen=True)
class Owner:
    """The controller that an object names in its owner references."""

    api_version: str
    kind: str
    name: str
    uid: str


KEPLER = Kind(f"{GROUP}/{VERSION}", "Kepler", "keplers")
COLLECTED_METRIC = Kind(f"{GROUP}/{VERSION}", "KeplerCollectedMetric", "keplercollectedmetrics")
EXPORTED_POWER = Kind(f"{GROUP}/{VERSION}", "KeplerExportedPower", "keplerexportedpowers")
MACHINE_CONFIG = Kind(f"{GROUP}/{VERSION}", "KeplerMachineConfig", "keplermachineconfigs", namespaced=False)
OURS = (KEPLER, COLLECTED_METRIC, EXPORTED_POWER, MACHINE_CONFIG)
CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")
SERVICE = Kind("v1", "Service", "services")
SERVICE_ACCOUNT = Kind("v1", "ServiceAccount", "serviceaccounts")
PERSISTENT_VOLUME_CLAIM = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
EVENT = Kind("v1", "Event", "events")
SECRET = Kind("v1", "Secret", "secrets")
DAEMON_SET = Kind("apps/v1", "DaemonSet", "daemonsets")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
CRD = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False)
NODE = Kind("v1", "Node", "nodes", namespaced=False)
NAMESPACE = Kind("v1", "Namespace", "namespaces", namespaced=False)
SERVICE_MONITOR = Kind("monitoring.coreos.com/v1", "ServiceMonitor", "servicemonitors")
PROMETHEUS_RULE = Kind("monitoring.coreos.com/v1", "PrometheusRule", "prometheusrules")
CLUSTER_ROLE_BINDING = Kind(
    "rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", namespaced=False
)
# OpenShift's kinds, which KeplerMachineConfig uses.
NODES_CONFIG = Kind("machineconfiguration.openshift.io/v1", "MachineConfig", "machineconfigs", namespaced=False)
NODES_POOL = Kind("machineconfiguration.openshift.io/v1", "MachineConfigPool", "machineconfigpools", namespaced=False)


def metadata(manifest: Manifest) -> Manifest:
    """Return `metadata`, or an empty dictionary if there is none."""
    return manifest.get("metadata") or {}


def name(manifest: Manifest) -> str:
    """Return `metadata.name`."""
    return str(metadata(manifest).get("name", ""))


def uid(manifest: Manifest) -> str:
    """Return `metadata.uid`."""
    return str(metadata(manifest).get("uid", ""))


def resource_version(manifest: Manifest) -> str:
    """Return `metadata.resourceVersion`. Equal versions mean an unchanged object; `runtime.seen` compares for older."""
    return str(metadata(manifest).get("resourceVersion", ""))


def generation(manifest: Manifest) -> int:
    """Return `metadata.generation`, which changes with the spec, not with the status."""
    return int(metadata(manifest).get("generation") or 0)


def terminates(manifest: Manifest) -> bool:
    """Return whether the object is being deleted, and finalizers or foreground deletion still hold it."""
    return bool(metadata(manifest).get("deletionTimestamp"))


def controller(manifest: Manifest) -> Owner | None:
    """Return the owner reference with `controller: true`, of which there is at most one; None if there is none."""
    for owner in metadata(manifest).get("ownerReferences") or ():
        if owner.get("controller"):
            return Owner(owner["apiVersion"], owner["kind"], owner["name"], owner["uid"])
    return None
