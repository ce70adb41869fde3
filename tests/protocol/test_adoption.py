"""Objects that somebody else made under our names: refused by name, or adopted and then kept; never taken silently."""

from typing import Any

import pytest

from runtime.adoption import ADOPT, ADOPTED_BY, MANAGED_BY
from runtime.objects import metadata, uid
from tests.workbench import Workbench, kepler

HELM = {"app.kubernetes.io/managed-by": "Helm"}
OURS = ("serviceaccount/kepler", "configmap/kepler-cfm")


def made_by_helm(kind: str, name: str, **content: Any) -> dict[str, Any]:
    """An object of a Helm release."""
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": HELM}, **content}


def release(workbench: Workbench) -> None:
    """A ServiceAccount and a ConfigMap of a Helm release."""
    account = made_by_helm("ServiceAccount", "kepler")
    workbench.apply(account, made_by_helm("ConfigMap", "kepler-cfm", data={"MAX_LOOKUP_RETRY": "9"}))


def versions(workbench: Workbench, *what: str) -> list[str]:
    """The versions of these objects: equal means unchanged."""
    return [workbench.get(text)["metadata"]["resourceVersion"] for text in what]


def test_objects_of_a_helm_release_are_refused_by_name_and_survive_the_kepler(workbench: Workbench) -> None:
    """Both in one message, with what to do; neither is changed, also when the Kepler is deleted."""
    release(workbench)
    before = versions(workbench, *OURS)
    workbench.apply(kepler())
    workbench.settle()
    ready = workbench.conditions()["Ready"]
    assert (ready["status"], ready["reason"]) == ("False", "OwnedByAnother")
    for part in (
        "ServiceAccount 'kepler' (managed by 'Helm') and ConfigMap 'kepler-cfm' (managed by 'Helm')",
        f"kubectl kepler resync kepler -n {workbench.namespace}",
        f"{ADOPT}=ServiceAccount/kepler,ConfigMap/kepler-cfm",
    ):
        assert part in ready["message"]
    assert workbench.get("daemonset/kepler-exporter") is None

    workbench.delete("kepler/kepler")
    assert versions(workbench, *OURS) == before


def exporter_by_hand(workbench: Workbench, port: int = 9102) -> tuple[str, ...]:
    """An exporter as upstream's manifests make it: DaemonSet, Service and ConfigMap."""
    labels = {"app.kubernetes.io/name": "kepler-exporter"}
    container = {"name": "kepler-exporter", "image": "quay.io/sustainable_computing_io/kepler:release-0.7.12"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    workbench.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": "kepler-exporter"},
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "kepler-exporter"},
            "spec": {"clusterIP": "None", "selector": labels, "ports": [{"port": port, "name": "http"}]},
        },
        made_by_helm("ConfigMap", "kepler-cfm", data={"BIND_ADDRESS": f":{port}"}),
    )
    return ("daemonset/kepler-exporter", "service/kepler-exporter", "configmap/kepler-cfm")


def test_a_running_exporter_of_somebody_else_is_left_as_it_runs(workbench: Workbench) -> None:
    """Neither its configuration nor its Service moves to another port."""
    theirs = exporter_by_hand(workbench)
    before = versions(workbench, *theirs)
    workbench.apply(kepler(collector={"port": 9105}))
    workbench.settle()
    message = workbench.conditions()["Ready"]["message"]
    assert (
        "ConfigMap 'kepler-cfm' (managed by 'Helm') and Service 'kepler-exporter' and DaemonSet 'kepler-exporter'"
        in message
    )
    assert versions(workbench, *theirs) == before
    assert workbench.get("serviceaccount/kepler") is None


@pytest.mark.parametrize(
    ("kind", "name", "condition"),
    [
        ("Service", "kepler-model-server", "ModelServerReconciled"),
        ("ConfigMap", "kepler-model-server-cfm", "ModelServerReconciled"),
        ("PersistentVolumeClaim", "kepler-model-server-pvc", "ModelServerReconciled"),
    ],
)
def test_no_other_function_takes_objects_of_others(workbench: Workbench, kind: str, name: str, condition: str) -> None:
    """Of the model server: refused while it is wanted, and nobody's business while it is not."""
    spec: dict[str, Any] = {"ports": [{"port": 80}]} if kind == "Service" else {}
    if kind == "PersistentVolumeClaim":
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    workbench.apply(made_by_helm(kind, name, **({"spec": spec} if spec else {})))
    before = versions(workbench, f"{kind}/{name}")
    storage = {"type": "claim", "claim": {"size": "1Gi"}}
    workbench.apply(kepler(model_server={"enabled": True, "storage": storage}))
    workbench.settle()
    condition_now = workbench.conditions()[condition]
    assert (condition_now["status"], condition_now["reason"]) == ("False", "OwnedByAnother")
    assert f"{kind} '{name}' (managed by 'Helm')" in condition_now["message"]
    assert versions(workbench, f"{kind}/{name}") == before
    assert workbench.get("deployment/kepler-model-server") is None

    workbench.apply(kepler(model_server={"enabled": False, "storage": storage}))
    workbench.settle()
    assert workbench.conditions()[condition]["reason"] == "Disabled"
    assert versions(workbench, f"{kind}/{name}") == before


