"""The HTTP edge: a CloudEvent in, one of a few answers out.

| answer | when | Knative then |
|---|---|---|
| 204 | nothing to do, nothing to say | is done |
| 200 and a CloudEvent | something was written, is wrong or is awaited | sends the report on through the broker |
| 400 | the request cannot be decoded | gives up at once: dead letter |
| 503 | the API server is away, throttles, or a conflict does not end | delivers again, with back-off |
| 500 | a defect of ours | delivers again, then dead letter |

404 and 409 are never answered: Knative would retry them (eventing v0.50, `pkg/kncloudevents/retries.go`).
"""

import logging
import time
from collections.abc import Callable, Mapping

from cloudevents.core.bindings.http import to_binary_event
from flask import Flask, Response, request

from runtime.errors import ApiError, NotAnEvent
from runtime.event import Event, decode
from runtime.receive import Received, Receiver
from runtime.reports import emitted

log = logging.getLogger("kepler")


class Answer(Response):
    """A response that carries no content type unless it is given one: a 204 has no content."""

    default_mimetype = None


def application(receivers: Mapping[str, Receiver]) -> Flask:
    """The WSGI application: one receiver answers at `/`; several answer at `/<name>`, one each."""
    app = Flask("kepler")
    app.response_class = Answer
    for name, receiver in receivers.items():
        path = "/" if len(receivers) == 1 else f"/{name}"
        app.add_url_rule(path, name, _view(receiver), methods=["POST"])
    app.register_error_handler(404, lambda _: _text(400, f"POST events to {', '.join(_paths(receivers))}"))
    app.register_error_handler(405, lambda _: _text(400, "send events by POST"))
    return app


def _paths(receivers: Mapping[str, Receiver]) -> list[str]:
    return ["/"] if len(receivers) == 1 else [f"/{name}" for name in receivers]


def _view(receiver: Receiver) -> Callable[[], Response]:
    def receive() -> Response:
        began = time.monotonic()
        try:
            event = decode(dict(request.headers.items()), request.get_data())
        except NotAnEvent as wrong:
            log.warning("not an event", extra={"reason": str(wrong)})
            return _text(400, str(wrong))
        return _answer(receiver, event, began)

    return receive


def _answer(receiver: Receiver, event: Event, began: float) -> Response:
    try:
        received = receiver(event)
    except NotAnEvent as wrong:
        log.warning("not an event", extra={**_about(event), "reason": str(wrong)})
        return _text(400, str(wrong))
    except ApiError as failed:
        log.warning("failed", extra={**_about(event), "outcome": "failed", "reason": failed.message})
        return _text(503, failed.message)
    except Exception as defect:
        log.exception("defect", extra=_about(event))
        return _text(500, f"{type(defect).__name__}: {defect}")
    _log(event, received, (time.monotonic() - began) * 1000)
    reply = received.reply
    if reply is None:
        return Answer(status=204)
    message = to_binary_event(emitted(reply))
    return Answer(message.body, status=200, headers=dict(message.headers))


def _log(event: Event, received: Received, milliseconds: float) -> None:
    """One line an event; at debug level where there was nothing to do."""
    facts = {**_about(event), "calls": received.calls, "milliseconds": round(milliseconds, 1)}
    for said in received.reports:
        log.info(
            said.conditions[0].message,
            extra={
                **facts,
                "outcome": said.outcome,
                "reconciled": said.object.name,
                "uid": said.object.uid,
                "generation": said.generation,
                "writes": len(said.changes),
                "rounds": said.rounds,
            },
        )
    if not received.reports:
        log.debug("nothing to do", extra=facts)


def _about(event: Event) -> dict[str, str]:
    return {
        "event": event.id,
        "type": event.type,
        "object": f"{event.kind} {event.namespace}/{event.name}",
    }


def _text(status: int, message: str) -> Response:
    return Answer(message + "\n", status=status, mimetype="text/plain")
