"""Events that nobody sent or nobody heard: one sweep finds what they were about."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import urllib3

from events.types import PING
from tests.e2e.stack_namespace import StackNamespace
from tests.e2e.test_delivery import broker
from tests.workbench import kepler

SWEEP = "kepler-sweep"


def sweep(cluster: StackNamespace) -> None:
    """Asks for a sweep as the PingSource does, and returns when it has ended."""
    before = len(sweeps(cluster))
    sent = datetime.now(UTC).isoformat()
    attributes = {"specversion": "1.0", "id": str(uuid.uuid4()), "type": PING, "source": "/tests", "time": sent}
    headers = {f"ce-{key}": value for key, value in attributes.items()}
    assert urllib3.request("POST", broker(cluster.stack.addresses), headers=headers, retries=False).status == 202
    cluster.eventually(lambda: len(sweeps(cluster)) > before)


def diverging(cluster: StackNamespace) -> int:
    """Sweeps, and returns how many objects differed from their desired state."""
    sweep(cluster)
    return int(sweeps(cluster)[-1]["diverging"])


def sweeps(cluster: StackNamespace) -> list[Any]:
    """What each sweep came to."""
    return cluster.logged(SWEEP, "swept")


@contextmanager
def away(cluster: StackNamespace, part: str) -> Iterator[None]:
    """A part is killed, and comes back when what is to happen meanwhile has happened."""
    cluster.stack.kill(part)
    yield
    cluster.stack.restart(part)


def adapter(cluster: StackNamespace) -> str:
    """The name of the event source's process."""
    return next(name for name in cluster.stack.processes if "adapter" in name)


def test_what_happened_while_the_event_source_was_away(cluster: StackNamespace) -> None:
    """A create, an edit, a deleted child, an edited one and a deletion: none of them has an event, ever."""
    edited, drifted, going = (cluster.beside(name) for name in ("edited", "drifted", "going"))
    for namespace in (edited, drifted, going):
        namespace.apply(kepler())
        namespace.await_ready()

    with away(cluster, adapter(cluster)):
        cluster.apply(kepler())
        edited.patch("keplers/kepler", {"spec": {"collector": {"port": 9104}}})
        drifted.kubectl("delete", "daemonset/kepler-exporter")
        drifted.patch("configmap/kepler-cfm", {"data": {"ENABLE_GPU": "maybe"}})
        going.kubectl("delete", "keplers/kepler")

    sweep(cluster)

    drifted.eventually(lambda: drifted.get("daemonset/kepler-exporter"))
    drifted.eventually(lambda: drifted.get("configmap/kepler-cfm")["data"]["ENABLE_GPU"] == "true")
    for namespace in (cluster, edited, drifted):
        namespace.await_ready()
    assert edited.get("service/kepler-exporter")["spec"]["ports"][0]["port"] == 9104
    going.eventually(lambda: going.namespace not in subjects(going))
    # A sweep that reads an object in the middle of its rollout asks for a reconcile that finds nothing to do.
    cluster.eventually(lambda: diverging(cluster) == 0, lambda: cluster.logged(SWEEP, "diverges")[-5:])


def subjects(cluster: StackNamespace) -> list[str]:
    """The namespaces whose exporters may read pods and node metrics."""
    bound = json.loads(cluster.stack.kubectl("get", "clusterrolebinding", "kepler-exporter", "-o", "json"))
    return [subject["namespace"] for subject in bound.get("subjects") or []]


def test_the_ping_source_wakes_the_sweep(cluster: StackNamespace) -> None:
    """The real one, asked to ping every second for once."""
    before = len(sweeps(cluster))
    schedule = json.loads(
        cluster.stack.kubectl("-n", "kepler-operator", "get", "pingsource/kepler-sweep", "-o", "json")
    )
    try:
        ping(cluster, "* * * * * *")
        cluster.eventually(lambda: len(sweeps(cluster)) > before + 1)
    finally:
        ping(cluster, schedule["spec"]["schedule"])


def ping(cluster: StackNamespace, schedule: str) -> None:
    """Sets the PingSource's schedule."""
    patch = json.dumps({"spec": {"schedule": schedule}})
    cluster.stack.kubectl("-n", "kepler-operator", "patch", "pingsource/kepler-sweep", "--type=merge", "-p", patch)


def test_a_sweep_at_the_start_finds_what_was_there_before(cluster: StackNamespace) -> None:
    """An operator installed, or started again, beside Keplers that nobody has told it of."""
    with away(cluster, adapter(cluster)):
        cluster.apply(kepler())
    assert not cluster.conditions()
    cluster.stack.restart(SWEEP)
    cluster.await_ready()
