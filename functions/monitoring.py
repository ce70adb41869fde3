"""Function `monitoring`: a ServiceMonitor for the exporters, and recording rules for sums that Kepler does not export.

Woken by the Kepler (also when other functions report on it), and by the KeplerExportedPower and the
KeplerCollectedMetric that it names. Its children do not wake it: a cluster without the Prometheus operator has neither
kind, and an event source that watches a missing kind exits at its start. `sweep` finds drift, and a Prometheus operator
that was installed later.
"""

from crds.kepler import Kepler
from crds.kepler_collected_metric import KeplerCollectedMetric
from crds.kepler_exported_power import KeplerExportedPowerSpec
from events.outcome_words import Word
from functions import collected_metric, exported_power
from operands import children, kepler_v07, metrics, recording, release, series_v011, web_config
from operands.common_rules import Rules
from runtime.adoption import resync
from runtime.awaited import await_conditions, is_up_to_date
from runtime.conditions import conditions
from runtime.declaration import Function, Observed, Wake, manager
from runtime.objects import (
    COLLECTED_METRIC,
    CRD,
    EXPORTED_POWER,
    KEPLER,
    PROMETHEUS_RULE,
    SERVICE_MONITOR,
    Kind,
    Manifest,
    Ref,
    metadata,
    terminates,
)
from runtime.outcome import Intent, Outcome, pending

NAME = "monitoring"
CONDITION = "MonitoringReconciled"
MANAGER = manager(NAME)

# Labels by which common Prometheus installations select objects. `release` is for the Helm chart kube-prometheus-stack:
# its value is the name of the user's Helm release, so a value that somebody else has set is kept. The other two are for
# kube-prometheus, which selects PrometheusRules by them.
RELEASE, DEFAULT_RELEASE = "release", "prometheus"
RULE_LABELS = {"prometheus": "k8s", "role": "alert-rules"}


def desired(observed: Observed) -> Outcome:
    """Return ServiceMonitor and PrometheusRule, each only if the cluster has its kind."""
    assert observed.parent is not None  # noqa: S101 (if it is None, `runtime.protocol` calls `clean_up`)
    return await_conditions(FUNCTION, observed.parent, "what Prometheus collects") or _monitored(
        observed, observed.parent
    )


def _monitored(observed: Observed, parent: Manifest) -> Outcome:
    kepler = Kepler.model_validate(parent)
    asked, collected = exported_power.referred_power(observed), collected_metric.referred_metrics(observed)
    if asked is None or collected is None:
        return pending("a resource that the Kepler refers to is missing, and another function is about to report that")
    missing = [kind for kind in (SERVICE_MONITOR, PROMETHEUS_RULE) if not served(observed.get(definition(kind)), kind)]
    if release.is_v011(kepler.spec.collector):
        groups, dropped = series_v011.groups(kepler, asked.spec), series_v011.drop_rules(kepler, asked.spec)
    else:
        groups = recording.groups(asked.spec, kepler.namespace, kepler.spec.scrape_interval_seconds)
        dropped = drop_rules(asked.spec, collected)
    intents = [
        *([] if SERVICE_MONITOR in missing else [service_monitor(observed, parent, kepler, dropped)]),
        *([] if PROMETHEUS_RULE in missing or not groups else [prometheus_rule(observed, parent, kepler, groups)]),
    ]
    return Outcome(
        Word.CONVERGED,
        "NotInstalled" if missing else "Reconciled",
        "; ".join([*_remarks(kepler, intents), *_missing_kinds(observed.key, missing)]),
        intents=tuple(intents),
        absent=() if groups else (children.prometheus_rule(observed.key),),
    )


def _remarks(kepler: Kepler, intents: list[Intent]) -> list[str]:
    known = {
        SERVICE_MONITOR: f"Prometheus collects every {kepler.spec.scrape_interval_seconds}s, if its "
        "`serviceMonitorSelector` matches the labels of",
        PROMETHEUS_RULE: "pods and namespaces are summed up by",
    }
    return [f"{known[intent.ref.kind]} {intent.ref}" for intent in intents]


def _missing_kinds(key: Ref, missing: list[Kind]) -> list[str]:
    """Return the sentence on missing kinds. It names `resync`, since no event announces that a kind was installed."""
    if not missing:
        return []
    kinds = " and ".join(kind.name for kind in missing)
    cure = f"install the Prometheus operator and run `{resync(key)}`"
    if SERVICE_MONITOR not in missing:
        return [f"this cluster has no {kinds}, so no pods and namespaces are summed up: {cure}"]
    return [
        f"this cluster has no {kinds}: {cure}, or have your Prometheus collect from Service '{children.EXPORTER}' "
        "itself, which then takes also what `exported-power` leaves out and Kepler has no switch for"
    ]


