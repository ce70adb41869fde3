"""Spans: ids that follow from the object and the event, the root and what hangs below it, and what they tell."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from events.outcome_words import Word
from events.types import RESOURCE_DELETE, RESOURCE_UPDATE
from functions import status
from runtime import spans
from runtime.client import Call
from runtime.differences import FieldChange
from runtime.errors import Unavailable
from runtime.objects import KEPLER, Ref
from runtime.otlp import GivenIds
from runtime.outcome import Outcome
from runtime.reconciled import AcceptedWrite, Reconciled
from runtime.reports import report
from runtime.spans import ReconcileTiming, templated
from runtime.tracing import GenerationTrace, detached_trace, report_identity, trace_of, trace_of_event, traceparent
from tests.workbench import resync, update

BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)
EDITED = datetime(2026, 1, 31, 11, 59, 50, tzinfo=UTC)
KEY = Ref(KEPLER, "energy", "kepler")
SENDER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"

Spans = dict[str, ReadableSpan]


def at(moment: datetime) -> int:
    """In nanoseconds, as spans have it."""
    return round(moment.timestamp() * 1000) * 1_000_000


def kepler(**meta: Any) -> dict[str, Any]:
    """A Kepler in its second generation."""
    known = {
        "name": "kepler",
        "namespace": "energy",
        "uid": "u",
        "resourceVersion": "7",
        "generation": 2,
        "creationTimestamp": "2026-01-31T11:00:00Z",
        "managedFields": [
            {"manager": "kubectl", "time": "2026-01-31T11:59:50Z"},
            {"manager": "kepler-status", "time": "2026-01-31T11:59:59Z", "subresource": "status"},
        ],
    }
    return {"apiVersion": KEPLER.api_version, "kind": KEPLER.name, "metadata": {**known, **meta}}


def call(verb: str, status_: int, path: str = "/api/v1/namespaces/energy/configmaps/kepler-cfm") -> Call:
    """A call that took five milliseconds."""
    return Call(verb, path, status_, 1.0, 5.0)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Spans]:
    """The spans that were made, by name."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(id_generator=GivenIds(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return lambda: {span.name: span for span in exporter.get_finished_spans()}


def reported(
    *moved: tuple[str, Any, Any], parent: dict[str, Any] | None = None, calls: tuple[Call, ...] = ()
) -> tuple[str, GenerationTrace]:
    """`status` has reported these fields of `Ready`; the `traceparent` it sends, and the trace."""
    shown = parent or kepler()
    fields = tuple(FieldChange(f"status.conditions[type=Ready].{text}", before, after) for text, before, after in moved)
    outcome = Outcome(Word.CONVERGED, "Ready", "ready")
    done = Reconciled(KEY, outcome, shown, [AcceptedWrite(KEY, "reported", fields)], rounds=1)
    event = replace(update(shown), traceparent=SENDER, extensions={"time": "2026-01-31T11:59:59Z"})
    where, timing = trace_of(shown), ReconcileTiming(BEGAN, 20.0, calls, "https://10.96.0.1:443")
    said = report(status.FUNCTION, done, event, where, timing)
    assert said is not None
    spans.record(said, where, timing, shown)
    return traceparent(said.trace, report_identity(said)), where


def test_the_span_is_the_one_that_the_report_names(taken: Callable[[], Spans]) -> None:
    """So a link to the `traceparent` of a report leads somewhere; it hangs below the root of its generation."""
    message, where = reported()
    span = taken()["reconcile status"]
    assert span.context is not None
    assert span.parent is not None
    assert message == f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-01"
    assert (span.parent.trace_id, span.parent.span_id) == (where.id, where.root)


def test_the_span_is_linked_to_the_sender_of_the_event(taken: Callable[[], Spans]) -> None:
    """And tells how old the event was."""
    reported()
    span = taken()["reconcile status"]
    (link,) = span.links
    assert f"{link.context.span_id:016x}" == SENDER.split("-")[2]
    assert span.attributes is not None
    assert span.attributes["kepler.event.age"] == 1.0


