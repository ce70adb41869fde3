"""One trace for each generation of an object, whichever way its events travelled.

The trace id follows from uid and generation, so every function's spans for one `kubectl apply` are in one trace without
passing a context on. An annotation `traceparent` on the object, such as a pipeline's, replaces it: then the operator's
spans are part of the pipeline's trace. Span ids that others refer to are derived as well: that of the root, and that in
the `traceparent` of a report. `runtime.spans` makes the spans, `runtime.telemetry` sends them.
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
# Annotation on a resource, in the format of the W3C header of this name.
ANNOTATION = "traceparent"


@dataclass(frozen=True)
class GenerationTrace:
    """The trace of one generation: its id, the id of its root span, and another system's span above that.

    It is always recorded, whatever the annotation's flag says about the span above.
    """

    id: int
    root: int
    above: SpanContext | None = None

    def __str__(self) -> str:
        return f"{self.id:032x}"

    @property
    def context(self) -> SpanContext:
        """Return the root span as a parent; another process may have made it, or will make it."""
        return SpanContext(self.id, self.root, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))

    def within(self, identity: str) -> str:
        """Return the W3C `traceparent` of a span in this trace; the span's id follows from `identity`."""
        return traceparent(str(self), identity)


def trace_of(shown: Manifest) -> GenerationTrace:
    """Return the trace of an object's generation, from its annotation or else from its uid."""
    identity = f"{uid(shown)}/{generation(shown)}"
    above = _annotated(shown)
    return GenerationTrace(
        above.trace_id if above else nonzero_digest(identity, 16), nonzero_digest(f"root/{identity}", 8), above
    )


def detached_trace(identity: str) -> GenerationTrace:
    """Return the trace of something that concerns no existing object."""
    return GenerationTrace(nonzero_digest(f"lone/{identity}", 16), nonzero_digest(f"root/{identity}", 8))


def trace_of_event(event: Event) -> GenerationTrace:
    """Return the trace of the object that an event shows, if it is one of ours, else a trace of the event alone."""
    try:
        ours = event.api_version.startswith(f"{GROUP}/") and bool(uid(event.object))
        return trace_of(event.object) if ours else detached_trace(f"{event.source}/{event.id}")
    except (TypeError, ValueError, AttributeError):
        return detached_trace(f"{event.source}/{event.id}")


def report_identity(report: Report) -> str:
    """Return what identifies a report: its cause, its function, its object, and what it says.

    If an event is delivered again and leads to the same report, that has the same identity. It may lead to another one:
    of several functions that reconcile together, one has failed, and the next delivery changes what the others decide.
    """
    parent, cause = report.object, report.cause
    says = report.model_dump_json(include={"outcome", "generation", "conditions", "changes"})
    names = (cause.source, cause.id, report.function, parent.namespace, parent.name, parent.uid)
    return "/".join((*names, f"{nonzero_digest(says, 8):x}"))


def span_of(report: Report) -> int:
    """Return the id of the span of a report's reconcile; the same report has the same span."""
    return nonzero_digest(report_identity(report), 8)


def traceparent(trace_id: str, identity: str) -> str:
    """Return the W3C `traceparent` of a span in a trace; the span's id follows from `identity`."""
    return f"00-{trace_id}-{nonzero_digest(identity, 8):016x}-01"


def parse_traceparent(value: object) -> SpanContext | None:
    """Return the span that a `traceparent` names, or None if it is not valid (W3C Trace Context)."""
    if not isinstance(value, str):
        return None
    context = trace.get_current_span(PROPAGATOR.extract({"traceparent": value})).get_span_context()
    return context if context.is_valid else None


def nonzero_digest(text: str, size: int) -> int:
    """Return a number of `size` bytes that is never zero (W3C forbids zero ids)."""
    return int.from_bytes(hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:size]) or 1


def _annotated(shown: Manifest) -> SpanContext | None:
    annotation = (metadata(shown).get("annotations") or {}).get(ANNOTATION)
    context = parse_traceparent(annotation)
    if annotation and context is None:
        log.debug(f"annotation `{ANNOTATION}` is not a W3C traceparent: it is ignored", extra={"uid": uid(shown)})
    sampled = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(context.trace_id, context.span_id, is_remote=True, trace_flags=sampled) if context else None
