"""Traces: one for one generation, sent by OTLP/HTTP where an endpoint is set, and costing nothing where none is."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import urllib3
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from local.layout import ROOT
from local.stack import Stack
from runtime.tracing import trace_id
from tests.protocol.test_process import resync, running, wait
from tests.workbench import Workbench, kepler


@contextmanager
def collector() -> Iterator[tuple[str, list[Span], list[Metric]]]:
    """An OTLP/HTTP receiver, and every span and metric it has got."""
    spans: list[Span] = []
    metrics: list[Metric] = []

    class Receive(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/v1/traces":
                traced = ExportTraceServiceRequest.FromString(body).resource_spans
                spans.extend(span for one in traced for scope in one.scope_spans for span in scope.spans)
            else:
                measured = ExportMetricsServiceRequest.FromString(body).resource_metrics
                metrics.extend(found for one in measured for scope in one.scope_metrics for found in scope.metrics)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Receive)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", spans, metrics
    finally:
        server.shutdown()


def test_without_an_endpoint_no_sdk_is_loaded() -> None:
    """Its import would cost every cold start."""
    script = "import sys, functions.func; print([name for name in sys.modules if name.startswith('opentelemetry.sdk')])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_one_generation_is_one_trace(control_plane: Stack, workbench: Workbench) -> None:
    """Two functions, two events, two processes: one trace id; each API call a span below its reconcile."""
    workbench.apply(kepler())
    incoming = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    replies = []
    with collector() as (endpoint, spans, _):
        for name in ("collected_metric", "status"):
            with running(control_plane, FUNCTION=name, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as (_, url):
                sent = {**resync(workbench.namespace), "traceparent": incoming}
                replies.append(urllib3.request("POST", url, headers=sent, timeout=60))
                assert wait(lambda name=name: any(span.name == f"reconcile {name}" for span in spans))  # type: ignore[misc]

    reconciles = {span.name: span for span in spans if span.name.startswith("reconcile")}
    assert set(reconciles) == {"reconcile collected_metric", "reconcile status"}
    assert len({span.trace_id for span in spans}) == 1
    first = reconciles["reconcile collected_metric"]
    assert [link.trace_id.hex() for link in first.links] == [incoming.split("-")[1]]
    calls = [span for span in spans if span.parent_span_id == first.span_id]
    assert {span.name.split()[0] for span in calls} == {"GET", "PATCH"}
    assert {reply.headers["ce-traceparent"].split("-")[1] for reply in replies} == {first.trace_id.hex()}


def test_dead_letters_are_counted(control_plane: Stack, namespace: str) -> None:
    """By whom they were to reach, and by type; sent at the end of a process, too."""
    attributes = {"knativeerrordest": "http://kepler-collector", "knativeerrorcode": "503"}
    sent = {**resync(namespace), **{f"ce-{name}": value for name, value in attributes.items()}}
    with collector() as (endpoint, _, metrics):
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "K_SINK": endpoint}
        with running(control_plane, FUNCTION="dead_letter", **settings) as (process, url):
            for _ in range(2):
                assert urllib3.request("POST", url, headers=sent, timeout=60).status == 204
            process.terminate()
            assert wait(lambda: any(one.name == "kepler.dead_letters" for one in metrics))
    (point,) = next(one for one in metrics if one.name == "kepler.dead_letters").sum.data_points
    assert point.as_int == 2
    assert {one.key: one.value.string_value for one in point.attributes}["destination"] == "http://kepler-collector"


def test_the_next_generation_is_another_trace(workbench: Workbench) -> None:
    """Each edit has a trace of its own."""
    workbench.apply(kepler())
    first = workbench.resync("collected_metric").reports[0]
    workbench.patch("kepler/kepler", {"spec": {"collector": {"log-level": 2}}})
    second = workbench.resync("collected_metric").reports[0]
    assert trace_id(first) != trace_id(second)
