"""The estimator: on, changed and off, and what it needs of the sources; on a real API server."""

from typing import Any

from operands import kepler_v07
from operands.repositories import repository
from tests.protocol.test_exporter_applied import collected_metric, data, generation
from tests.protocol.test_model_server_applied import changes_leave_no_trace
from tests.workbench import Workbench, kepler

COUNTER_MODEL = "http://m/ec2/rapl-sysfs/AbsPower/CounterOnly/SGDRegressorTrainer_0.zip"
STATES: dict[str, dict[str, Any]] = {
    "off": {},
    "on": {"enabled": True},
    "other": {
        "enabled": True,
        "image": f"{repository(kepler_v07.MODEL_SERVER_IMAGE)}:v0.7.11",
        "models": {"node-components": {"trainer": "SGDRegressorTrainer"}, "node-total": {"init-url": "file:///m.zip"}},
    },
}


def pod(workbench: Workbench) -> Any:
    """The exporter's pod."""
    return workbench.get("daemonset/kepler-exporter")["spec"]["template"]["spec"]


def test_every_change_leaves_what_a_fresh_apply_gives(workbench: Workbench) -> None:
    """Every state after every other one: the sidecar, its volumes and its lines come and go without a trace."""
    changes_leave_no_trace(workbench, {name: kepler(estimator_sidecar=sidecar) for name, sidecar in STATES.items()})


def test_turning_it_on_is_one_rollout(workbench: Workbench) -> None:
    """Configuration and sidecar arrive together: an exporter without the socket would use its own models for good."""
    workbench.apply(kepler())
    workbench.settle()
    workbench.patch("kepler/kepler", {"spec": {"estimator-sidecar": {"enabled": True}}})
    workbench.settle()
    assert generation(workbench) == 2
    assert pod(workbench)["initContainers"][0]["restartPolicy"] == "Always"
    assert data(workbench)["MODEL_CONFIG"].splitlines() == [
        "NODE_TOTAL_ESTIMATOR=true",
        "NODE_COMPONENTS_ESTIMATOR=true",
    ]
    assert workbench.kepler()["status"]["images"]["estimator"]


def test_a_model_whose_source_is_turned_off_leaves_the_exporter_that_runs(workbench: Workbench) -> None:
    """The edit of the other resource is refused in the Kepler's condition, and cured there."""
    sidecar = {"enabled": True, "models": {"node-total": {"init-url": COUNTER_MODEL}}}
    workbench.apply(collected_metric(), kepler(collected_metric="default", estimator_sidecar=sidecar))
    workbench.settle()

    workbench.patch("kcm/default", {"spec": {"sources": {"counter": {"enabled": False}}}})
    [event] = workbench.events("keplercollectedmetrics/default")
    assert workbench.wake("estimator", event).reports
    workbench.settle()
    assert workbench.conditions()["Ready"]["reason"] == "SourceRequired"
    assert generation(workbench) == 1

    workbench.patch("kcm/default", {"spec": {"sources": {"counter": {"enabled": True}}}})
    workbench.settle()
    assert workbench.conditions()["EstimatorReconciled"]["status"] == "True"
    assert generation(workbench) == 1


def test_a_value_somebody_puts_into_the_key_does_not_survive(workbench: Workbench) -> None:
    """Off as well as on; the exporter is not restarted for it."""
    workbench.apply(kepler())
    workbench.settle()
    workbench.patch("configmap/kepler-cfm", {"data": {"MODEL_CONFIG": "NODE_TOTAL_ESTIMATOR=true"}})
    [event] = workbench.events("configmap/kepler-cfm")
    assert workbench.wake("estimator", event).reports
    workbench.settle()
    assert data(workbench)["MODEL_CONFIG"] == ""
    assert generation(workbench) == 1
