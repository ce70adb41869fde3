"""What the functions decide of a resource, and the steps that these decisions offer."""

import json
from typing import Any

from functions import (
    collected_metric,
    collector,
    estimator,
    exported_power,
    machine_spec,
    model_server,
    monitoring,
)
from operands import children, settled_config
from reasons.reason_entry import OF_KEPLERS
from runtime.conditions import READY
from runtime.objects import COLLECTED_METRIC, EXPORTED_POWER, KEPLER, MACHINE_CONFIG, Kind
from tests.offered.common_steps import (
    ESTIMATED,
    LOCAL,
    TRAINED,
    applied,
    deleted,
    edited,
    other,
    run,
    storage_class,
)
from tests.offered.operated_namespace import OperatedNamespace
from tests.offered.step_case import Act, OfferedState, Step, StepCase
from tests.workbench import kepler

CLAIMED = {"enabled": True, "storage": {"type": "claim", "claim": {"size": "5Gi", "storage-class": "there"}}}
# The first release of line v0.11, which reads no BMCs.
FIRST_NEW = "quay.io/sustainable_computing_io/kepler:v0.10.0"
# More than a pod carries, less than a ConfigMap holds.
LARGE = "x" * settled_config.LIMIT


def created(kind: Kind, called: str, *words: str, **spec: Any) -> Step:
    """Create a resource, where the message has these words."""

    def step(offered: OfferedState) -> None:
        offered.offers(*words, called)
        offered.operated.apply(other(kind, called, **spec))

    return step


def switched_on(offered: OfferedState) -> None:
    """Set both fields."""
    offered.edit("estimator-sidecar.enabled", value=True)
    offered.edit("model-server.enabled", value=True)


def machine_described(offered: OfferedState) -> None:
    """Describe a machine."""
    offered.offers("`machine-spec`")
    offered.operated.apply(other(MACHINE_CONFIG, "machines", machine_spec={"m5": {"cores": 96}}))


def sources(**on: bool) -> dict[str, Any]:
    """Return a KeplerCollectedMetric called 'mine' with these sources on or off."""
    return other(COLLECTED_METRIC, "mine", sources={source: {"enabled": enabled} for source, enabled in on.items()})


def source_on(offered: OfferedState) -> None:
    """Enable a source where the message says: in the KeplerCollectedMetric."""
    offered.offers("`bpf`", "KeplerCollectedMetric 'mine'", "enable")
    offered.operated.patch(f"{COLLECTED_METRIC.plural}/mine", {"spec": {"sources": {"bpf": {"enabled": True}}}})


def claim_too_small(operated: OperatedNamespace) -> None:
    """A claim that a running server uses, and a Kepler that asks for less."""
    storage_class(operated)
    operated.apply(kepler(model_server=CLAIMED))
    operated.patch("kepler/kepler", {"spec": {"model-server": {"storage": {"claim": {"size": "1Gi"}}}}})


def two_keplers(operated: OperatedNamespace) -> None:
    """A first one that has everything that can be had, and a second."""
    operated.apply(other(MACHINE_CONFIG, "machines", machine_spec={"m5": {"cores": 96}}))
    operated.apply(kepler("first", model_server=LOCAL, estimator_sidecar=ESTIMATED))
    operated.apply(kepler(model_server=LOCAL, estimator_sidecar=ESTIMATED))


def described_twice(operated: OperatedNamespace) -> None:
    """Two KeplerMachineConfigs that contradict each other, and a Kepler."""
    for called, cores in (("machines", 96), ("others", 48)):
        operated.apply(other(MACHINE_CONFIG, called, machine_spec={"m5": {"cores": cores}}))
    operated.apply(kepler())


def taken_out(offered: OfferedState) -> None:
    """Take the machine out of one of them."""
    offered.offers("KeplerMachineConfigs 'machines' and 'others'", "`machine-spec`", "take it out of one of them")
    offered.operated.patch(f"{MACHINE_CONFIG.plural}/others", {"spec": {"machine-spec": None}})


def labelled(level: str, **spec: Any) -> Act:
    """A namespace of this Pod Security level, and a Kepler."""

    def state(operated: OperatedNamespace) -> None:
        label = f"pod-security.kubernetes.io/enforce={level}"
        operated.stack.kubectl("label", "namespace", operated.namespace, label, "--overwrite")
        operated.apply(kepler(**spec))

    return state


def large(operated: OperatedNamespace) -> None:
    """A key of the user's that no pod can carry."""
    operated.apply(kepler())
    patch = json.dumps({"data": {"LARGE": LARGE}})
    operated.kubectl("patch", "configmap/kepler-cfm", "--type=merge", "--patch-file=/dev/stdin", stdin=patch)


def small(offered: OfferedState) -> None:
    """Remove the key that the message names, by the command that `explain` has for a field of somebody else's."""
    offered.offers("remove what Kepler does not read, such as key 'LARGE'", "ConfigMap 'kepler-cfm'")
    offered.run("patch", "/data/LARGE")


