"""Functions of one process when something fails: another function, the Broker, or a turn that has dropped events."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from cloudevents.core.v1.event import CloudEvent

from events.types import RESOURCE_UPDATE, RESYNC_REQUESTED
from local.probe import wait_until
from runtime.client import ApiResponse, Client, Request
from runtime.conditions import reports_true
from runtime.declaration import Function, Observed, Wake
from runtime.edge import Edge, answer
from runtime.errors import ApiError, Defect, Unavailable
from runtime.event import Event
from runtime.objects import COLLECTED_METRIC, CONFIG_MAP, KEPLER, Manifest, Ref
from runtime.outcome import Intent, Outcome, converged
from runtime.ownership import reference
from runtime.receive import Received, Reconciler
from runtime.reconciler_group import ReconcilerGroup, SharedEvent
from runtime.singleflight import SingleFlight
from runtime.workers import Workers
from tests.model.server import ModelApiServer

PARENT = Ref(KEPLER, "energy", "kepler")
INPUT = Ref(COLLECTED_METRIC, "energy", "metrics")
SECRET = "hunter2-of-energy"


def applied(child: Ref, observed: Observed) -> Outcome:
    """The decision of a function with one child."""
    assert observed.parent is not None
    owners = [reference(observed.parent)]
    return converged(Intent(child, {"metadata": {"ownerReferences": owners}, "data": {"a": "b"}}), message="is there")


def function(name: str, *wakes: Wake) -> Function:
    """A function that writes ConfigMap `<name>`."""
    child, condition = Ref(CONFIG_MAP, "energy", name), f"{name.title()}Reconciled"
    return Function(
        name,
        condition,
        (Wake(KEPLER, nothing_to_do=reports_true(condition)), *wakes),
        lambda observed: applied(child, observed),
        children=lambda _key: (child,),
        gates_ready=False,
    )


def event(kind: str = RESYNC_REQUESTED, ref: Ref = PARENT, shown: Manifest | None = None, id: str = "1") -> Event:  # noqa: A002 (CloudEvents' word)
    """An event about an object."""
    return Event(
        id, kind, "/s", "", ref.kind.api_version, ref.kind.name, ref.namespace, ref.name, shown or {}, shown or {}
    )


@dataclass
class Group:
    """Functions over a model of the API server: what they send, and the requests that fail, by field manager."""

    functions: Sequence[Function]
    failing: dict[str, str] = field(default_factory=dict)
    broker_down: bool = False
    workers: Workers = field(default_factory=Workers)
    max_waiting: int = 1
    sent: list[CloudEvent] = field(default_factory=list)
    hold: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.server = ModelApiServer()
        self.lock = threading.Lock()
        Client(self.server, manager="user").apply(PARENT, {"spec": {"collector": {"env": [ENV]}}}, over=None)
        reconcilers = [
            Reconciler(declared, self._request, workers=self.workers, patience=0.1) for declared in self.functions
        ]
        turns: SingleFlight[SharedEvent, Received] = SingleFlight(max_waiting=self.max_waiting)
        self.receive = ReconcilerGroup(reconcilers, self._send, turns)

    def _request(self, request: Request) -> ApiResponse:
        self.hold()
        message = self.failing.get(request.query.get("fieldManager", ""))
        with self.lock:
            return ApiResponse(500, {"message": message}) if message else self.server(request)

    def _send(self, sent: CloudEvent) -> None:
        if self.broker_down:
            raise Unavailable("`K_SINK` answered 503")
        self.sent.append(sent)


ENV = {"name": "TOKEN", "value": SECRET}
FIRST, SECOND = function("first"), function("second")


def test_a_report_that_the_broker_does_not_take_is_logged_and_the_others_are_returned(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What was written is written: a redelivery of the event could not make the report again."""
    group = Group((FIRST, SECOND), broker_down=True)
    received = group.receive(event())
    assert received.reply is not None
    assert {report.function for report in received.reports} == {"first", "second"}
    (line,) = (line for line in caplog.records if line.message == "a report is lost")
    assert line.__dict__["reason"] == "`K_SINK` answered 503"
    assert line.__dict__["function"] in {"first", "second"} - {received.reply.function}


def test_a_defect_is_raised_although_the_broker_is_down() -> None:
    """It is the first thing to be mended, and names its function."""

    def broken(_observed: Observed) -> Outcome:
        raise KeyError(SECRET)

    group = Group((FIRST, replace(SECOND, desired=broken)), broker_down=True)
    with pytest.raises(Defect) as raised:
        group.receive(event())
    assert raised.value.function == "second"
    assert raised.value.message.startswith("KeyError")
    assert "in broken" in raised.value.trace
    assert SECRET not in raised.value.message + raised.value.trace


def test_each_function_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """One error answers the event; the other one is in the log with its function's name."""
    group = Group((FIRST, SECOND), failing={"kepler-first": "no space left", "kepler-second": "no quorum"})
    response = answer(lambda: group.receive(event()), event(), time.monotonic(), Edge())
    assert response.status_code == 503
    failures = {
        line.__dict__["function"]: line.__dict__["reason"] for line in caplog.records if line.message == "failed"
    }
    assert {name: reason.split(": ")[-1] for name, reason in failures.items()} == {
        "first": "no space left",
        "second": "no quorum",
    }


