"""Function `exported_power`: at which levels the exporter exports power, and which usage metrics it exports with it.

Woken by the Kepler, by the KeplerExportedPower that it names, by the KeplerCollectedMetric that it names (if a source
is off, its metrics have no values, and the condition says so), and by `kepler-cfm` when somebody edits it.
Owns the export switches in `kepler-cfm`. Function `monitoring` drops the series that Kepler has no switch for.
"""

from crds.kepler import Kepler
from crds.kepler_collected_metric import KeplerCollectedMetric, Source
from crds.kepler_exported_power import KeplerExportedPower, KeplerExportedPowerSpec, Level
from functions import collected_metric
from operands import cfm, children, metrics, release
from operands.cfm import Key
from runtime.conditions import reports_true
from runtime.declaration import Function, Observed, Wake
from runtime.objects import COLLECTED_METRIC, EXPORTED_POWER, KEPLER, Manifest, Ref
from runtime.outcome import Outcome, converged, rejected

NAME = "exported_power"
CONDITION = "ExportedPowerReconciled"
# The keys of `kepler-cfm` that this function always writes.
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
    """Return the export switches, from the KeplerExportedPower that the Kepler names or from the built-in defaults.

    Rejected if that resource does not exist: the defaults might export what the user has turned off.
    """
    assert observed.parent is not None  # noqa: S101 (if it is None, `runtime.protocol` calls `clean_up`)
    kepler = Kepler.model_validate(observed.parent)
    asked = referred_power(observed)
    if asked is None:
        return rejected(
            "ExportedPowerNotFound",
            f"`exported-power` names '{kepler.spec.exported_power}', and namespace '{kepler.namespace}' has no "
            "KeplerExportedPower of that name: create it, or leave `exported-power` out for the defaults",
        )
    if release.is_v011(kepler.spec.collector):
        return converged(message=summary_v011(asked.spec))
    without = uncollected(asked.spec, collected_metric.referred_metrics(observed))
    return converged(
        cfm.intent(observed.parent, observed.key, keys(asked.spec)),
        message="; ".join([summary(asked.spec), *without]),
    )


def keys(asked: KeplerExportedPowerSpec) -> dict[Key, str]:
    """Return Kepler's switches and the working document's list of metrics, in a fixed order."""
    on = {key: str(value).lower() for key, value in metrics.switches(asked).items()}
    return {Key.EXPORT_METRICS: ", ".join(metrics.usage(asked)), **on}


def summary(asked: KeplerExportedPowerSpec) -> str:
    """Return a sentence on what is exported, for the condition."""
    levels = ", ".join(level for level in Level if level in asked.levels)
    idle = " including idle power" if asked.idle_power else ""
    usage = ", ".join(metrics.usage(asked)) if asked.metrics else "all there are"
    return f"exports power of {levels}{idle}; usage metrics: {usage}"


def summary_v011(asked: KeplerExportedPowerSpec) -> str:
    """Return what line v0.11 exports, for the condition: of usage it knows CPU time alone."""
    levels = ", ".join(level for level in Level if level in asked.levels)
    idle = " including idle power" if asked.idle_power else ""
    named = "`metrics` names metrics of line 'v0.7', so CPU time is not kept"
    usage = named if asked.metrics else "CPU time of processes is kept, if they are exported"
    return f"exports power of {levels}{idle}; {usage}"


def uncollected(asked: KeplerExportedPowerSpec, collected: KeplerCollectedMetric | None) -> list[str]:
    """Return a remark for each source that does not deliver requested metrics: it is off, or its list lacks them.

    Only metrics that are requested by name count. Kepler v0.7 hides all usage metrics if `bpf` is off
    (kepler v0.7.12:pkg/metrics/utils/utils.go).
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
    """Return the KeplerExportedPower that the Kepler names, or the built-in defaults; None if it does not exist."""
    referred = references(observed.key, observed.parent)
    if not referred:
        return KeplerExportedPower()
    power = observed.get(referred[0])
    return None if power is None else KeplerExportedPower.model_validate(power)


def references(key: Ref, parent: Manifest | None) -> tuple[Ref, ...]:
    """Return the KeplerExportedPower that the Kepler names, in the Kepler's namespace."""
    named = ((parent or {}).get("spec") or {}).get("exported-power")
    return (Ref(EXPORTED_POWER, key.namespace, named),) if named else ()


FUNCTION = Function(
    name=NAME,
    condition=CONDITION,
    gates_ready=True,
    keys=KEYS,
    wakes=(
        Wake(KEPLER, nothing_to_do=reports_true(CONDITION)),
        Wake(EXPORTED_POWER),
        Wake(COLLECTED_METRIC),
        cfm.wake(NAME, KEYS),
    ),
    children=lambda key: (children.cfm(key),),
    references=lambda key, parent: (*references(key, parent), *collected_metric.references(key, parent)),
    reads=(EXPORTED_POWER, COLLECTED_METRIC),
    desired=desired,
)
