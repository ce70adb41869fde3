"""What the local stack writes in the place of Knative's controllers."""

from dataclasses import dataclass
from typing import Any

import pytest

from local import source, topology
from local.local_errors import ConfigUnusable
from local.ports import Ports
from local.topology import Addresses

ADDRESSES = Addresses(Ports.fixed(), {("op", "kepler-collector"): "http://127.0.0.1:9001"})
BROKER = {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "metadata": {"name": "default", "namespace": "op"}}


def service(name: str, **more: str) -> dict[str, Any]:
    return {"ref": {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": name}, **more}


def trigger(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "op", "uid": f"uid-{name}", "generation": 3},
        "spec": {"broker": "default", "subscriber": service("kepler-collector"), **spec},
    }


def api_server_source(**spec: Any) -> dict[str, Any]:
    resources = [{"apiVersion": "v1", "kind": "ConfigMap"}]
    return {"metadata": {"name": "kepler", "namespace": "op"}, "spec": {"resources": resources, **spec}}


def test_a_trigger_becomes_a_subscriber_whose_reply_goes_back_to_the_broker() -> None:
    delivery = {"retry": 5, "backoffDelay": "PT0.2S", "deadLetterSink": service("kepler-collector", uri="/dead")}

    entry = topology.subscriber(trigger("one", delivery=delivery), BROKER, ADDRESSES)

    assert entry == {
        "uid": "uid-one",
        "name": "one",
        "generation": 3,
        "subscriberUri": "http://127.0.0.1:8082/triggers/op/one/uid-one",
        "replyUri": "http://127.0.0.1:8081/op/default",
        "delivery": {
            "retry": 5,
            "backoffDelay": "PT0.2S",
            "deadLetterSink": {"uri": "http://127.0.0.1:9001/dead"},
        },
    }


def test_a_trigger_without_delivery_takes_its_brokers() -> None:
    broker = BROKER | {"spec": {"delivery": {"retry": 2}}}

    assert topology.subscriber(trigger("one"), broker, ADDRESSES)["delivery"] == {"retry": 2}


def test_a_channel_has_the_triggers_of_its_own_broker_only() -> None:
    entry = topology.channel(BROKER, [trigger("mine"), trigger("other", broker="second")], ADDRESSES)

    assert [subscriber["name"] for subscriber in entry["spec"]["subscribers"]] == ["mine"]


def test_the_brokers_choice_of_the_asynchronous_handler_reaches_the_channel() -> None:
    meta = {"name": "default", "namespace": "op", "annotations": {topology.ASYNC_HANDLER: "true"}}

    entry = topology.channel(BROKER | {"metadata": meta}, [], ADDRESSES)

    assert entry["metadata"]["annotations"][topology.ASYNC_HANDLER] == "true"


def test_a_reference_to_a_service_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(ConfigUnusable, match="'op/kepler-gone'"):
        ADDRESSES.resolve(service("kepler-gone"), "op")


@pytest.mark.parametrize("domain", ["svc", "svc.cluster.local", "svc.example.org"])
def test_the_address_of_a_service_in_the_cluster_becomes_its_address_here(domain: str) -> None:
    assert ADDRESSES.resolve({"uri": f"http://kepler-collector.op.{domain}/x"}, "op") == "http://127.0.0.1:9001/x"


def test_an_address_outside_the_cluster_stays() -> None:
    assert ADDRESSES.resolve({"uri": "http://127.0.0.1:9009/"}, "op") == "http://127.0.0.1:9009/"


def test_the_address_of_a_service_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(ConfigUnusable, match="'op/kepler-gone'"):
        ADDRESSES.resolve({"uri": "http://kepler-gone.op.svc"}, "op")


def test_a_source_of_all_namespaces_is_configured_as_knatives_controller_does() -> None:
    resources = [
        {"apiVersion": "v1", "kind": "ConfigMap", "selector": {"matchLabels": {"b": "2", "a": "1"}}},
        {"apiVersion": "sustainable-computing.io/v1alpha1", "kind": "Kepler"},
    ]

    entry = source.configuration(api_server_source(mode="Resource", namespaceSelector={}, resources=resources))

    assert entry == {
        "namespaces": [""],
        "allNamespaces": True,
        "resources": [
            {"gvr": {"Group": "", "Version": "v1", "Resource": "configmaps"}, "selector": "a=1,b=2"},
            {"gvr": {"Group": "sustainable-computing.io", "Version": "v1alpha1", "Resource": "keplers"}},
        ],
        "mode": "Resource",
        "failFast": False,
    }


def test_a_source_without_namespace_selector_watches_its_own_namespace() -> None:
    entry = source.configuration(api_server_source())

    assert (entry["namespaces"], entry["allNamespaces"], entry["mode"]) == (["op"], False, "Reference")


def test_a_source_that_follows_namespaces_by_label_is_refused() -> None:
    with pytest.raises(ConfigUnusable, match="namespaceSelector"):
        source.configuration(api_server_source(namespaceSelector={"matchLabels": {"a": "b"}}))


@dataclass(frozen=True)
class Plural:
    kind: str
    resource: str


@pytest.mark.parametrize(
    "case",
    [
        Plural("Kepler", "keplers"),
        Plural("Ingress", "ingresses"),
        Plural("NetworkPolicy", "networkpolicies"),
        Plural("Endpoints", "endpoints"),
    ],
    ids=lambda case: case.kind,
)
def test_kinds_are_made_plural_as_the_adapter_expects(case: Plural) -> None:
    assert source.plural(case.kind) == case.resource


def test_match_expressions_are_written_as_a_watch_takes_them() -> None:
    expressions = [
        {"key": "tier", "operator": "In", "values": ["b", "a"]},
        {"key": "old", "operator": "DoesNotExist"},
    ]

    assert source.selector({"matchLabels": {"app": "x"}, "matchExpressions": expressions}) == (
        "app=x,!old,tier in (a,b)"
    )
