"""An edit is written whole or not at all: what the API server would refuse is found out before the first write."""

import json
from collections.abc import Mapping

import pytest

from local.local_errors import CommandFailed
from runtime.client import ApiResponse, Request
from runtime.objects import (
    CONFIG_MAP,
    DAEMON_SET,
    DEPLOYMENT,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
    Manifest,
)
from runtime.receive import Reconciler
from tests.policies import refusing
from tests.workbench import BY_NAME, Workbench, kepler, resync, transport

SENTENCE = "🚫 every workload needs a label team"
CLAIMED = {"enabled": True, "storage": {"type": "claim", "claim": {"size": "5Gi"}}}


@pytest.fixture
def running(workbench: Workbench) -> Workbench:
    """A namespace whose Kepler is on its nodes, on port 9102."""
    workbench.apply(kepler())
    workbench.settle()
    assert ports(workbench) == (":9102", 9102, 9102)
    return workbench


def ports(workbench: Workbench) -> tuple[str, int, int]:
    """The port as the configuration, the Service and the DaemonSet say it."""
    container = workbench.get("daemonset/kepler-exporter")["spec"]["template"]["spec"]["containers"][0]
    return (
        workbench.get("configmap/kepler-cfm")["data"]["BIND_ADDRESS"],
        workbench.get("service/kepler-exporter")["spec"]["ports"][0]["port"],
        container["ports"][0]["containerPort"],
    )


def test_what_a_policy_refuses_of_one_child_changes_no_other(running: Workbench) -> None:
    """Configuration, Service and DaemonSet stay on the old port; the condition has the policy's sentence, emoji too."""
    with refusing(running.stack, running.namespace, DAEMON_SET, SENTENCE):
        running.patch("kepler/kepler", {"spec": {"collector": {"port": 9103}}})
        running.settle()
        assert ports(running) == (":9102", 9102, 9102)
        collector_reconciled = running.conditions()["CollectorReconciled"]
        assert (collector_reconciled["status"], collector_reconciled["reason"]) == ("False", "RefusedByPolicy")
        assert SENTENCE in collector_reconciled["message"]
        assert "a policy of this cluster says so" in collector_reconciled["message"]
    running.settle()
    assert ports(running) == (":9103", 9103, 9103)
    assert running.conditions()["CollectorReconciled"]["status"] == "True"


@pytest.mark.parametrize("kind", [CONFIG_MAP, SERVICE, DAEMON_SET], ids=lambda kind: kind.plural)
def test_whichever_child_is_refused_none_is_changed(running: Workbench, kind: Kind) -> None:
    """Each of the three in turn."""
    with refusing(running.stack, running.namespace, kind, SENTENCE):
        running.patch("kepler/kepler", {"spec": {"collector": {"port": 9104}}})
        running.settle()
        assert ports(running) == (":9102", 9102, 9102)


@pytest.mark.parametrize("kind", [SERVICE_ACCOUNT, SERVICE, DAEMON_SET], ids=lambda kind: kind.plural)
def test_a_new_exporter_is_made_whole_or_not_at_all(workbench: Workbench, kind: Kind) -> None:
    """What the collector makes: neither of its objects is left half-way."""
    with refusing(workbench.stack, workbench.namespace, kind, SENTENCE):
        workbench.apply(kepler())
        workbench.settle()
        made = ("serviceaccount/kepler", "service/kepler-exporter", "daemonset/kepler-exporter")
        assert [workbench.get(child) for child in made] == [None, None, None]


@pytest.mark.parametrize("kind", [CONFIG_MAP, SERVICE, DEPLOYMENT], ids=lambda kind: kind.plural)
def test_a_removal_that_is_refused_removes_nothing(workbench: Workbench, kind: Kind) -> None:
    """A model server that is switched off: all of its objects go, or none."""
    workbench.apply(kepler(model_server={"enabled": True}))
    workbench.settle()
    made = ("deployment/kepler-model-server", "service/kepler-model-server", "configmap/kepler-model-server-cfm")
    with refusing(workbench.stack, workbench.namespace, kind, SENTENCE, operations=("DELETE",)):
        workbench.apply(kepler(model_server={"enabled": False}))
        workbench.settle()
        assert all(workbench.get(child) for child in made)
        assert SENTENCE in workbench.conditions()["ModelServerReconciled"]["message"]
    workbench.settle()
    assert [workbench.get(child) for child in made] == [None, None, None]


