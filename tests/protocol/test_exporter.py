"""From a Kepler to an exporter: each function under its own ServiceAccount, against a real API server."""

from tests.workbench import Workbench, kepler


def test_a_kepler_gets_its_exporter(workbench: Workbench) -> None:
    """The configuration, the account, the Service and the DaemonSet are there, and their conditions say so."""
    workbench.apply(kepler())
    workbench.settle()

    assert workbench.get("daemonset/kepler-exporter")["spec"]["template"]["spec"]["hostPID"] is True
    assert workbench.get("service/kepler-exporter")["spec"]["ports"][0]["port"] == 9102
    assert workbench.get("serviceaccount/kepler")
    assert workbench.get("configmap/kepler-cfm")["data"]["BIND_ADDRESS"] == "0.0.0.0:9102"
    reported = workbench.conditions()
    assert reported["CollectedMetricReconciled"]["status"] == "True"
    assert reported["CollectorReconciled"]["status"] == "True"
    assert reported["Ready"]["reason"] == "RolloutInProgress"