def served(definition: Manifest | None, kind: Kind) -> bool:
    """Return whether the API server serves this version of the kind now, according to its CustomResourceDefinition."""
    if definition is None or terminates(definition):
        return False
    versions = (definition.get("spec") or {}).get("versions") or ()
    established = conditions(definition).get("Established") or {}
    return established.get("status") == "True" and any(
        version.get("name") == kind.version and version.get("served") for version in versions
    )


def definition(kind: Kind) -> Ref:
    """Return the CustomResourceDefinition of a kind."""
    return Ref(CRD, "", f"{kind.plural}.{kind.group}")


def service_monitor(observed: Observed, parent: Manifest, kepler: Kepler, dropped: list[Manifest]) -> Intent:
    """Return the ServiceMonitor: each exporter pod with its node's name as `instance`; `dropped` are relabelings."""
    ref = children.service_monitor(observed.key)
    endpoint = {
        "port": children.PORT_NAME,
        "path": kepler_v07.METRIC_PATH,
        "interval": f"{kepler.spec.scrape_interval_seconds}s",
        "relabelings": [
            {"action": "replace", "sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "instance"}
        ],
        **web_config.endpoint(kepler),
        **({"metricRelabelings": dropped} if dropped else {}),
    }
    spec = {
        "jobLabel": "app.kubernetes.io/name",
        "selector": {"matchLabels": {**children.selector(parent), "app.kubernetes.io/component": "exporter"}},
        "endpoints": [endpoint],
    }
    return _labelled(children.child(parent, ref, "exporter", {"spec": spec}), observed.get(ref), kepler, {})


def prometheus_rule(observed: Observed, parent: Manifest, kepler: Kepler, groups: Rules) -> Intent:
    """Return the PrometheusRule with the recording rules."""
    ref = children.prometheus_rule(observed.key)
    intent = children.child(parent, ref, "exporter", {"spec": {"groups": groups}})
    return _labelled(intent, observed.get(ref), kepler, RULE_LABELS)


def drop_rules(asked: KeplerExportedPowerSpec, collected: KeplerCollectedMetric) -> list[Manifest]:
    """Return a drop rule for each family in which Kepler v0.7 exports more than asked for; unknown series are kept.

    One more drops idle power, which containers, processes and, with RAPL, nodes have even if it is switched off
    (kepler v0.7.12:pkg/metrics/utils/utils.go, cmd/exporter/exporter.go).
    """
    idle = {"action": "drop", "sourceLabels": ["__name__", "mode"], "regex": "kepler_.+_joules_total;idle"}
    rules: list[Manifest] = [
        {"action": "drop", "sourceLabels": ["__name__"], "regex": metrics.series(family, f"({'|'.join(measures)})")}
        for family, measures in metrics.surplus(asked, collected).items()
    ]
    return rules if asked.idle_power else [*rules, idle]


def _labelled(intent: Intent, there: Manifest | None, kepler: Kepler, more: Manifest) -> Intent:
    """Return the intent with the labels that Prometheus selects by, and the user's labels."""
    described = intent.body["metadata"]
    labels = {RELEASE: _release(there or {}), **more, **kepler.spec.monitoring.labels, **described["labels"]}
    return Intent(intent.ref, {**intent.body, "metadata": {**described, "labels": labels}})


def _release(there: Manifest) -> str:
    """Return the value of label `release` that another field manager has set, else the default.

    If this function alone manages the label, its value came from `monitoring.labels`, and is not kept once it is
    removed there.
    """
    entries = metadata(there).get("managedFields") or ()
    managers = {entry.get("manager") for entry in entries if f"f:{RELEASE}" in _owned_labels(entry)}
    value = (metadata(there).get("labels") or {}).get(RELEASE)
    return (value if managers != {MANAGER} else None) or DEFAULT_RELEASE


def _owned_labels(entry: Manifest) -> Manifest:
    return ((entry.get("fieldsV1") or {}).get("f:metadata") or {}).get("f:labels") or {}


def _nothing_to_do(kepler: Manifest) -> bool:
    """Return whether an awaited function has to report first, or the Kepler already has the condition to write."""
    return is_up_to_date(FUNCTION, kepler, await_conditions(FUNCTION, kepler, "what Prometheus collects"))


FUNCTION: Function = Function(
    name=NAME,
    condition=CONDITION,
    gates_ready=True,
    # The resources of these two functions define which series there are to collect.
    awaits=(exported_power.CONDITION, collected_metric.CONDITION),
    wakes=(Wake(KEPLER, nothing_to_do=_nothing_to_do), Wake(EXPORTED_POWER), Wake(COLLECTED_METRIC)),
    children=lambda key: (children.service_monitor(key), children.prometheus_rule(key)),
    inputs=lambda _key: (definition(SERVICE_MONITOR), definition(PROMETHEUS_RULE)),
    references=exported_power.FUNCTION.references,
    reads=(EXPORTED_POWER, COLLECTED_METRIC),
    removes=lambda key: (children.prometheus_rule(key),),
    desired=desired,
)