def test_a_confidential_value_in_an_error_is_redacted(caplog: pytest.LogCaptureFixture) -> None:
    """A waiting event shows no `spec`, so only the reconcile knows the value that a webhook repeats."""
    group = Group((FIRST,), failing={"kepler-first": f"webhook: env TOKEN={SECRET} is forbidden"})
    slim = event(RESOURCE_UPDATE, shown=group.server.objects[PATH]).without_content()
    with caplog.at_level(logging.INFO):
        response = answer(lambda: group.receive(event()), slim, time.monotonic(), Edge())
    assert response.status_code == 503
    assert "is forbidden" in response.get_data(as_text=True)
    assert SECRET not in response.get_data(as_text=True)
    assert SECRET not in str([line.__dict__ for line in caplog.records])


PATH = "/apis/sustainable-computing.io/v1alpha1/namespaces/energy/keplers/kepler"


def test_if_a_turn_fails_that_has_dropped_events_all_functions_are_asked_again() -> None:
    """An acknowledged edit of an input concerned `second`; the events that are redelivered name `first` alone."""
    running, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        running.set()
        go_on.wait(10)

    child = Ref(CONFIG_MAP, "energy", "first")
    functions = (function("first", Wake(CONFIG_MAP, ("first",))), function("second", Wake(COLLECTED_METRIC)))
    group = Group(functions, hold=hold)
    answers: list[ApiError] = []

    def deliver(delivered: Event) -> None:
        try:
            group.receive(delivered)
        except ApiError as error:
            answers.append(error)

    def start(delivered: Event) -> threading.Thread:
        thread = threading.Thread(target=deliver, args=(delivered,))
        thread.start()
        return thread

    threads = [start(event(id="running"))]
    assert running.wait(10)
    threads += [start(event(RESOURCE_UPDATE, child, owned(group, child, str(n)), id=f"child {n}")) for n in range(2)]
    are_waiting = lambda: any(len(turn.items) == 2 for turn in group.receive.turns._next.values())  # noqa: E731
    assert wait_until(are_waiting, 10, threading.Event())
    request = replace(event(id="acknowledged"), extensions={"functions": "/second/"})
    deliver(request)
    assert not answers
    group.failing["kepler-second"] = "webhook down"
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert len(answers) == 3
    again = [sent.get_attributes() for sent in group.sent if sent.get_attributes()["type"] == RESYNC_REQUESTED]
    assert [(request["name"], request["functions"]) for request in again] == [("kepler", "/first/second/")]


def owned(group: Group, child: Ref, version: str) -> dict[str, Any]:
    """A child of the Kepler in this version, as an event shows it."""
    parent = group.server.objects[PATH]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": child.name,
            "namespace": child.namespace,
            "uid": "u",
            "resourceVersion": version,
            "ownerReferences": [reference(parent)],
        },
    }


@pytest.mark.parametrize("grouped", [True, False])
def test_a_list_and_the_reconcile_after_it_share_one_time_limit(grouped: bool) -> None:  # noqa: FBT001
    """With the wait for a slot they would else be longer than the Trigger waits."""
    listing = replace(function("first", Wake(COLLECTED_METRIC)), inputs=lambda _key: (INPUT,))
    group = Group((listing,))
    (reconciler,) = group.receive.reconcilers

    def slow(request: Request) -> ApiResponse:
        time.sleep(0.3 if request.path.endswith("keplers") else min(request.read, 10))
        return group.server(request) if request.path.endswith("keplers") else ApiResponse(0, {"message": "no answer"})

    limited = replace(reconciler, transport=slow, seconds=0.5)
    receiver = replace(group.receive, reconcilers=(limited,)) if grouped else limited
    began = time.monotonic()
    with pytest.raises(ApiError):
        receiver(event(RESOURCE_UPDATE, INPUT, {"metadata": {"name": "metrics", "uid": "i"}}))
    assert time.monotonic() - began < 0.3 + 0.5


def test_an_unexpected_error_of_the_sink_ends_no_reconcile(caplog: pytest.LogCaptureFixture) -> None:
    """Such as a token file that is not text: it is logged by its class, with the report that is lost."""
    group = Group((FIRST, SECOND))

    def undecodable(_sent: CloudEvent) -> None:
        raise UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET)

    received = replace(group.receive, sink=undecodable)(event())
    assert len(received.reports) == 2
    (line,) = (line.__dict__ for line in caplog.records if line.message == "a report is lost")
    assert line["reason"] == "UnicodeDecodeError"
    assert SECRET not in str(line)


@pytest.mark.parametrize("grouped", [True, False])
def test_waiting_for_a_slot_takes_nothing_of_the_time_for_a_reconcile(grouped: bool) -> None:  # noqa: FBT001
    """An event that needs a list waits for a slot before; then all of its time is left."""
    workers = Workers(slots=1)
    listing = function("first", Wake(COLLECTED_METRIC))
    group = Group((listing,), workers=workers)
    (reconciler,) = group.receive.reconcilers
    limited = replace(reconciler, seconds=0.4)
    receiver = replace(group.receive, reconcilers=(limited,)) if grouped else limited
    held = threading.Event()

    def hold() -> None:
        with workers.slot():
            held.set()
            time.sleep(0.6)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    received = receiver(event(RESOURCE_UPDATE, INPUT, {"metadata": {"name": "metrics", "uid": "i"}}))
    thread.join()
    assert received.calls
