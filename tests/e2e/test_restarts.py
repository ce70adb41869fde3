"""Any part killed while resources change, and started again: after one sweep everything is as if nothing had been.

What a user does meanwhile is done again until the API server takes it, as a user would.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.local_errors import CommandFailed
from local.probe import wait_until
from tests.e2e.stack_namespace import PATIENCE, StackNamespace
from tests.e2e.test_components import state
from tests.e2e.test_lost_events import adapter, subjects, sweep, sweeps
from tests.workbench import kepler

# What a Broker is made of: once one of these is back, the topology is proved again.
BROKER = ("dispatcher", "ingress", "filter")
PARTS = ("adapter", *BROKER, "etcd", "kube-apiserver", "kepler-collector", "kepler-exported-power", "kepler-status")


def insistently(action: Callable[[], object]) -> None:
    """Once more until it is taken."""

    def taken() -> bool:
        try:
            action()
        except CommandFailed:
            return False
        return True

    assert wait_until(taken, PATIENCE, threading.Event())


class RestartScenario:
    """Five namespaces, and what somebody does in them while a part is away."""

    def __init__(self, cluster: StackNamespace) -> None:
        self.created, self.edited, self.drifted, self.toggled, self.deleted = (
            cluster.beside(name) for name in ("created", "edited", "drifted", "toggled", "deleted")
        )

    def prepare(self) -> None:
        """Four Keplers that are Ready."""
        there = (self.edited, self.drifted, self.toggled, self.deleted)
        for namespace in there:
            namespace.apply(kepler())
        for namespace in there:
            namespace.await_ready()

    def act(self) -> None:
        """A change of each kind, one beside the other."""
        on: dict[str, Any] = {"enabled": True}
        server = {"spec": {"model-server": on, "estimator-sidecar": on}}
        actions: tuple[Callable[[], object], ...] = (
            lambda: self.created.apply(kepler()),
            lambda: self.edited.patch("keplers/kepler", {"spec": {"collector": {"port": 9104}}}),
            lambda: self.drifted.kubectl("delete", "daemonset/kepler-exporter", "--ignore-not-found"),
            lambda: self.drifted.patch("configmap/kepler-cfm", {"data": {"ENABLE_GPU": "maybe"}}),
            lambda: self.toggled.patch("keplers/kepler", server),
            lambda: self.deleted.kubectl("delete", "keplers/kepler", "--ignore-not-found"),
        )
        with ThreadPoolExecutor(len(actions)) as hands:
            list(hands.map(insistently, actions))

    def is_served(self) -> bool:
        """Whether all of it has come to its end."""
        alive = (self.created, self.edited, self.drifted, self.toggled)
        return (
            all(namespace.is_ready() for namespace in alive)
            and self.edited.get("service/kepler-exporter")["spec"]["ports"][0]["port"] == 9104
            and self.drifted.get("configmap/kepler-cfm")["data"]["ENABLE_GPU"] == "true"
            and available(self.drifted) == 4
            and self.toggled.get("deployment/kepler-model-server") is not None
            and not state(self.deleted)
            and self.deleted.namespace not in subjects(self.deleted)
        )

    def told(self) -> dict[str, Any]:
        """How far each has come."""
        alive = (self.created, self.edited, self.drifted, self.toggled)
        return {namespace.namespace: namespace.conditions().get("Ready") for namespace in alive} | {
            "left": sorted(state(self.deleted))
        }


def available(cluster: StackNamespace) -> int:
    """On how many nodes the exporter serves, as its DaemonSet says; none where there is no DaemonSet."""
    condition = cluster.get("daemonset/kepler-exporter") or {}
    return int((condition.get("status") or {}).get("numberAvailable", 0))


@pytest.mark.parametrize("part", PARTS)
def test_one_sweep_after_a_restart_finds_everything(cluster: StackNamespace, part: str) -> None:
    """Killed, away while six things happen, and back."""
    name = adapter(cluster) if part == "adapter" else cluster.serving(part)
    user = RestartScenario(cluster)
    user.prepare()

    with ThreadPoolExecutor(1) as thread_pool_executor:
        acting = thread_pool_executor.submit(user.act)
        cluster.stack.kill(name)
        if name not in ("etcd", "kube-apiserver"):
            acting.result()  # all of it happens while the part is away
        cluster.stack.restart(name)
        acting.result()
    if name in BROKER:
        cluster.stack.wire()

    sweep(cluster)

    cluster.eventually(user.is_served, user.told)
    sweep(cluster)
    assert sweeps(cluster)[-1]["diverging"] == 0, sweeps(cluster)[-1]
