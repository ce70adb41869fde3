"""Traces, metrics and log lines of real processes: sent by OTLP/HTTP where an endpoint is set, costing nothing where
none is, and holding nobody up where it is away."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import urllib3
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from local.layout import ROOT
from local.stack import Stack
from runtime import measures
from runtime.settings import NAMESPACE
from runtime.telemetry import FLUSH
from runtime.tracing import trace_of
from tests.protocol.test_process import resync, running, wait
from tests.workbench import Workbench, kepler

INCOMING = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class OtlpReceiver:
    """What an OTLP/HTTP receiver has got; it answers nothing while it is `silent`."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    silent: bool = False

    def span(self, name: str) -> Span:
        """The only span of this name."""
        (spans,) = [span for span in self.spans if span.name == name]
        return spans

    def has(self, *names: str) -> bool:
        """Whether spans of all these names have come."""
        return set(names) <= {span.name for span in self.spans}

    def points(self, name: str) -> list[Any]:
        """The last points of a metric."""
        metrics = [metric for metric in self.metrics if metric.name == name]
        if not metrics:
            return []
        last = metrics[-1]
        return [*(last.histogram.data_points if last.HasField("histogram") else last.sum.data_points)]


def values(attributes: Any) -> dict[str, Any]:
    """Attributes as they are meant."""
    return {attribute.key: _value(attribute) for attribute in attributes}


def _value(pair: KeyValue) -> Any:
    kind = pair.value.WhichOneof("value")
    return getattr(pair.value, kind) if kind else None


@contextmanager
def collector() -> Iterator[OtlpReceiver]:
    """An OTLP/HTTP receiver, and everything that it has got."""
    got, over = OtlpReceiver(), Event()

    class Receive(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if got.silent:
                over.wait()
                return
            if self.path == "/v1/traces":
                traced = ExportTraceServiceRequest.FromString(body).resource_spans
                got.spans.extend(span for value in traced for scope in value.scope_spans for span in scope.spans)
                got.resources.extend(values(value.resource.attributes) for value in traced)
            else:
                measured = ExportMetricsServiceRequest.FromString(body).resource_metrics
                got.metrics.extend(
                    metric for value in measured for scope in value.scope_metrics for metric in scope.metrics
                )
                got.resources.extend(values(value.resource.attributes) for value in measured)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receive)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    got.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield got
    finally:
        over.set()
        server.shutdown()


