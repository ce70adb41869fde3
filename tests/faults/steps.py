"""What a user does, one step after the other: each starts where the one before has come to rest.

A chain leads to where something can be tried again and again: its loop ends where it began. Together the chains create,
change in every way, disable, delete, and create again under the same name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from crds.collector_fields import ReleaseLine
from effects.rendered_cluster import ADDITIONS, PLACES
from operands.children import ACCOUNT, CFM, EXPORTER, KEPLER_CONFIG, MODEL_SERVER
from runtime.objects import (
    COLLECTED_METRIC,
    CONFIG_MAP,
    DAEMON_SET,
    DEPLOYMENT,
    EXPORTED_POWER,
    KEPLER,
    MACHINE_CONFIG,
    NAMESPACE,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
    Ref,
)
from tests.campaign.full_specs import full_specs
from tests.faults.fault_world import FaultWorld
from tests.workbench import kepler

NAME = "kepler"
OTHER = "other"
CLAIM = {"type": "claim", "claim": {"size": "1Gi", "storage-class": "fast", "on-delete": "Delete"}}
PLAIN = {"collected-metric": "mine", "exported-power": "mine", "model-server": {"storage": CLAIM}}
EDITED = {**PLAIN, "collector": {"port": 9103}}
EVERYTHING = {
    **EDITED,
    "estimator-sidecar": {"enabled": True},
    "model-server": {"enabled": True, "storage": CLAIM},
}
REFERRED = (COLLECTED_METRIC, EXPORTED_POWER)
REBOOTING = {"roles": ["worker", "master"], "allow-reboot": True}
MACHINES = {"m5.metal": {"processor": "intel", "cores": 96, "chips": 2, "memory": 377, "frequency": 3500}}


@dataclass(frozen=True)
class ChainStep:
    """One step.

    `undoes` says that it takes the step before back: coming in the middle of it, it may end as if neither had been.
    `forbids` says that it may keep the step before from being carried out, so that the two are not tried together.
    """

    name: str
    act: Callable[[FaultWorld], None]
    undoes: bool = False
    forbids: bool = False


@dataclass(frozen=True)
class Chain:
    """Steps to get there, and steps that end where they began."""

    name: str
    setup: tuple[ChainStep, ...]
    loop: tuple[ChainStep, ...]


def apply(spec: Mapping[str, Any], name: str = NAME) -> Callable[[FaultWorld], None]:
    """The Kepler with this spec, and nothing else in it."""
    return lambda world: world.apply({**kepler(name), "spec": {**spec}})


def collected(**sources: bool) -> Callable[[FaultWorld], None]:
    """The KeplerCollectedMetric with these sources on or off."""
    spec = {"sources": {source: {"enabled": on} for source, on in sources.items()}}
    return lambda world: world.apply({**kepler("mine"), "kind": COLLECTED_METRIC.name, "spec": spec})


def exported(*levels: str, name: str = "mine") -> Callable[[FaultWorld], None]:
    """The KeplerExportedPower with these levels."""
    return lambda world: world.apply({**kepler(name), "kind": EXPORTED_POWER.name, "spec": {"levels": [*levels]}})


def machines(**spec: Any) -> Callable[[FaultWorld], None]:
    """A KeplerMachineConfig, which is in no namespace."""
    return lambda world: world.apply({**kepler("machines", **spec), "kind": MACHINE_CONFIG.name})


def every_field(line: ReleaseLine) -> Callable[[FaultWorld], None]:
    """The Kepler of this line with every field set."""
    return apply(full_specs(line)[KEPLER.name])


def every_field_beside(*kinds: Kind) -> Callable[[FaultWorld], None]:
    """What that Kepler refers to, of these kinds, with every field set as well."""
    specs = full_specs(ReleaseLine.V0_11)
    return all_of(*(partial(_apply_beside, kind, specs[kind.name]) for kind in kinds))


def _apply_beside(kind: Kind, spec: Mapping[str, Any], world: FaultWorld) -> None:
    world.apply({**kepler(PLACES[kind.name].name), "kind": kind.name, "spec": {**spec}})


def additions(world: FaultWorld) -> None:
    """The ConfigMap that `collector.additional-config` of a Kepler with every field names."""
    data = {"config.yaml": "monitor: {minTerminatedEnergyThreshold: 0}"}
    world.apply({"apiVersion": "v1", "kind": CONFIG_MAP.name, "metadata": {"name": ADDITIONS.name}, "data": data})


def all_of(*acts: Callable[[FaultWorld], None]) -> Callable[[FaultWorld], None]:
    """One after the other, without waiting."""

    def act(world: FaultWorld) -> None:
        for act in acts:
            act(world)

    return act


def delete(kind: Kind, name: str) -> Callable[[FaultWorld], None]:
    """`kubectl delete`."""
    return lambda world: world.delete(Ref(kind, world.namespace if kind.namespaced else "", name))


def patch(kind: Kind, name: str, change: Mapping[str, Any]) -> Callable[[FaultWorld], None]:
    """`kubectl patch --type merge`, as somebody does by hand."""
    return lambda world: world.patch(Ref(kind, world.namespace, name), change)


def enforce(level: str) -> Callable[[FaultWorld], None]:
    """What an administrator lets pods of the namespace be."""
    change = {"metadata": {"labels": {ENFORCE: level}}}
    return lambda world: world.patch(Ref(NAMESPACE, "", world.namespace), change)


def configure(**data: str | None) -> Callable[[FaultWorld], None]:
    """Keys of `kepler-cfm` set or removed by hand."""
    return patch(CONFIG_MAP, CFM, {"data": data})


CREATE = ChainStep("create", all_of(collected(counter=True), exported("node", "package"), apply(PLAIN)))
TURN_ON = ChainStep("turn everything on", apply(EVERYTHING))
ENFORCE = "pod-security.kubernetes.io/enforce"
HEADLESS = {"spec": {"selector": {"app.kubernetes.io/name": "another"}}}

CHAINS: tuple[Chain, ...] = (
    Chain(
        "life",
        (),
        (
            CREATE,
            ChainStep("edit at once", apply(EDITED)),
            ChainStep("delete", delete(KEPLER, NAME)),
            ChainStep("tidy up", all_of(delete(COLLECTED_METRIC, "mine"), delete(EXPORTED_POWER, "mine"))),
        ),
    ),
    Chain("again", (CREATE,), (ChainStep("delete and create again", all_of(delete(KEPLER, NAME), apply(PLAIN))),)),
    Chain(
        "edits",
        (CREATE,),
        (
            ChainStep("edit", apply(EDITED)),
            ChainStep("edit again", apply({**PLAIN, "collector": {"port": 9104}})),
            ChainStep("edit back", apply(PLAIN)),
        ),
    ),
    Chain("components", (CREATE,), (TURN_ON, ChainStep("turn everything off", apply(PLAIN)))),
    Chain(
        "lines",
        (
            ChainStep("create what it refers to", all_of(additions, every_field_beside(*REFERRED, MACHINE_CONFIG))),
            ChainStep("create with every field", every_field(ReleaseLine.V0_11)),
        ),
        (
            ChainStep("to the other line", every_field(ReleaseLine.V0_7)),
            ChainStep("back to the first line", every_field(ReleaseLine.V0_11)),
            ChainStep("edit there", exported("pod", "container", name=PLACES[EXPORTED_POWER.name].name)),
            ChainStep(
                "edit its configuration by hand", patch(CONFIG_MAP, KEPLER_CONFIG, {"data": {"config.yaml": ""}})
            ),
            ChainStep(
                "delete its configuration, take the edit back",
                all_of(delete(CONFIG_MAP, KEPLER_CONFIG), every_field_beside(EXPORTED_POWER)),
            ),
        ),
    ),
    Chain(
        "referred",
        (CREATE, TURN_ON),
        (
            ChainStep("edit the collected metrics", collected(counter=True, irq=False)),
            ChainStep("edit the exported power", exported("node", "container", "process")),
            ChainStep("take the collected metrics back", collected(counter=True)),
            ChainStep("take the exported power back", exported("node", "package")),
        ),
    ),
    Chain(
        "impossible",
        (CREATE, TURN_ON),
        (
            ChainStep("ask for what cannot work", collected(counter=False, bpf=False)),
            ChainStep("edit while it cannot work", apply({**EVERYTHING, "collector": {"port": 9104}})),
            ChainStep("take it back", all_of(collected(counter=True), apply(EVERYTHING))),
        ),
    ),
    Chain(
        "drift",
        (CREATE, TURN_ON),
        (
            ChainStep("delete the workloads", all_of(delete(DAEMON_SET, EXPORTER), delete(DEPLOYMENT, MODEL_SERVER))),
            ChainStep("delete the services", all_of(delete(SERVICE, EXPORTER), delete(SERVICE_ACCOUNT, ACCOUNT))),
            ChainStep("delete the configuration", delete(CONFIG_MAP, CFM)),
            ChainStep("edit a child", patch(SERVICE, EXPORTER, HEADLESS)),
            ChainStep("add a key, take one away", configure(MAX_LOOKUP_RETRY="7", ENABLE_GPU=None)),
            ChainStep("remove the key", configure(MAX_LOOKUP_RETRY=None)),
        ),
    ),
    Chain(
        "machines",
        (CREATE,),
        (
            ChainStep("describe machines", machines(machine_spec=MACHINES, kernel_devel=True, **REBOOTING)),
            ChainStep(
                "change machines", machines(machine_spec=MACHINES, kernel_devel=True, cgroup_v2=True, **REBOOTING)
            ),
            ChainStep("describe none", machines(**REBOOTING)),
            ChainStep("delete the description", delete(MACHINE_CONFIG, "machines")),
        ),
    ),
    Chain(
        "namespace",
        (CREATE, TURN_ON),
        (
            ChainStep("forbid privileged pods", enforce("restricted"), forbids=True),
            ChainStep("edit while they are forbidden", apply({**EVERYTHING, "collector": {"port": 9104}})),
            ChainStep("allow privileged pods", enforce("privileged")),
            ChainStep("edit back", apply(EVERYTHING)),
        ),
    ),
    Chain(
        "two of them",
        (CREATE,),
        (
            ChainStep("a second one", apply(EDITED, OTHER), undoes=True),
            ChainStep("delete the first", delete(KEPLER, NAME)),
            ChainStep("the first once more", apply(PLAIN), undoes=True),
            ChainStep("delete the second", delete(KEPLER, OTHER)),
        ),
    ),
)
