"""How OpenShift changes machines: MachineConfigs, which MachineConfigPools roll out, one reboot after another.

The MachineConfigs have upstream's names and content (kepler v0.4:manifests/config/cluster-prereqs/), so those that were
applied by hand are recognized as in place. The status of a pool follows github.com/openshift/api
machineconfiguration/v1.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from crds.kepler_machine_config import ROLES, KeplerMachineConfigSpec
from runtime.adoption import MANAGED_BY
from runtime.objects import CRD, NODES_CONFIG, NODES_POOL, Manifest, Ref, metadata, name
from runtime.outcome import Intent
from runtime.ownership import reference

ROLE = "machineconfiguration.openshift.io/role"
# The CustomResourceDefinition of MachineConfigs; it exists on OpenShift only.
API = Ref(CRD, "", f"{NODES_CONFIG.plural}.{NODES_CONFIG.group}")
# Directory in `config/` with the permission to write MachineConfigs, which reboot machines.
OVERLAY = "overlays/openshift"


class Feature(StrEnum):
    """What a MachineConfig brings to a pool; the value is the field that asks for it."""

    CGROUP_V2 = "cgroup-v2"
    KERNEL_DEVEL = "kernel-devel"


NAMES: Mapping[Feature, str] = {
    Feature.CGROUP_V2: "50-{role}-cgroupv2",
    Feature.KERNEL_DEVEL: "51-{role}-kernel-devel",
}
CONTENT: Mapping[Feature, Manifest] = {
    Feature.CGROUP_V2: {"kernelArguments": ["systemd.unified_cgroup_hierarchy=1", 'cgroup_no_v1="all"']},
    Feature.KERNEL_DEVEL: {"extensions": ["kernel-devel"]},
}


@dataclass(frozen=True, order=True)
class PoolFeature:
    """One feature for one pool, which is one MachineConfig."""

    role: str
    feature: Feature

    @property
    def ref(self) -> Ref:
        """Return the MachineConfig; OpenShift merges MachineConfigs in the order of their names."""
        return Ref(NODES_CONFIG, "", NAMES[self.feature].format(role=self.role))

    def intent(self, parent: Manifest) -> Intent:
        """Return the MachineConfig with upstream's content and an owner reference: it is deleted with its parent."""
        labels = {**MANAGED_BY, "app.kubernetes.io/part-of": "kepler", ROLE: self.role}
        described = {"labels": labels, "ownerReferences": [reference(parent)]}
        return Intent(self.ref, {"metadata": described, "spec": CONTENT[self.feature]})

    def is_said_by(self, actual: Manifest | None) -> bool:
        """Return whether the existing MachineConfig has this content and role; other labels do not reboot machines."""
        if actual is None:
            return False
        spec, content = actual.get("spec") or {}, CONTENT[self.feature]
        same = all(spec.get(field) == value for field, value in content.items())
        return same and (metadata(actual).get("labels") or {}).get(ROLE) == self.role


POOL_FEATURES = tuple(PoolFeature(role, feature) for role in ROLES for feature in Feature)


def wanted_features(spec: KeplerMachineConfigSpec) -> tuple[PoolFeature, ...]:
    """Return the features that are switched on, each with its pool."""
    on = {Feature.CGROUP_V2: spec.cgroup_v2, Feature.KERNEL_DEVEL: spec.kernel_devel}
    return tuple(
        pool_feature for pool_feature in POOL_FEATURES if pool_feature.role in spec.roles and on[pool_feature.feature]
    )


def pool(role: str) -> Ref:
    """Return the pool of the machines with this role."""
    return Ref(NODES_POOL, "", role)


@dataclass(frozen=True)
class MachineConfigPool:
    """The status of a MachineConfigPool; `booted` names the MachineConfigs that all its machines run."""

    name: str
    state: str
    machines: int
    updated: int
    booted: frozenset[str]
    trouble: str

    @property
    def status(self) -> Manifest:
        """Return the pool's state as an entry in the status of a KeplerMachineConfig."""
        return {"name": self.name, "state": self.state, "machines": self.machines, "updated": self.updated}


def read(pool: Manifest) -> MachineConfigPool:
    """Return what the status of a MachineConfigPool says.

    `status.configuration` becomes equal to that of the spec once every machine has booted with it. So a pool that is
    `Updated` with an earlier configuration is not mistaken for one that is done.
    """
    status = pool.get("status") or {}
    conditions = {condition.get("type"): condition for condition in status.get("conditions") or ()}
    source = (status.get("configuration") or {}).get("source") or ()
    return MachineConfigPool(
        name=name(pool),
        state=next(_states(pool, conditions), "Unknown"),
        machines=status.get("machineCount") or 0,
        updated=status.get("updatedMachineCount") or 0,
        booted=frozenset(config.get("name", "") for config in source),
        trouble=str((conditions.get("Degraded") or {}).get("message") or ""),
    )


def _states(pool: Manifest, conditions: Mapping[str, Manifest]) -> Iterator[str]:
    """Yield the states of a pool, first those that need somebody to act."""
    true = {condition for condition, content in conditions.items() if content.get("status") == "True"}
    if "Degraded" in true:
        yield "Degraded"
    if (pool.get("spec") or {}).get("paused"):
        yield "Paused"
    yield from (state for state in ("Updating", "Updated") if state in true)
