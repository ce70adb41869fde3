"""Where the estimator beside each exporter takes its power models from.

Wakes on the Kepler, on the KeplerCollectedMetric it names, and on `kepler-cfm` when someone edits it.
Owns `MODEL_CONFIG` in `kepler-cfm`, empty while the estimator is off. The container itself is `collector`'s, since it
is a part of the exporter's pods.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from crds.kepler import Kepler, Models, PowerModel
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
# The keys of `kepler-cfm` that it always writes.
KEYS = frozenset({Key.MODEL_CONFIG})

# Power that Kepler estimates wherever there is no meter. Of processes it knows without a model, by their share of the
# node's, so theirs are estimated only where the user names a model (KEP:pkg/model/process_energy.go).
ALWAYS = ("node_total", "node_components")

# What a model computes power from (MS v0.7.12:src/kepler_model/util/train_types.py, FeatureGroups). The directories of
# a model database have these names, so the URL of a model usually tells.
FEATURE_GROUPS: Mapping[str, frozenset[Source]] = {
    "CounterOnly": frozenset({Source.COUNTER}),
    "BPFOnly": frozenset({Source.BPF}),
    "BPFIRQ": frozenset({Source.BPF, Source.IRQ}),
    "CounterIRQCombined": frozenset({Source.COUNTER, Source.IRQ}),
    "Basic": frozenset({Source.COUNTER, Source.BPF}),
    "WorkloadOnly": frozenset({Source.COUNTER, Source.BPF, Source.IRQ}),
    "Full": frozenset({Source.COUNTER, Source.BPF, Source.IRQ}),
}

# Every group has features of one of these; while one is on, the model server and the estimator find a model that fits.
ESSENTIAL = frozenset({Source.COUNTER, Source.BPF})


def desired(observed: Observed) -> Outcome:
    """`MODEL_CONFIG`, by the models the user names or by Kepler's choice.

    Rejected when a model needs a source that is off: the exporter would start, and estimate nothing.
    """
    assert observed.parent is not None  # noqa: S101 (the protocol calls `gone` otherwise)
    parent, key = observed.parent, observed.key
    kepler = Kepler.model_validate(parent)
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


def outdated(observed: Observed, kepler: Kepler) -> Outcome | None:
    """Why the estimator's image cannot be used, or None where it can."""
    setting, asked = engine.MODEL_SERVER_IMAGE_SETTING, kepler.spec.estimator_sidecar.image
    return release.refuse_release(observed, "estimator-sidecar.image", asked, setting, release.lacks_programs)


def refusal(kepler: Kepler, metrics: KeplerCollectedMetric) -> Outcome | None:
    """Why these models cannot be computed from these sources, or None where they can.

    Without COUNTER there are models of `BPFOnly` and `BPFIRQ`, so a source that is off matters only where none is
    left, or where the URL of a model tells that it needs that one.
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
    """A remark for each URL that the estimator does not look at.

    It takes the first URL that it finds for an energy source, and the node's come first
    (MS v0.7.12:src/kepler_model/util/config.py, get_init_model_url).
    """
    return [
        f"`models.{name.replace('_', '-')}.init-url` is not fetched: the estimator of v0.7.12 takes the model of "
        f"`models.{name.replace('_', '-').replace('process', 'node')}.init-url` for processes, too"
        for name, model in enabled_models(kepler)
        if name not in ALWAYS and model.init_url
    ]


def feature_group(url: str) -> str:
    """The feature group in the path of a model's URL; empty where the path does not tell."""
    return next((part for part in urlsplit(url).path.split("/") if part in FEATURE_GROUPS), "")


def features() -> frozenset[Source]:
    """All the sources that models compute power from."""
    return frozenset().union(*FEATURE_GROUPS.values())


def model_config(kepler: Kepler) -> str:
    """`MODEL_CONFIG`, one setting a line: the exporter splits at white space, the estimator at line ends.

    The trainer makes models of one kind only, and where Kepler asks for weights, it asks for another kind by default
    (KEP:pkg/config/config.go, DefaultTrainerName): with its name, what is trained is asked for in any case.
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
    """Whether models are made here."""
    server = kepler.spec.model_server
    return server.enabled and server.training.online


def enabled_models(kepler: Kepler) -> Iterator[tuple[str, PowerModel]]:
    """The models that the estimator computes, by the name of their field."""
    for name in Models.model_fields:
        model: PowerModel = getattr(kepler.spec.estimator_sidecar.models, name)
        if name in ALWAYS or model != PowerModel():
            yield name, model


def prefix(name: str) -> str:
    """A model's prefix in `MODEL_CONFIG`: 'NODE_TOTAL' of `node_total`."""
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
