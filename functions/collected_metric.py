"""Which metrics the exporter collects.

Wakes on the Kepler, on the KeplerCollectedMetric it names, and on `kepler-cfm` when someone edits it.
Owns the source switches in `kepler-cfm`; everything else in there is somebody else's.
"""

from collections.abc import Mapping

from crds.kepler import Kepler
from crds.kepler_collected_metric import KeplerCollectedMetric, Source
from operands import cfm, children, engine, release
from operands.cfm import Key
from runtime.conditions import has_reported
from runtime.declaration import Function, Observed, Wake
from runtime.objects import COLLECTED_METRIC, KEPLER, Manifest, Ref
from runtime.outcome import Outcome, converged, rejected

NAME = "collected_metric"
CONDITION = "CollectedMetricReconciled"
# The keys of `kepler-cfm` that it always writes.
KEYS = frozenset(
    {
        Key.CGROUP_METRICS,
        Key.ENABLE_GPU,
        Key.EXPOSE_BPF_METRICS,
        Key.EXPOSE_CGROUP_METRICS,
        Key.EXPOSE_HW_COUNTER_METRICS,
        Key.EXPOSE_IRQ_COUNTER_METRICS,
        Key.EXPOSE_KUBELET_METRICS,
        Key.SOURCE_BPF,
        Key.SOURCE_CGROUP,
        Key.SOURCE_COUNTER,
        Key.SOURCE_GPU,
        Key.SOURCE_IRQ,
        Key.SOURCE_KUBELET,
    }
)

# A source of the working document -> the switch that Kepler reads (KEP v0.7.12:pkg/config/config.go). Cgroup and
# kubelet were read up to v0.7.10 and v0.6.1.
SWITCHES: Mapping[Source, Key] = {
    Source.COUNTER: Key.EXPOSE_HW_COUNTER_METRICS,
    Source.CGROUP: Key.EXPOSE_CGROUP_METRICS,
    Source.KUBELET: Key.EXPOSE_KUBELET_METRICS,
    Source.GPU: Key.ENABLE_GPU,
    Source.BPF: Key.EXPOSE_BPF_METRICS,
    Source.IRQ: Key.EXPOSE_IRQ_COUNTER_METRICS,
}

# The document's own keys: no Kepler reads them, but the users who wrote it look for them.
DOCUMENTED: Mapping[Source, Key] = {
    Source.COUNTER: Key.SOURCE_COUNTER,
    Source.CGROUP: Key.SOURCE_CGROUP,
    Source.KUBELET: Key.SOURCE_KUBELET,
    Source.GPU: Key.SOURCE_GPU,
    Source.BPF: Key.SOURCE_BPF,
    Source.IRQ: Key.SOURCE_IRQ,
}

EVERY_METRIC = "*"


def desired(observed: Observed) -> Outcome:
    """The source switches, by the resource that the Kepler names or by the built-in defaults.

    Rejected when that resource does not exist: falling back to the defaults would collect what the user turned off.
    """
    assert observed.parent is not None  # noqa: S101 (the protocol calls `gone` otherwise)
    kepler = Kepler.model_validate(observed.parent)
    metrics = referred_metrics(observed)
    if metrics is None:
        return rejected(
            "CollectedMetricNotFound",
            f"`collected-metric` names '{kepler.spec.collected_metric}', and namespace '{kepler.namespace}' has no "
            "KeplerCollectedMetric of that name: create it, or leave `collected-metric` out for the defaults",
        )
    collected = sorted(metrics.enabled())
    image = engine.image(kepler.spec.collector.image, engine.IMAGE_SETTING, observed.images)
    return converged(
        cfm.intent(observed.parent, observed.key, switches(metrics)),
        message="; ".join([f"collects from {', '.join(collected) or 'no source'}", *unread(metrics, image)]),
    )


def switches(metrics: KeplerCollectedMetric) -> dict[Key, str]:
    """Kepler's switch for each source, and the document's own key beside it."""
    on = metrics.enabled()
    return {
        **{SWITCHES[source]: str(source in on).lower() for source in Source},
        **{DOCUMENTED[source]: "enabled" if source in on else "disabled" for source in Source},
        Key.CGROUP_METRICS: ",".join(metrics.spec.sources.cgroup.metrics) or EVERY_METRIC,
    }


def unread(metrics: KeplerCollectedMetric, image: str) -> list[str]:
    """A remark for each source that is on and that the exporter's release does not read."""
    return [
        f"`sources.{source}` is on, but Kepler {release.exporter(image)} does not read it ({release.LAST_READ[source]} "
        f"was the last that did), so there are no values of {', '.join(metrics.metrics(source))}"
        for source in Source
        if source in metrics.enabled() and release.unread(image, source)
    ]


def referred_metrics(observed: Observed) -> KeplerCollectedMetric | None:
    """The KeplerCollectedMetric that the Kepler names, or the built-in defaults; None where it does not exist."""
    referred = refers(observed.key, observed.parent)
    if not referred:
        return KeplerCollectedMetric()
    metric = observed.get(referred[0])
    return None if metric is None else KeplerCollectedMetric.model_validate(metric)


def refers(key: Ref, parent: Manifest | None) -> tuple[Ref, ...]:
    """The KeplerCollectedMetric that the Kepler names, in its own namespace."""
    named = ((parent or {}).get("spec") or {}).get("collected-metric")
    return (Ref(COLLECTED_METRIC, key.namespace, named),) if named else ()


FUNCTION = Function(
    name=NAME,
    condition=CONDITION,
    gates_ready=True,
    keys=KEYS,
    wakes=(Wake(KEPLER, idle=has_reported(CONDITION)), Wake(COLLECTED_METRIC), cfm.wake(NAME, KEYS)),
    children=lambda key: (children.cfm(key),),
    refers=refers,
    reads=(COLLECTED_METRIC,),
    desired=desired,
)
