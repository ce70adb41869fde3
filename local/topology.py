"""Computes what Knative's controllers would write: the addresses of Brokers, Triggers and sources.

The data plane is Knative's own. Its three controllers and its webhook need Services, DNS and TLS, so this package takes
their place. Four facts are enough: a Broker forwards to a channel, a channel fans out to its subscribers through the
filter, the filter sends to a Trigger's subscriber, and a source has the address of its sink. All of this is pure;
`local.topology_objects` writes it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from local.admin_client import Object
from local.local_errors import ConfigUnusable
from local.ports import DISPATCHER, LOOPBACK, Ports

ASYNC_HANDLER = "messaging.knative.dev/async-handler"
SERVING = "serving.knative.dev/"
IN_CLUSTER = re.compile(r"(?P<name>[^.]+)\.(?P<namespace>[^.]+)\.svc(\.[^.]+)*$")
SINCE = "2006-01-02T15:04:05Z"  # not used here, but conditions are printed with an age

# Copied unchanged; the dead-letter sink is resolved instead.
DELIVERY_FIELDS = ("retry", "backoffPolicy", "backoffDelay", "timeout", "retryAfterMax", "format")


@dataclass(frozen=True)
class Addresses:
    """The addresses of all receivers of events. `functions` has the address of each Knative Service."""

    ports: Ports
    functions: Mapping[tuple[str, str], str]

    def broker(self, namespace: str, name: str) -> str:
        """Return the URL at which a Broker accepts events."""
        return f"http://{LOOPBACK}:{self.ports.ingress}/{namespace}/{name}"

    def channel(self, namespace: str, broker: str) -> str:
        """Return the URL at which a Broker's channel accepts events: by path, since a host name would need DNS."""
        return f"http://{LOOPBACK}:{DISPATCHER}/{namespace}/{channel_name(broker)}"

    def filter(self, trigger: Object) -> str:
        """Return the URL at which the filter accepts events for a Trigger."""
        meta = trigger["metadata"]
        return f"http://{LOOPBACK}:{self.ports.filter}/triggers/{meta['namespace']}/{meta['name']}/{meta['uid']}"

    def resolve(self, destination: Object, namespace: str) -> str:
        """Return the URL of a Destination: its `ref`'s, its `uri`, or the `uri` relative to the `ref`.

        A `uri` in the cluster's domain, `http://NAME.NAMESPACE.svc`, is that of a Knative Service here.
        """
        reference = destination.get("ref")
        base = self._referred(reference, reference.get("namespace") or namespace) if reference else ""
        return self._from_cluster(str(urljoin(base, destination.get("uri") or "")))

    def _from_cluster(self, url: str) -> str:
        """Replace the address that a Knative Service has inside a cluster by the one that it has here."""
        parts = urlsplit(url)
        host = IN_CLUSTER.match(parts.hostname or "")
        if not host:
            return url
        service = {"apiVersion": SERVING, "kind": "Service", "name": host["name"]}
        return self._referred(service, host["namespace"]) + url.partition(parts.netloc)[2]

    def _referred(self, reference: Object, namespace: str) -> str:
        kind, name = reference.get("kind", ""), reference.get("name", "")
        if kind == "Broker":
            return self.broker(namespace, name)
        if kind == "Service" and reference.get("apiVersion", "").startswith(SERVING):
            if url := self.functions.get((namespace, name)):
                return url
            raise ConfigUnusable(
                f"the Knative Service '{namespace}/{name}' is referred to, but is not in the configuration"
            )
        raise ConfigUnusable(
            f"a reference to {kind} '{namespace}/{name}' cannot be resolved here: use a Knative Service"
        )


def channel_name(broker: str) -> str:
    """Return the name that mt-broker-controller gives to a Broker's channel."""
    return f"{broker}-kne-trigger"


def delivery(spec: Object | None, namespace: str, addresses: Addresses) -> Object:
    """Return a DeliverySpec in the channel's form, with its dead-letter sink as a URL."""
    spec = spec or {}
    copied = {field: spec[field] for field in DELIVERY_FIELDS if field in spec}
    if sink := spec.get("deadLetterSink"):
        copied["deadLetterSink"] = {"uri": addresses.resolve(sink, namespace)}
    return copied


