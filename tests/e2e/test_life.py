"""The life of a Kepler on real parts: kubectl, API server, Knative's adapter, broker and channel, and our functions."""

import json
from typing import Any

import pytest

from local.layout import ROOT
from local.local_errors import CommandFailed
from local.stack import Stack
from tests.e2e.stack_namespace import StackNamespace
from tests.workbench import BY_NAME, create_namespace, kepler

CHILDREN = ("configmap/kepler-cfm", "service/kepler-exporter", "serviceaccount/kepler", "daemonset/kepler-exporter")


def subjects(stack: Stack) -> set[str]:
    """Namespaces whose exporters the shared binding lets read."""
    bound = json.loads(stack.kubectl("get", "clusterrolebinding", "kepler-exporter", "-o", "json"))
    return {subject["namespace"] for subject in bound.get("subjects") or []}


def left(cluster: StackNamespace) -> list[str]:
    """Which children are there."""
    return [child for child in CHILDREN if cluster.get(child)]


def test_an_apply_becomes_a_daemon_set_on_the_nodes(cluster: StackNamespace) -> None:
    """`Ready` on all four nodes, the control plane's included, and a report of each function on the way."""
    cluster.apply(kepler())
    cluster.await_ready()

    status = cluster.get("keplers/kepler")["status"]
    assert status["nodes"] == {"desired": 4, "updated": 4, "available": 4}
    assert status["images"]["collector"].startswith("quay.io/sustainable_computing_io/kepler:")
    assert cluster.namespace in subjects(cluster.stack)
    names = {*BY_NAME}
    cluster.eventually(lambda: {report["function"] for report in cluster.reports()} == names, cluster.reports)
    wrote = {"ConfigMap", "Service", "ServiceAccount", "DaemonSet", "ClusterRoleBinding", "Kepler"}
    cluster.eventually(
        lambda: wrote <= {change["object"]["kind"] for report in cluster.reports() for change in report["changes"]},
        cluster.reports,
    )


def test_an_edit_is_one_rollout(cluster: StackNamespace) -> None:
    """The port: one new generation of the DaemonSet; Service and configuration follow; applied twice, no second one."""
    cluster.apply(kepler())
    cluster.await_ready()

    edited = kepler(collector={"port": 9103})
    cluster.apply(edited)
    cluster.await_ready()
    assert "unchanged" in cluster.apply(edited)

    assert cluster.generation() == 2
    assert cluster.get("service/kepler-exporter")["spec"]["ports"][0]["port"] == 9103
    assert cluster.get("configmap/kepler-cfm")["data"]["BIND_ADDRESS"] == ":9103"


@pytest.mark.parametrize("child", CHILDREN)
def test_what_is_deleted_comes_back(cluster: StackNamespace, child: str) -> None:
    """Any child, as another object than before."""
    cluster.apply(kepler())
    cluster.await_ready()
    before = cluster.get(child)["metadata"]["uid"]

    cluster.kubectl("delete", child)

    cluster.eventually(lambda: (cluster.get(child) or {"metadata": {"uid": before}})["metadata"]["uid"] != before)
    cluster.await_ready()


def test_a_key_of_ours_comes_back_and_a_key_of_the_users_stays(cluster: StackNamespace) -> None:
    """The one without a rollout, the other with one: it is in the pods' configuration."""
    cluster.apply(kepler())
    cluster.await_ready()

    cluster.patch("configmap/kepler-cfm", {"data": {"ENABLE_GPU": None}})
    cluster.eventually(lambda: "ENABLE_GPU" in cluster.get("configmap/kepler-cfm")["data"])
    assert cluster.generation() == 1

    cluster.patch("configmap/kepler-cfm", {"data": {"MAX_LOOKUP_RETRY": "7"}})
    cluster.eventually(lambda: cluster.generation() == 2)
    cluster.await_ready()
    assert cluster.get("configmap/kepler-cfm")["data"]["MAX_LOOKUP_RETRY"] == "7"


def test_a_deleted_kepler_leaves_nothing(cluster: StackNamespace) -> None:
    """Garbage collection takes the children, we the subject."""
    cluster.apply(kepler())
    cluster.await_ready()

    cluster.kubectl("delete", "keplers/kepler")

    cluster.eventually(lambda: not left(cluster), lambda: left(cluster))
    cluster.eventually(lambda: cluster.namespace not in subjects(cluster.stack))


