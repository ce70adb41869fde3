"""KeplerMachineConfig: what Kepler needs of the machines themselves, and what it should know about them.

The first half is for OpenShift, where nodes are changed by MachineConfigs and reboot for it. The Kepler that this
operator installs needs neither half; images built on BCC, and nodes whose CPU it does not know, do.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from crds.fields import DnsLabel, Int32, Rule, between, text, unique
from crds.meta import AGE, Column, Conditions, Generation, Names, Observed, Resource, Written, condition_columns


class Machine(Written):
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


class KeplerMachineConfigSpec(Written):
    """What is wanted of the machines."""

    roles: Annotated[tuple[DnsLabel, ...], Field(max_length=16), unique()] = ("worker",)
    """Pools of machines (MachineConfigPools on OpenShift) that `kernel-devel` and `cgroup-v2` change."""
    kernel_devel: bool = False
    """Whether kernel headers are installed: MachineConfig `51-<role>-kernel-devel`. Only Kepler images built on BCC
    need them. Reboots the machines of the pool one after another."""
    cgroup_v2: bool = False
    """Whether machines boot with cgroup v2: MachineConfig `50-<role>-cgroupv2`. Kepler tells containers apart by cgroup
    id only there. Reboots the machines of the pool one after another."""
    allow_reboot: bool = False
    """Whether machines may be rebooted for this. Without it nothing is changed, and the status tells what would be."""
    machine_spec: Annotated[
        dict[str, Machine],
        Field(max_length=64),
        Rule(
            "self.all(name, size(name) <= 253 && name.matches(r'^[A-Za-z0-9][A-Za-z0-9._-]*$'))",
            "the names in `{field}` must be letters, digits, '-', '_' and '.', such as 'm5.metal': they become keys of "
            "a ConfigMap",
        ),
    ] = Field(default_factory=dict)
    """Types of machines, by name: the keys of ConfigMap `kepler-machine-spec`. Blank means that Kepler finds out."""


class KeplerMachineConfigStatus(Observed):
    """What the functions found and did."""

    observed_generation: Generation = 0
    """The `metadata.generation` that this status is about."""
    conditions: Conditions = ()
    """What has become of the machines."""


class KeplerMachineConfig(Resource):
    """What Kepler needs of the machines, and what it should know about them. For the whole cluster."""

    names: ClassVar = Names("KeplerMachineConfig", "keplermachineconfigs", "kmc", namespaced=False)
    columns: ClassVar = (
        *condition_columns(),
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
