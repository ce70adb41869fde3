"""An event that is lost: the sweep, itself at zero until its clock wakes it, finds what came of it."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from local.admin_client import Object
from node import user_install
from node.machine import Node
from tests.node import measured
from tests.node.on_node import OPERATOR, OnNode

# Soon, by Knative's clock, which takes seconds, too: `config/base` has every five minutes.
SOON = {
    "apiVersion": "sources.knative.dev/v1",
    "kind": "PingSource",
    "metadata": {"name": "kepler-sweep", "namespace": OPERATOR},
    "spec": {"schedule": "*/10 * * * * *"},
}


@pytest.fixture
def clock(node: Node, version: str) -> Iterator[Callable[[Sequence[Object]], None]]:
    """Applies what belongs to the sweep, with patches of an overlay as an administrator writes it."""

    def apply(patches: Sequence[Object]) -> None:
        user_install.apply(node.kubectl, node.overlay(version, patches), "app.kubernetes.io/component=sweep")

    yield apply
    apply([])


def test_a_sweep_from_zero_repairs_what_no_event_told(
    at_zero: OnNode, clock: Callable[[Sequence[Object]], None]
) -> None:
    """The DaemonSet is deleted while no adapter runs: nobody is told, and the next sweep has it written again."""
    user = at_zero
    before = user.uid("daemonset/kepler-exporter")
    adapters = f"/apis/apps/v1/namespaces/{OPERATOR}/deployments"
    name = next(
        manifest["metadata"]["name"]
        for manifest in user.api.items(adapters)
        if manifest["metadata"]["name"].startswith("apiserversource-")
    )
    # The source's controller starts another one, with new watches, which do not tell of what is gone.
    user.cluster_wide("-n", OPERATOR, "delete", "deployment", name, "--cascade=foreground")
    user.kubectl("delete", "daemonset", "kepler-exporter", "--cascade=orphan", "--wait=true")

    took = user.seconds(lambda: clock([SOON]), lambda: user.uid("daemonset/kepler-exporter") not in ("", before))

    measured.seconds("event lost, a sweep within 10 s -> repaired", took)
    user.eventually(user.available, user.trouble)
    user.await_ready()
