"""Starts the export of spans and metrics if an OTLP endpoint is set; else OpenTelemetry's SDK is never loaded."""

import threading
import time

from opentelemetry import metrics, trace

# Seconds that a process may take at its end to send what is left.
FLUSH = 2.0


def configure(endpoint: str, service: str) -> None:
    """Export spans and metrics by OTLP/HTTP if an endpoint is set; OTEL_* variables configure the exporters."""
    if endpoint:
        from runtime import otlp  # noqa: PLC0415 (its import would cost every cold start)

        otlp.start(service)


def flush(seconds: float = FLUSH) -> None:
    """Send what was not sent yet, within `seconds`; called before the process ends."""
    providers = (trace.get_tracer_provider(), metrics.get_meter_provider())
    flushes = [flush for provider in providers if (flush := getattr(provider, "force_flush", None)) is not None]
    threads = [threading.Thread(target=flush, daemon=True) for flush in flushes]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
