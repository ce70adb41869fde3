"""Parts killed while a Kepler is edited: what Knative delivers again, and what starts again by itself."""

import threading

import pytest

from installation import compact
from local.probe import wait_until
from node import user_install
from tests.node import measured
from tests.node.on_node import OPERATOR, OnNode

EVENTING = "knative-eventing"
# Seconds after which an edit without any effect is taken for lost.
LOST_SECONDS = 15.0
SOURCE = "eventing.knative.dev/sourceName=kepler"


@pytest.fixture(autouse=True)
def ready(user: OnNode) -> None:
    """There is a Kepler, and it is Ready."""
    user.await_ready()


def edit(user: OnNode, port: int) -> None:
    """An edit that reaches the exporter's command line."""
    user.patch("keplers/kepler", {"spec": {"collector": {"port": port}}})


def on(user: OnNode, port: int) -> bool:
    """Whether the Kepler is Ready with its exporter on that port."""
    manifest = user.get("daemonset/kepler-exporter")
    return bool(manifest) and f":{port}" in str(manifest["spec"]["template"]["spec"]["containers"]) and user.is_ready()


def test_a_function_killed_in_an_edit(user: OnNode) -> None:
    """The event is delivered again, to a pod that is started for it."""
    services = {service["metadata"]["name"] for service in user.api.items(user_install.SERVICES)}
    [serving] = services & {"kepler-collector", compact.ACCOUNT}

    def act() -> None:
        edit(user, 9111)
        user.kill(f"serving.knative.dev/service={serving}")

    measured.seconds("edit, collector killed -> Ready", user.seconds(act, lambda: on(user, 9111)))


def test_the_adapter_killed_before_an_edit(user: OnNode) -> None:
    """The edit is told by the adapter that follows: it tells of changes from its start on, so it is waited for."""

    def started() -> set[str]:
        pods = user.api.items(f"/api/v1/namespaces/{OPERATOR}/pods?labelSelector={SOURCE}")
        return {
            pod["metadata"]["uid"]
            for pod in pods
            if any(status.get("ready") for status in pod.get("status", {}).get("containerStatuses", []))
            and not pod["metadata"].get("deletionTimestamp")
        }

    before = started()
    assert before, "the source's adapter has a pod"
    user.kill(SOURCE)
    user.eventually(lambda: started() - before, user.trouble)

    measured.seconds("adapter killed, edit -> Ready", user.seconds(lambda: edit(user, 9112), lambda: on(user, 9112)))


def test_the_dispatcher_killed_before_an_edit(user: OnNode) -> None:
    """Knative's dispatcher is there again in seconds, and Ready before it knows its subscribers.

    An edit in that moment reaches nobody. The next sweep finds it, or at once a user who asks: `kubectl kepler resync`.
    """
    selector = "messaging.knative.dev/role=dispatcher"
    path = f"/apis/apps/v1/namespaces/{EVENTING}/deployments/imc-dispatcher"
    user.kill(selector, EVENTING)
    user.eventually(lambda: not user.api.get(path)["status"].get("availableReplicas"))
    user.eventually(lambda: user.api.get(path)["status"].get("availableReplicas"))

    def act() -> None:
        edit(user, 9113)
        if not wait_until(lambda: on(user, 9113), LOST_SECONDS, threading.Event()):
            asked = user.plugin("resync", "-n", user.namespace)
            assert asked.returncode == 0, asked.stdout + asked.stderr

    measured.seconds("dispatcher killed, edit -> Ready", user.seconds(act, lambda: on(user, 9113)))
