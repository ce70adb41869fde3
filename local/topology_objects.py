"""Writes the topology to the API server, as Knative's controllers would, and tests it end to end with an event."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import urllib3

from local import topology
from local.admin_client import AdminClient, Object
from local.local_errors import NotReady
from local.ports import LOOPBACK
from local.probe import INTERVAL, wait_until
from local.topology import Addresses

EVENTING = "/apis/eventing.knative.dev/v1"
MESSAGING = "/apis/messaging.knative.dev/v1"
SOURCES = "/apis/sources.knative.dev/v1"

CANARY = "kepler-local-canary"
CANARY_TYPE = "dev.local.canary"
CANARY_SECONDS = 30.0


def wire(api: AdminClient, addresses: Addresses) -> None:
    """Write its addresses to the status of every Broker, Trigger and source. Call it again after one has changed.

    Triggers are written last and in order: a watch that shows the last one's status has shown all others.
    """
    triggers = _list(api, f"{EVENTING}/triggers", "Trigger")
    for broker in _list(api, f"{EVENTING}/brokers", "Broker"):
        _apply_channel(api, topology.channel(broker, triggers, addresses))
        _apply_status(api, f"{EVENTING}/namespaces", "brokers", broker, topology.broker_status(broker, addresses))
    for kind, plural in (("PingSource", "pingsources"), ("ApiServerSource", "apiserversources")):
        for source in _list(api, f"{SOURCES}/{plural}", kind):
            fields = topology.source_status(source, addresses)
            if kind == "ApiServerSource":
                fields["namespaces"] = [""]
            _apply_status(api, f"{SOURCES}/namespaces", plural, source, fields)
    for trigger in sorted(triggers, key=_is_canary):
        _apply_status(api, f"{EVENTING}/namespaces", "triggers", trigger, topology.trigger_status(trigger, addresses))


def wire_and_test(api: AdminClient, addresses: Addresses, stop: threading.Event) -> None:
    """Wire everything, and return when a canary event sent to each Broker has arrived at a subscriber.

    The dispatcher reports health before it routes events, so only an event that arrives shows that it works. The
    canary's Trigger is written last, and deleted afterwards. Raises NotReady if a canary does not arrive in time.
    """
    brokers = _list(api, f"{EVENTING}/brokers", "Broker")
    with _listener() as (url, arrived):
        for broker in brokers:
            meta = broker["metadata"]
            path = f"{EVENTING}/namespaces/{meta['namespace']}/triggers/{CANARY}"
            api.apply(path, _canary_trigger(meta, url))
        wire(api, addresses)
        for broker in brokers:
            _send_until_arrived(broker["metadata"], addresses, arrived, stop)
    triggers = [trigger for trigger in _list(api, f"{EVENTING}/triggers", "Trigger") if not _is_canary(trigger)]
    for broker in brokers:
        _apply_channel(api, topology.channel(broker, triggers, addresses))
        api.delete(f"{EVENTING}/namespaces/{broker['metadata']['namespace']}/triggers/{CANARY}")


def _send_until_arrived(meta: Object, addresses: Addresses, arrived: set[str], stop: threading.Event) -> None:
    """Send a canary to a Broker again and again, until one has arrived. Raises NotReady."""
    url = addresses.broker(meta["namespace"], meta["name"])
    headers = {
        "ce-specversion": "1.0",
        "ce-type": CANARY_TYPE,
        "ce-source": "local",
        "ce-id": url,
        "content-type": "application/json",
    }

    def has_arrived() -> bool:
        try:
            urllib3.request("POST", url, headers=headers, body=b"{}", timeout=1.0, retries=False)
        except urllib3.exceptions.HTTPError:
            return False
        return url in arrived

    if not wait_until(has_arrived, CANARY_SECONDS, stop):
        raise NotReady(
            f"an event sent to {url} has not arrived at a subscriber: see the logs of ingress, dispatcher and filter"
        )


@contextmanager
def _listener() -> Iterator[tuple[str, set[str]]]:
    """Yield the URL of a receiver of events, and the set to which it adds the id of each event."""
    arrived: set[str] = set()

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            arrived.add(self.headers.get("ce-id", ""))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library has it
            """Log nothing."""

    with http.server.ThreadingHTTPServer((LOOPBACK, 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, args=(INTERVAL,), daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_port}/", arrived
        server.shutdown()


def _canary_trigger(broker: Object, url: str) -> Object:
    """Return the Trigger that sends a Broker's canary events to this URL; `broker` is the Broker's metadata."""
    return {
        "apiVersion": "eventing.knative.dev/v1",
        "kind": "Trigger",
        "metadata": {"name": CANARY, "namespace": broker["namespace"]},
        "spec": {
            "broker": broker["name"],
            "filters": [{"exact": {"type": CANARY_TYPE}}],
            "subscriber": {"uri": url},
        },
    }


def _is_canary(trigger: Object) -> bool:
    return bool(trigger["metadata"]["name"] == CANARY)


def _apply_channel(api: AdminClient, channel: Object) -> None:
    """Apply a channel and its status."""
    meta = channel["metadata"]
    path = f"{MESSAGING}/namespaces/{meta['namespace']}/inmemorychannels/{meta['name']}"
    applied = api.apply(path, channel)
    api.apply(f"{path}/status", topology.status(applied, topology.channel_status(applied)))


def _apply_status(api: AdminClient, prefix: str, plural: str, subject: Object, fields: Object) -> None:
    """Apply these fields as the whole status of an object."""
    meta = subject["metadata"]
    path = f"{prefix}/{meta['namespace']}/{plural}/{meta['name']}/status"
    api.apply(path, topology.status(subject, fields))


def _list(api: AdminClient, path: str, kind: str) -> list[Object]:
    """Return the objects at a path, each with apiVersion and kind."""
    # Items of a list have neither apiVersion nor kind.
    version = path.removeprefix("/apis/").rpartition("/")[0]
    return [{"apiVersion": version, "kind": kind, **item} for item in api.items(path)]