def adopting(workbench: Workbench, listed: str) -> None:
    """What the message tells the user to run."""
    resource = "keplers.sustainable-computing.io"
    workbench.stack.kubectl(
        "-n", workbench.namespace, "annotate", resource, "kepler", "--overwrite", f"{ADOPT}={listed}"
    )


def test_what_the_user_lists_is_adopted_and_outlives_the_kepler(workbench: Workbench) -> None:
    """Written as needed, with a mark in place of an owner reference; its own keys stay, and the exporter runs."""
    release(workbench)
    workbench.apply(kepler())
    workbench.settle()
    adopting(workbench, "ServiceAccount/kepler,ConfigMap/kepler-cfm")
    workbench.settle()
    assert workbench.conditions()["CollectorReconciled"]["status"] == "True"
    for child in OURS:
        described = metadata(workbench.get(child))
        assert "ownerReferences" not in described
        assert described["annotations"][ADOPTED_BY] == f"Kepler/kepler/{uid(workbench.kepler())}"
    data = workbench.get("configmap/kepler-cfm")["data"]
    assert (data["MAX_LOOKUP_RETRY"], data["BIND_ADDRESS"]) == ("9", ":9102")
    assert workbench.get("daemonset/kepler-exporter")["metadata"]["ownerReferences"]


def test_an_adopted_object_is_somebody_elses_to_the_next_kepler(workbench: Workbench) -> None:
    """Consent is a resource's own: the one created after it is refused until it lists the object, too."""
    release(workbench)
    workbench.apply(kepler())
    adopting(workbench, "ServiceAccount/kepler,ConfigMap/kepler-cfm")
    workbench.settle()
    workbench.delete("kepler/kepler")

    workbench.apply(kepler())
    workbench.settle()
    assert workbench.conditions()["CollectedMetricReconciled"]["reason"] == "OwnedByAnother"


def test_two_keplers_do_not_share_what_one_has_adopted(workbench: Workbench) -> None:
    """The second is told of the first, and what to run if that is gone already."""
    release(workbench)
    workbench.apply(kepler())
    adopting(workbench, "ServiceAccount/kepler,ConfigMap/kepler-cfm")
    workbench.settle()
    workbench.apply(kepler("second"))
    workbench.settle("second")
    collected_metric_reconciled = workbench.conditions("second")["CollectedMetricReconciled"]
    assert collected_metric_reconciled["reason"] == "OwnedByAnother"
    assert "was adopted by Kepler 'kepler'" in collected_metric_reconciled["message"]
    assert f"annotate configmaps kepler-cfm {ADOPTED_BY}-" in collected_metric_reconciled["message"]


def test_adopted_objects_rest_and_drift_is_put_right(workbench: Workbench) -> None:
    """A value changed by hand comes back, as in an object of ours."""
    release(workbench)
    workbench.apply(kepler())
    adopting(workbench, "ServiceAccount/kepler,ConfigMap/kepler-cfm")
    workbench.settle()
    workbench.patch("configmap/kepler-cfm", {"data": {"BIND_ADDRESS": ":1"}})
    assert workbench.settle() > 0
    assert workbench.get("configmap/kepler-cfm")["data"]["BIND_ADDRESS"] == ":9102"
    assert workbench.settle() == 0


def test_a_workload_whose_selector_differs_cannot_be_adopted_and_nothing_moves(workbench: Workbench) -> None:
    """Selectors are immutable: the DaemonSet has to go, and the message says so."""
    theirs = exporter_by_hand(workbench, port=9105)
    workbench.apply(kepler(collector={"port": 9105}))
    adopting(workbench, "ConfigMap/kepler-cfm,Service/kepler-exporter,DaemonSet/kepler-exporter")
    workbench.settle()
    collector_reconciled = workbench.conditions()["CollectorReconciled"]
    assert (collector_reconciled["status"], collector_reconciled["reason"]) == ("False", "Invalid")
    assert "immutable" in collector_reconciled["message"]
    assert "delete DaemonSet 'kepler-exporter'" in collector_reconciled["message"]
    assert ADOPTED_BY not in metadata(workbench.get(theirs[1])).get("annotations", {})


def test_what_an_orphaning_deletion_left_is_taken_back(workbench: Workbench) -> None:
    """It carries our label, and its owner is gone."""
    workbench.apply(kepler())
    workbench.settle()
    labels = {"metadata": {"ownerReferences": None}}
    for child in (*OURS, "service/kepler-exporter", "daemonset/kepler-exporter"):
        assert metadata(workbench.get(child))["labels"].items() >= MANAGED_BY.items()
        workbench.patch(child, labels)
    workbench.settle()
    assert workbench.conditions()["CollectorReconciled"]["status"] == "True"
    assert metadata(workbench.get("serviceaccount/kepler"))["ownerReferences"]
