"""KeplerMachineConfig: what Kepler needs of the machines themselves, and what it should know about them.

The first half is for OpenShift, where nodes are changed by MachineConfigs and reboot for it. The Kepler that this
operator installs needs neither half; images built on BCC, and nodes whose CPU it does not know, do.
"""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from crds.fields import CelRule, Each, Int32, atomic, between, different, one_of, text
from crds.meta import (
    AGE,
    DELETED,
    Column,
    Conditions,
    Count,
    Generation,
    Names,
    Resource,
    SpecPart,
    StatusPart,
    condition_columns,
)

ROLES = ("master", "worker")
"""The pools that every OpenShift cluster has; those that users make select the MachineConfigs of 'worker' beside their
own. That these are all is what lets a role that is taken out be cleaned up after: the names are known without it."""

Role = Annotated[str, Field(max_length=512)]


class Machine(SpecPart):
    """One type of machine, as Kepler's model server describes it."""

    processor: (
        Annotated[
            str,
            Field(max_length=256),
            text(
                "^[a-z0-9_.-]+$",
                128,
                "`{field}` must be the processor's name in lower-case letters, digits, '_', '.' and '-', such as "
                "'intel_xeon_platinum_8259cl'",
            ),
        ]
        | None
    ) = None
    """Name of the processor, such as 'intel_xeon_platinum_8259cl'."""
    cores: Annotated[Int32, between(1, 65536)] | None = None
    """Logical cores of the machine."""
    chips: Annotated[Int32, between(1, 1024)] | None = None
    """Processor packages (sockets) of the machine."""
    memory: Annotated[Int32, between(1, 1048576, "(GiB)")] | None = None
    """Memory of the machine, in GiB."""
    frequency: Annotated[Int32, between(1, 100000, "(MHz)")] | None = None
    """Highest frequency of the processor, in MHz."""


class KeplerMachineConfigSpec(SpecPart):
    """What is wanted of the machines."""

    roles: Annotated[
        tuple[Role, ...],
        Field(max_length=16),
        atomic(),
        different(),
        Each(one_of(ROLES, "pools of your own take what 'worker' gets")),
    ] = ("worker",)
    """Pools of machines (MachineConfigPools on OpenShift) that `kernel-devel` and `cgroup-v2` change."""
    kernel_devel: bool = False
    """Whether kernel headers are installed: MachineConfig `51-<role>-kernel-devel`. Only Kepler images built on BCC
    need them. Reboots the machines of the pool one after another, on and off."""
    cgroup_v2: bool = False
    """Whether machines boot with cgroup v2: MachineConfig `50-<role>-cgroupv2`. Kepler tells containers apart by cgroup
    id only there. Reboots the machines of the pool one after another, on and off."""
    allow_reboot: bool = False
    """Whether machines may be rebooted for this. Without it no MachineConfig is written or removed, and condition
    `MachineConfigReconciled` tells which would be. Deleting this resource removes its MachineConfigs, and so reboots,
    either way, unless it is deleted with `--cascade=orphan`."""
    machine_spec: Annotated[
        dict[str, Annotated[Machine, BeforeValidator(lambda written: written or {})]],
        Field(max_length=64),
        CelRule(
            "self.all(name, size(name) <= 253 && name.matches(r'^[A-Za-z0-9][A-Za-z0-9._-]*$'))",
            "the names in `{field}` must be letters, digits, '-', '_' and '.', such as 'm5.metal': they become keys of "
            "a ConfigMap",
        ),
    ] = Field(default_factory=dict)
    """Types of machines, by name: the keys of ConfigMap `kepler-machine-spec` in each namespace with a Kepler, and,
    where there is one type only, the key `spec.json`. `collector.machine-spec` of a Kepler names the key that exporter
    and estimator read. Blank means that Kepler finds out."""


class CapableNodes(StatusPart):
    """How many nodes can run the exporter."""

    total: Count = 0
    """Nodes of the cluster."""
    linux: Count = 0
    """Nodes that run Linux."""
    supported: Count = 0
    """Nodes that run Linux with a kernel new enough for the exporter."""


class PoolStatus(StatusPart):
    """How far a pool of machines has come."""

    name: Annotated[str, Field(max_length=253)] = ""
    """Name of the MachineConfigPool."""
    state: Annotated[
        str, Field(json_schema_extra={"enum": ["Updated", "Updating", "Paused", "Degraded", "Unknown"]})
    ] = "Unknown"
    """What its conditions say."""
    machines: Count = 0
    """Machines of the pool."""
    updated: Count = 0
    """Machines that have booted with the pool's latest configuration."""


class KeplerMachineConfigStatus(StatusPart):
    """What the functions found and did."""

    observed_generation: Generation = 0
    """The `metadata.generation` that this status is about."""
    conditions: Conditions = ()
    """`MachineConfigReconciled`: what was written; `NodesSupported`: whether every node can run the exporter; `Ready`:
    whether the machines have booted with what was written."""
    nodes: CapableNodes = CapableNodes()
    """How many nodes can run the exporter, as of the last look."""
    pools: Annotated[tuple[PoolStatus, ...], Field(max_length=16), atomic()] = ()
    """How far the pools in `roles` have come, as of the last look; empty elsewhere than on OpenShift."""


class KeplerMachineConfig(Resource):
    """What Kepler needs of the machines, and what it should know about them. For the whole cluster."""

    names: ClassVar = Names("KeplerMachineConfig", "keplermachineconfigs", "kmc", namespaced=False)
    columns: ClassVar = (
        *condition_columns(),
        DELETED,
        Column("Nodes", ".status.nodes.total", "integer"),
        Column("Supported", ".status.nodes.supported", "integer"),
        Column("Roles", ".spec.roles"),
        Column("Kernel-Devel", ".spec.kernel-devel", "boolean", priority=1),
        Column("Cgroup-V2", ".spec.cgroup-v2", "boolean", priority=1),
        Column("Reboot", ".spec.allow-reboot", "boolean", priority=1),
        AGE,
    )

    spec: KeplerMachineConfigSpec = KeplerMachineConfigSpec()
    """What is wanted."""
    status: KeplerMachineConfigStatus = KeplerMachineConfigStatus()
    """What the functions found and did."""
