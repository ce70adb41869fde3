"""Records reconciles as spans, each once it has ended. Without an SDK, none of this has any effect.

    edit Kepler                 once, by the function that reports `Ready`: from the edit to the first report on it
    ├── reconcile collector     one for each report, and for each attempt that failed; linked to the event's sender
    │   └── PATCH /apis/apps/v1/namespaces/{namespace}/daemonsets/{name}
    └── ready                   from the edit, or from when `Ready` was lost, until it is `True` (again)

The root does not wait for `Ready`: an object that is never ready would have no root, and one that loses `Ready` and
regains it would have two with the same id. So the time until `Ready` is a span of its own.

Names and attributes follow OpenTelemetry's semantic conventions for HTTP clients (1.23 and later); other attributes
begin with `kepler.`.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from events.report import Field, Report
from runtime.client import Call
from runtime.conditions import READY
from runtime.event import Event, parse_time
from runtime.objects import Manifest, Ref, generation, metadata
from runtime.tracing import GenerationTrace, nonzero_digest, parse_traceparent, span_of, trace_of_event

Attributes = dict[str, AttributeValue]

# Error codes that a reconcile expects: the object is absent, or was written by somebody else meanwhile.
EXPECTED = {404: "absent", 409: "conflict"}
READY_PATH = f"status.conditions[type={READY}]"


@dataclass(frozen=True)
class Ids:
    """The ids of the next span; the trace id is used if the span has no parent."""

    trace: int
    span: int


GIVEN: ContextVar[Ids | None] = ContextVar("GIVEN", default=None)


@dataclass(frozen=True)
class ReconcileTiming:
    """The timing of one reconcile: its start, its duration in milliseconds, its API calls, the API server's URL."""

    began: datetime
    milliseconds: float
    calls: tuple[Call, ...] = ()
    server: str = ""

    @property
    def ended(self) -> datetime:
        """Return when it ended."""
        return self.began + timedelta(milliseconds=self.milliseconds)


def record(report: Report, where: GenerationTrace, timing: ReconcileTiming, parent: Manifest | None) -> None:
    """Record the report's span with its calls and, if the report is the first to say so, the root and `ready`."""
    about = report.object
    named = _named(about.kind, about.namespace, about.name) | {"k8s.object.uid": about.uid}
    attributes = named | {
        "kepler.function": report.function,
        "kepler.outcome": report.outcome,
        "kepler.generation": report.generation,
        "kepler.writes": len(report.changes),
        "kepler.rounds": report.rounds,
        "cloudevents.event_id": report.cause.id,
        "cloudevents.event_source": report.cause.source,
        "cloudevents.event_type": report.cause.type,
        "cloudevents.event_subject": report.cause.subject,
        **_age(report.cause.sent, timing),
    }
    links = _links(report.cause.traceparent)
    with _given(Ids(where.id, span_of(report))):
        span = _begun(f"reconcile {report.function}", where.context, timing.began, attributes, links)
    _end(span, timing)
    if parent is not None:
        _milestones(report, where, timing, parent, named)


def failed(function: str, key: Ref, event: Event, timing: ReconcileTiming, error: Exception) -> None:
    """Record a failed attempt, which will be retried, or a defect. No report's `traceparent` names its span."""
    attributes = _named(key.kind.name, key.namespace, key.name) | {
        "kepler.function": function,
        "kepler.outcome": "failed",
        "error.type": type(error).__name__,
        "cloudevents.event_id": event.id,
        "cloudevents.event_source": event.source,
        "cloudevents.event_type": event.type,
        **_age(event.sent, timing),
    }
    where = trace_of_event(event)
    span = _begun(f"reconcile {function}", where.context, timing.began, attributes, _links(event.traceparent))
    span.set_status(Status(StatusCode.ERROR, type(error).__name__))
    _end(span, timing)


def generation_time(parent: Manifest, latest: datetime) -> datetime:
    """Return when the current generation of an object was made, to the second; never after `latest`.

    The API server keeps no such time. The object's creation made the first generation; later ones were made by the
    newest write to the object itself, since statuses are written separately.
    """
    times = [parse_time(metadata(parent).get("creationTimestamp"))]
    if generation(parent) > 1:
        entries = metadata(parent).get("managedFields") or ()
        times += [parse_time(entry.get("time")) for entry in entries if not entry.get("subresource")]
    return min(max((time for time in times if time), default=latest), latest)


