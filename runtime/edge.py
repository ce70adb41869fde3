"""The HTTP edge: receives a CloudEvent and returns one of a few answers.

| answer | when | Knative then |
|---|---|---|
| 204 | nothing to do, nothing to report | is done |
| 200 and a CloudEvent | something was written, is wrong or is awaited | sends the report on through the broker |
| 400 | the request cannot be decoded | gives up at once: dead letter (which `dead_letter` takes undecoded) |
| 503 | the API server is unavailable or throttles, or a conflict does not end | delivers again, with back-off |
| 500 | a defect in this project | delivers again, then dead letter |

404 and 409 are never answered: Knative would retry them (eventing v0.50, `pkg/kncloudevents/retries.go`).
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Protocol, runtime_checkable

from cloudevents.core.bindings.http import to_binary_event
from flask import Blueprint, Flask, Response, request

from runtime import measures, redact
from runtime.errors import ApiError, NotAnEvent, Unavailable
from runtime.event import Event, decode, decode_names
from runtime.failures import log_failure
from runtime.front import LARGE
from runtime.log_fields import object_field
from runtime.loopback import hostname, is_loopback
from runtime.receive import LenientReceiver, Received, Receiver, RelevantEvent, SelectiveReceiver
from runtime.reports import cause, emitted
from runtime.signature import Sign, unsigned
from runtime.tracing import trace_of_event
from runtime.workers import Workers

log = logging.getLogger("kepler")

# Bytes. A process with a hundred threads for events decodes only one larger body at a time.
SMALL = 8 << 10


@runtime_checkable
class Paged(Protocol):
    """A receiver that also serves pages: at the same path, by GET."""

    pages: Blueprint


class BareResponse(Response):
    """A response without a content type unless it is given one: a 204 has no content."""

    default_mimetype = None


@dataclass(frozen=True)
class Edge:
    """What all views of a process share.

    `sign` signs outgoing events. `workers` limits receivers that do not use workers themselves: each event of theirs
    holds a slot. With `loopback_only`, requests to another host name than this machine's are refused. `large` is held
    while a body that is not small is decoded.
    """

    sign: Sign = unsigned
    workers: Workers = field(default_factory=Workers)
    loopback_only: bool = False
    large: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def room(self, receiver: Receiver, size: int) -> Iterator[None]:
        """Hold the slot and the lock that decoding a body of this size for this receiver requires.

        A SelectiveReceiver keeps only a small part of the decoded event, so it needs no slot yet. Any other receiver
        works on the decoded event and holds a worker slot from the start: however many events wait, few are decoded.
        Raises Unavailable.
        """
        selects = isinstance(receiver, SelectiveReceiver)
        with ExitStack() as held:
            if not selects:
                held.enter_context(self.workers.slot())
            if size > (SMALL if selects else LARGE):
                held.enter_context(self.large)
            yield

    def refusal(self, host: str) -> Response | None:
        """Return a 403 if a request to this host is not for this process, else None."""
        if self.loopback_only and not is_loopback(hostname(f"//{host}")):
            return _text(403, "this answers on this machine only, under 'localhost' or '127.0.0.1'")
        return None


def application(receivers: Mapping[str, Receiver], edge: Edge | None = None) -> Flask:
    """Return the WSGI application: a single receiver answers at `/`, several answer at `/<name>`, one each."""
    edge = edge or Edge()
    app = Flask("kepler")
    app.response_class = BareResponse
    app.before_request(lambda: edge.refusal(request.host))
    for name, receiver in receivers.items():
        path = "/" if len(receivers) == 1 else f"/{name}"
        app.add_url_rule(path, name, _view(name, receiver, edge), methods=["POST"])
        if isinstance(receiver, Paged):
            app.register_blueprint(receiver.pages, url_prefix=path.rstrip("/"))
    app.register_error_handler(404, lambda _: _text(400, f"POST events to {', '.join(_paths(receivers))}"))
    app.register_error_handler(405, lambda _: _text(400, "send events by POST"))
    return app


def _paths(receivers: Mapping[str, Receiver]) -> list[str]:
    return ["/"] if len(receivers) == 1 else [f"/{name}" for name in receivers]


def _view(name: str, receiver: Receiver, edge: Edge) -> Callable[[], Response]:
    """Return the view that answers one event. A large event holds the lock `large` until it is slim or handled."""

    def receive() -> Response:
        began, headers, body = time.monotonic(), dict(request.headers.items()), request.get_data(cache=False)
        try:
            with edge.room(receiver, len(body)):
                if not isinstance(receiver, SelectiveReceiver):
                    event = _decoded(name, headers, body)
                    return answer(partial(receiver, event), event, began, edge)
                selected = select(name, receiver, headers, body)
                del body
        except NotAnEvent as wrong:
            if isinstance(receiver, LenientReceiver) and (named := _named(headers)):
                return answer(partial(receiver.receive_undecoded, named), named, began, edge)
            return _not_an_event(wrong)
        except Unavailable as busy:
            return _text(503, busy.message)
        return selected if isinstance(selected, Response) else answer(selected.work, selected.event, began, edge)

    return receive


def select(name: str, receiver: SelectiveReceiver, headers: Mapping[str, str], body: bytes) -> Response | RelevantEvent:
    """Decode the event in a request; return it with its work, or the response if there is none. Makes no API call."""
    try:
        relevant = receiver.relevant(_decoded(name, headers, body))
    except NotAnEvent as wrong:
        return _not_an_event(wrong)
    except Exception as defect:
        log_failure(defect, {})
        return _text(500, type(defect).__name__)
    return relevant or BareResponse(status=204)


def _decoded(name: str, headers: Mapping[str, str], body: bytes) -> Event:
    """Return the event in a request, and measure how old it is. Raises NotAnEvent."""
    now, event = datetime.now(UTC), decode(headers, body)
    measures.received(name, event.type, (now - event.sent).total_seconds() if event.sent else None)
    return event


def _not_an_event(wrong: NotAnEvent) -> Response:
    reason = redact.text(str(wrong))
    log.warning("not an event", extra={"reason": reason})
    return _text(400, reason)


def _named(headers: Mapping[str, str]) -> Event | None:
    """Return what the headers of an undecoded event name; None if they name nothing."""
    try:
        return decode_names(headers)
    except NotAnEvent:
        return None


def answer(work: Callable[[], Received], event: Event, began: float, edge: Edge) -> Response:
    """Return the response after the work for an event; `began` is when the request came (monotonic clock)."""
    try:
        received = work()
    except NotAnEvent as wrong:
        reason = redact.text(str(wrong))
        log.warning("not an event", extra={**_about(event), "reason": reason})
        return _text(400, reason)
    except Exception as error:
        reason = log_failure(error, _shown(event), redact.mask(event.object))
        return _text(503 if isinstance(error, ApiError) else 500, reason)
    _log(event, received, (time.monotonic() - began) * 1000)
    reply = received.reply
    if reply is None:
        return BareResponse(status=204)
    message = to_binary_event(edge.sign(emitted(reply)))
    return BareResponse(message.body, status=200, headers=dict(message.headers))


def _log(event: Event, received: Received, milliseconds: float) -> None:
    """Log one line for each report; one line at debug level if there was nothing to do."""
    facts = {**_about(event), "calls": received.calls, "milliseconds": round(milliseconds, 1)}
    for report in received.reports:
        log.info(
            report.conditions[0].message,
            extra={
                **facts,
                "function": report.function,
                "outcome": report.outcome,
                "reconciled": report.object.name,
                "uid": report.object.uid,
                "generation": report.generation,
                "trace": report.trace,
                "writes": len(report.changes),
                "rounds": report.rounds,
            },
        )
    if not received.reports:
        log.debug("nothing to do", extra=facts)


def _about(event: Event) -> dict[str, str]:
    return {"event": event.id, "type": event.type, **object_field(event.kind, event.namespace, event.name)}


def _shown(event: Event) -> dict[str, str | int]:
    """Return what the event itself shows, in the form of `cause`, if nothing more is known."""
    return {**_about(event), "generation": cause(event).generation, "trace": str(trace_of_event(event))}


def _text(status: int, message: str) -> Response:
    """Return an answer in plain text; half a surrogate pair from the event is escaped."""
    return BareResponse(f"{message}\n".encode(errors="backslashreplace"), status=status, mimetype="text/plain")
