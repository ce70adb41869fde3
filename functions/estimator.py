"""Function `estimator`: where the estimator sidecar of each exporter gets its power models.

Woken by the Kepler, by the KeplerCollectedMetric that it names, and by `kepler-cfm` when somebody edits it.
Owns `MODEL_CONFIG` in `kepler-cfm`, which is empty while the estimator is off. Function `collector` writes the
container itself, since it is part of the exporter's pods.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from crds.estimator_fields import Models, PowerModel
from crds.kepler import Kepler
from crds.kepler_collected_metric import KeplerCollectedMetric, Source
from functions import collected_metric
from operands import cfm, children, engine, release
from operands.cfm import Key
from runtime.conditions import has_reported
from runtime.declaration import Function, Observed, Wake
from runtime.objects import COLLECTED_METRIC, KEPLER
from runtime.outcome import Outcome, converged, rejected, waiting

NAME = "estimator"
CONDITION = "EstimatorReconciled"
# The keys of `kepler-cfm` that this function always writes.
KEYS = frozenset({Key.MODEL_CONFIG})

# Power that Kepler estimates wherever there is no meter. Power of processes needs no model: Kepler computes it from
# their share of the node's power, unless the user names a model (KEP:pkg/model/process_energy.go).
ALWAYS = ("node_total", "node_components")

# Feature group of a model -> the sources that it computes power from (MS v0.7.12:src/kepler_model/util/train_types.py,
# FeatureGroups). The directories of a model database have these names, so a model's URL usually contains one.
FEATURE_GROUPS: Mapping[str, frozenset[Source]] = {
    "CounterOnly": frozenset({Source.COUNTER}),
    "BPFOnly": frozenset({Source.BPF}),
    "BPFIRQ": frozenset({Source.BPF, Source.IRQ}),
    "CounterIRQCombined": frozenset({Source.COUNTER, Source.IRQ}),
    "Basic": frozenset({Source.COUNTER, Source.BPF}),
    "WorkloadOnly": frozenset({Source.COUNTER, Source.BPF, Source.IRQ}),
    "Full": frozenset({Source.COUNTER, Source.BPF, Source.IRQ}),
}

# Every group needs one of these. While one is on, the model server and the estimator find a model that fits.
ESSENTIAL = frozenset({Source.COUNTER, Source.BPF})


def desired(observed: Observed) -> Outcome:
    """Return `MODEL_CONFIG`, from the models that the user names or by Kepler's choice.

    Rejected if a model needs a source that is off: the exporter would start, and estimate nothing.
    """
    assert observed.parent is not None  # noqa: S101 (the protocol calls `gone` otherwise)
    parent, key = observed.parent, observed.key
    kepler = Kepler.model_validate(parent)
    if release.is_v011(kepler.spec.collector):
        return _without_estimator(kepler)
    if not kepler.spec.estimator_sidecar.enabled:
        nothing = cfm.intent(parent, key, {Key.MODEL_CONFIG: ""})
        return converged(nothing, reason="Disabled", message="`estimator-sidecar.enabled` is off")
    metrics = collected_metric.referred_metrics(observed)
    if metrics is None:
        return waiting(
            "Waiting", f"the estimator waits for KeplerCollectedMetric '{kepler.spec.collected_metric}' to exist"
        )
    estimated = ", ".join(prefix(name) for name, _ in enabled_models(kepler))
    return (
        outdated(observed, kepler)
        or refusal(kepler, metrics)
        or converged(
            cfm.intent(parent, key, {Key.MODEL_CONFIG: model_config(kepler)}),
            message="; ".join(
                [
                    f"{estimated} are estimated from {', '.join(sorted(metrics.enabled() & features()))}",
                    *unfetched(kepler),
                ]
            ),
        )
    )


def _without_estimator(kepler: Kepler) -> Outcome:
    """Return the outcome for line v0.11, which has no estimator and does not read `kepler-cfm`."""
    if kepler.spec.estimator_sidecar.enabled:
        return release.not_in_v011("estimator-sidecar.enabled", kepler.spec.collector)
    return converged(reason="Disabled", message="`estimator-sidecar.enabled` is off")


def outdated(observed: Observed, kepler: Kepler) -> Outcome | None:
    """Return a rejection if the estimator's image cannot be used, else None."""
    setting, asked = engine.MODEL_SERVER_IMAGE_SETTING, kepler.spec.estimator_sidecar.image
    return release.refuse_release(observed, "estimator-sidecar.image", asked, setting, release.lacks_programs)