def subscriber(trigger: Object, broker: Object, addresses: Addresses) -> Object:
    """Return a Trigger as a subscriber of its Broker's channel. Without its own delivery it takes the Broker's."""
    meta, owner = trigger["metadata"], broker["metadata"]
    spec = trigger["spec"].get("delivery") or broker.get("spec", {}).get("delivery")
    return {
        "uid": meta["uid"],
        "name": meta["name"],
        "generation": meta.get("generation", 1),
        "subscriberUri": addresses.filter(trigger),
        "replyUri": addresses.broker(owner["namespace"], owner["name"]),
        "delivery": delivery(spec, meta["namespace"], addresses),
    }


def channel(broker: Object, triggers: list[Object], addresses: Addresses) -> Object:
    """Return the channel behind a Broker, with each of the Broker's Triggers as a subscriber.

    The Broker's annotation for the asynchronous handler becomes the channel's. A running dispatcher ignores changes.
    """
    meta = broker["metadata"]
    mine = [trigger for trigger in triggers if _belongs(trigger, broker)]
    annotations = {"messaging.knative.dev/subscribable": "v1", "eventing.knative.dev/scope": "cluster"}
    if (handler := meta.get("annotations", {}).get(ASYNC_HANDLER)) is not None:
        annotations[ASYNC_HANDLER] = handler
    return {
        "apiVersion": "messaging.knative.dev/v1",
        "kind": "InMemoryChannel",
        "metadata": {
            "name": channel_name(meta["name"]),
            "namespace": meta["namespace"],
            "annotations": annotations,
        },
        "spec": {"subscribers": [subscriber(trigger, broker, addresses) for trigger in mine]},
    }


def status(subject: Object, fields: Object) -> Object:
    """Return the apply of `fields` as the whole status of an object that is ready."""
    meta = subject["metadata"]
    return {
        "apiVersion": subject["apiVersion"],
        "kind": subject["kind"],
        "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
        "status": {
            # For the dispatcher, a channel is not ready while these differ.
            "observedGeneration": meta.get("generation", 1),
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": SINCE}],
            **fields,
        },
    }


def broker_status(broker: Object, addresses: Addresses) -> Object:
    """Return a Broker's status: its address, and the channel that its ingress forwards to."""
    name, namespace = broker["metadata"]["name"], broker["metadata"]["namespace"]
    return {
        "address": {"name": "http", "url": addresses.broker(namespace, name)},
        "annotations": {
            "knative.dev/channelAddress": addresses.channel(namespace, name),
            "knative.dev/channelAPIVersion": "messaging.knative.dev/v1",
            "knative.dev/channelKind": "InMemoryChannel",
            "knative.dev/channelName": channel_name(name),
        },
    }


def channel_status(of: Object) -> Object:
    """Return a channel's status. Its address is never used, but a channel without one is not served."""
    meta = of["metadata"]
    return {
        "address": {"name": "http", "url": f"http://{meta['name']}-kn-channel.{meta['namespace']}.svc.cluster.local"}
    }


def trigger_status(trigger: Object, addresses: Addresses) -> Object:
    """Return a Trigger's status: the addresses of its subscriber and of its dead-letter sink."""
    spec, namespace = trigger["spec"], trigger["metadata"]["namespace"]
    resolved = {"subscriberUri": addresses.resolve(spec["subscriber"], namespace)}
    if sink := (spec.get("delivery") or {}).get("deadLetterSink"):
        resolved["deadLetterSinkUri"] = addresses.resolve(sink, namespace)
    return resolved


def source_status(source: Object, addresses: Addresses) -> Object:
    """Return a source's status: the address of its sink."""
    return {"sinkUri": addresses.resolve(source["spec"]["sink"], source["metadata"]["namespace"])}


def _belongs(trigger: Object, broker: Object) -> bool:
    mine, theirs = trigger["metadata"]["namespace"], broker["metadata"]["namespace"]
    return bool(mine == theirs and trigger["spec"]["broker"] == broker["metadata"]["name"])