def test_the_second_kepler_says_who_is_first_and_takes_over(cluster: StackNamespace) -> None:
    """One namespace takes one; when the first is deleted, its objects become the second's."""
    cluster.apply(kepler("first"))
    cluster.await_ready("first")
    cluster.apply(kepler("second"))
    cluster.eventually(lambda: cluster.conditions("second").get("Ready", {}).get("reason") == "NamespaceTaken")
    assert "Kepler 'first' was first" in cluster.conditions("second")["Ready"]["message"]

    cluster.kubectl("delete", "keplers/first")

    cluster.await_ready("second")


def test_a_reference_to_nothing_is_said_and_cured(cluster: StackNamespace) -> None:
    """Creating what was missing is enough."""
    cluster.apply(kepler(collected_metric="mine"))
    cluster.eventually(lambda: cluster.conditions().get("Ready", {}).get("reason") == "CollectedMetricNotFound")
    assert "KeplerCollectedMetric of that name: create it" in cluster.conditions()["Ready"]["message"]

    cluster.apply({**kepler("mine", sources={"counter": {"enabled": False}}), "kind": "KeplerCollectedMetric"})

    cluster.await_ready()
    assert cluster.get("configmap/kepler-cfm")["data"]["EXPOSE_HW_COUNTER_METRICS"] == "false"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"port": 0}, "`port` must be from 1 to 65535"),
        ({"image": "i" * 300}, "at most 255 characters, such as 'quay.io/"),
        ({"prot": 9102}, 'unknown field "spec.collector.prot"'),
        ({"env": [{"name": "BIND_ADDRESS", "value": "x"}]}, "such as `port` for 'BIND_ADDRESS'"),
    ],
)
def test_bad_values_are_refused_with_what_to_write(cluster: StackNamespace, spec: dict[str, Any], said: str) -> None:
    """By kubectl or by the API server, before anything is stored."""
    with pytest.raises(CommandFailed) as refused:
        cluster.apply(kepler(collector=spec))
    assert said in str(refused.value)
    assert cluster.get("keplers/kepler") is None


def test_deleted_while_it_is_being_created(cluster: StackNamespace) -> None:
    """Whatever was half-made goes, too."""
    for _ in range(5):
        cluster.apply(kepler())
        cluster.kubectl("delete", "keplers/kepler", "--wait=false")
    cluster.eventually(lambda: not left(cluster), lambda: left(cluster))
    cluster.eventually(lambda: cluster.namespace not in subjects(cluster.stack))


def test_created_again_under_the_same_name(cluster: StackNamespace) -> None:
    """The new one has its own objects, not its predecessor's."""
    cluster.apply(kepler())
    cluster.await_ready()
    cluster.kubectl("delete", "keplers/kepler", "--wait=false")
    cluster.apply(kepler())

    cluster.await_ready()

    owner = cluster.get("daemonset/kepler-exporter")["metadata"]["ownerReferences"][0]
    assert owner["uid"] == cluster.get("keplers/kepler")["metadata"]["uid"]


def test_no_node_takes_the_exporter(cluster: StackNamespace) -> None:
    """A selector that matches nothing is named, with the fields to look at."""
    cluster.apply(kepler(collector={"node-selector": {"disk": "gold"}}))
    cluster.eventually(lambda: cluster.conditions().get("Ready", {}).get("reason") == "NoNodes")
    assert "`collector.node-selector`" in cluster.conditions()["Ready"]["message"]

    cluster.patch("keplers/kepler", {"spec": {"collector": {"node-selector": None}}})
    cluster.await_ready()


def test_the_samples_and_the_documents_own(cluster: StackNamespace) -> None:
    """The working document's resource, blank values and all, becomes Ready."""
    document = (ROOT / "config/samples/working-doc/kepler.yaml").read_text()
    create_namespace(cluster.stack, "kepler-system")
    cluster.stack.kubectl("apply", "-f", "-", stdin=document)
    cluster.stack.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=document)
    there = StackNamespace(cluster.stack, "kepler-system")
    there.await_ready("kepler-system")
    there.kubectl("delete", "keplers/kepler-system")
