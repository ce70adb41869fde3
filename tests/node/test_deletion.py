"""From zero: a Kepler deleted, with all that belongs to it, and applied again."""

from tests.node import measured
from tests.node.on_node import OnNode
from tests.workbench import kepler

CHILDREN = ("configmap/kepler-cfm", "service/kepler-exporter", "serviceaccount/kepler", "daemonset/kepler-exporter")


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
