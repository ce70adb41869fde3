"""How OpenShift changes machines: by MachineConfigs, which pools of machines take up one reboot after another.

The MachineConfigs are upstream's (KEP v0.4:manifests/config/cluster-prereqs/), names and content: where they were
applied by hand, they are found in place. What a pool says is github.com/openshift/api machineconfiguration/v1.
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
# Where this is defined, there are MachineConfigs.
API = Ref(CRD, "", f"{NODES_CONFIG.plural}.{NODES_CONFIG.group}")
# Below `config/`: lets the functions write MachineConfigs, which reboot machines.
OVERLAY = "overlays/openshift"


class Feature(StrEnum):
    """What a MachineConfig brings to a pool: the field that asks for it."""

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
class Piece:
    """One feature for one pool, and so one MachineConfig."""

    role: str
    feature: Feature

    @property
    def ref(self) -> Ref:
        """The MachineConfig; MachineConfigs are merged in the order of their names."""
        return Ref(NODES_CONFIG, "", NAMES[self.feature].format(role=self.role))

    def intent(self, parent: Manifest) -> Intent:
        """The MachineConfig as upstream wrote it, and it goes when its parent goes."""
        labels = {**MANAGED_BY, "app.kubernetes.io/part-of": "kepler", ROLE: self.role}
        described = {"labels": labels, "ownerReferences": [reference(parent)]}
        return Intent(self.ref, {"metadata": described, "spec": CONTENT[self.feature]})

    def is_said_by(self, actual: Manifest | None) -> bool:
        """Whether the machines would get nothing new: labels other than the role's reboot nobody."""
        if actual is None:
            return False
        spec, content = actual.get("spec") or {}, CONTENT[self.feature]
        same = all(spec.get(field) == value for field, value in content.items())
        return same and (metadata(actual).get("labels") or {}).get(ROLE) == self.role


PIECES = tuple(Piece(role, feature) for role in ROLES for feature in Feature)


def wanted_pieces(spec: KeplerMachineConfigSpec) -> tuple[Piece, ...]:
    """The pieces that are switched on."""
    on = {Feature.CGROUP_V2: spec.cgroup_v2, Feature.KERNEL_DEVEL: spec.kernel_devel}
    return tuple(piece for piece in PIECES if piece.role in spec.roles and on[piece.feature])


def pool(role: str) -> Ref:
    """The pool whose machines have this role."""
    return Ref(NODES_POOL, "", role)


@dataclass(frozen=True)
class MachineConfigPool:
    """A MachineConfigPool as its status tells it; `booted` names the MachineConfigs that all its machines run."""

    name: str
    state: str
    machines: int
    updated: int
    booted: frozenset[str]
    trouble: str

    @property
    def status(self) -> Manifest:
        """Return the pool's state as the status of a KeplerMachineConfig has it."""
        return {"name": self.name, "state": self.state, "machines": self.machines, "updated": self.updated}


def read(pool: Manifest) -> MachineConfigPool:
    """What a MachineConfigPool says.

    Its `status.configuration` becomes that of its spec once every machine has booted with it, so a pool that is
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
    """What the pool is, what needs somebody first."""
    true = {condition for condition, content in conditions.items() if content.get("status") == "True"}
    if "Degraded" in true:
        yield "Degraded"
    if (pool.get("spec") or {}).get("paused"):
        yield "Paused"
    yield from (state for state in ("Updating", "Updated") if state in true)