def refusal(kepler: Kepler, metrics: KeplerCollectedMetric) -> Outcome | None:
    """Return a rejection if the models cannot be computed from the enabled sources, else None.

    Without COUNTER there are models of `BPFOnly` and `BPFIRQ`. So a source that is off matters only if neither COUNTER
    nor BPF is left, if online training needs it, or if the URL of a model shows that the model needs it.
    """
    on = metrics.enabled()
    if not on & ESSENTIAL:
        return rejected(
            "SourceRequired",
            f"every power model needs `counter` or `bpf`, and KeplerCollectedMetric '{metrics.name}' turns both off: "
            "enable one of them there, or turn `estimator-sidecar.enabled` off",
        )
    if trains(kepler) and Source.BPF not in on:
        return rejected(
            "SourceRequired",
            "`model-server.training.online` learns from the usage metrics that Kepler exports, and "
            f"KeplerCollectedMetric '{metrics.name}' turns them off with `bpf`: enable it there, or turn "
            "`model-server.training.online` off",
        )
    for name, model in enabled_models(kepler):
        group = feature_group(model.init_url or "")
        if missing := FEATURE_GROUPS.get(group, frozenset()) - on:
            sources = ", ".join(f"`{source}`" for source in sorted(missing))
            return rejected(
                "SourceRequired",
                f"`estimator-sidecar.models.{name.replace('_', '-')}.init-url` is a model of '{group}', which needs "
                f"{sources}, and KeplerCollectedMetric '{metrics.name}' turns that off: enable it there, or choose "
                "another model",
            )
    return None


def unfetched(kepler: Kepler) -> list[str]:
    """Return a remark for each model URL that the estimator ignores.

    It takes the first URL that it finds for an energy source, and the URLs of the node come first
    (MS v0.7.12:src/kepler_model/util/config.py, get_init_model_url).
    """
    return [
        f"`models.{name.replace('_', '-')}.init-url` is not fetched: the estimator of v0.7.12 takes the model of "
        f"`models.{name.replace('_', '-').replace('process', 'node')}.init-url` for processes, too"
        for name, model in enabled_models(kepler)
        if name not in ALWAYS and model.init_url
    ]


def feature_group(url: str) -> str:
    """Return the feature group in the path of a model's URL; empty if the path has none."""
    return next((part for part in urlsplit(url).path.split("/") if part in FEATURE_GROUPS), "")


def features() -> frozenset[Source]:
    """Return all sources that models compute power from."""
    return frozenset().union(*FEATURE_GROUPS.values())


def model_config(kepler: Kepler) -> str:
    """Return `MODEL_CONFIG`, one setting on each line: the exporter splits at white space, the estimator at line ends.

    The trainer makes models of one kind only. If Kepler asks for weights, it asks for another kind by default
    (KEP:pkg/config/config.go, DefaultTrainerName). So `TRAINER` names the trained kind in any case.
    """
    trained = engine.ONLINE_TRAINER if trains(kepler) else None
    lines = []
    for name, model in enabled_models(kepler):
        settings = {
            "ESTIMATOR": "true",
            "INIT_URL": model.init_url,
            "TRAINER": model.trainer or trained,
            "FILTERS": model.filters,
        }
        lines += [f"{prefix(name)}_{setting}={value}" for setting, value in settings.items() if value]
    return "\n".join(lines)


def trains(kepler: Kepler) -> bool:
    """Return whether this Kepler's model server trains models online."""
    server = kepler.spec.model_server
    return server.enabled and server.training.online


def enabled_models(kepler: Kepler) -> Iterator[tuple[str, PowerModel]]:
    """Yield field name and settings of each model that the estimator computes."""
    for name in Models.model_fields:
        model: PowerModel = getattr(kepler.spec.estimator_sidecar.models, name)
        if name in ALWAYS or model != PowerModel():
            yield name, model


def prefix(name: str) -> str:
    """Return the prefix of a model's settings in `MODEL_CONFIG`, such as 'NODE_TOTAL' for `node_total`."""
    return name.upper()


FUNCTION = Function(
    name=NAME,
    condition=CONDITION,
    gates_ready=True,
    keys=KEYS,
    wakes=(Wake(KEPLER, idle=has_reported(CONDITION)), Wake(COLLECTED_METRIC), cfm.wake(NAME, KEYS)),
    children=lambda key: (children.cfm(key),),
    refers=collected_metric.refers,
    reads=(COLLECTED_METRIC,),
    desired=desired,
)
