"""The operator removed as docs/install.md says: without its exporters first, then with everything."""

import threading
import time

from local.admin_client import Object
from local.local_errors import CommandFailed
from local.probe import wait_until
from node import user_install
from node.machine import Node
from tests.node import measured
from tests.node.on_node import OPERATOR, OnNode

# docs/install.md, "Remove": no operator, and Kepler goes on measuring.
ALL_BUT_EXPORTERS = "app.kubernetes.io/part-of=kepler-on-knative,app.kubernetes.io/component!=exporter"
OURS = "app.kubernetes.io/part-of=kepler-on-knative"
CLUSTER_KINDS = (
    "crd,clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings,namespaces"
)

# The API server's look at new policies and at their parameters takes a second or two on an idle machine.
POLICIES_SECONDS = 60.0


def cluster_wide(node: Node, selector: str) -> list[str]:
    """Names of what is the whole cluster's and ours."""
    return node.kubectl("get", CLUSTER_KINDS, "-l", selector, "-o", "name").split()


def remove(node: Node, version: str, *only: str) -> None:
    """The operator removed as docs/install.md says: functions first, which end what they are at; then the rest."""
    overlay = node.overlay(version)
    node.kubectl("-n", OPERATOR, "delete", "services.serving.knative.dev", "--all", "--cascade=foreground")
    node.kubectl("delete", "-k", str(overlay), *only, "--wait=false", "--ignore-not-found")
    node.kubectl("wait", "--for=delete", f"namespace/{OPERATOR}", "--timeout=150s")


def port(user: OnNode) -> int:
    """The port that the Kepler asks for."""
    return int(user.get("keplers/kepler")["spec"]["collector"]["port"])


def test_without_the_operator_exporters_go_on(user: OnNode, node: Node, version: str) -> None:
    """The same pod goes on measuring with the permissions it had; the Kepler stays."""
    user.await_ready()
    exporter = user.exporter()["metadata"]["uid"]

    took = user.seconds(
        lambda: remove(node, version, "-l", ALL_BUT_EXPORTERS),
        lambda: not node.api.items(f"/api/v1/namespaces/{OPERATOR}/pods"),
    )
    measured.seconds("operator removed, exporters kept", took)

    assert user.exporter()["metadata"]["uid"] == exporter
    assert user.get("keplers/kepler")
    assert user.available()
    assert f'pod_name="{user.exporter()["metadata"]["name"]}"' in user.scrape(port(user))


def test_installed_again_it_refuses_nobodys_workloads(node: Node, version: str) -> None:
    """Anybody may go on creating Deployments in the cluster; only the operator's own accounts are looked at."""
    user_install.apply(node.kubectl, node.overlay(version))

    def accepted() -> bool:
        try:
            node.kubectl("-n", "default", "create", "deployment", "anybodys", "--image=a.example/b", "--dry-run=server")
        except CommandFailed:
            time.sleep(1.0)
            return False
        return True

    assert wait_until(accepted, POLICIES_SECONDS, threading.Event())


def test_installed_again_it_takes_exporters_up_where_they_are(user: OnNode, node: Node) -> None:
    """No rollout, the same pod, and an edit has an effect again."""
    exporter, generation = user.exporter()["metadata"]["uid"], user.generation()

    measured.seconds(
        "installed again, applied -> all Ready", user.seconds(lambda: user_install.await_ready(node.api), lambda: True)
    )

    user.await_zero()
    user.await_ready()
    assert user.generation() == generation
    assert user.exporter()["metadata"]["uid"] == exporter
    user.patch("keplers/kepler", {"spec": {"collector": {"port": 9120}}})
    user.eventually(lambda: user.generation() == generation + 1, user.trouble)
    user.await_ready()


def test_removed_in_the_documented_order_nothing_is_left(user: OnNode, node: Node, version: str) -> None:
    """Keplers first, then the operator: no definition, role, policy, namespace or child of ours."""
    kinds = "keplers.sustainable-computing.io,keplermachineconfigs.sustainable-computing.io"

    def remove_all() -> None:
        node.kubectl("delete", kinds, "-A", "--all")
        remove(node, version)

    def left() -> list[str]:
        listed: list[Object] = node.api.items(f"/api/v1/namespaces/{user.namespace}/pods")
        return [*cluster_wide(node, OURS), *(pod["metadata"]["name"] for pod in listed)]

    measured.seconds("everything removed", user.seconds(remove_all, lambda: not left()))

    assert not left()
    assert "sustainable-computing.io" not in node.kubectl("get", "crd", "-o", "name")
    assert not node.kubectl("get", "namespace", OPERATOR, "--ignore-not-found")
    children = node.kubectl("-n", user.namespace, "get", "daemonsets,services,secrets,deployments", "-o", "name")
    assert not children.strip()
