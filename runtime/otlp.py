"""Exports spans and metrics by OTLP/HTTP. This imports the SDK, so it is imported only if an endpoint is set.

Both are sent on threads of their own: no reply waits for them. If the receiver is unavailable, a warning is logged now
and then, and data that exceeds the queue is lost. Each process is its own service instance, so that its counters are
kept apart from others. At its end it sends what is left, within `telemetry.FLUSH`.
"""

import uuid

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator

from runtime.settings import VERSION
from runtime.spans import GIVEN

# Milliseconds for which spans are collected before they are sent.
DELAY = 1000


class GivenIds(IdGenerator):
    """Generates the ids that `runtime.spans` has set, which others refer to; random ids if it has set none."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()

    def generate_span_id(self) -> int:
        """Return a span's id."""
        given = GIVEN.get()
        return given.span if given else self._random.generate_span_id()

    def generate_trace_id(self) -> int:
        """Return the trace id of a span without a parent."""
        given = GIVEN.get()
        return given.trace if given else self._random.generate_trace_id()


def start(service: str) -> None:
    """Start to export; endpoint, headers, sampling and intervals are in the standard OTEL_* variables.

    Nothing is sent when the interpreter exits: `telemetry.flush` does that before, within a time limit.
    """
    instance = {"service.name": service, "service.version": VERSION, "service.instance.id": str(uuid.uuid4())}
    resource = Resource.create(instance)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    metrics.set_meter_provider(MeterProvider([reader], resource=resource, shutdown_on_exit=False))
    tracer = TracerProvider(resource=resource, id_generator=GivenIds(), shutdown_on_exit=False)
    tracer.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=DELAY))
    trace.set_tracer_provider(tracer)
