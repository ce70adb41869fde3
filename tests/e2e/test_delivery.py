"""What the broker makes of functions that die, and of events that nobody can use."""

import json
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import urllib3

from events.types import REPLAY_REQUESTED, RESYNC_REQUESTED
from local.topology import Addresses
from runtime.requests import replay
from runtime.settings import NAMESPACE
from runtime.signature import Keyring
from runtime.sink import sink
from tests.e2e.stack_namespace import PATIENCE, StackNamespace
from tests.workbench import kepler, transport

# Longer than a Trigger tries an event: five times, after 0.2 s and then twice as long each time.
TRIED = 10.0


def dead_letters(cluster: StackNamespace) -> list[Any]:
    """What `dead_letter` has noted."""
    return cluster.logged("kepler-dead-letter", "not delivered")


def letters_about(cluster: StackNamespace) -> list[Any]:
    """Those about the Kepler in this namespace."""
    about = f"Kepler {cluster.namespace}/kepler"
    return [dead_letter for dead_letter in dead_letters(cluster) if dead_letter["event"]["object"] == about]


def broker(addresses: Addresses) -> str:
    """Where the broker takes events."""
    return f"http://127.0.0.1:{addresses.ports.ingress}/kepler-operator/default"


def test_a_function_killed_in_the_middle_gets_its_event_again(cluster: StackNamespace) -> None:
    """Stopped while the event is on its way, then killed: the broker delivers to the next process."""
    name = cluster.serving("kepler-collector")
    cluster.apply(kepler())
    cluster.await_ready()
    cluster.function(name).send_signal(signal.SIGSTOP)
    cluster.patch("keplers/kepler", {"spec": {"collector": {"port": 9104}}})
    if name == "kepler-collector":
        settled = lambda: cluster.conditions()["CollectedMetricReconciled"]["observedGeneration"] == 2  # noqa: E731
        cluster.eventually(settled)  # so the event that lets the collector begin has been sent

    cluster.stack.restart(name)

    cluster.await_ready()
    assert cluster.generation() == 2
    assert cluster.get("configmap/kepler-cfm")["data"]["BIND_ADDRESS"] == ":9104"


def send(cluster: StackNamespace, body: bytes = b"", **attributes: str) -> str:
    """An event in binary mode to the Broker, which takes it; its id."""
    identity = str(uuid.uuid4())
    asked = {
        "specversion": "1.0",
        "id": identity,
        "type": RESYNC_REQUESTED,
        "source": "/tests",
        "apiversion": "sustainable-computing.io/v1alpha1",
        "kind": "Kepler",
        "namespace": cluster.namespace,
        "name": "kepler",
        **attributes,
    }
    headers = {f"ce-{key}": value for key, value in asked.items()} | {"content-type": "application/json"}
    address = broker(cluster.stack.addresses)
    assert urllib3.request("POST", address, body=body, headers=headers, retries=False).status == 202
    return identity


def test_an_event_whose_data_cannot_be_read_is_a_hint_all_the_same(cluster: StackNamespace) -> None:
    """Its attributes say what to look at; it was a dead letter of each function, which nobody could send again."""
    cluster.apply(kepler())
    cluster.await_ready()
    cluster.stack.kill("adapter-kepler")
    try:
        cluster.kubectl("delete", "service/kepler-exporter")
        send(cluster, b"{")
        cluster.eventually(lambda: cluster.get("service/kepler-exporter"))
    finally:
        cluster.stack.restart("adapter-kepler")
    assert not letters_about(cluster)


def test_an_event_that_can_name_no_object_leads_to_nothing(cluster: StackNamespace) -> None:
    """Eight functions made a dead letter each of it; and without a namespace each listed the whole cluster."""
    served = cluster.serving("kepler-collector")
    forged = [send(cluster, name="../../secrets"), send(cluster, namespace="")]
    cluster.apply(kepler())
    cluster.await_ready()

    def noted() -> set[str]:
        return {str(entry["event"]) for entry in cluster.logged(served, "an event names no object")}

    cluster.eventually(lambda: {*forged} <= noted())
    assert not [dead_letter for dead_letter in dead_letters(cluster) if dead_letter["event"]["id"] in forged]


@pytest.mark.usefixtures("apart")
def test_a_request_wakes_the_functions_that_it_names_and_no_others(cluster: StackNamespace) -> None:
    """By the Triggers' own filters, in the real Broker."""
    cluster.apply(kepler())
    cluster.await_ready()
    cluster.kubectl("delete", "service/kepler-exporter")
    cluster.eventually(lambda: cluster.get("service/kepler-exporter"))
    cluster.stack.kill("adapter-kepler")
    try:
        cluster.kubectl("delete", "service/kepler-exporter")
        cluster.patch("configmap/kepler-cfm", {"data": {"MODEL_CONFIG": None}})
        send(cluster, functions="/collected_metric/estimator/")
        cluster.eventually(lambda: "MODEL_CONFIG" in cluster.get("configmap/kepler-cfm")["data"])
        send(cluster, functions="/status/")
        time.sleep(2)
        assert cluster.get("service/kepler-exporter") is None
        send(cluster)
        cluster.eventually(lambda: cluster.get("service/kepler-exporter"))
    finally:
        cluster.stack.restart("adapter-kepler")


@pytest.mark.usefixtures("apart")
def test_a_function_that_cannot_be_reached_holds_up_nobody(cluster: StackNamespace) -> None:
    """Its events end as dead letters when they have been tried for seconds; sent again, they do their work."""
    with undelivered(cluster):
        cluster.eventually(lambda: "NotDelivered" in cluster.kubectl("describe", "keplers/kepler"))
        assert "MachineSpecReconciled" not in cluster.conditions()

        (letter, *_) = letters_about(cluster)
        forged = send(cluster, json.dumps({"letter": letter["letter"]}).encode(), type=REPLAY_REQUESTED)
        unsigned = "a request about a letter is not signed: nothing is done"
        cluster.eventually(
            lambda: forged in {entry["event"] for entry in cluster.logged("kepler-dead-letter", unsigned)}
        )
        assert "MachineSpecReconciled" not in cluster.conditions()

        sign = Keyring(transport(cluster.stack, "kepler-dead-letter"), NAMESPACE).sign
        to_broker = {"K_SINK": broker(cluster.stack.addresses)}
        sink(to_broker, sign)(replay(letter["letter"], by="tests"))
        cluster.eventually(lambda: "MachineSpecReconciled" in cluster.conditions())


@contextmanager
def undelivered(cluster: StackNamespace) -> Iterator[None]:
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


def await_given_up(cluster: StackNamespace) -> None:
    """Returns when there are letters about the Kepler, and nothing about it is still being tried."""
    seen = 0
    quiet_since = time.monotonic()
    while not seen or time.monotonic() - quiet_since < TRIED:
        if (count := len(letters_about(cluster))) != seen:
            seen, quiet_since = count, time.monotonic()
        assert time.monotonic() - quiet_since < PATIENCE, letters_about(cluster)
        time.sleep(0.2)


def test_a_forged_event_changes_nothing(cluster: StackNamespace) -> None:
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