def test_the_first_word_on_a_generation_makes_the_root(taken: Callable[[], Spans]) -> None:
    """From the edit until then, with the id that every reconcile of the generation names as its parent."""
    _, where = reported(("observedGeneration", 1, 2), ("status", "True", "Unknown"))
    root = taken()["edit Kepler"]
    assert root.context is not None
    assert root.start_time is not None
    assert (root.context.span_id, root.parent) == (where.root, None)
    assert root.start_time == at(EDITED)
    assert root.end_time == at(BEGAN + timedelta(milliseconds=20))
    assert "ready" not in taken()


def test_later_words_make_no_second_root(taken: Callable[[], Spans]) -> None:
    """Progress, and `Ready` that is lost and regained."""
    reported(("message", "1 of 2", "2 of 2"))
    reported(("status", "False", "True"), ("lastTransitionTime", "2026-01-31T11:59:55Z", "2026-01-31T12:00:00Z"))
    assert "edit Kepler" not in taken()


@pytest.mark.parametrize(
    ("lost", "since"),
    [
        (None, EDITED),
        ("2026-01-31T11:30:00Z", EDITED),
        ("2026-01-31T11:59:55Z", datetime(2026, 1, 31, 11, 59, 55, tzinfo=UTC)),
    ],
    ids=["it is new", "it was not ready before the edit", "it was lost after the edit"],
)
def test_what_took_until_ready_is_a_span(taken: Callable[[], Spans], lost: str | None, since: datetime) -> None:
    """From the edit, or from when it was lost after that; below the root."""
    _, where = reported(("status", "Unknown", "True"), ("lastTransitionTime", lost, "2026-01-31T12:00:00Z"))
    ready = taken()["ready"]
    assert ready.parent is not None
    assert ready.parent.span_id == where.root
    assert ready.start_time == at(since)
    assert ready.end_time == at(BEGAN + timedelta(milliseconds=20))


def test_a_first_generation_begins_with_the_creation(taken: Callable[[], Spans]) -> None:
    """Whatever was written later."""
    shown = kepler(generation=1)
    reported(("observedGeneration", None, 1), parent={**shown})
    assert taken()["edit Kepler"].start_time == at(datetime(2026, 1, 31, 11, tzinfo=UTC))


def test_clocks_that_differ_make_no_span_that_ends_before_it_begins(taken: Callable[[], Spans]) -> None:
    """The API server's may be ahead."""
    ahead = [{"manager": "kubectl", "time": "2026-01-31T12:00:07Z"}]
    reported(("observedGeneration", 1, 2), parent=kepler(managedFields=ahead))
    root = taken()["edit Kepler"]
    assert root.start_time == at(BEGAN)


def test_an_annotation_puts_everything_into_another_trace(taken: Callable[[], Spans]) -> None:
    """Its span is above our root, whether it was sampled or not."""
    message, where = reported(
        ("observedGeneration", 1, 2), parent=kepler(annotations={"traceparent": SENDER}), calls=(call("GET", 200),)
    )
    assert message.split("-")[1] == SENDER.split("-")[1]
    spans = taken()
    assert {f"{readable_span.context.trace_id:032x}" for readable_span in spans.values() if readable_span.context} == {
        SENDER.split("-")[1]
    }
    root = spans["edit Kepler"]
    assert root.parent is not None
    assert f"{root.parent.span_id:016x}" == SENDER.split("-")[2]
    assert where.root != trace_of(kepler(generation=3, annotations={"traceparent": SENDER})).root


@pytest.mark.parametrize("shown", ["", "00-x-y-01", "00-" + "0" * 32 + "-b7ad6b7169203331-01", 7])
def test_an_annotation_that_is_no_traceparent_is_ignored(shown: Any) -> None:
    """The trace is the one that follows from the object."""
    assert trace_of(kepler(annotations={"traceparent": shown})) == trace_of(kepler())


def test_each_generation_of_each_object_has_a_trace_of_its_own() -> None:
    """Whoever computes it, wherever."""
    keplers = [kepler(), kepler(generation=3), kepler(uid="v")]
    assert len({trace_of(kepler).id for kepler in keplers}) == 3
    assert trace_of(kepler()) == trace_of(kepler(resourceVersion="9"))


