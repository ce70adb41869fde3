"""One trace for one generation of one object, whichever way its events travelled.

The trace id follows from uid and generation, so every function's spans for one `kubectl apply` meet in one trace, with
nothing to carry along. An annotation `traceparent` on the object, such as a pipeline's, replaces it: then what the
operator does is part of the pipeline's trace. Span ids that others refer to are derived as well: that of the root, and
that which goes out as the `traceparent` of a report. `runtime.spans` makes the spans, `runtime.telemetry` sends them.
"""

import hashlib
import logging
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.trace import SpanContext, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from crds.meta import GROUP
from events.report import Report
from runtime.event import Event
from runtime.objects import Manifest, generation, metadata, uid

log = logging.getLogger("kepler")

PROPAGATOR = TraceContextTextMapPropagator()
# On a resource, in the format of the W3C header of this name.
ANNOTATION = "traceparent"


@dataclass(frozen=True)
class GenerationTrace:
    """The trace of one generation: its id, the id of its root span, and the span of another system above that.

    It is always recorded, whatever the annotation's flag says of the span above.
    """

    id: int
    root: int
    above: SpanContext | None = None

    def __str__(self) -> str:
        return f"{self.id:032x}"

    @property
    def context(self) -> SpanContext:
        """The root span, as the parent of others; another process may have made it, or is about to."""
        return SpanContext(self.id, self.root, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))

    def within(self, identity: str) -> str:
        """The W3C `traceparent` of something that happens in this trace: `identity` names its span."""
        return _traceparent(str(self), nonzero_digest(identity, 8))


def trace_of(shown: Manifest) -> GenerationTrace:
    """The trace of an object's generation, by its annotation or else by its uid."""
    identity = f"{uid(shown)}/{generation(shown)}"
    above = _annotated(shown)
    return GenerationTrace(
        above.trace_id if above else nonzero_digest(identity, 16), nonzero_digest(f"root/{identity}", 8), above
    )


def detached_trace(identity: str) -> GenerationTrace:
    """The trace of what concerns no object that is there."""
    return GenerationTrace(nonzero_digest(f"lone/{identity}", 16), nonzero_digest(f"root/{identity}", 8))


def trace_of_event(event: Event) -> GenerationTrace:
    """The trace of the object that an event shows, if it is one of ours, or else a trace of the event alone."""
    try:
        ours = event.api_version.startswith(f"{GROUP}/") and bool(uid(event.object))
        return trace_of(event.object) if ours else detached_trace(f"{event.source}/{event.id}")
    except (TypeError, ValueError, AttributeError):
        return detached_trace(f"{event.source}/{event.id}")


def span_of(report: Report) -> int:
    """The id of the span of the reconcile that a report is about; a redelivered event repeats it."""
    return nonzero_digest(f"{report.function}/{report.cause.source}/{report.cause.id}/{report.object.name}", 8)


def traceparent(report: Report) -> str:
    """The W3C `traceparent` of a report: its object's trace, and the span of this function's reconcile."""
    return _traceparent(report.trace, span_of(report))


def parse_traceparent(value: object) -> SpanContext | None:
    """The span that a `traceparent` names, or None where it is not valid (W3C Trace Context)."""
    if not isinstance(value, str):
        return None
    context = trace.get_current_span(PROPAGATOR.extract({"traceparent": value})).get_span_context()
    return context if context.is_valid else None


def nonzero_digest(text: str, size: int) -> int:
    """A number of `size` bytes that is never zero (W3C forbids zero ids)."""
    return int.from_bytes(hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:size]) or 1


def _annotated(shown: Manifest) -> SpanContext | None:
    annotation = (metadata(shown).get("annotations") or {}).get(ANNOTATION)
    context = parse_traceparent(annotation)
    if annotation and context is None:
        log.debug(f"annotation `{ANNOTATION}` is not a W3C traceparent: it is ignored", extra={"uid": uid(shown)})
    sampled = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(context.trace_id, context.span_id, is_remote=True, trace_flags=sampled) if context else None


def _traceparent(of: str, span: int) -> str:
    return f"00-{of}-{span:016x}-01"
