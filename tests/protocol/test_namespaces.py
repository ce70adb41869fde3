"""A namespace that no administrator has opened to privileged pods gets none, and no subject; on a real API server."""

import json
from typing import Any

import pytest

from events.types import RESOURCE_ADD, RESOURCE_DELETE, RESOURCE_UPDATE
from local.stack import Stack
from operands import namespaces
from tests.protocol.test_exporter_applied import data, generation
from tests.protocol.test_kepler_served import subjects
from tests.protocol.test_sweep import SweepRun
from tests.workbench import Workbench, create_namespace, kepler, update

ON = {"enabled": True}
WRITTEN = (
    "daemonset/kepler-exporter",
    "service/kepler-exporter",
    "serviceaccount/kepler",
    "deployment/kepler-model-server",
    "service/kepler-model-server",
    "configmap/kepler-model-server-cfm",
    "persistentvolumeclaim/kepler-model-server-pvc",
)


@pytest.fixture(params=[{}, {"pod-security.kubernetes.io/enforce": "restricted"}], ids=["no label", "restricted"])
def closed(control_plane: Stack, namespace: str, request: pytest.FixtureRequest) -> Workbench:
    """A namespace that does not allow privileged pods."""
    place = f"{namespace}-closed"
    create_namespace(control_plane, place, request.param)
    return Workbench(control_plane, place)


def allow(workbench: Workbench) -> None:
    """What the message says, to the letter."""
    message = workbench.conditions()["CollectorReconciled"]["message"]
    command = message.partition("`kubectl ")[2].partition("`")[0]
    workbench.stack.kubectl(*command.split())


def about(workbench: Workbench, kind: str) -> Any:
    """An event about the namespace, as ApiServerSource sends it."""
    answer = json.loads(workbench.stack.kubectl("get", "namespace", workbench.namespace, "-o", "json"))
    return update(answer, kind)


def test_a_namespace_that_is_not_opened_gets_nothing_privileged(closed: Workbench) -> None:
    """No workload, no account, no subject; both functions say why, and what to run."""
    closed.apply(kepler(estimator_sidecar=ON, model_server={**ON, "storage": {"type": "claim"}}))
    closed.settle()

    assert [what for what in WRITTEN if closed.get(what)] == []
    assert subjects(closed) == []
    reported = closed.conditions()
    for condition in ("CollectorReconciled", "ModelServerReconciled", "Ready"):
        assert (reported[condition]["status"], reported[condition]["reason"]) == ("False", "NamespaceNotAllowed")
        assert namespaces.command(closed.namespace) in reported[condition]["message"]
    assert reported["EstimatorReconciled"]["status"] == "True"


def test_the_command_in_the_message_opens_it(closed: Workbench) -> None:
    """Nothing is left to be done but to wait for the event, which reaches both functions."""
    closed.apply(kepler(model_server=ON))
    closed.settle()
    allow(closed)

    for function in ("model_server", "collector"):
        closed.wake(function, about(closed, RESOURCE_ADD))

    assert closed.get("deployment/kepler-model-server")
    assert closed.get("daemonset/kepler-exporter")
    assert len(subjects(closed)) == 1
    assert closed.settle() > 0
    assert closed.conditions()["CollectorReconciled"]["status"] == "True"


def test_keys_of_a_server_that_is_off_need_no_privileges(closed: Workbench) -> None:
    """They are only where others look for it."""
    closed.apply(kepler())
    closed.settle()
    assert data(closed)["MODEL_SERVER_ENABLE"] == "false"
    assert closed.conditions()["ModelServerReconciled"]["reason"] == "Disabled"


def test_what_runs_stays_when_the_namespace_is_closed(workbench: Workbench) -> None:
    """The condition says so; an edit reaches the nodes only once the namespace is opened again."""
    workbench.apply(kepler(model_server=ON))
    workbench.settle()
    before = [workbench.get(what)["metadata"]["resourceVersion"] for what in WRITTEN[:6]]

    workbench.stack.kubectl("label", "namespace", workbench.namespace, f"{namespaces.LABEL}-")
    for function in ("collector", "model_server"):
        assert workbench.wake(function, about(workbench, RESOURCE_DELETE)).reports
    workbench.patch("kepler/kepler", {"spec": {"collector": {"port": 9105}}})
    workbench.settle()

    assert workbench.conditions()["Ready"]["reason"] == "NamespaceNotAllowed"
    assert [workbench.get(what)["metadata"]["resourceVersion"] for what in WRITTEN[:6]] == before
    assert len(subjects(workbench)) == 1
    allow(workbench)
    workbench.settle()
    assert generation(workbench) == 2


