"""ServiceMonitor and PrometheusRule, where the cluster has these kinds and where it has not."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from functions import monitoring
from local.stack import Stack
from runtime.errors import Unavailable
from runtime.objects import KEPLER, PROMETHEUS_RULE, SERVICE_MONITOR, Kind
from tests.protocol.test_exported_power_applied import power
from tests.workbench import Workbench, kepler

MONITOR = "servicemonitors.monitoring.coreos.com/kepler-exporter"
RULE = "prometheusrules.monitoring.coreos.com/kepler-exporter"


def definition(kind: Kind, spec: dict[str, Any]) -> dict[str, Any]:
    """A CustomResourceDefinition of the Prometheus operator's: its names, and this much of its schema."""
    schema = {"type": "object", "required": ["spec"], "properties": {"spec": spec}}
    names = {"kind": kind.name, "plural": kind.plural, "singular": kind.name.lower(), "listKind": f"{kind.name}List"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {"group": kind.group, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def anything(**properties: Any) -> dict[str, Any]:
    """An object of which these properties are known."""
    return {"type": "object", "properties": properties, "x-kubernetes-preserve-unknown-fields": True}


def items(of: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A list."""
    return {"type": "array", "items": of, **more}


# What of the operator's own schemas (prometheus-operator v0.82) an apply can tell: defaults, and lists that are merged.
RELABELINGS = items(anything(action={"type": "string", "default": "replace"}))
MONITORS = definition(
    SERVICE_MONITOR, anything(endpoints=items(anything(relabelings=RELABELINGS, metricRelabelings=RELABELINGS)))
)
MERGED = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
RULES = definition(
    PROMETHEUS_RULE, anything(groups=items({**anything(name={"type": "string"}), "required": ["name"]}, **MERGED))
)


def install(stack: Stack, *definitions: dict[str, Any]) -> None:
    """As the Prometheus operator's installation does."""
    for definition in definitions:
        stack.kubectl("apply", "-f", "-", stdin=json.dumps(definition))
        stack.kubectl("wait", "--for=condition=Established", f"crd/{definition['metadata']['name']}", "--timeout=30s")


@pytest.fixture
def bare(control_plane: Stack) -> Iterator[Stack]:
    """A cluster without the Prometheus operator; what the test installs of it goes afterwards."""
    yield control_plane
    names = [manifest["metadata"]["name"] for manifest in (MONITORS, RULES)]
    control_plane.kubectl("delete", "crd", *names, "--ignore-not-found", "--timeout=60s")


@pytest.fixture
def operated(bare: Stack) -> Stack:
    """A cluster with the kinds of the Prometheus operator."""
    install(bare, MONITORS, RULES)
    return bare


def condition(workbench: Workbench) -> tuple[str, str, str]:
    """Status, reason and message of `MonitoringReconciled`."""
    condition = workbench.conditions()[monitoring.CONDITION]
    return condition["status"], condition["reason"], condition["message"]


def endpoint(workbench: Workbench) -> Any:
    """The ServiceMonitor's only one."""
    (manifest,) = workbench.get(MONITOR)["spec"]["endpoints"]
    return manifest


def records(workbench: Workbench) -> set[str]:
    """What the PrometheusRule records."""
    return {rule["record"] for group in workbench.get(RULE)["spec"]["groups"] for rule in group["rules"]}


def test_without_the_kinds_nothing_else_suffers(workbench: Workbench) -> None:
    """The exporter is there, the condition says what to do, and nothing is attempted again and again."""
    workbench.apply(kepler())
    workbench.settle()

    status, reason, message = condition(workbench)
    assert (status, reason) == ("True", "NotInstalled")
    assert "no ServiceMonitor and PrometheusRule: install the Prometheus operator" in message
    assert workbench.conditions()["CollectorReconciled"]["status"] == "True"
    assert workbench.get("daemonset/kepler-exporter")
    assert workbench.settle() == 0


@pytest.mark.usefixtures("operated")
def test_prometheus_is_told_of_the_exporter(workbench: Workbench) -> None:
    """The ServiceMonitor selects the Service that is there, by its labels and its port's name."""
    workbench.apply(kepler())
    workbench.settle()

    assert condition(workbench)[:2] == ("True", "Reconciled")
    service = workbench.get("service/kepler-exporter")
    selected = workbench.get(MONITOR)["spec"]["selector"]["matchLabels"]
    assert selected.items() <= service["metadata"]["labels"].items()
    assert endpoint(workbench)["port"] == service["spec"]["ports"][0]["name"]
    assert endpoint(workbench)["interval"] == "30s"
    assert "kepler:container_package_watts:2m:by_ns_pod" in records(workbench)
    for child in (MONITOR, RULE):
        assert workbench.get(child)["metadata"]["ownerReferences"][0]["uid"] == workbench.kepler()["metadata"]["uid"]
    assert workbench.settle() == 0


@pytest.mark.usefixtures("operated")
def test_another_scrape_interval_restarts_nothing(workbench: Workbench) -> None:
    """It is between Prometheus and its own configuration."""
    workbench.apply(kepler())
    workbench.settle()

    workbench.patch("kepler/kepler", {"spec": {"scrape-interval": "1m30s"}})
    workbench.settle()

    assert endpoint(workbench)["interval"] == "90s"
    assert "kepler:container_package_watts:6m:by_ns_pod" in records(workbench)
    assert workbench.get("daemonset/kepler-exporter")["metadata"]["generation"] == 1


@pytest.mark.usefixtures("operated")
def test_what_nobody_asked_for_is_dropped(workbench: Workbench) -> None:
    """Follows the KeplerExportedPower, whose event is enough; asked for again, it is no longer dropped."""
    workbench.apply(power(), kepler(exported_power="default"))
    workbench.settle()
    idle = {"action": "drop", "sourceLabels": ["__name__", "mode"], "regex": "kepler_.+_joules_total;idle"}
    assert endpoint(workbench)["metricRelabelings"] == [idle]

    few = ["cpu_cycles", "cpu_instructions", "bpf_cpu_time_ms", "bpf_page_cache_hit", "bpf_net_tx_irq"]
    workbench.patch("kep/default", {"spec": {"metrics": few}})
    (edited,) = workbench.events("keplerexportedpowers/default")
    workbench.wake("monitoring", edited)

    unlisted = "cache_miss|bpf_net_rx_irq|bpf_block_irq|gpu_compute_util|gpu_mem_util"
    assert endpoint(workbench)["metricRelabelings"] == [
        {"action": "drop", "sourceLabels": ["__name__"], "regex": f"kepler_container_({unlisted})_total"},
        idle,
    ]
    assert not workbench.resync("monitoring").reports

    workbench.patch("kep/default", {"spec": {"metrics": []}})
    workbench.settle()
    assert endpoint(workbench)["metricRelabelings"] == [idle]


@pytest.mark.usefixtures("operated")
def test_rules_that_no_level_needs_are_removed(workbench: Workbench) -> None:
    """Without 'pod' and 'container' there is nothing to sum up; with them again, the rules are back."""
    workbench.apply(power(), kepler(exported_power="default"))
    workbench.settle()
    assert workbench.get(RULE)

    workbench.apply(power(levels=["node"]))
    workbench.settle()
    assert workbench.get(RULE) is None
    assert workbench.get(MONITOR)
    assert condition(workbench)[:2] == ("True", "Reconciled")
    assert workbench.settle() == 0

    workbench.apply(power(levels=["pod"]))
    workbench.settle()
    assert "kepler:container_watts:2m:by_ns_pod" in records(workbench)


@pytest.mark.usefixtures("operated")
def test_rules_of_somebody_else_are_not_removed(workbench: Workbench) -> None:
    """A PrometheusRule of that name which this Kepler does not control stays, when it needs none itself."""
    theirs = {
        "apiVersion": PROMETHEUS_RULE.api_version,
        "kind": PROMETHEUS_RULE.name,
        "metadata": {"name": "kepler-exporter"},
        "spec": {"groups": []},
    }
    workbench.apply(theirs, power(levels=["node"]), kepler(exported_power="default"))
    workbench.settle()
    assert workbench.get(RULE)["spec"] == {"groups": []}


@pytest.mark.usefixtures("operated")
def test_drift_is_mended_and_what_others_added_stays(workbench: Workbench) -> None:
    """A rule that was changed, a label that was taken, an object that was deleted; another's group and label remain."""
    workbench.apply(kepler())
    workbench.settle()
    intended = {child: workbench.get(child)["spec"] for child in (MONITOR, RULE)}

    workbench.patch(MONITOR, {"spec": {"endpoints": [], "jobLabel": "theirs"}})
    workbench.patch(MONITOR, {"metadata": {"labels": {"app.kubernetes.io/component": None, "team": "theirs"}}})
    workbench.settle()
    manifest = workbench.get(MONITOR)
    assert manifest["spec"] == intended[MONITOR]
    assert manifest["metadata"]["labels"]["app.kubernetes.io/component"] == "exporter"
    assert manifest["metadata"]["labels"]["team"] == "theirs"

    theirs = {"name": "theirs", "rules": [{"record": "a", "expr": "b"}]}
    edited = [{**group, "interval": "7s"} for group in intended[RULE]["groups"]]
    workbench.patch(RULE, {"spec": {"groups": [theirs, *edited]}})
    workbench.settle()
    groups = {group["name"]: group for group in workbench.get(RULE)["spec"]["groups"]}
    assert groups.pop("theirs") == theirs
    assert list(groups.values()) == intended[RULE]["groups"]
    assert workbench.settle() == 0

    workbench.delete(MONITOR)
    workbench.delete(RULE)
    workbench.settle()
    assert {child: workbench.get(child)["spec"] for child in (MONITOR, RULE)} == intended


@pytest.mark.usefixtures("operated")
def test_the_label_of_the_users_prometheus_stays(workbench: Workbench) -> None:
    """`release` has a default; whoever puts another there is right."""
    workbench.apply(kepler())
    workbench.settle()
    assert workbench.get(MONITOR)["metadata"]["labels"]["release"] == "prometheus"

    for child in (MONITOR, RULE):
        workbench.patch(child, {"metadata": {"labels": {"release": "kube-prometheus-stack"}}})
    workbench.settle()
    assert workbench.settle() == 0
    workbench.patch("kepler/kepler", {"spec": {"scrape-interval": "10s"}})
    workbench.settle()

    for child in (MONITOR, RULE):
        assert workbench.get(child)["metadata"]["labels"]["release"] == "kube-prometheus-stack"


@pytest.mark.usefixtures("operated")
def test_a_missing_resource_leaves_what_is_collected(workbench: Workbench) -> None:
    """It says whom it waits for, and goes on when that is mended."""
    workbench.apply(power(levels=["node"]), kepler(exported_power="default"))
    workbench.settle()
    before = workbench.get(MONITOR)

    workbench.patch("kepler/kepler", {"spec": {"exported-power": "missing", "scrape-interval": "5s"}})
    workbench.settle()
    status, reason, message = condition(workbench)
    assert (status, reason) == ("Unknown", "Waiting")
    assert "'missing'" in message
    assert workbench.get(MONITOR) == before

    workbench.apply(power("missing"))
    workbench.settle()
    assert condition(workbench)[0] == "True"
    assert endpoint(workbench)["interval"] == "5s"


@pytest.mark.usefixtures("operated")
def test_the_second_kepler_of_a_namespace_takes_nothing(workbench: Workbench) -> None:
    """Not even where the first has no ServiceMonitor at the moment; one that comes later changes nothing it said."""
    workbench.apply(kepler("first"))
    workbench.settle("first")
    workbench.delete(MONITOR)

    workbench.apply(kepler("second", scrape_interval="5s"))
    workbench.settle("second")
    assert workbench.get(MONITOR) is None
    condition = workbench.conditions("second")[monitoring.CONDITION]
    assert (condition["status"], condition["reason"]) == ("False", "NamespaceTaken")
    assert "Kepler 'first' was first" in condition["message"]

    workbench.settle("first")
    assert endpoint(workbench)["interval"] == "30s"
    assert workbench.settle("second") == 0


@pytest.mark.usefixtures("operated")
def test_a_predecessors_object_is_waited_for_by_delivering_again(workbench: Workbench) -> None:
    """No event tells that it has gone, so that the delivery fails until it has; a sweep has nothing to say of it."""
    workbench.apply(kepler())
    workbench.settle()
    workbench.delete(MONITOR)
    owner = {"apiVersion": KEPLER.api_version, "kind": KEPLER.name, "name": "kepler", "uid": str(uuid4())}
    described = {
        "name": "kepler-exporter",
        "finalizers": ["tests/held"],
        "ownerReferences": [{**owner, "controller": True}],
    }
    predecessor = {"apiVersion": SERVICE_MONITOR.api_version, "kind": SERVICE_MONITOR.name, "metadata": described}
    workbench.apply({**predecessor, "spec": {}})

    with pytest.raises(Unavailable, match="still belongs to the deleted Kepler"):
        workbench.resync("monitoring")
    assert workbench.get(MONITOR)["spec"] == {}

    workbench.delete(MONITOR)
    workbench.patch(MONITOR, {"metadata": {"finalizers": None}})
    workbench.resync("monitoring")
    assert endpoint(workbench)["interval"] == "30s"


def test_an_operator_installed_later_is_found_at_the_next_look(bare: Stack, workbench: Workbench) -> None:
    """Each kind by itself; and where the operator is gone again, so is the complaint about its objects."""
    workbench.apply(kepler())
    workbench.settle()

    install(bare, MONITORS)
    workbench.settle()
    status, reason, message = condition(workbench)
    assert (status, reason) == ("True", "NotInstalled")
    assert "no PrometheusRule" in message
    assert workbench.get(MONITOR)

    install(bare, RULES)
    workbench.settle()
    assert condition(workbench)[1] == "Reconciled"
    assert workbench.get(RULE)

    bare.kubectl("delete", "crd", MONITORS["metadata"]["name"], RULES["metadata"]["name"], "--timeout=60s")
    workbench.settle()
    assert condition(workbench)[1] == "NotInstalled"
