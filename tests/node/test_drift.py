"""What a Kepler needs is damaged or refused: an exporter deleted, a namespace that is not opened."""

from tests.node import measured
from tests.node.on_node import OnNode
from tests.workbench import kepler


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
