"""Function `estimator`: where the estimator sidecar of each exporter gets its power models.

Woken by the Kepler, by the KeplerCollectedMetric that it names, and by `kepler-cfm` when somebody edits it.
Owns key `MODEL_CONFIG` of `kepler-cfm`, the ConfigMap that Kepler v0.7 reads; it is empty while the estimator is off.
Function `collector` writes the container itself, since it is part of the exporter's pods.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from crds.estimator_fields import Models, PowerModel
from crds.kepler import Kepler
from crds.kepler_collected_metric import KeplerCollectedMetric, Source
from functions import collected_metric
from operands import cfm, children, kepler_v07, release
from operands.cfm import Key
from runtime.conditions import reports_true
from runtime.declaration import Function, Observed, Wake
from runtime.objects import COLLECTED_METRIC, KEPLER
from runtime.outcome import Outcome, converged, rejected, waiting

NAME = "estimator"
CONDITION = "EstimatorReconciled"
# The keys of `kepler-cfm` that this function always writes.
KEYS = frozenset({Key.MODEL_CONFIG})

# Fields of `estimator-sidecar.models`: the power that Kepler estimates wherever there is no meter. Power of processes
# needs no model: Kepler computes it from their share of the node's power (kepler:pkg/model/process_energy.go).
ESTIMATED = ("node_total", "node_components")

# Feature group of a model -> the sources that it computes power from (kepler-model-server
# v0.7.12:src/kepler_model/util/train_types.py, FeatureGroups). The directories of a model database have these names, so
# a model's URL usually contains one.
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
    assert observed.parent is not None  # noqa: S101 (if it is None, `runtime.protocol` calls `clean_up`)
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
    estimated = ", ".join(prefix(name) for name in ESTIMATED)
    return (
        image_refusal(observed, kepler)
        or settings_refusal(kepler)
        or source_refusal(kepler, metrics)
        or converged(
            cfm.intent(parent, key, {Key.MODEL_CONFIG: model_config(kepler)}),
            message="; ".join(
                [
                    f"{estimated} are estimated from {', '.join(sorted(metrics.enabled() & model_sources()))}",
                    *public_models(kepler),
                ]
            ),
        )
    )


def _without_estimator(kepler: Kepler) -> Outcome:
    """Return the outcome for line v0.11, which has no estimator and does not read `kepler-cfm`."""
    if kepler.spec.estimator_sidecar.enabled:
        return release.not_in_v011("estimator-sidecar.enabled", kepler.spec.collector)
    return converged(reason="Disabled", message="`estimator-sidecar.enabled` is off")


def image_refusal(observed: Observed, kepler: Kepler) -> Outcome | None:
    """Return a rejection if the estimator's image cannot be used, else None.

    Estimator and model server are in one image. If the Kepler names none, a variable of the environment does.
    """
    variable, image = kepler_v07.MODEL_SERVER_IMAGE_SETTING, kepler.spec.estimator_sidecar.image
    return release.refuse_release(observed, "estimator-sidecar.image", image, variable, release.unusable_model_server)


def settings_refusal(kepler: Kepler) -> Outcome | None:
    """Return a rejection of settings with which no release of line v0.7 tells the power of a node, else None.

    With a filter, estimator and model server reject every model: they look for the filter's name among the attributes
    of a dictionary, not among its keys (kepler-model-server v0.7.12:src/kepler_model/util/loader.py and
    estimate/archived_model.py, is_valid_model). With a model for processes the exporter panics as soon as an answer of
    the estimator is late or empty, and loses the energy of all processes if there are more than about a hundred (kepler
    v0.7.12:pkg/model/process_energy.go, pkg/model/estimator/sidecar/estimate.go: one read of 4096 bytes).
    """
    for name in Models.model_fields:
        field, model = _field(name), _model(kepler, name)
        if name not in ESTIMATED and model != PowerModel():
            return rejected(
                "NotWorkingInThisRelease",
                f"`{field}` is set, and with a model for processes Kepler v0.7 ends, or tells no energy of processes: "
                "leave it out, and Kepler shares the node's power among processes by ratio",
            )
        if model.filters:
            return rejected(
                "NotWorkingInThisRelease",
                f"`{field}.filters` is '{model.filters}', and every release of Kepler's estimator and model server "
                f"rejects every model if there is a filter: leave it out, and choose the model by `{field}.trainer` or "
                f"`{field}.init-url`",
            )
    return None


def source_refusal(kepler: Kepler, metrics: KeplerCollectedMetric) -> Outcome | None:
    """Return a rejection if the models cannot be computed from the enabled sources, else None.

    Without COUNTER there are models of `BPFOnly` and `BPFIRQ`. So a source that is off matters only if neither COUNTER
    nor BPF is left, or if the URL of a model shows that the model needs it.
    """
    on = metrics.enabled()
    if not on & ESSENTIAL:
        return rejected(
            "SourceRequired",
            f"every power model needs `counter` or `bpf`, and KeplerCollectedMetric '{metrics.name}' turns both off: "
            "enable one of them there, or turn `estimator-sidecar.enabled` off",
        )
    for name in ESTIMATED:
        group = feature_group(_model(kepler, name).init_url or "")
        if missing := FEATURE_GROUPS.get(group, frozenset()) - on:
            sources = ", ".join(f"`{source}`" for source in sorted(missing))
            return rejected(
                "SourceRequired",
                f"`{_field(name)}.init-url` is a model of '{group}', which needs "
                f"{sources}, and KeplerCollectedMetric '{metrics.name}' turns that off: enable it there, or choose "
                "another model",
            )
    return None


def public_models(kepler: Kepler) -> Iterator[str]:
    """Yield a remark for each model that the estimator downloads from the internet.

    It does so if the model has no `init-url` and there is no model server.
    """
    for name in ESTIMATED:
        if not source_url(kepler, name):
            yield (
                f"no place is named for the model of {prefix(name)}, so each estimator fetches it from "
                f"'{kepler_v07.PUBLIC_MODELS}', and ends if its node does not reach that: set "
                f"`{_field(name)}.init-url` where that is so, or turn `model-server.enabled` on"
            )


def feature_group(url: str) -> str:
    """Return the feature group in the path of a model's URL; empty if the path has none."""
    return next((part for part in urlsplit(url).path.split("/") if part in FEATURE_GROUPS), "")


