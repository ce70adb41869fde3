"""One trace for one generation of one object, whichever way its events travelled.

The trace id follows from uid and generation, so every function's spans for one `kubectl apply` meet in one trace.
Spans are made from the report once the reconcile is over. Only the OpenTelemetry API is imported here; SDK and
exporter are, by `configure`, where an OTLP endpoint is set.
"""

import hashlib
import time
from collections.abc import Sequence

from opentelemetry import metrics, trace
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from events.report import Report

PROPAGATOR = TraceContextTextMapPropagator()
MILLISECOND = 1_000_000  # in nanoseconds, the unit of span times


def traceparent(said: Report) -> str:
    """The W3C `traceparent` of a report: its object's trace, and the span of this function's reconcile."""
    identity = f"{said.function}/{said.cause.source}/{said.cause.id}/{said.object.name}"
    return within(said.object.uid, said.generation, identity)


def within(uid: str, generation: int, identity: str) -> str:
    """The W3C `traceparent` of something that happens to one generation of an object: `identity` names its span."""
    return f"00-{_trace(uid, generation):032x}-{_digest(identity, 8):016x}-01"


def trace_id(said: Report) -> int:
    """128 bits that follow from the object's uid and generation."""
    return _trace(said.object.uid, said.generation)


def record(said: Report, incoming: str) -> None:
    """The report as spans: the reconcile, and under it each API call. Without an SDK this does nothing."""
    root = SpanContext(trace_id(said), _digest(f"root/{trace_id(said)}", 8), is_remote=True, trace_flags=TraceFlags(1))
    tracer = trace.get_tracer("kepler")
    ended = time.time_ns()
    began = ended - int(said.milliseconds * MILLISECOND)
    span = tracer.start_span(
        f"reconcile {said.function}",
        context=trace.set_span_in_context(NonRecordingSpan(root)),
        kind=SpanKind.CONSUMER,
        links=_links(incoming),
        start_time=began,
        attributes={
            "kepler.function": said.function,
            "kepler.outcome": said.outcome,
            "kepler.generation": said.generation,
            "k8s.namespace.name": said.object.namespace,
            "k8s.object.kind": said.object.kind,
            "k8s.object.name": said.object.name,
            "k8s.object.uid": said.object.uid,
            "cloudevents.event_id": said.cause.id,
            "cloudevents.event_type": said.cause.type,
        },
    )
    for call in said.calls:
        start = began + int(call.began * MILLISECOND)
        child = tracer.start_span(
            f"{call.verb} {call.path}",
            context=trace.set_span_in_context(span),
            kind=SpanKind.CLIENT,
            start_time=start,
            attributes={"http.request.method": call.verb, "http.response.status_code": call.status},
        )
        child.end(start + int(call.milliseconds * MILLISECOND))
    span.end(ended)


def configure(endpoint: str, service: str) -> None:
    """Export spans and metrics by OTLP/HTTP if an endpoint is set; standard OTEL_* variables are the exporters'."""
    if not endpoint:
        return
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    resource = Resource.create({"service.name": service})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=1000))
    trace.set_tracer_provider(provider)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    metrics.set_meter_provider(MeterProvider([reader], resource=resource))


def flush() -> None:
    """Send what is still held back; called before the process ends."""
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        force = getattr(provider, "force_flush", None)
        if force is not None:
            force(1000)


def _trace(uid: str, generation: int) -> int:
    return _digest(f"{uid}/{generation}", 16)


def _links(incoming: str) -> Sequence[Link]:
    """A link to the span that sent the event, where its `traceparent` is a valid one."""
    carried = trace.get_current_span(PROPAGATOR.extract({"traceparent": incoming})).get_span_context()
    return (Link(carried),) if carried.is_valid else ()


def _digest(text: str, size: int) -> int:
    """A number of `size` bytes that is never zero (W3C forbids zero ids)."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:size]) or 1
