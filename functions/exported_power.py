"""At which levels the exporter tells of power, and which usage metrics beside it.

Wakes on the Kepler, on the KeplerExportedPower it names, on the KeplerCollectedMetric it names (a metric of a source
that is off has no values, and the condition says so), and on `kepler-cfm` when someone edits it.
Owns the export switches in `kepler-cfm`. What Kepler cannot switch is `monitoring`'s.
"""

from crds.kepler import Kepler
from crds.kepler_collected_metric import KeplerCollectedMetric, Source
from crds.kepler_exported_power import KeplerExportedPower, KeplerExportedPowerSpec, Level
from functions import collected_metric
from operands import cfm, children, metrics
from operands.cfm import Key
from runtime.conditions import has_reported
from runtime.declaration import Function, Observed, Wake
from runtime.objects import COLLECTED_METRIC, EXPORTED_POWER, KEPLER, Manifest, Ref
from runtime.outcome import Outcome, converged, rejected

NAME = "exported_power"
CONDITION = "ExportedPowerReconciled"
# The keys of `kepler-cfm` that it always writes.
KEYS = frozenset(
    {
        Key.ENABLE_PROCESS_METRICS,
        Key.EXPORT_METRICS,
        Key.EXPOSE_COMPONENT_POWER,
        Key.EXPOSE_CONTAINER_METRICS,
        Key.EXPOSE_ESTIMATED_IDLE_POWER_METRICS,
        Key.EXPOSE_VM_METRICS,
    }
)


def desired(observed: Observed) -> Outcome:
    """The export switches, by the resource that the Kepler names or by the built-in defaults.

    Rejected when that resource does not exist: falling back to the defaults would export what the user turned off.
    """
    assert observed.parent is not None  # noqa: S101 (the protocol calls `gone` otherwise)
    kepler = Kepler.model_validate(observed.parent)
    asked = referred_power(observed)
    if asked is None:
        return rejected(
            "ExportedPowerNotFound",
            f"`exported-power` names '{kepler.spec.exported_power}', and namespace '{kepler.namespace}' has no "
            "KeplerExportedPower of that name: create it, or leave `exported-power` out for the defaults",
        )
    without = uncollected(asked.spec, collected_metric.referred_metrics(observed))
    return converged(
        cfm.intent(observed.parent, observed.key, keys(asked.spec)),
        message="; ".join([summary(asked.spec), *without]),
    )


def keys(asked: KeplerExportedPowerSpec) -> dict[Key, str]:
    """Kepler's switches, and the working document's list, in one order however the user wrote it."""
    on = {key: str(value).lower() for key, value in metrics.switches(asked).items()}
    return {Key.EXPORT_METRICS: ", ".join(metrics.usage(asked)), **on}


def summary(asked: KeplerExportedPowerSpec) -> str:
    """What is exported, for the condition."""
    levels = ", ".join(level for level in Level if level in asked.levels)
    idle = " with what is used when idle" if asked.idle_power else ""
    usage = ", ".join(metrics.usage(asked)) if asked.metrics else "all there are"
    return f"exports power of {levels}{idle}; usage metrics: {usage}"


def uncollected(asked: KeplerExportedPowerSpec, collected: KeplerCollectedMetric | None) -> list[str]:
    """A remark for each source that is off, or whose list lacks them, and whose metrics are asked for by name.

    Kepler v0.7 hides all usage metrics together with those of `bpf` (KEP v0.7.12:pkg/metrics/utils/utils.go).
    """
    if collected is None or not asked.metrics:
        return []
    on, where, problems = collected.enabled(), f"in KeplerCollectedMetric '{collected.name}'", []
    for source in Source:
        of_it = [metric for metric in metrics.usage(asked) if metrics.SOURCE_OF[metric] is source]
        without = [metric for metric in of_it if metric not in metrics.collected_usage(asked, collected)]
        hidden = metrics.usage(asked) if source is Source.BPF else of_it
        if source not in on and hidden:
            problems.append(f"no values of {', '.join(hidden)}: enable `sources.{source}` {where}")
        elif without:
            problems.append(f"no values of {', '.join(without)}: add them to `sources.{source}.metrics` {where}")
    return problems


def referred_power(observed: Observed) -> KeplerExportedPower | None:
    """The KeplerExportedPower that the Kepler names, or the built-in defaults; None where it names a missing one."""
    referred = refers(observed.key, observed.parent)
    if not referred:
        return KeplerExportedPower()
    power = observed.get(referred[0])
    return None if power is None else KeplerExportedPower.model_validate(power)


def refers(key: Ref, parent: Manifest | None) -> tuple[Ref, ...]:
    """The KeplerExportedPower that the Kepler names, in its own namespace."""
    named = ((parent or {}).get("spec") or {}).get("exported-power")
    return (Ref(EXPORTED_POWER, key.namespace, named),) if named else ()


FUNCTION = Function(
    name=NAME,
    condition=CONDITION,
    gates_ready=True,
    keys=KEYS,
    wakes=(
        Wake(KEPLER, idle=has_reported(CONDITION)),
        Wake(EXPORTED_POWER),
        Wake(COLLECTED_METRIC),
        cfm.wake(NAME, KEYS),
    ),
    children=lambda key: (children.cfm(key),),
    refers=lambda key, parent: (*refers(key, parent), *collected_metric.refers(key, parent)),
    reads=(EXPORTED_POWER, COLLECTED_METRIC),
    desired=desired,
)
