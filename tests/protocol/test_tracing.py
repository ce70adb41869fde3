"""Traces: one for one generation, sent by OTLP/HTTP where an endpoint is set, and costing nothing where none is."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import urllib3
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from local.layout import ROOT
from local.stack import Stack
from runtime.tracing import trace_id
from tests.protocol.test_process import resync, running, wait
from tests.workbench import Workbench, kepler


@contextmanager
def collector() -> Iterator[tuple[str, list[Span]]]:
    """An OTLP/HTTP receiver, and every span it has got."""
    spans: list[Span] = []

    class Receive(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            request = ExportTraceServiceRequest.FromString(body)
            spans.extend(span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Receive)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", spans
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
    with collector() as (endpoint, spans):
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


def test_the_next_generation_is_another_trace(workbench: Workbench) -> None:
    """Each edit has a trace of its own."""
    workbench.apply(kepler())
    first = workbench.resync("collected_metric").reports[0]
    workbench.patch("kepler/kepler", {"spec": {"collector": {"log-level": 2}}})
    second = workbench.resync("collected_metric").reports[0]
    assert trace_id(first) != trace_id(second)