def post(url: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
    """An event to a function."""
    return urllib3.request("POST", url, headers={**headers}, retries=False, timeout=60)


def test_without_an_endpoint_no_sdk_is_loaded() -> None:
    """Its import would cost every cold start."""
    script = "import sys, functions.func; print([name for name in sys.modules if name.startswith('opentelemetry.sdk')])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_one_generation_is_one_trace(control_plane: Stack, workbench: Workbench) -> None:
    """Two functions, two events, two processes: one trace id, and a root for all, whichever came first."""
    workbench.apply(kepler())
    where = trace_of(workbench.kepler())
    replies = []
    with collector() as got:
        for name in ("collected_metric", "status"):
            with running(control_plane, FUNCTION=name, OTEL_EXPORTER_OTLP_ENDPOINT=got.url) as (_, url):
                replies.append(post(url, {**resync(workbench.namespace), "traceparent": INCOMING}))
                assert wait(lambda name=name: got.has(f"reconcile {name}"))  # type: ignore[misc]
        assert wait(lambda: got.has("edit Kepler"))
    reconciles = [got.span(f"reconcile {name}") for name in ("collected_metric", "status")]
    assert {span.trace_id.hex() for span in got.spans} == {str(where)}
    root = got.span("edit Kepler")
    assert (root.span_id.hex(), root.parent_span_id) == (f"{where.root:016x}", b"")
    assert {span.parent_span_id for span in reconciles} == {root.span_id}
    sent = [reply.headers["ce-traceparent"].split("-") for reply in replies]
    assert [(names[1], names[2]) for names in sent] == [
        (reconcile.trace_id.hex(), reconcile.span_id.hex()) for reconcile in reconciles
    ]
    for span in reconciles:
        assert [link.trace_id.hex() for link in span.links] == [INCOMING.split("-")[1]]
        assert [link.span_id.hex() for link in span.links] == [INCOMING.split("-")[2]]


def test_each_call_is_a_span_below_its_reconcile(control_plane: Stack, workbench: Workbench) -> None:
    """With the server's address and the answer; an object that is not there yet is no error."""
    workbench.apply(kepler())
    headers = {**resync(workbench.namespace), "ce-time": datetime.now(UTC).isoformat()}
    with (
        collector() as got,
        running(control_plane, FUNCTION="collected_metric", OTEL_EXPORTER_OTLP_ENDPOINT=got.url) as (_, url),
    ):
        reply = post(url, headers)
        assert wait(lambda: got.has("reconcile collected_metric"))
    report = json.loads(reply.data)
    reconcile = got.span("reconcile collected_metric")
    attributes = values(reconcile.attributes)
    assert (attributes["kepler.outcome"], attributes["kepler.generation"], attributes["k8s.object.name"]) == (
        "converged",
        1,
        "kepler",
    )
    assert 0 <= attributes["kepler.event.age"] < 60
    calls = [span for span in got.spans if span.parent_span_id == reconcile.span_id]
    assert len(calls) == len(report["calls"])
    assert all(span.status.code != Status.STATUS_CODE_ERROR for span in calls)
    asked = [values(span.attributes) for span in calls]
    assert {entry["server.port"] for entry in asked} == {control_plane.ports.apiserver}
    assert {entry["http.response.status_code"]: entry.get("kepler.answer") for entry in asked} == {
        200: None,
        201: None,
        404: "absent",
    }
    assert "GET /api/v1/namespaces/{namespace}/configmaps/{name}" in {span.name for span in calls}
    assert all(reconcile.start_time_unix_nano <= span.start_time_unix_nano for span in calls)
    assert all(span.end_time_unix_nano <= reconcile.end_time_unix_nano for span in calls)
    assert {resource["service.name"] for resource in got.resources} == {"kepler-collected_metric"}
    assert all(resource["service.instance.id"] for resource in got.resources)


def test_a_traceparent_on_the_resource_is_the_trace(control_plane: Stack, workbench: Workbench) -> None:
    """A pipeline's: its span is above the root, and what is emitted goes on in its trace."""
    workbench.apply(kepler())
    workbench.patch("kepler/kepler", {"metadata": {"annotations": {"traceparent": INCOMING}}})
    with (
        collector() as got,
        running(control_plane, FUNCTION="status", OTEL_EXPORTER_OTLP_ENDPOINT=got.url) as (_, url),
    ):
        reply = post(url, resync(workbench.namespace))
        assert wait(lambda: got.has("edit Kepler", "reconcile status"))
    assert {span.trace_id.hex() for span in got.spans} == {INCOMING.split("-")[1]}
    assert got.span("edit Kepler").parent_span_id.hex() == INCOMING.split("-")[2]
    assert reply.headers["ce-traceparent"].split("-")[1] == INCOMING.split("-")[1]


def test_everything_is_measured(control_plane: Stack, workbench: Workbench) -> None:
    """Outcomes, durations, writes, what needed none, and how old events were; sent at the end of a process."""
    workbench.apply(kepler())
    function = {"kepler.function": "collected_metric"}
    old = (datetime.now(UTC) - timedelta(seconds=30)).isoformat()
    with collector() as got:
        settings = {"FUNCTION": "collected_metric", "OTEL_EXPORTER_OTLP_ENDPOINT": got.url}
        with running(control_plane, **settings) as (process, url):
            assert post(url, {**resync(workbench.namespace), "ce-time": old}).status == 200
            assert post(url, {**resync(workbench.namespace), "ce-time": old}).status == 204
            headers = {**resync(workbench.namespace), "ce-kind": "Service", "ce-apiversion": "v1"}
            assert post(url, headers).status == 204
            process.terminate()
            assert process.wait(30) == 0
    assert {metric.name for metric in got.metrics} == {
        "kepler.reconciles",
        "kepler.reconcile.duration",
        "kepler.writes",
        "kepler.noops",
        "kepler.event.age",
    }
    converged = function | {"kepler.outcome": "converged"}
    assert [(values(point.attributes), point.as_int) for point in got.points("kepler.reconciles")] == [(converged, 2)]
    (duration,) = got.points("kepler.reconcile.duration")
    assert (values(duration.attributes), duration.count) == (converged, 2)
    assert 0 < duration.sum < 10
    written = {values(point.attributes)["kepler.action"]: point.as_int for point in got.points("kepler.writes")}
    assert written == {"created": 1, "reported": 1}
    without = {values(point.attributes)["kepler.reason"]: point.as_int for point in got.points("kepler.noops")}
    assert without == {"converged": 1, "idle": 1}
    (age,) = got.points("kepler.event.age")
    assert age.count == 2
    assert 60 <= age.sum < 120


def test_what_fails_is_measured_and_told(control_plane: Stack, workbench: Workbench) -> None:
    """An account that may not: a line of the log, a span, a count; each with what is known."""
    workbench.apply(kepler())
    shown = workbench.kepler()
    headers = {
        **resync(workbench.namespace),
        "ce-type": "dev.knative.apiserver.resource.update",
        "content-type": "application/json",
    }
    with collector() as got:
        settings = {"FUNCTION": "collected_metric", "OTEL_EXPORTER_OTLP_ENDPOINT": got.url}
        account = control_plane.kubeconfig_for(NAMESPACE, "kepler-dead-letter")
        with running(control_plane, **settings, KUBECONFIG=str(account)) as (process, url):
            attributes = urllib3.request(
                "POST", url, headers=headers, body=json.dumps(shown), retries=False, timeout=60
            )
            assert attributes.status == 503
            process.terminate()
            lines = [json.loads(line) for line in process.communicate(timeout=30)[0].splitlines()]
    (line,) = [line for line in lines if line["message"] == "failed"]
    assert (line["object"], line["generation"]) == (f"Kepler {workbench.namespace}/kepler", 1)
    assert (line["outcome"], line["trace"]) == ("failed", str(trace_of(shown)))
    span = got.span("reconcile collected_metric")
    assert (span.status.code, span.trace_id.hex()) == (Status.STATUS_CODE_ERROR, str(trace_of(shown)))
    counted = [(values(point.attributes)["kepler.outcome"], point.as_int) for point in got.points("kepler.reconciles")]
    assert counted == [("failed", 1)]


def test_a_receiver_that_is_away_holds_nobody_up(control_plane: Stack, workbench: Workbench) -> None:
    """It refuses connections: replies are as fast as without it, and the process ends in time."""
    workbench.apply(kepler())
    with running(control_plane, FUNCTION="collected_metric", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9") as (
        process,
        url,
    ):
        assert post(url, resync(workbench.namespace)).status == 200
        time.sleep(1.5)  # spans have been tried by now
        began = time.monotonic()
        for _ in range(20):
            assert post(url, resync(workbench.namespace)).status == 204
        assert (time.monotonic() - began) / 20 < 1
        ends_in_time(process)


def test_a_receiver_that_never_answers_holds_nobody_up(control_plane: Stack, workbench: Workbench) -> None:
    """It takes the request and says nothing, until after the end of the process."""
    workbench.apply(kepler())
    with collector() as got:
        got.silent = True
        settings = {"FUNCTION": "collected_metric", "OTEL_EXPORTER_OTLP_ENDPOINT": got.url}
        with running(control_plane, **settings) as (process, url):
            assert post(url, resync(workbench.namespace)).status == 200
            assert post(url, resync(workbench.namespace)).status == 204
            ends_in_time(process)


def ends_in_time(process: subprocess.Popen[str]) -> None:
    """The process ends by itself, within the bound for what was not sent and some seconds to stop the server."""
    began = time.monotonic()
    process.terminate()
    assert process.wait(30) == 0
    assert time.monotonic() - began < FLUSH + 5


def test_dead_letters_are_counted(control_plane: Stack, namespace: str) -> None:
    """By whom they were to reach, and by type; sent at the end of a process, too."""
    attributes = {"knativeerrordest": "http://kepler-collector", "knativeerrorcode": "503"}
    sent = {**resync(namespace), **{f"ce-{name}": value for name, value in attributes.items()}}
    with collector() as got:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": got.url, "K_SINK": got.url}
        with running(control_plane, FUNCTION="dead_letter", **settings) as (process, url):
            for _ in range(2):
                assert post(url, sent).status == 204
            process.terminate()
            assert wait(lambda: bool(got.points("kepler.dead_letters")))
    (point,) = got.points("kepler.dead_letters")
    assert point.as_int == 2
    assert values(point.attributes)["destination"] == "kepler-collector"


def test_what_is_measured_is_documented() -> None:
    """Every metric's name."""
    page = (ROOT / "docs/observability.md").read_text()
    names = {text for text in (ROOT / "runtime/measures.py").read_text().split('"') if text.startswith("kepler.")}
    assert {name for name in names if f"`{name}`" not in page} == set()
    assert measures.FAILED in page


def test_the_next_generation_is_another_trace(workbench: Workbench) -> None:
    """Each edit has a trace of its own."""
    workbench.apply(kepler())
    first = workbench.resync("collected_metric").reports[0]
    workbench.patch("kepler/kepler", {"spec": {"collector": {"log-level": 2}}})
    second = workbench.resync("collected_metric").reports[0]
    assert first.trace != second.trace
