"""Function `collected_metric`: which metrics the exporter collects.

Woken by the Kepler, by the KeplerCollectedMetric that it names, and by `kepler-cfm` when somebody edits it.
Owns the source switches in `kepler-cfm`; all other keys belong to other functions or to the user.
"""

from collections.abc import Mapping

from crds.collector_fields import ReleaseLine
from crds.kepler import Kepler
from crds.kepler_collected_metric import KeplerCollectedMetric, Source
from operands import cfm, children, kepler_v07, release
from operands.cfm import Key
from runtime.conditions import reports_true
from runtime.declaration import Function, Observed, Wake
from runtime.objects import COLLECTED_METRIC, KEPLER, Manifest, Ref
from runtime.outcome import Outcome, converged, rejected

NAME = "collected_metric"
CONDITION = "CollectedMetricReconciled"
# The keys of `kepler-cfm` that this function always writes.
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

# Source of the working document -> the switch that Kepler reads (kepler v0.7.12:pkg/config/config.go). The last
# releases that read the cgroup and kubelet sources are v0.7.10 and v0.6.1.
SWITCHES: Mapping[Source, Key] = {
    Source.COUNTER: Key.EXPOSE_HW_COUNTER_METRICS,
    Source.CGROUP: Key.EXPOSE_CGROUP_METRICS,
    Source.KUBELET: Key.EXPOSE_KUBELET_METRICS,
    Source.GPU: Key.ENABLE_GPU,
    Source.BPF: Key.EXPOSE_BPF_METRICS,
    Source.IRQ: Key.EXPOSE_IRQ_COUNTER_METRICS,
}

# The working document's keys. No release of Kepler reads them, but users of that document expect them.
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
    """Return the source switches, from the KeplerCollectedMetric that the Kepler names or from the built-in defaults.

    Rejected if that resource does not exist: the defaults might collect what the user has turned off.
    """
    assert observed.parent is not None  # noqa: S101 (if it is None, `runtime.protocol` calls `clean_up`)
    kepler = Kepler.model_validate(observed.parent)
    metrics = referred_metrics(observed)
    if metrics is None:
        return rejected(
            "CollectedMetricNotFound",
            f"`collected-metric` names '{kepler.spec.collected_metric}', and namespace '{kepler.namespace}' has no "
            "KeplerCollectedMetric of that name: create it, or leave `collected-metric` out for the defaults",
        )
    if release.is_v011(kepler.spec.collector):
        return converged(message=gpu_only(metrics, release.image(kepler.spec.collector, observed.images)))
    collected = sorted(metrics.enabled())
    image = release.image(kepler.spec.collector, observed.images)
    return converged(
        cfm.intent(observed.parent, observed.key, switches(metrics)),
        message="; ".join(
            [
                f"collects from {', '.join(collected) or 'no source'}",
                *_without_gpu(metrics, image),
                *unread(metrics, image),
            ]
        ),
    )


def switches(metrics: KeplerCollectedMetric) -> dict[Key, str]:
    """Return Kepler's switch and the working document's key for each source."""
    on = metrics.enabled()
    return {
        **{SWITCHES[source]: str(source in on).lower() for source in Source},
        **{DOCUMENTED[source]: "enabled" if source in on else "disabled" for source in Source},
        Key.CGROUP_METRICS: ",".join(metrics.spec.sources.cgroup.metrics) or EVERY_METRIC,
    }


def gpu_only(metrics: KeplerCollectedMetric, image: str) -> str:
    """Return the message for line v0.11, which has no sources, and of this resource follows `sources.gpu` alone."""
    if release.reads_gpus_v011(image):
        gpu = f"energy of GPUs is {'' if Source.GPU in metrics.enabled() else 'not '}measured, and all other sources"
    else:
        image_release, first = release.exporter_v011(image), release.FIRST_WITH_GPU
        gpu = f"Kepler {image_release} does not read GPUs ({first} was the first that did), and all sources"
    return f"Kepler of line '{ReleaseLine.V0_11}' has one source of its own (RAPL): {gpu} and lists have no effect"


def _without_gpu(metrics: KeplerCollectedMetric, image: str) -> list[str]:
    """Return a remark if GPUs are a source and the image, by its tag, has none of the backends that read them."""
    if Source.GPU not in metrics.enabled() or release.reads_gpus(image):
        return []
    suffixes = " or ".join(f"'{suffix}'" for suffix in kepler_v07.GPU_SUFFIXES)
    return [
        f"`sources.gpu` is on, and '{image}' is built without support for GPUs, of which it exports 0: name an image "
        f"whose tag ends in {suffixes} if nodes have any"
    ]


def unread(metrics: KeplerCollectedMetric, image: str) -> list[str]:
    """Return a remark for each enabled source that the exporter's release does not read."""
    return [
        f"`sources.{source}` is on, but Kepler {release.exporter(image)} does not read it ({release.LAST_READ[source]} "
        f"was the last that did), so there are no values of {', '.join(metrics.metrics(source))}"
        for source in Source
        if source in metrics.enabled() and release.ignores_source(image, source)
    ]


def referred_metrics(observed: Observed) -> KeplerCollectedMetric | None:
    """Return the KeplerCollectedMetric that the Kepler names, or the built-in defaults; None if it does not exist."""
    referred = references(observed.key, observed.parent)
    if not referred:
        return KeplerCollectedMetric()
    metric = observed.get(referred[0])
    return None if metric is None else KeplerCollectedMetric.model_validate(metric)


def references(key: Ref, parent: Manifest | None) -> tuple[Ref, ...]:
    """Return the KeplerCollectedMetric that the Kepler names, in the Kepler's namespace."""
    named = ((parent or {}).get("spec") or {}).get("collected-metric")
    return (Ref(COLLECTED_METRIC, key.namespace, named),) if named else ()


FUNCTION = Function(
    name=NAME,
    condition=CONDITION,
    gates_ready=True,
    keys=KEYS,
    wakes=(Wake(KEPLER, nothing_to_do=reports_true(CONDITION)), Wake(COLLECTED_METRIC), cfm.wake(NAME, KEYS)),
    children=lambda key: (children.cfm(key),),
    references=references,
    reads=(COLLECTED_METRIC,),
    desired=desired,
)
