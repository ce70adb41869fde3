"""Spans and metrics go out by OTLP/HTTP. This imports the SDK, so it is imported only where an endpoint is set.

Both leave on threads of their own: no reply waits for them. A receiver that is away costs a line in the log now and
then, and what does not fit the queue meanwhile. Each process is an instance of its service, so that what it counted is
not taken for another's, and sends its last word within `telemetry.FLUSH` at its end.
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

# Milliseconds that spans are collected before they are sent.
DELAY = 1000


class GivenIds(IdGenerator):
    """The ids that `runtime.spans` gives, which others refer to; random ones where it gives none."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()

    def generate_span_id(self) -> int:
        """A span's id."""
        given = GIVEN.get()
        return given.span if given else self._random.generate_span_id()

    def generate_trace_id(self) -> int:
        """The id of the trace of a span without a parent."""
        given = GIVEN.get()
        return given.trace if given else self._random.generate_trace_id()


def start(service: str) -> None:
    """Begin to export; endpoint, headers, sampling and intervals are in the standard OTEL_* variables.

    Nothing is sent at the interpreter's end: `telemetry.flush` has done so, and knows how long it may take.
    """
    instance = {"service.name": service, "service.version": VERSION, "service.instance.id": str(uuid.uuid4())}
    resource = Resource.create(instance)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    metrics.set_meter_provider(MeterProvider([reader], resource=resource, shutdown_on_exit=False))
    tracer = TracerProvider(resource=resource, id_generator=GivenIds(), shutdown_on_exit=False)
    tracer.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=DELAY))
    trace.set_tracer_provider(tracer)
