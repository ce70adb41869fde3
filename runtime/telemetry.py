"""Spans and metrics leave the process where an OTLP endpoint is set; elsewhere OpenTelemetry's SDK is never loaded."""

import threading
import time

from opentelemetry import metrics, trace

# Seconds that the end of a process may take for what was not sent yet.
FLUSH = 2.0


def configure(endpoint: str, service: str) -> None:
    """Export spans and metrics by OTLP/HTTP if an endpoint is set; standard OTEL_* variables are the exporters'."""
    if endpoint:
        from runtime import otlp  # noqa: PLC0415 (its import would cost every cold start)

        otlp.start(service)


def flush(seconds: float = FLUSH) -> None:
    """Send what is still held back; called before the process ends. A receiver that is away holds nobody up longer."""
    providers = (trace.get_tracer_provider(), metrics.get_meter_provider())
    flushes = [flush for provider in providers if (flush := getattr(provider, "force_flush", None)) is not None]
    threads = [threading.Thread(target=flush, daemon=True) for flush in flushes]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
