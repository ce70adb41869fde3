"""Where a function sends events that answer nothing: the Broker, by the address that a SinkBinding puts in `K_SINK`.

https://knative.dev/docs/eventing/custom-event-source/sinkbinding
"""

from collections.abc import Callable, Mapping

import urllib3
from cloudevents.core.bindings.http import to_binary_event
from cloudevents.core.v1.event import CloudEvent
from tenacity import Retrying, retry_if_exception_type, stop_after_delay
from tenacity.wait import wait_random_exponential

from runtime.errors import Misconfigured, Unavailable

SETTING = "K_SINK"
SECONDS = 30.0

Sink = Callable[[CloudEvent], None]


def sink(environment: Mapping[str, str]) -> Sink:
    """Sends to the environment's sink; raises Misconfigured where there is none."""
    address = environment.get(SETTING, "")
    if not address:
        raise Misconfigured(f"no sink to send events to: set `{SETTING}` to the Broker's URL, or apply a SinkBinding")
    pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=3.0, read=10.0))

    def send(event: CloudEvent) -> None:
        retrying = Retrying(
            retry=retry_if_exception_type(Unavailable),
            wait=wait_random_exponential(multiplier=0.05, max=2),
            stop=stop_after_delay(SECONDS),
            reraise=True,
        )
        retrying(_post, pool, address, event)

    return send


def _post(pool: urllib3.PoolManager, address: str, event: CloudEvent) -> None:
    """Raises Unavailable for anything but success: a Broker that takes no event now may take it later."""
    message = to_binary_event(event)
    try:
        answer = pool.request("POST", address, body=message.body, headers=dict(message.headers))
    except urllib3.exceptions.HTTPError as lost:
        raise Unavailable(f"`{SETTING}` '{address}' does not answer: {lost}") from lost
    if not 200 <= answer.status < 300:
        raise Unavailable(f"`{SETTING}` '{address}' answered {answer.status}", status=answer.status)