def _milestones(
    report: Report, where: GenerationTrace, timing: ReconcileTiming, parent: Manifest, named: Attributes
) -> None:
    """Record the root with the first report on a generation, and `ready` if this report sets it."""
    moved = {field.path: field for write in report.changes if write.action == "reported" for field in write.fields}
    began = generation_time(parent, timing.began)
    attributes = {**named, "kepler.generation": report.generation}
    if _newly(moved, "observedGeneration", report.generation):
        with _given(Ids(where.id, where.root)):
            root = _begun(f"edit {report.object.kind}", where.above, began, attributes, kind=SpanKind.INTERNAL)
        root.end(_nanoseconds(timing.ended))
    if _newly(moved, "status", "True"):
        lost = moved.get(f"{READY_PATH}.lastTransitionTime")
        since = max(began, parse_time(lost.before if lost else None) or began)
        span = nonzero_digest(f"ready/{report.cause.source}/{report.cause.id}/{report.object.uid}", 8)
        with _given(Ids(where.id, span)):
            ready = _begun("ready", where.context, since, attributes, kind=SpanKind.INTERNAL)
        ready.end(_nanoseconds(timing.ended))


def _newly(moved: dict[str, Field], field: str, value: object) -> bool:
    change = moved.get(f"{READY_PATH}.{field}")
    return change is not None and change.after == value != change.before


def _end(span: Span, timing: ReconcileTiming) -> None:
    """Add the calls to the span, then end it."""
    if span.is_recording():
        for call in timing.calls:
            _call(span, call, timing)
    span.end(_nanoseconds(timing.ended))


def _call(above: Span, call: Call, timing: ReconcileTiming) -> None:
    began = timing.began + timedelta(milliseconds=call.began)
    template = templated(call.path)
    attributes: Attributes = {"http.request.method": call.verb, "url.template": template, **_url(timing.server, call)}
    if call.status:
        attributes["http.response.status_code"] = call.status
    wrong = not 200 <= call.status < 400 and call.status not in EXPECTED
    if call.status in EXPECTED:
        attributes["kepler.answer"] = EXPECTED[call.status]
    if wrong:
        attributes["error.type"] = str(call.status) if call.status else "unanswered"
    span = _begun(f"{call.verb} {template}", above.get_span_context(), began, attributes, kind=SpanKind.CLIENT)
    if wrong:
        span.set_status(Status(StatusCode.ERROR))
    span.end(_nanoseconds(began + timedelta(milliseconds=call.milliseconds)))


def templated(path: str) -> str:
    """Return a path with placeholders for names: `/api/v1/namespaces/{namespace}/pods/{name}`."""
    parts = path.strip("/").split("/")
    rest = 3 if parts[0] == "apis" else 2
    head, tail = parts[:rest], parts[rest:]
    if tail[:1] == ["namespaces"] and len(tail) > 2:
        head, tail = [*head, "namespaces", "{namespace}"], tail[2:]
    if len(tail) > 1:
        tail[1] = "{name}"
    return "/" + "/".join([*head, *tail])


def _url(server: str, call: Call) -> Attributes:
    known = urlsplit(server)
    if not known.hostname:
        return {"url.path": call.path}
    port = known.port or (443 if known.scheme == "https" else 80)
    whole = f"{known.scheme}://{known.hostname}:{port}{call.path}"
    return {"url.full": whole, "server.address": known.hostname, "server.port": port}


def _named(kind: str, namespace: str, name: str) -> Attributes:
    return {"k8s.object.kind": kind, "k8s.namespace.name": namespace, "k8s.object.name": name}


def _age(sent: datetime | None, timing: ReconcileTiming) -> Attributes:
    """Return the seconds from the sending of the event to the start of the reconcile."""
    return {"kepler.event.age": max(0.0, (timing.began - sent).total_seconds())} if sent else {}


def _begun(  # noqa: PLR0913 (what OpenTelemetry asks of a span)
    name: str,
    above: SpanContext | None,
    began: datetime,
    attributes: Attributes,
    links: Iterable[Link] = (),
    *,
    kind: SpanKind = SpanKind.CONSUMER,
) -> Span:
    """Start and return a span, below `above` or, without one, at the top of its trace."""
    context = trace.set_span_in_context(NonRecordingSpan(above), Context()) if above else Context()
    return trace.get_tracer("kepler").start_span(
        name, context, kind, attributes, links=tuple(links), start_time=_nanoseconds(began)
    )


@contextmanager
def _given(ids: Ids) -> Iterator[None]:
    """Set the ids of the next span."""
    token = GIVEN.set(ids)
    try:
        yield
    finally:
        GIVEN.reset(token)


def _links(incoming: str) -> tuple[Link, ...]:
    """Return a link to the span that sent the event, if its `traceparent` is valid."""
    carried = parse_traceparent(incoming)
    return (Link(carried),) if carried else ()


def _nanoseconds(at: datetime) -> int:
    since = at - datetime.fromtimestamp(0, UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000