def model_sources() -> frozenset[Source]:
    """Return all sources that models compute power from."""
    return frozenset().union(*FEATURE_GROUPS.values())


def model_config(kepler: Kepler) -> str:
    """Return `MODEL_CONFIG`, a setting on each line: the exporter splits at white space, the estimator at line ends."""
    lines = []
    for name in ESTIMATED:
        settings = {
            "ESTIMATOR": "true",
            "INIT_URL": source_url(kepler, name),
            "TRAINER": _model(kepler, name).trainer,
        }
        lines += [f"{prefix(name)}_{setting}={value}" for setting, value in settings.items() if value]
    return "\n".join(lines)


def source_url(kepler: Kepler, name: str) -> str:
    """Return the URL that the estimator reads a model from if the model server has none; empty for the public model.

    The estimator asks the model server first. If the server is not there yet, an estimator without a URL would take the
    public model for good, or end if its node does not reach the internet. So with a model server, the default is a URL
    at which there is no model: the estimator then asks the server again.
    """
    served = kepler_v07.NO_MODEL_URL if kepler.spec.model_server.enabled else ""
    return _model(kepler, name).init_url or served


def _model(kepler: Kepler, name: str) -> PowerModel:
    model: PowerModel = getattr(kepler.spec.estimator_sidecar.models, name)
    return model


def _field(name: str) -> str:
    return f"estimator-sidecar.models.{name.replace('_', '-')}"


def prefix(name: str) -> str:
    """Return the prefix of a model's settings in `MODEL_CONFIG`, such as 'NODE_TOTAL' for `node_total`."""
    return name.upper()


FUNCTION = Function(
    name=NAME,
    condition=CONDITION,
    gates_ready=True,
    keys=KEYS,
    wakes=(Wake(KEPLER, nothing_to_do=reports_true(CONDITION)), Wake(COLLECTED_METRIC), cfm.wake(NAME, KEYS)),
    children=lambda key: (children.cfm(key),),
    references=collected_metric.references,
    reads=(COLLECTED_METRIC,),
    desired=desired,
)
