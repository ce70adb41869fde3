"""From zero: a Kepler applied, edited, damaged and deleted, with Kepler's own exporter on a real node."""

import re

import pytest

from tests.node import measured
from tests.node.on_node import OnNode
from tests.workbench import kepler

PORT = 9103
ANOTHER = 9104
CHILDREN = ("configmap/kepler-cfm", "service/kepler-exporter", "serviceaccount/kepler", "daemonset/kepler-exporter")
# A container's energy, with the pod that Kepler found by asking the API server.
ENERGY = re.compile(r'^kepler_container_joules_total\{.*container_namespace="([^"]+)".*\} ([0-9.e+]+)$', re.MULTILINE)


def rolled_out(user: OnNode, port: int) -> bool:
    """Whether the DaemonSet has exporters on that port, whether they run or not."""
    found = user.get("daemonset/kepler-exporter")
    return bool(found) and f"-address=:{port}" in str(found["spec"]["template"]["spec"]["containers"])


@pytest.mark.usefixtures("usage_of")
def test_a_kepler_from_zero(at_zero: OnNode) -> None:
    """A DaemonSet, then `Ready` by the exporter's own probes; the exporter tells the energy of pods on its port."""
    user = at_zero
    written = user.seconds(
        lambda: user.apply(kepler(collector={"port": PORT})), lambda: user.get("daemonset/kepler-exporter")
    )
    ready = user.seconds(lambda: None, user.is_ready)
    measured.seconds("cold: apply -> DaemonSet", written)
    measured.seconds("cold: apply -> Ready", written + ready)

    assert user.get("keplers/kepler")["status"]["nodes"] == {"desired": 1, "updated": 1, "available": 1}
    user.eventually(lambda: "knative-eventing" in dict(ENERGY.findall(user.scrape(PORT))), lambda: user.scrape(PORT))
    user.eventually(lambda: "kepler_node_platform_joules_total" in user.scrape(PORT), lambda: user.scrape(PORT))


def test_the_same_apply_again_changes_nothing(user: OnNode) -> None:
    """No rollout of what is as it should be."""
    before = user.generation()

    assert "unchanged" in user.apply(kepler(collector={"port": PORT}))

    assert user.generation() == before


def test_an_edit_of_the_port_from_zero(at_zero: OnNode) -> None:
    """One rollout; Service and configuration follow, and the exporter answers there."""
    user = at_zero
    before = user.generation()
    edited = user.seconds(
        lambda: user.patch("keplers/kepler", {"spec": {"collector": {"port": ANOTHER}}}),
        lambda: rolled_out(user, ANOTHER),
    )
    ready = user.seconds(lambda: None, user.is_ready)
    measured.seconds("cold: edit of the port -> DaemonSet", edited)
    measured.seconds("cold: edit of the port -> Ready", edited + ready)

    assert user.generation() == before + 1
    assert user.get("service/kepler-exporter")["spec"]["ports"][0]["port"] == ANOTHER
    assert "kepler_" in user.scrape(ANOTHER)


@pytest.mark.parametrize("port", [9105, 9106, 9107])
def test_an_edit_while_functions_are_awake(user: OnNode, port: int) -> None:
    """The same without a cold start."""
    edited = user.seconds(
        lambda: user.patch("keplers/kepler", {"spec": {"collector": {"port": port}}}), lambda: rolled_out(user, port)
    )
    ready = user.seconds(lambda: None, user.is_ready)
    measured.seconds("warm: edit of the port -> DaemonSet", edited)
    measured.seconds("warm: edit of the port -> Ready", edited + ready)


def test_a_deleted_daemon_set_comes_back_from_zero(at_zero: OnNode) -> None:
    """As another object, with exporters that run."""
    user = at_zero
    before = user.uid("daemonset/kepler-exporter")

    took = user.seconds(
        lambda: user.kubectl("delete", "daemonset", "kepler-exporter", "--wait=false"),
        lambda: user.uid("daemonset/kepler-exporter") not in ("", before),
    )
    measured.seconds("cold: DaemonSet deleted -> there again", took)
    user.eventually(user.available, user.trouble)
    user.await_ready()


def test_a_namespace_that_is_not_opened_takes_no_kepler(user: OnNode) -> None:
    """Its condition names the label."""
    closed = OnNode(user.node, "closed")
    user.cluster_wide("create", "namespace", closed.namespace)
    closed.apply(kepler())

    closed.eventually(lambda: "pod-security.kubernetes.io/enforce" in str(closed.conditions()), closed.trouble)
    assert not closed.get("daemonset/kepler-exporter")
    user.cluster_wide("delete", "namespace", closed.namespace, "--wait=false")


def test_a_deleted_kepler_leaves_nothing(at_zero: OnNode) -> None:
    """Children and subject are gone, the exporter's pod too; then the Kepler of the tests that follow is applied."""
    user = at_zero

    took = user.seconds(
        lambda: user.kubectl("delete", "keplers.sustainable-computing.io", "kepler"),
        lambda: not any(user.get(child) for child in CHILDREN),
    )
    measured.seconds("cold: delete -> nothing of it left", took)
    user.eventually(lambda: user.namespace not in user.cluster_wide("get", "clusterrolebinding", "-o", "yaml"))

    written = user.seconds(lambda: user.apply(kepler()), lambda: user.get("daemonset/kepler-exporter"))
    ready = user.seconds(lambda: None, user.is_ready)
    measured.seconds("warm: apply -> DaemonSet", written)
    measured.seconds("warm: apply -> Ready", written + ready)