def test_what_is_gone_has_the_trace_of_what_it_was() -> None:
    """The event of its deletion shows its last generation; one that shows nothing stands alone."""
    assert trace_of_event(update(kepler(), RESOURCE_DELETE)) == trace_of(kepler())
    asked = resync("energy", "kepler")
    assert trace_of_event(asked) == detached_trace(f"{asked.source}/{asked.id}")
    assert trace_of_event(asked) != trace_of_event(replace(asked, id="2"))


@pytest.mark.parametrize(
    ("answer", "wrong", "attributes"),
    [
        (call("GET", 200), False, {"http.response.status_code": 200}),
        (call("GET", 404), False, {"http.response.status_code": 404, "kepler.answer": "absent"}),
        (call("PATCH", 409), False, {"http.response.status_code": 409, "kepler.answer": "conflict"}),
        (call("PATCH", 403), True, {"http.response.status_code": 403, "error.type": "403"}),
        (call("GET", 503), True, {"http.response.status_code": 503, "error.type": "503"}),
        (call("GET", 0), True, {"error.type": "unanswered"}),
    ],
    ids=lambda one: f"{one.verb} {one.status}" if isinstance(one, Call) else "",
)
def test_calls_are_told_as_the_conventions_have_it(
    taken: Callable[[], Spans],
    answer: Call,
    wrong: bool,  # noqa: FBT001
    attributes: dict[str, Any],
) -> None:
    """An absence and a lost lock are part of the work, and no errors."""
    reported(calls=(answer,))
    span = taken()[f"{answer.verb} /api/v1/namespaces/{{namespace}}/configmaps/{{name}}"]
    assert (span.status.status_code is StatusCode.ERROR) is wrong
    assert dict(span.attributes or {}) == attributes | {
        "http.request.method": answer.verb,
        "url.template": "/api/v1/namespaces/{namespace}/configmaps/{name}",
        "url.full": "https://10.96.0.1:443/api/v1/namespaces/energy/configmaps/kepler-cfm",
        "server.address": "10.96.0.1",
        "server.port": 443,
    }
    assert span.start_time == at(BEGAN + timedelta(milliseconds=1))
    assert span.parent is not None
    assert span.parent == taken()["reconcile status"].context


def test_an_attempt_that_failed_is_told_as_an_error(taken: Callable[[], Spans]) -> None:
    """In the object's trace, with an id of its own, since the next delivery of the event may have a report."""
    event = update(kepler(), RESOURCE_UPDATE)
    timing = ReconcileTiming(BEGAN, 20.0, (call("GET", 503),))
    for _ in range(2):
        spans.failed("status", KEY, event, timing, Unavailable("away"))
    span = taken()["reconcile status"]
    assert span.context is not None
    assert span.parent is not None
    assert span.status.status_code is StatusCode.ERROR
    assert (span.context.trace_id, span.parent.span_id) == (trace_of(kepler()).id, trace_of(kepler()).root)
    assert dict(span.attributes or {})["error.type"] == "Unavailable"


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/api/v1/nodes", "/api/v1/nodes"),
        ("/api/v1/nodes/n", "/api/v1/nodes/{name}"),
        ("/api/v1/namespaces", "/api/v1/namespaces"),
        ("/api/v1/namespaces/energy", "/api/v1/namespaces/{name}"),
        ("/api/v1/namespaces/energy/configmaps", "/api/v1/namespaces/{namespace}/configmaps"),
        ("/apis/apps/v1/namespaces/energy/daemonsets/x", "/apis/apps/v1/namespaces/{namespace}/daemonsets/{name}"),
        ("/apis/g/v1/namespaces/energy/keplers/x/status", "/apis/g/v1/namespaces/{namespace}/keplers/{name}/status"),
    ],
)
def test_names_of_spans_are_few(path: str, template: str) -> None:
    """What differs from object to object is left open."""
    assert templated(path) == template


@given(st.text())
def test_no_path_is_a_defect(path: str) -> None:
    """Whatever is asked for."""
    assert templated(path).startswith("/")
