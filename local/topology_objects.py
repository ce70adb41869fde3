"""Writes the topology to the API server, and proves with an event that it works end to end."""

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
    """Give every Broker, Trigger and source of the cluster its addresses. Call it again after any of them changes.

    Triggers are written last and in order: a watch that shows the last one's status has shown all others.
    """
    triggers = _list(api, f"{EVENTING}/triggers", "Trigger")
    for broker in _list(api, f"{EVENTING}/brokers", "Broker"):
        _channel(api, topology.channel(broker, triggers, addresses))
        _status(api, f"{EVENTING}/namespaces", "brokers", broker, topology.broker_status(broker, addresses))
    for kind, plural in (("PingSource", "pingsources"), ("ApiServerSource", "apiserversources")):
        for source in _list(api, f"{SOURCES}/{plural}", kind):
            fields = topology.source_status(source, addresses)
            if kind == "ApiServerSource":
                fields["namespaces"] = [""]
            _status(api, f"{SOURCES}/namespaces", plural, source, fields)
    for trigger in sorted(triggers, key=_is_canary):
        _status(api, f"{EVENTING}/namespaces", "triggers", trigger, topology.trigger_status(trigger, addresses))


def prove(api: AdminClient, addresses: Addresses, stop: threading.Event) -> None:
    """Wire everything, and return when an event sent to each Broker has arrived at a subscriber.

    The dispatcher reports health before it routes events, so only an event that arrives is proof. The canary's Trigger
    is written last, and removed afterwards.
    """
    brokers = _list(api, f"{EVENTING}/brokers", "Broker")
    with _listener() as (url, arrived):
        for broker in brokers:
            meta = broker["metadata"]
            path = f"{EVENTING}/namespaces/{meta['namespace']}/triggers/{CANARY}"
            api.apply(path, _canary(meta, url))
        wire(api, addresses)
        for broker in brokers:
            _send_until_arrived(broker["metadata"], addresses, arrived, stop)
    triggers = [trigger for trigger in _list(api, f"{EVENTING}/triggers", "Trigger") if not _is_canary(trigger)]
    for broker in brokers:
        _channel(api, topology.channel(broker, triggers, addresses))
        api.delete(f"{EVENTING}/namespaces/{broker['metadata']['namespace']}/triggers/{CANARY}")


def _send_until_arrived(meta: Object, addresses: Addresses, arrived: set[str], stop: threading.Event) -> None:
    url = addresses.broker(meta["namespace"], meta["name"])
    headers = {
        "ce-specversion": "1.0",
        "ce-type": CANARY_TYPE,
        "ce-source": "local",
        "ce-id": url,
        "content-type": "application/json",
    }

    def travelled() -> bool:
        try:
            urllib3.request("POST", url, headers=headers, body=b"{}", timeout=1.0, retries=False)
        except urllib3.exceptions.HTTPError:
            return False
        return url in arrived

    if not wait_until(travelled, CANARY_SECONDS, stop):
        raise NotReady(f"an event sent to {url} did not come out again: see the logs of ingress, dispatcher and filter")


@contextmanager
def _listener() -> Iterator[tuple[str, set[str]]]:
    arrived: set[str] = set()

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            arrived.add(self.headers.get("ce-id", ""))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library has it
            """Says nothing."""

    with http.server.ThreadingHTTPServer((LOOPBACK, 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, args=(INTERVAL,), daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_port}/", arrived
        server.shutdown()


def _canary(broker: Object, url: str) -> Object:
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


def _channel(api: AdminClient, channel: Object) -> None:
    meta = channel["metadata"]
    path = f"{MESSAGING}/namespaces/{meta['namespace']}/inmemorychannels/{meta['name']}"
    written = api.apply(path, channel)
    api.apply(f"{path}/status", topology.status(written, topology.channel_status(written)))


def _status(api: AdminClient, prefix: str, plural: str, subject: Object, fields: Object) -> None:
    meta = subject["metadata"]
    path = f"{prefix}/{meta['namespace']}/{plural}/{meta['name']}/status"
    api.apply(path, topology.status(subject, fields))


def _list(api: AdminClient, path: str, kind: str) -> list[Object]:
    # Items of a list have no apiVersion and kind.
    version = path.removeprefix("/apis/").rpartition("/")[0]
    return [{"apiVersion": version, "kind": kind, **item} for item in api.items(path)]