def test_a_server_can_be_turned_off_in_a_closed_namespace(workbench: Workbench) -> None:
    """Removing what runs needs no leave."""
    workbench.apply(kepler(model_server=ON))
    workbench.settle()
    workbench.stack.kubectl("label", "namespace", workbench.namespace, f"{namespaces.LABEL}-")
    workbench.patch("kepler/kepler", {"spec": {"model-server": {"enabled": False}}})
    workbench.settle()
    assert workbench.get("deployment/kepler-model-server") is None


def test_a_kepler_deleted_from_a_closed_namespace_leaves_the_binding(workbench: Workbench) -> None:
    """Its account loses what it had, whatever the namespace allows."""
    workbench.apply(kepler())
    workbench.settle()
    workbench.stack.kubectl("label", "namespace", workbench.namespace, f"{namespaces.LABEL}-")
    workbench.delete("kepler/kepler")
    workbench.resync("collector")
    assert subjects(workbench) == []


def test_an_event_about_a_namespace_looks_at_no_other(workbench: Workbench) -> None:
    """One list of the Keplers in it, whatever is in the cluster besides."""
    create_namespace(workbench.stack, f"{workbench.namespace}-beside")
    Workbench(workbench.stack, f"{workbench.namespace}-beside").apply(kepler())
    workbench.asked("collector")
    event = about(workbench, RESOURCE_ADD)
    workbench.wake("collector", event)
    asked = [request.path for request in workbench.asked("collector")]
    assert asked == [f"/apis/sustainable-computing.io/v1alpha1/namespaces/{workbench.namespace}/keplers"]


def test_a_sweep_finds_what_an_unheard_label_has_changed(control_plane: Stack, workbench: Workbench) -> None:
    """Opened or closed while nobody listened; all namespaces are one list, however many Keplers there are."""
    workbench.apply(kepler())
    workbench.settle()
    workbench.stack.kubectl("label", "namespace", workbench.namespace, f"{namespaces.LABEL}-")

    swept = SweepRun(control_plane)

    assert set(swept.diverging(workbench.namespace)) == {"collector"}
    asked = [request for request in swept.asked.requests if request.path.startswith("/api/v1/namespaces")]
    paths = [request.path for request in asked if not request.path.endswith("/events")]
    assert paths == ["/api/v1/namespaces"]
    assert asked[0].query["labelSelector"] == "pod-security.kubernetes.io/enforce=privileged"
    workbench.settle()
    assert SweepRun(control_plane).diverging(workbench.namespace) == {}
    allow(workbench)
    assert set(SweepRun(control_plane).diverging(workbench.namespace)) == {"collector"}


def test_a_namespace_that_is_being_deleted_is_the_cause(workbench: Workbench) -> None:
    """`Ready` says so at once, before anything in it is gone, and nothing is written into it any more."""
    workbench.apply(kepler(model_server=ON))
    workbench.settle()
    held = {"metadata": {"finalizers": ["example.com/hold"]}}
    workbench.stack.kubectl("patch", "namespace", workbench.namespace, "--type=merge", "-p", json.dumps(held))
    workbench.stack.kubectl("delete", "namespace", workbench.namespace, "--wait=false")
    for function in ("collector", "model_server", "status"):
        workbench.wake(function, about(workbench, RESOURCE_UPDATE))
    workbench.settle()
    for condition in ("CollectorReconciled", "ModelServerReconciled", "Ready"):
        there = workbench.conditions()[condition]
        assert (there["status"], there["reason"]) == ("False", "NamespaceTerminating")
    workbench.delete("daemonset/kepler-exporter")
    workbench.settle()
    assert workbench.get("daemonset/kepler-exporter") is None
