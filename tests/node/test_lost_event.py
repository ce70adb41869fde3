"""An event that is lost: the sweep, itself at zero until its clock wakes it, finds what came of it."""

from collections.abc import Iterator

import pytest

from node import user_install
from node.machine import Node
from tests.node import measured
from tests.node.on_node import OPERATOR, OnNode

SOURCE_PATH = f"/apis/sources.knative.dev/v1/namespaces/{OPERATOR}/apiserversources/kepler"
EVERY_MINUTE = {
    "apiVersion": "sources.knative.dev/v1",
    "kind": "PingSource",
    "metadata": {"name": "kepler-sweep", "namespace": OPERATOR},
    "spec": {"schedule": "* * * * *"},
}


@pytest.fixture
def sweeps_each_minute(node: Node, version: str) -> Iterator[None]:
    """Sweeps as often as a clock of Knative's can say, by an overlay as an administrator writes it."""
    overlay = node.layout.state / "overlay"
    user_install.apply(node.kubectl, user_install.overlay(overlay, version, [EVERY_MINUTE]))
    yield
    node.apply(version)


@pytest.mark.usefixtures("sweeps_each_minute")
def test_a_sweep_from_zero_repairs_what_no_event_told(at_zero: OnNode) -> None:
    """The DaemonSet is deleted while no adapter runs: nobody is told, and the next sweep has it written again."""
    user = at_zero
    before = user.uid("daemonset/kepler-exporter")
    adapters = f"/apis/apps/v1/namespaces/{OPERATOR}/deployments"
    name = next(
        found["metadata"]["name"]
        for found in user.api.items(adapters)
        if found["metadata"]["name"].startswith("apiserversource-")
    )
    # The source's controller starts another one, with new watches, which do not tell of what is gone.
    user.cluster_wide("-n", OPERATOR, "delete", "deployment", name, "--cascade=foreground")
    user.kubectl("delete", "daemonset", "kepler-exporter", "--cascade=orphan", "--wait=true")

    took = user.seconds(lambda: None, lambda: user.uid("daemonset/kepler-exporter") not in ("", before))

    measured.seconds("event lost, sweep each minute -> repaired", took)
    user.eventually(user.available, user.trouble)
    user.await_ready()