def additions(text: str) -> dict[str, Any]:
    """Return the ConfigMap with which a user adds to the configuration of Kepler v0.11."""
    described = {"name": "additions"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": described, "data": {"config.yaml": text}}


def misconfigured(operated: OperatedNamespace) -> None:
    """A value at which Kepler would exit."""
    operated.apply(additions("monitor: {staleness: 5}"))
    operated.apply(kepler(collector={"release": "v0.11", "additional-config": "additions"}))


def configured(text: str) -> Step:
    """Return a step that writes the ConfigMap which the message names, and asks for a reconcile as it says."""

    def step(offered: OfferedState) -> None:
        offered.offers("`collector.additional-config` names ConfigMap 'additions'")
        offered.operated.apply(additions(text))
        run("resync")(offered)

    return step


def unbound(operated: OperatedNamespace) -> None:
    """No binding for exporters."""
    operated.stack.kubectl("delete", "clusterrolebinding", children.EXPORTER)
    operated.apply(kepler())


def bound_again(offered: OfferedState) -> None:
    """Apply `config/` again, of which one file has the binding, and run the command."""
    offered.offers("ClusterRoleBinding 'kepler-exporter'", "apply `config/` again, then run")
    offered.operated.stack.kubectl("apply", "--server-side", "-f", "config/base/exporter-access.yaml")
    offered.run("resync")


def nowhere(operated: OperatedNamespace) -> None:
    """A Kepler whose KeplerCollectedMetric does not exist, and which estimates."""
    operated.apply(kepler(collected_metric="mine", estimator_sidecar=ESTIMATED))


SELF = (collector.CONDITION, estimator.CONDITION, monitoring.CONDITION)
WAITED = f"`{collected_metric.CONDITION}`"
CASES = (
    StepCase(
        "CollectedMetricNotFound",
        (collected_metric.CONDITION,),
        nowhere,
        created(COLLECTED_METRIC, "mine", "`collected-metric`", "create it"),
    ),
    StepCase(
        "CollectedMetricNotFound",
        (collected_metric.CONDITION,),
        nowhere,
        edited("collected-metric", None),
        name="leave it out",
    ),
    StepCase("Waiting", SELF, nowhere, created(COLLECTED_METRIC, "mine", "the estimator waits for", WAITED)),
    StepCase(
        "ExportedPowerNotFound",
        (exported_power.CONDITION,),
        applied(kepler(exported_power="mine")),
        created(EXPORTED_POWER, "mine", "`exported-power`", "create it"),
    ),
    StepCase(
        "NotWorkingInThisRelease",
        (model_server.CONDITION,),
        applied(kepler(model_server=TRAINED)),
        edited("model-server.training.online", value=False),
        name="training",
    ),
    StepCase(
        "NotWorkingInThisRelease",
        (estimator.CONDITION,),
        applied(kepler(estimator_sidecar={**ESTIMATED, "models": {"node-total": {"filters": "mae:1"}}})),
        edited("estimator-sidecar.models.node-total.filters", None),
        name="a filter",
    ),
    StepCase(
        "NotWorkingInThisRelease",
        (estimator.CONDITION,),
        applied(kepler(estimator_sidecar={**ESTIMATED, "models": {"process-total": {"filters": "mae:1"}}})),
        edited("estimator-sidecar.models.process-total", None),
        name="a model for processes",
    ),
    StepCase("ClaimUnchangeable", (model_server.CONDITION,), claim_too_small, run("delete", "pvc/", "deployment/")),
    StepCase(
        "ClaimUnchangeable",
        (model_server.CONDITION,),
        claim_too_small,
        edited("model-server.storage.claim.size", "5Gi"),
        name="set it back",
        leaves=("kubectl delete",),
    ),
    StepCase(
        "SourceRequired",
        (estimator.CONDITION,),
        lambda operated: operated.apply(
            sources(counter=False, bpf=False), kepler(collected_metric="mine", estimator_sidecar=ESTIMATED)
        ),
        source_on,
    ),
    StepCase(
        "NamespaceNotAllowed",
        (collector.CONDITION, model_server.CONDITION),
        labelled("restricted", model_server=LOCAL),
        run("label namespace", "--overwrite"),
    ),
    StepCase("NamespaceTaken", OF_KEPLERS, two_keplers, deleted(KEPLER, "first", "a namespace takes one")),
    StepCase("MachineSpecContradicts", (machine_spec.CONDITION,), described_twice, taken_out),
    StepCase("ConfigurationTooLarge", (collector.CONDITION,), large, small),
    StepCase("NotInstalled", (collector.CONDITION,), unbound, bound_again),
    StepCase(
        "NotInThisRelease",
        (estimator.CONDITION,),
        applied(kepler(collector={"release": "v0.11"}, estimator_sidecar={"enabled": True})),
        edited("estimator-sidecar.enabled", value=False),
        name="estimator",
    ),
    StepCase(
        "NotInThisRelease",
        (model_server.CONDITION,),
        applied(kepler(collector={"release": "v0.11"}, model_server={"enabled": True})),
        edited("collector.release", "v0.7"),
        name="model server",
    ),
    StepCase(
        "NotInThisRelease",
        (collector.CONDITION,),
        applied(kepler(collector={"release": "v0.11", "image": FIRST_NEW, "redfish": {"secret": "bmcs"}})),
        edited("collector.redfish.secret", None),
        name="BMCs",
    ),
    StepCase(
        "PortTaken",
        (collector.CONDITION,),
        applied(kepler(collector={"release": "v0.11", "port": 8080})),
        edited("collector.port", 9103),
    ),
    StepCase(
        "ConfigurationNotFound",
        (collector.CONDITION,),
        applied(kepler(collector={"release": "v0.11", "additional-config": "additions"})),
        configured("monitor: {staleness: 90ms}"),
    ),
    StepCase(
        "ConfigurationInvalid",
        (collector.CONDITION,),
        misconfigured,
        configured("monitor: {staleness: 90ms}"),
    ),
    StepCase(
        "Disabled",
        (estimator.CONDITION, model_server.CONDITION),
        applied(kepler()),
        switched_on,
    ),
    StepCase(
        "Disabled",
        (machine_spec.CONDITION,),
        applied(kepler()),
        machine_described,
        name="machine spec",
    ),
    StepCase("Ready", (READY,), applied(kepler()), still=True),
)
