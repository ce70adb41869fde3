"""Which Kepler is served, and when: edits that are rejected, the second of a namespace, deletion and what follows."""

from typing import Any

from tests.protocol.test_exporter_applied import collected_metric, data, generation
from tests.workbench import Workbench, kepler


def test_an_edit_that_another_owner_will_reject_never_reaches_the_nodes(workbench: Workbench) -> None:
    """Between the switches written and the estimator's word on them, the exporter is left as it is."""
    workbench.apply(collected_metric(), kepler(collected_metric="default", estimator_sidecar={"enabled": True}))
    workbench.settle()

    workbench.patch("kcm/default", {"spec": {"sources": {"counter": {"enabled": False}, "bpf": {"enabled": False}}}})
    workbench.resync("collected_metric")
    assert data(workbench)["EXPOSE_BPF_METRICS"] == "false"
    workbench.resync("collector")

    assert generation(workbench) == 1
    workbench.settle()
    assert generation(workbench) == 1
    assert workbench.conditions()["Ready"]["reason"] == "SourceRequired"


def test_a_named_resource_that_does_not_exist(workbench: Workbench) -> None:
    """Is said so, in every condition that depends on it, and cured by creating it."""
    workbench.apply(kepler(collected_metric="mine"))
    workbench.settle()
    reported = workbench.conditions()
    assert reported["CollectedMetricReconciled"]["reason"] == "CollectedMetricNotFound"
    assert "'mine'" in reported["Ready"]["message"]
    assert reported["CollectorReconciled"]["status"] == "Unknown"
    assert workbench.get("daemonset/kepler-exporter") is None

    workbench.apply(collected_metric("mine"))
    workbench.settle()

    assert workbench.conditions()["CollectorReconciled"]["status"] == "True"


def test_a_rejection_leaves_the_exporter_that_runs(workbench: Workbench) -> None:
    """An edit that names a missing resource changes nothing on the nodes, the port beside it included."""
    workbench.apply(kepler())
    workbench.settle()

    def runs() -> tuple[Any, ...]:
        shown = workbench.kepler()["status"]["images"]
        return workbench.get("daemonset/kepler-exporter")["spec"], data(workbench), shown

    before = runs()

    workbench.patch("kepler/kepler", {"spec": {"collected-metric": "missing", "collector": {"port": 9999}}})
    workbench.settle()

    assert runs() == before
    assert workbench.conditions()["Ready"]["reason"] == "CollectedMetricNotFound"


def test_the_second_kepler_of_a_namespace_says_which_is_first(workbench: Workbench) -> None:
    """It writes nothing; when the first is gone, and with it its objects, it takes over."""
    workbench.apply(kepler("first"))
    workbench.settle("first")
    owned = workbench.get("configmap/kepler-cfm")

    workbench.apply(kepler("second"))
    workbench.settle("second")
    refused = workbench.conditions("second")
    assert refused["Ready"]["reason"] == "NamespaceTaken"
    assert "'first'" in refused["Ready"]["message"]
    assert workbench.get("configmap/kepler-cfm") == owned

    workbench.delete("kepler/first")
    workbench.resync("collector", "first")
    for child in (
        "configmap/kepler-cfm",
        "service/kepler-exporter",
        "serviceaccount/kepler",
        "daemonset/kepler-exporter",
    ):
        workbench.delete(child)  # as the garbage collector does
    workbench.settle("second")

    assert workbench.conditions("second")["CollectorReconciled"]["status"] == "True"
    assert subjects(workbench)


def subjects(workbench: Workbench) -> list[dict[str, str]]:
    """This namespace's subjects of the shared binding."""
    bound = workbench.get("clusterrolebinding/kepler-exporter")
    return [subject for subject in bound.get("subjects") or [] if subject["namespace"] == workbench.namespace]


def test_a_deleted_kepler_leaves_the_binding(workbench: Workbench) -> None:
    """Its ServiceAccount is no subject any more; nothing that garbage collection is about to remove is touched."""
    workbench.apply(kepler())
    workbench.settle()
    assert len(subjects(workbench)) == 1

    workbench.delete("kepler/kepler")
    reports = workbench.resync("collector").reports

    assert subjects(workbench) == []
    assert [change.object.kind for change in reports[0].changes] == ["ClusterRoleBinding"]


def test_a_terminating_kepler_is_not_served(workbench: Workbench) -> None:
    """While somebody's finalizer holds it, what is deleted stays deleted."""
    workbench.apply(kepler() | {"metadata": {"name": "kepler", "finalizers": ["example.com/hold"]}})
    workbench.settle()

    workbench.delete("kepler/kepler")
    workbench.delete("daemonset/kepler-exporter")
    workbench.settle()

    assert workbench.get("daemonset/kepler-exporter") is None
    assert subjects(workbench) == []
    workbench.patch("kepler/kepler", {"metadata": {"finalizers": None}})


def test_a_kepler_created_again_does_not_touch_its_predecessors_objects(workbench: Workbench) -> None:
    """It waits for the garbage collector, whose deletions are events, and then starts afresh."""
    workbench.apply(kepler())
    workbench.settle()
    theirs = workbench.get("configmap/kepler-cfm"), workbench.get("daemonset/kepler-exporter")
    workbench.delete("kepler/kepler")
    workbench.apply(kepler())

    workbench.settle()
    assert (workbench.get("configmap/kepler-cfm"), workbench.get("daemonset/kepler-exporter")) == theirs
    for child in (
        "configmap/kepler-cfm",
        "service/kepler-exporter",
        "serviceaccount/kepler",
        "daemonset/kepler-exporter",
    ):
        workbench.delete(child)
    workbench.settle()

    owner = workbench.get("daemonset/kepler-exporter")["metadata"]["ownerReferences"][0]
    assert owner["uid"] == workbench.kepler()["metadata"]["uid"]


def test_an_object_of_somebody_else_is_left_alone(workbench: Workbench) -> None:
    """A DaemonSet that a foreign controller owns is named in the condition, with what to do."""
    owner = {"apiVersion": "helm.example/v1", "kind": "Release", "name": "theirs", "uid": "1", "controller": True}
    labels = {"app": "theirs"}
    foreign = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "kepler-exporter", "ownerReferences": [owner]},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "x", "image": "x"}]}},
        },
    }
    workbench.apply(foreign, kepler())
    workbench.settle()

    assert workbench.conditions()["Ready"]["reason"] == "OwnedByAnother"
    assert "Release 'theirs'" in workbench.conditions()["Ready"]["message"]
    assert workbench.get("daemonset/kepler-exporter")["metadata"]["generation"] == 1


def test_every_condition_follows_the_conventions(workbench: Workbench) -> None:
    """Each speaks of the present generation; an unchanged status keeps its time."""
    workbench.apply(kepler())
    workbench.settle()
    before = workbench.conditions()

    workbench.patch("kepler/kepler", {"spec": {"collector": {"log-level": 3}}})
    workbench.settle()

    after = workbench.conditions()
    assert {entry["observedGeneration"] for entry in after.values()} == {2}
    assert workbench.kepler()["status"]["observedGeneration"] == 2
    unchanged = "CollectedMetricReconciled"
    assert after[unchanged]["lastTransitionTime"] == before[unchanged]["lastTransitionTime"]
