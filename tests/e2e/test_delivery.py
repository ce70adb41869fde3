"""What the broker makes of functions that die, and of events that nobody can use."""

import json
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import urllib3

from events.types import REPLAY_REQUESTED
from local.topology import Addresses
from tests.e2e.cluster import PATIENCE, Cluster
from tests.workbench import kepler

# Longer than a Trigger tries an event: five times, after 0.2 s and then twice as long each time.
TRIED = 10.0


def dead_letters(cluster: Cluster) -> list[Any]:
    """What `dead_letter` has noted."""
    return cluster.logged("kepler-dead-letter", "not delivered")


def letters_about(cluster: Cluster) -> list[Any]:
    """Those about the Kepler in this namespace."""
    about = f"Kepler {cluster.namespace}/kepler"
    return [one for one in dead_letters(cluster) if one["event"]["object"] == about]


def broker(addresses: Addresses) -> str:
    """Where the broker takes events."""
    return f"http://127.0.0.1:{addresses.ports.ingress}/kepler-operator/default"


def test_a_function_killed_in_the_middle_gets_its_event_again(cluster: Cluster) -> None:
    """Stopped while the event is on its way, then killed: the broker delivers to the next process."""
    name = "kepler-collector"
    cluster.apply(kepler())
    cluster.await_ready()
    cluster.function(name).send_signal(signal.SIGSTOP)
    cluster.patch("keplers/kepler", {"spec": {"collector": {"port": 9104}}})
    settled = lambda: cluster.conditions()["CollectedMetricReconciled"]["observedGeneration"] == 2  # noqa: E731
    cluster.eventually(settled)  # so the event that lets the collector begin has been sent

    cluster.stack.restart(name)

    cluster.await_ready()
    assert cluster.generation() == 2
    assert cluster.get("configmap/kepler-cfm")["data"]["BIND_ADDRESS"] == "0.0.0.0:9104"


def test_an_event_that_cannot_be_used_ends_as_a_dead_letter(cluster: Cluster) -> None:
    """With the answer it got; and the resources beside it are served on."""
    poison = str(uuid.uuid4())
    attributes = {
        "specversion": "1.0",
        "id": poison,
        "type": "io.sustainable-computing.kepler.resync.requested.v1",
        "source": "/tests",
        "apiversion": "sustainable-computing.io/v1alpha1",
        "kind": "Kepler",
        "namespace": cluster.namespace,
        "name": "../../secrets",
    }
    headers = {f"ce-{key}": value for key, value in attributes.items()}
    answer = urllib3.request("POST", broker(cluster.stack.addresses), headers=headers, retries=False)
    assert answer.status == 202

    cluster.apply(kepler())
    cluster.await_ready()
    cluster.eventually(lambda: any(one["event"]["id"] == poison for one in dead_letters(cluster)))
    letter = next(one for one in dead_letters(cluster) if one["event"]["id"] == poison)
    assert letter["knativeerrorcode"] == "400"
    kept = cluster.stack.kubectl(
        "-n", "kepler-operator", "get", "configmap", letter["letter"], "-o", "jsonpath={.data}"
    )
    assert poison in kept


def test_a_function_that_cannot_be_reached_holds_up_nobody(cluster: Cluster) -> None:
    """Its events end as dead letters when they have been tried for seconds; sent again, they do their work."""
    with undelivered(cluster):
        cluster.eventually(lambda: "NotDelivered" in cluster.kubectl("describe", "keplers/kepler"))
        assert "MachineSpecReconciled" not in cluster.conditions()

        (letter, *_) = letters_about(cluster)
        attributes = {"specversion": "1.0", "id": str(uuid.uuid4()), "type": REPLAY_REQUESTED, "source": "/tests"}
        headers = {f"ce-{key}": value for key, value in {**attributes, "name": letter["letter"]}.items()}
        urllib3.request("POST", broker(cluster.stack.addresses), headers=headers, retries=False)

        cluster.eventually(lambda: "MachineSpecReconciled" in cluster.conditions())


@contextmanager
def undelivered(cluster: Cluster) -> Iterator[None]:
    """With a Kepler of which `machine_spec` was away too long to hear; it is there again, the sweep is not yet."""
    away = ("kepler-machine-spec", "kepler-sweep")  # the sweep would make up for it
    for name in away:
        cluster.stack.kill(name)
    try:
        cluster.apply(kepler())
        cluster.await_ready()
        await_given_up(cluster)
        cluster.stack.restart("kepler-machine-spec")
        yield
    finally:
        for name in away:
            cluster.stack.restart(name)


def await_given_up(cluster: Cluster) -> None:
    """Returns when there are letters about the Kepler, and nothing about it is still being tried."""
    seen = 0
    quiet_since = time.monotonic()
    while not seen or time.monotonic() - quiet_since < TRIED:
        if (count := len(letters_about(cluster))) != seen:
            seen, quiet_since = count, time.monotonic()
        assert time.monotonic() - quiet_since < PATIENCE, letters_about(cluster)
        time.sleep(0.2)


def test_a_forged_event_changes_nothing(cluster: Cluster) -> None:
    """Its data claims another port; the API server's object is what counts."""
    cluster.apply(kepler())
    cluster.await_ready()
    forged = cluster.get("keplers/kepler")
    forged["spec"]["collector"] = {"port": 6666}
    forged["metadata"]["generation"] = 99
    attributes = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "type": "dev.knative.apiserver.resource.update",
        "source": "/forger",
        "apiversion": forged["apiVersion"],
        "kind": "Kepler",
        "namespace": cluster.namespace,
        "name": "kepler",
        "datacontenttype": "application/json",
        "data": forged,
    }
    before = cluster.get("daemonset/kepler-exporter")["metadata"]["resourceVersion"]
    body = json.dumps(attributes).encode()
    content = {"content-type": "application/cloudevents+json"}
    urllib3.request("POST", broker(cluster.stack.addresses), body=body, headers=content, retries=False)

    cluster.patch("configmap/kepler-cfm", {"data": {"ENABLE_GPU": None}})  # an event behind it
    cluster.eventually(lambda: "ENABLE_GPU" in cluster.get("configmap/kepler-cfm")["data"])
    assert cluster.get("daemonset/kepler-exporter")["metadata"]["resourceVersion"] == before
    assert cluster.is_ready()
