"""Sends events to the Broker from outside of the cluster: to a loopback address, or by `kubectl port-forward`."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import urllib3
from cloudevents.core.bindings.http import to_binary_event
from cloudevents.core.v1.event import CloudEvent

from cli.command_errors import Denied, Missing, RequestRefused, Unreachable
from cli.connection.cluster import Cluster
from cli.connection.forward import forwarded
from cli.explanation.function_parts import OTHER_NAMESPACE, loopback
from cli.kinds import BROKER
from installation.wiring import BROKER as NAME
from runtime.errors import Forbidden
from runtime.objects import Ref
from runtime.signature import SECRET_NAME, key_of, secret
from runtime.signature import signed as with_signature

TIMEOUT = urllib3.Timeout(connect=3.0, read=10.0)
HTTP = 80


def send(cluster: Cluster, events: Iterable[CloudEvent], *, signed: bool = False) -> int:
    """Send all events, and return their number. Raises Missing, Unreachable or RequestRefused.

    Events are signed if the user may read the key. With `signed` they have to be, since no function acts on
    unsigned ones: without the key Denied is raised.
    """
    key = _key(cluster)
    if signed and key is None:
        raise Denied(
            f"this request must be signed, and you may not read Secret '{SECRET_NAME}' in namespace "
            f"'{cluster.operator_namespace}', or it does not exist yet: ask somebody who may, or use the console"
        )
    with _reached(address(cluster), cluster) as url:
        return sum(_post(url, with_signature(event, key) if key else event) for event in events)


def _key(cluster: Cluster) -> bytes | None:
    """Return the key that signs our events; None if the user may not read it, or it does not exist."""
    try:
        return key_of(cluster.get(secret(cluster.operator_namespace)))
    except Forbidden:
        return None


def address(cluster: Cluster) -> str:
    """Return the URL of the Broker's ingress, from its status."""
    place = cluster.operator_namespace
    broker = cluster.get(Ref(BROKER, place, NAME))
    if broker is None:
        raise Missing(f"there is no Broker '{NAME}' in namespace '{place}': apply `config/`, or {OTHER_NAMESPACE}")
    url = str((((broker.get("status") or {}).get("address")) or {}).get("url") or "")
    if not url:
        raise Unreachable(f"Broker '{NAME}' has no address yet: `kubectl kepler doctor` says more")
    return url


@contextmanager
def _reached(url: str, cluster: Cluster) -> Iterator[str]:
    """Yield the URL itself if it is a loopback address, else that of a forwarded port with the same path."""
    if loopback(url):
        yield url
        return
    parts = urlsplit(url)
    service, _, rest = (parts.hostname or "").partition(".")
    namespace = rest.partition(".")[0]
    if not (service and namespace):
        raise Unreachable(f"the Broker's address '{url}' is no Service of the cluster: send events to it from there")
    with forwarded(cluster, namespace, f"svc/{service}", parts.port or HTTP) as here:
        yield f"{here}{parts.path}"


def _post(url: str, event: CloudEvent) -> bool:
    message = to_binary_event(event)
    try:
        answer = urllib3.request(
            "POST", url, body=message.body, headers=dict(message.headers), timeout=TIMEOUT, retries=False
        )
    except urllib3.exceptions.HTTPError as lost:
        raise Unreachable(f"the Broker at {url} does not answer: is Knative Eventing running?") from lost
    if answer.status in (200, 202, 204):
        return True
    sentence = " ".join(answer.data.decode(errors="replace").split())[:200]
    raise RequestRefused(f"the Broker at {url} answered {answer.status}{f': {sentence}' if sentence else ''}")
