"""Time: each bound lies below the one that rests on it, and a client keeps to its deadline."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
import yaml

from functions import collected_metric
from local.layout import ROOT
from runtime import deadlines, requests
from runtime.client import ApiResponse, Client, Request
from runtime.errors import Unavailable
from runtime.event import Event
from runtime.objects import KEPLER, Ref
from runtime.receive import Reconciler, TurnResult
from runtime.workers import Workers
from tests.workbench import received

REF = Ref(KEPLER, "energy", "kepler")
LATE: dict[str, Any] = {"message": "no answer in time"}


def test_each_bound_lies_below_the_next() -> None:
    """One call, a reconcile, its Trigger, its revision; and what a sweep may take."""
    assert deadlines.READ < deadlines.RECONCILE < deadlines.GRACE
    assert deadlines.RECONCILE < deadlines.TURN
    assert deadlines.TURN + deadlines.RECONCILE < deadlines.ANSWER
    assert deadlines.ANSWER + deadlines.SEND_REPORT < deadlines.TRIGGER < deadlines.revision(deadlines.TRIGGER)
    assert deadlines.RECONCILE + deadlines.SEND_REPORT < deadlines.GRACE
    assert deadlines.SEND < deadlines.TRIGGER
    assert 2 * deadlines.TURN < deadlines.TRIGGER
    assert deadlines.SWEEP < deadlines.SWEEP_TRIGGER < deadlines.revision(deadlines.SWEEP_TRIGGER)
    assert deadlines.revision(deadlines.SWEEP_TRIGGER) <= deadlines.REVISION_MOST


def _installed() -> Iterator[dict[str, Any]]:
    for file in sorted((ROOT / "config/base").glob("kepler-*.yaml")):
        yield from yaml.safe_load_all(file.read_text())


def test_the_installation_has_these_bounds() -> None:
    """Each Trigger's timeout lies below the timeout of the revision that it calls."""
    objects = [*_installed()]
    revisions = {
        manifest["metadata"]["name"]: manifest["spec"]["template"]["spec"]["timeoutSeconds"]
        for manifest in objects
        if manifest["apiVersion"].startswith("serving.knative.dev")
    }
    triggers = {manifest["metadata"]["name"]: manifest["spec"] for manifest in objects if manifest["kind"] == "Trigger"}
    assert {"kepler-collector", "kepler-sweep", "kepler-audit"} <= set(triggers)
    for name, spec in triggers.items():
        seconds = int(spec["delivery"]["timeout"].removeprefix("PT").removesuffix("S"))
        assert deadlines.RECONCILE < seconds < revisions[name] <= deadlines.REVISION_MOST


def late(request: Request) -> ApiResponse:
    """An API server that answers after whatever timeout it is given."""
    time.sleep(request.read)
    return ApiResponse(0, LATE)


def test_an_api_server_that_answers_after_its_timeout_costs_no_more_than_the_deadline() -> None:
    """The timeout of each call is what is left; after that nothing is sent."""
    client = Client(late, manager="x", seconds=0.5)
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(Unavailable):
            client.get(REF)
    assert 0.45 < time.monotonic() - began < 1.0


def test_many_slow_calls_end_at_the_deadline() -> None:
    """Each takes a tenth of a second and succeeds; the sixth is not sent any more."""
    sent: list[Request] = []

    def slow(request: Request) -> ApiResponse:
        sent.append(request)
        time.sleep(0.1)
        return ApiResponse(200, {})

    client = Client(slow, manager="x", seconds=0.45)
    for _ in range(5):
        client.get(REF)
    with pytest.raises(Unavailable, match="which a reconcile may take, are over"):
        client.get(REF)
    assert len(sent) == 5
    assert [event.read for event in sent] == sorted((event.read for event in sent), reverse=True)
    assert sent[-1].read < 0.1


def throttled(seconds: float, times: int, sent: list[float]) -> Callable[[Request], ApiResponse]:
    """An API server that asks so many times to come back later."""

    def send(_: Request) -> ApiResponse:
        sent.append(time.monotonic())
        return ApiResponse(429, {"message": "slow down"}, seconds) if len(sent) <= times else ApiResponse(200, {})

    return send


def test_retry_after_is_honoured() -> None:
    """Nobody asks again before the API server says so."""
    sent: list[float] = []
    Client(throttled(0.3, 2, sent), manager="x", seconds=5).get(REF)
    assert [later - earlier > 0.29 for earlier, later in pairwise(sent)] == [True, True]


def test_a_retry_after_beyond_the_deadline_is_not_waited_for() -> None:
    """The broker delivers the event again; a thread that sleeps helps nobody."""
    sent: list[float] = []
    began = time.monotonic()
    with pytest.raises(Unavailable, match="slow down"):
        Client(throttled(30, 9, sent), manager="x", seconds=2).get(REF)
    assert len(sent) == 1
    assert time.monotonic() - began < 0.5


def test_a_retry_after_beyond_the_time_of_one_request_is_not_waited_for() -> None:
    """In one process with others, a function that is throttled must not use up the time of all."""
    sent: list[float] = []
    began = time.monotonic()
    with pytest.raises(Unavailable, match="slow down"):
        Client(throttled(1.5, 1, sent), manager="x", seconds=5, patience=0.3).get(REF)
    assert time.monotonic() - began < 1


def test_an_answer_that_is_no_status_of_the_api_server_is_an_error_as_any_other() -> None:
    """A proxy on the way may answer JSON of its own."""
    strange = ApiResponse(503, {"message": "upstream", "details": "see the log"})
    with pytest.raises(Unavailable, match="upstream"):
        Client(lambda _: strange, manager="x", seconds=0.05).get(REF)


def test_an_event_waits_for_its_turn_and_for_a_place_until_one_deadline() -> None:
    """Each alone may take `TURN`; one after the other they would outlast the Trigger, and with a list the revision."""
    workers = Workers(slots=1, seconds=1.0)
    reconciler = Reconciler(collected_metric.FUNCTION, lambda _: ApiResponse(404, {}), workers=workers)
    busy, go_on = threading.Event(), threading.Event()

    def at_work(_: Sequence[Event]) -> TurnResult:
        busy.set()
        go_on.wait(5)
        return TurnResult()

    event = received(requests.resync(REF, by="tests"))
    with ThreadPoolExecutor(2) as threads:
        threads.submit(reconciler.turns.take, REF, event, at_work)
        assert busy.wait(5)
        began = time.monotonic()
        waiting = threads.submit(reconciler.reconcile_parents, event)
        while REF not in reconciler.turns._next:
            time.sleep(0.01)
        with workers.slot():
            time.sleep(max(0.0, began + 0.7 - time.monotonic()))
            go_on.set()
            with pytest.raises(Unavailable):
                waiting.result(5)
    assert time.monotonic() - began < 1.4
