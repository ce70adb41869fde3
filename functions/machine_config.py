"""Function `machine_config`: kernel headers and cgroup v2 on OpenShift, and a check of every node.

Woken by the KeplerMachineConfig alone. Nodes do not wake it, since each sends a heartbeat every few seconds.
MachineConfigs and pools do not either: they exist on OpenShift only, and Knative's event source exits if it watches a
kind that the cluster does not have. So the state of the machines is reported at the next edit, `resync` or sweep.

Owns the four MachineConfigs of its two features for OpenShift's two pools. Each write of them reboots machines, so
without `allow-reboot` none is written or removed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from crds.kepler_machine_config import ROLES, KeplerMachineConfig
from events.outcome_words import ConditionStatus, Word
from operands import openshift, preflight
from operands.openshift import MachineConfigPool, PoolFeature
from runtime.adoption import made_here, resync
from runtime.conditions import READY, all_true
from runtime.declaration import Function, Input, Observed, Wake
from runtime.objects import MACHINE_CONFIG, NODES_CONFIG, Manifest, Ref, generation
from runtime.outcome import STATUS_OF, FunctionCondition, Outcome, converged, rejected
from runtime.ownership import owned_by

CONDITION = "MachineConfigReconciled"


def desired(observed: Observed) -> Outcome:
    """Return the MachineConfigs, three conditions, and the status of nodes and pools."""
    assert observed.parent is not None  # noqa: S101 (if it is None, `runtime.protocol` calls `clean_up`)
    config = KeplerMachineConfig.model_validate(observed.parent)
    machines = Machines(observed, config, observed.parent)
    decided, nodes = machines.decided(), observed.collections[preflight.NODES]
    reconciled = FunctionCondition(CONDITION, STATUS_OF[decided.word], decided.reason, decided.message)
    return replace(
        decided,
        conditions=(machines.ready(decided), reconciled, preflight.check(observed.key, nodes)),
        status={
            "observedGeneration": generation(observed.parent),
            "nodes": preflight.counts(nodes),
            "pools": [pool.status for pool in machines.pools() if pool.name in config.spec.roles],
        },
    )


@dataclass(frozen=True)
class Machines:
    """What one KeplerMachineConfig requires of the machines, compared with the observed objects."""

    observed: Observed
    config: KeplerMachineConfig
    parent: Manifest

    def decided(self) -> Outcome:
        """Return which MachineConfigs to write and remove, or why none is."""
        wanted = openshift.wanted_features(self.config.spec)
        if not self.is_openshift:
            return _not_applicable(wanted)
        for role in sorted({pool_feature.role for pool_feature in wanted}):
            if self.observed.get(openshift.pool(role)) is None:
                return rejected(
                    "PoolNotFound",
                    f"`roles` names '{role}', and the cluster has no MachineConfigPool of that name: take it out, or "
                    f"create the pool and run `{resync(self.observed.key)}`",
                )
        written, removed = self.written(), self.removed()
        if (written or removed) and not self.config.spec.allow_reboot:
            return _not_allowed(written, removed)
        names = ", ".join(pool_feature.ref.name for pool_feature in wanted)
        message = f"MachineConfigs in place: {names}" if names else "no MachineConfig is asked for"
        if not self.config.spec.allow_reboot:
            return converged(message=message)
        intents = tuple(pool_feature.intent(self.parent) for pool_feature in wanted if not self._in_place(pool_feature))
        absent = tuple(pool_feature.ref for pool_feature in removed)
        return Outcome(Word.CONVERGED, "Reconciled", message, intents=intents, absent=absent)

    @property
    def is_openshift(self) -> bool:
        """Return whether this cluster has MachineConfigs, that is whether it is OpenShift."""
        return self.observed.get(openshift.API) is not None

    def written(self) -> tuple[PoolFeature, ...]:
        """Return the wanted MachineConfigs that are missing or differ."""
        wanted = openshift.wanted_features(self.config.spec)
        return tuple(
            pool_feature for pool_feature in wanted if not pool_feature.is_said_by(self.observed.get(pool_feature.ref))
        )

    def removed(self) -> tuple[PoolFeature, ...]:
        """Return our MachineConfigs that are switched off; those that somebody made by hand are left alone."""
        unwanted = set(openshift.POOL_FEATURES) - set(openshift.wanted_features(self.config.spec))
        return tuple(sorted(pool_feature for pool_feature in unwanted if self._owns(pool_feature)))

    def pools(self) -> Iterator[MachineConfigPool]:
        """Yield OpenShift's own pools, if they exist."""
        pools = (self.observed.get(openshift.pool(role)) for role in ROLES)
        yield from (openshift.read(pool) for pool in pools if pool is not None)

    def ready(self, decided: Outcome) -> FunctionCondition:
        """Return `Ready`: whether all machines run with the decided MachineConfigs. Failures come before progress."""
        if decided.word is not Word.CONVERGED or not self.is_openshift:
            return FunctionCondition(READY, STATUS_OF[decided.word], decided.reason, decided.message)
        late = [_late(self.observed.key, pool) for pool in self.pools() if not self._done(pool)]
        wrong = [condition for condition in late if condition.status is ConditionStatus.FALSE]
        return next(iter(wrong + late), FunctionCondition(READY, ConditionStatus.TRUE, "Ready", decided.message))

    def _done(self, pool: MachineConfigPool) -> bool:
        """Return whether all machines of the pool have booted with every wanted MachineConfig and no unwanted one."""
        wanted = openshift.wanted_features(self.config.spec)
        return all(
            (pool_feature.ref.name in pool.booted) == (pool_feature in wanted or self._by_hand(pool_feature))
            for pool_feature in openshift.POOL_FEATURES
            if pool_feature.role == pool.name
        )

    def _owns(self, pool_feature: PoolFeature) -> bool:
        actual = self.observed.get(pool_feature.ref)
        return actual is not None and owned_by(self.parent, actual)

    def _in_place(self, pool_feature: PoolFeature) -> bool:
        """Return whether somebody else made the MachineConfig as wanted: it stays theirs, and outlives the parent."""
        actual = self.observed.get(pool_feature.ref)
        return (
            actual is not None
            and self._by_hand(pool_feature)
            and not made_here(actual)
            and pool_feature.is_said_by(actual)
        )

    def _by_hand(self, pool_feature: PoolFeature) -> bool:
        return self.observed.get(pool_feature.ref) is not None and not self._owns(pool_feature)


