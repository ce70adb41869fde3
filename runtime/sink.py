"""Sends events that are not replies to the Broker, at its address in `K_SINK`.

`config/base` sets `K_SINK`; a SinkBinding may set it, together with what Knative's own protection needs:

| setting | says |
|---|---|
| `K_SINK` | URL of the Broker |
| `K_CA_CERTS` | certificates (PEM) of the Broker's authorities, with `transport-encryption` on |
| `K_SINK_TOKEN_FILE` | file with the OIDC token for the Broker's audience; by default where a SinkBinding mounts it |

https://knative.dev/docs/eventing/custom-event-source/sinkbinding, eventing v0.50:
`pkg/apis/sources/v1/sinkbinding_lifecycle.go` (`K_CA_CERTS`, mount `/oidc`).
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import urllib3
from cloudevents.core.bindings.http import to_binary_event
from cloudevents.core.v1.event import CloudEvent
from tenacity import Retrying, retry_if_exception_type, stop_before_delay
from tenacity.wait import wait_random_exponential

from runtime.deadlines import SEND, Deadline
from runtime.errors import Misconfigured, Unavailable
from runtime.signature import Sign, unsigned
from runtime.trust import as_kubectl
from runtime.workers import SLOTS

SETTING, AUTHORITIES, TOKEN_FILE = "K_SINK", "K_CA_CERTS", "K_SINK_TOKEN_FILE"
MOUNTED_TOKEN = "/oidc/token"
# Seconds to connect, to wait for an answer, and the least for both if almost no time is left.
CONNECT, READ, LEAST = 3.0, 10.0, 0.05

Sink = Callable[[CloudEvent], None]


@dataclass(frozen=True)
class BrokerSink:
    """The Broker at `address`; `token_file`, if it exists, is read for each event, since tokens are renewed."""

    address: str
    pool: urllib3.PoolManager
    token_file: Path

    def post(self, event: CloudEvent, seconds: float) -> None:
        """Send one event once, in so many seconds. Raises Unavailable for anything but success: a retry may succeed."""
        message = to_binary_event(event)
        headers = {**message.headers, **self._authorization()}
        try:
            answer = self.pool.request(
                "POST", self.address, body=message.body, headers=headers, timeout=_timeout(seconds)
            )
        except urllib3.exceptions.HTTPError as lost:
            raise Unavailable(f"`{SETTING}` '{self.address}' does not answer: {type(lost).__name__}") from lost
        if answer.status in (401, 403):
            raise Unavailable(
                f"`{SETTING}` '{self.address}' answered {answer.status}: the Broker asks for an OIDC token; mount one "
                f"with its audience at '{self.token_file}', or allow this sender by an EventPolicy",
                status=answer.status,
            )
        if not 200 <= answer.status < 300:
            raise Unavailable(f"`{SETTING}` '{self.address}' answered {answer.status}", status=answer.status)

    def _authorization(self) -> dict[str, str]:
        try:
            token = self.token_file.read_text().strip()
        except FileNotFoundError:
            return {}
        except OSError as unreadable:
            raise Unavailable(f"the token in '{self.token_file}' cannot be read: {unreadable.strerror}") from unreadable
        return {"Authorization": f"Bearer {token}"} if token else {}


def sink(environment: Mapping[str, str], sign: Sign = unsigned, seconds: float = SEND) -> Sink:
    """Return a function that sends signed events to the environment's sink; raises Misconfigured if there is none.

    It takes at most `seconds` for one event, with all retries, and then raises Unavailable.
    """
    broker = connected(environment)

    def send(event: CloudEvent) -> None:
        deadline, signed = Deadline(seconds), sign(event)
        retrying = Retrying(
            retry=retry_if_exception_type(Unavailable),
            wait=wait_random_exponential(multiplier=0.05, max=2),
            stop=stop_before_delay(deadline.left),
            reraise=True,
        )
        retrying(lambda: broker.post(signed, deadline.left))

    return send


def _timeout(seconds: float) -> urllib3.Timeout:
    return urllib3.Timeout(connect=CONNECT, read=READ, total=max(seconds, LEAST))


def connected(environment: Mapping[str, str]) -> BrokerSink:
    """Return the Broker that the environment names; raises Misconfigured for no name or invalid certificates."""
    address = environment.get(SETTING, "")
    if not address:
        raise Misconfigured(f"no sink to send events to: set `{SETTING}` to the Broker's URL, or apply a SinkBinding")
    trust = _trust(environment.get(AUTHORITIES, ""))
    pool = urllib3.PoolManager(retries=False, maxsize=SLOTS, ssl_context=trust)
    return BrokerSink(address, pool, Path(environment.get(TOKEN_FILE) or MOUNTED_TOKEN))


def _trust(authorities: str) -> ssl.SSLContext | None:
    """Return a context that trusts these authorities in addition to the system's; None for the system's alone."""
    if not authorities.strip():
        return None
    context = as_kubectl(ssl.create_default_context())
    try:
        context.load_verify_locations(cadata=authorities)
    except ssl.SSLError as wrong:
        raise Misconfigured(f"`{AUTHORITIES}` holds no certificates in PEM: {wrong}") from wrong
    return context
