"""Kubernetes objects as they travel: plain JSON, addressed by `Ref`.

The API server's objects stay untyped (one dictionary each): partial intents are normal, and fields of a newer
server must survive. What is read out of them goes through the functions here or through the models in `crds`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crds.meta import GROUP, VERSION

# The only place where JSON of unknown shape has a name; everything past `crds` models and this module is typed.
Manifest = Mapping[str, Any]


@dataclass(frozen=True, order=True)
class Kind:
    """A kind of object and where the API server serves it."""

    api_version: str
    name: str
    plural: str
    namespaced: bool = True

    @property
    def group(self) -> str:
        """`apps` of `apps/v1`; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """`v1` of `apps/v1`."""
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
    """All objects of a kind in a namespace; in all namespaces when `namespace` is empty.

    With `fields`, those that a field selector matches; with `most`, at most so many.
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
# OpenShift's, beside which ours is KeplerMachineConfig.
NODES_CONFIG = Kind("machineconfiguration.openshift.io/v1", "MachineConfig", "machineconfigs", namespaced=False)
NODES_POOL = Kind("machineconfiguration.openshift.io/v1", "MachineConfigPool", "machineconfigpools", namespaced=False)


def metadata(manifest: Manifest) -> Manifest:
    """`metadata`, empty where there is none."""
    return manifest.get("metadata") or {}


def name(manifest: Manifest) -> str:
    """`metadata.name`."""
    return str(metadata(manifest).get("name", ""))


def uid(manifest: Manifest) -> str:
    """`metadata.uid`."""
    return str(metadata(manifest).get("uid", ""))


def resource_version(manifest: Manifest) -> str:
    """`metadata.resourceVersion`: equal means unchanged, and nothing else."""
    return str(metadata(manifest).get("resourceVersion", ""))


def generation(manifest: Manifest) -> int:
    """`metadata.generation`: moves with the spec, not with the status."""
    return int(metadata(manifest).get("generation") or 0)


def terminates(manifest: Manifest) -> bool:
    """Whether the object is being deleted: finalizers or foreground deletion still hold it."""
    return bool(metadata(manifest).get("deletionTimestamp"))


def controller(manifest: Manifest) -> Owner | None:
    """The owner reference with `controller: true`; there is at most one."""
    for owner in metadata(manifest).get("ownerReferences") or ():
        if owner.get("controller"):
            return Owner(owner["apiVersion"], owner["kind"], owner["name"], owner["uid"])
    return None