def test_a_quota_is_told_as_a_quota_and_the_offered_command_goes_on(workbench: Workbench) -> None:
    """Nothing of the model server is made while its claim exceeds the quota."""
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "storage"},
        "spec": {"hard": {"requests.storage": "1Gi"}},
    }
    workbench.apply(quota)
    count(workbench, "storage", {"requests.storage": "1Gi"})
    workbench.apply(kepler(model_server=CLAIMED))
    workbench.settle()
    model_server_reconciled = workbench.conditions()["ModelServerReconciled"]
    assert (model_server_reconciled["status"], model_server_reconciled["reason"]) == ("False", "QuotaExceeded")
    assert "`model-server.storage.claim`" in model_server_reconciled["message"]
    assert f"kubectl kepler resync kepler -n {workbench.namespace}" in model_server_reconciled["message"]
    assert workbench.get("deployment/kepler-model-server") is None

    workbench.patch("resourcequota/storage", {"spec": {"hard": {"requests.storage": "10Gi"}}})
    count(workbench, "storage", {"requests.storage": "10Gi"})
    workbench.settle()
    assert workbench.conditions()["ModelServerReconciled"]["status"] == "True"


LIMITED = {"resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "512Mi"}}}
S3 = {"endpoint": "https://s3", "bucket": "kepler", "credentials": {"secret": "s"}}
COPIES = {"enabled": True, "storage": {"type": "external", "external": S3}}


@pytest.mark.parametrize("fields", [{}, LIMITED], ids=["blank", "limited"])
def test_a_quota_on_limits_is_met_by_fields(workbench: Workbench, fields: Manifest) -> None:
    """It wants limits of every container of every pod: blank fields have none, and the fields reach all of them."""
    hard = {"limits.cpu": "10", "limits.memory": "10Gi"}
    described = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "limits"}}
    workbench.apply({**described, "spec": {"hard": hard}})
    count(workbench, "limits", hard)
    workbench.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}})
    beside = {"enabled": True, **fields}
    workbench.apply(kepler(collector=fields, estimator_sidecar=beside, model_server={**COPIES, **fields}))
    workbench.settle()
    for workload in ("daemonset/kepler-exporter", "deployment/kepler-model-server"):
        child = pod_refused(workbench, workload)
        assert child == "" if fields else "must specify limits.cpu" in child


def pod_refused(workbench: Workbench, workload: str) -> str:
    """What the API server says against a pod of a workload, by a dry run; empty where it takes it."""
    template = workbench.get(workload)["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", **template, "metadata": {**template["metadata"], "name": "tried"}}
    try:
        workbench.stack.kubectl(
            "-n", workbench.namespace, "create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod)
        )
    except CommandFailed as refused:
        return str(refused)
    return ""


def count(workbench: Workbench, quota: str, hard: Mapping[str, str]) -> None:
    """What the quota's controller writes, which does not run beside this API server."""
    status = {"status": {"hard": hard, "used": dict.fromkeys(hard, "0")}}
    workbench.patch(f"resourcequota/{quota}", status, subresource="status")


def test_a_condition_that_the_api_server_refuses_is_written_in_plain_words(running: Workbench) -> None:
    """Better a cut sentence than a dead letter and no word at all."""
    send = transport(running.stack, BY_NAME["collector"].manager)

    def picky(request: Request) -> ApiResponse:
        """Refuses a status whose text is not ASCII, as some future schema might."""
        if request.path.endswith("/status") and not json.dumps(request.body, ensure_ascii=False).isascii():
            return ApiResponse(422, {"reason": "Invalid", "message": "status.conditions[0].message: not taken"})
        return send(request)

    with refusing(running.stack, running.namespace, DAEMON_SET, SENTENCE):
        running.patch("kepler/kepler", {"spec": {"collector": {"port": 9103}}})
        for function in ("collected_metric", "exported_power", "estimator", "model_server"):
            running.resync(function)
        Reconciler(BY_NAME["collector"], picky)(resync(running.namespace, "kepler"))
        collector_reconciled = running.conditions()["CollectorReconciled"]
    assert collector_reconciled["reason"] == "RefusedByPolicy"
    assert "? every workload needs a label team" in collector_reconciled["message"]
