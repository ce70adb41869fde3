"""A KeplerExportedPower on its way to the nodes: applied, changed, missing, edited by hand."""

from typing import Any

from functions import exported_power
from runtime.objects import EXPORTED_POWER
from tests.workbench import Workbench, kepler, update


def power(name: str = "default", **spec: Any) -> dict[str, Any]:
    """A KeplerExportedPower with this spec."""
    return {**kepler(name, **spec), "kind": EXPORTED_POWER.name}


def data(workbench: Workbench) -> dict[str, str]:
    """The keys of `kepler-cfm` that are `exported_power`'s."""
    data = workbench.get("configmap/kepler-cfm")["data"]
    return {key: data[key] for key in exported_power.KEYS}


def generation(workbench: Workbench) -> int:
    """Of the DaemonSet: one more for each rollout."""
    return int(workbench.get("daemonset/kepler-exporter")["metadata"]["generation"])


def condition(workbench: Workbench) -> tuple[str, str, str]:
    """Status, reason and message of `ExportedPowerReconciled`."""
    condition = workbench.conditions()[exported_power.CONDITION]
    return condition["status"], condition["reason"], condition["message"]


def test_the_defaults_are_written_where_nothing_is_named(workbench: Workbench) -> None:
    """Every key, and a condition that says what is exported."""
    workbench.apply(kepler())
    workbench.settle()

    assert data(workbench) == {
        "ENABLE_PROCESS_METRICS": "false",
        "EXPORT_METRICS": (
            "cpu_cycles, cpu_instructions, cache_miss, bpf_cpu_time_ms, bpf_page_cache_hit, "
            "bpf_net_tx_irq, bpf_net_rx_irq, bpf_block_irq, gpu_compute_util, gpu_mem_util"
        ),
        "EXPOSE_COMPONENT_POWER": "true",
        "EXPOSE_CONTAINER_METRICS": "true",
        "EXPOSE_ESTIMATED_IDLE_POWER_METRICS": "false",
        "EXPOSE_VM_METRICS": "false",
    }
    message = "exports power of node, package, pod, container; usage metrics: all there are"
    assert condition(workbench) == ("True", "Reconciled", message)


def test_every_field_reaches_the_nodes_in_one_rollout(workbench: Workbench) -> None:
    """Levels, metrics and idle power, edited together."""
    workbench.apply(power(), kepler(exported_power="default"))
    workbench.settle()
    assert generation(workbench) == 1

    workbench.apply(power(levels=["process", "vm"], metrics=["cache_miss", "cpu_cycles"], idle_power=True))
    workbench.settle()

    assert data(workbench) == {
        "ENABLE_PROCESS_METRICS": "true",
        "EXPORT_METRICS": "cpu_cycles, cache_miss",
        "EXPOSE_COMPONENT_POWER": "true",
        "EXPOSE_CONTAINER_METRICS": "false",
        "EXPOSE_ESTIMATED_IDLE_POWER_METRICS": "true",
        "EXPOSE_VM_METRICS": "true",
    }
    assert generation(workbench) == 2
    assert workbench.settle() == 0


def test_the_same_in_another_order_is_no_rollout(workbench: Workbench) -> None:
    """Lists are sets: nothing is written, nothing restarts."""
    workbench.apply(power(metrics=["cache_miss", "cpu_cycles"]), kepler(exported_power="default"))
    workbench.settle()

    workbench.apply(power(metrics=["cpu_cycles", "cache_miss"]))

    assert workbench.settle() == 0
    assert generation(workbench) == 1


def test_both_resources_edited_at_once_are_one_rollout(workbench: Workbench) -> None:
    """The exporter waits for every owner of keys: a new Kepler spec brings all its changes together."""
    workbench.apply(power("a"), power("b", levels=["node"]), kepler(exported_power="a"))
    workbench.settle()

    workbench.patch("kepler/kepler", {"spec": {"exported-power": "b", "collector": {"port": 9103}}})
    workbench.settle()

    assert data(workbench)["EXPOSE_CONTAINER_METRICS"] == "false"
    assert generation(workbench) == 2


def test_a_missing_resource_is_said_and_cured_by_creating_it(workbench: Workbench) -> None:
    """Nothing runs that exports what the user may have turned off; what runs already is left as it is."""
    workbench.apply(kepler(exported_power="mine"))
    workbench.settle()
    status, reason, message = condition(workbench)
    assert (status, reason) == ("False", "ExportedPowerNotFound")
    assert "'mine'" in message
    assert workbench.conditions()["Ready"]["reason"] == "ExportedPowerNotFound"
    assert workbench.get("daemonset/kepler-exporter") is None

    workbench.apply(power("mine"))
    (created,) = workbench.events("keplerexportedpowers/mine")
    assert workbench.wake("exported_power", created).reports
    workbench.settle()

    assert condition(workbench)[0] == "True"
    assert generation(workbench) == 1


def test_naming_a_missing_resource_leaves_what_runs(workbench: Workbench) -> None:
    """Keys and DaemonSet stay as they are."""
    workbench.apply(power(levels=["node"]), kepler(exported_power="default"))
    workbench.settle()
    before = data(workbench)

    workbench.patch("kepler/kepler", {"spec": {"exported-power": "missing"}})
    workbench.settle()

    assert data(workbench) == before
    assert generation(workbench) == 1


def test_a_switch_that_was_taken_away_comes_back_without_a_rollout(workbench: Workbench) -> None:
    """Removed or changed by hand: mended by its owner while the exporter waits."""
    workbench.apply(kepler())
    workbench.settle()
    intended = data(workbench)

    workbench.patch("configmap/kepler-cfm", {"data": {"EXPORT_METRICS": None, "ENABLE_PROCESS_METRICS": "enabled"}})
    (edited,) = workbench.events("configmap/kepler-cfm")
    assert workbench.wake("exported_power", edited).reports
    workbench.settle()

    assert data(workbench) == intended
    assert generation(workbench) == 1
    (mended,) = workbench.events("configmap/kepler-cfm")
    assert workbench.wake("exported_power", mended).calls == 0


def test_a_source_turned_off_changes_the_message_only(workbench: Workbench) -> None:
    """A metric asked for by name has no values then: said, not refused."""
    collected = {**kepler("sources", sources={"counter": {"enabled": True}}), "kind": "KeplerCollectedMetric"}
    workbench.apply(
        collected, power(metrics=["cache_miss"]), kepler(exported_power="default", collected_metric="sources")
    )
    workbench.settle()
    assert condition(workbench)[2].endswith("usage metrics: cache_miss")

    workbench.patch("kcm/sources", {"spec": {"sources": {"counter": {"enabled": False}}}})
    workbench.wake("exported_power", update(workbench.get("keplercollectedmetrics/sources")))

    remark = "no values of cache_miss: enable `sources.counter` in KeplerCollectedMetric 'sources'"
    assert condition(workbench) == (
        "True",
        "Reconciled",
        f"exports power of node, package, pod, container; usage metrics: cache_miss; {remark}",
    )