def _not_applicable(wanted: tuple[PoolFeature, ...]) -> Outcome:
    """Return the outcome for a cluster that is not OpenShift: there, node images have to contain the features."""
    asked = " and ".join(f"`{feature}`" for feature in sorted({pool_feature.feature for pool_feature in wanted}))
    message = "the cluster has no MachineConfigs, which are OpenShift's: no machine is changed"
    if asked:
        message += f"; what {asked} would bring has to be part of the nodes' own images here"
    return converged(reason="NotApplicable", message=message)


def _not_allowed(written: tuple[PoolFeature, ...], removed: tuple[PoolFeature, ...]) -> Outcome:
    """Return a rejection that names the changes and the pools that would reboot."""
    actions = {"write": written, "remove": removed}
    steps = [
        f"{verb} {', '.join(pool_feature.ref.name for pool_feature in pool_features)}"
        for verb, pool_features in actions.items()
        if pool_features
    ]
    pools = " and ".join(f"'{role}'" for role in sorted({pool_feature.role for pool_feature in (*written, *removed)}))
    return rejected(
        "RebootNotAllowed",
        f"nothing is changed; with `allow-reboot: true` it would {' and '.join(steps)}, and the machines of pool "
        f"{pools} would reboot one after another",
    )


def _late(key: Ref, pool: MachineConfigPool) -> FunctionCondition:
    """Return the condition for a pool that is not done.

    No event announces changes of a pool, so the message says how to look again.
    """
    progress = f"MachineConfigPool '{pool.name}': {pool.updated} of {pool.machines} machines"
    again = f"run `{resync(key)}`"
    if pool.state == "Degraded":
        trouble = pool.trouble or "look at its conditions"
        message = f"{progress}, and it is degraded: {trouble}; mend that, then {again}"
        return FunctionCondition(READY, ConditionStatus.FALSE, "PoolDegraded", message)
    if pool.state == "Paused":
        message = f"{progress}, and it is paused: set `spec.paused` of the pool to 'false', then {again}"
        return FunctionCondition(READY, ConditionStatus.UNKNOWN, "PoolPaused", message)
    later = f"wait for the next sweep, or {again}, which looks at once"
    begun = f"{progress} have rebooted" if pool.state == "Updating" else f"{progress}, and it has not begun"
    return FunctionCondition(READY, ConditionStatus.UNKNOWN, "PoolUpdating", f"{begun}: {later}")


def nodes(_key: Ref, _parent: Manifest | None) -> tuple[Input, ...]:
    """Return the collection of all nodes."""
    return (preflight.NODES,)


def _done(config: Manifest) -> bool:
    """Return whether the MachineConfigs were decided on. Machines that still boot need no reconcile at each event."""
    return all_true(config, (CONDITION,))


MACHINE_CONFIGS = tuple(pool_feature.ref for pool_feature in openshift.POOL_FEATURES)

FUNCTION = Function(
    name="machine_config",
    condition=CONDITION,
    gates_ready=False,
    summaries=(READY,),
    wakes=(Wake(MACHINE_CONFIG, nothing_to_do=_done),),
    parent=MACHINE_CONFIG,
    children=lambda _key: MACHINE_CONFIGS,
    removes=lambda _key: MACHINE_CONFIGS,
    inputs=lambda _key: (openshift.API, *(openshift.pool(role) for role in ROLES)),
    references=nodes,
    lists=(preflight.NODES.kind,),
    overlays={NODES_CONFIG.group: openshift.OVERLAY},
    desired=desired,
)
