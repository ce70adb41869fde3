"""A sweep when something fails: one object, the whole sweep, or the wait for another sweep."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from cloudevents.core.v1.event import CloudEvent

from events.types import PING, RESYNC_REQUESTED, SWEEP_FINISHED
from local.probe import wait_until
from runtime.client import ApiResponse, Client, Request
from runtime.declaration import Function, Observed, Wake
from runtime.errors import Unavailable
from runtime.event import Event
from runtime.objects import CONFIG_MAP, KEPLER, Manifest, Ref
from runtime.outcome import Intent, Outcome, converged
from runtime.receive import Received
from sweeper.sweep_run import Sweep
from tests.model.server import Address, ModelApiServer, address

SECRET = "hunter2-of-energy"
PING_EVENT = Event("1", PING, "/pingsources/kepler-sweep", "", "", "", "", "", {}, {})


def desired(observed: Observed) -> Outcome:
    """A ConfigMap beside each Kepler, and a defect for the Kepler in namespace 'a'."""
    if observed.key.namespace == "a":
        raise KeyError(SECRET)
    return converged(Intent(Ref(CONFIG_MAP, observed.key.namespace, "child"), {"data": {"a": "b"}}), message="is there")


FUNCTION = Function(
    "first",
    "FirstReconciled",
    (Wake(KEPLER),),
    desired,
    children=lambda key: (Ref(CONFIG_MAP, key.namespace, "child"),),
    gates_ready=False,
)


class SweptServer:
    """A model of the API server with a Kepler in namespaces 'a' and 'b'; `hold` is called before each request."""

    def __init__(self) -> None:
        self.server = ModelApiServer()
        self.hold: Callable[[], None] = lambda: None
        self.down = False
        self.sent: list[CloudEvent] = []
        spec = {"collector": {"env": [{"name": "TOKEN", "value": SECRET}]}}
        for namespace in ("a", "b"):
            Client(self.server, manager="user").apply(Ref(KEPLER, namespace, "kepler"), {"spec": spec}, over=None)

    def __call__(self, request: Request) -> ApiResponse:
        self.hold()
        if self.down:
            return ApiResponse(410, {"message": "too old"})
        collection = address(request.path)
        return self.server(request) if collection.name else ApiResponse(200, {"items": self._items(collection)})

    def _items(self, collection: Address) -> list[Manifest]:
        plural = collection.collection.rsplit("/", 1)[-1]
        return [manifest for path, manifest in self.server.objects.items() if f"/{plural}/" in path]

    def sweep(self, **options: Any) -> Sweep:
        """A sweep of one function over it."""
        return Sweep((FUNCTION,), self, self.sent.append, **options)

    def types(self) -> list[str]:
        """The types of the events that it has sent."""
        return [event.get_type() for event in self.sent]


def test_a_defect_for_one_object_keeps_no_other_from_its_turn(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with function and object, and without confidential values."""
    server = SweptServer()
    with caplog.at_level(logging.INFO):
        server.sweep()(PING_EVENT)
    assert server.types() == [RESYNC_REQUESTED, SWEEP_FINISHED]
    assert server.sent[0].get_attributes()["namespace"] == "b"
    (line,) = (line.__dict__ for line in caplog.records if line.message == "defect")
    assert (line["function"], line["object"]) == ("first", "Kepler a/kepler")
    assert "in desired" in line["traceback"]
    assert SECRET not in str(line)


@dataclass(frozen=True)
class Waiting:
    """An event that waits for a sweep that runs: its result, and what lets the sweep go on."""

    result: "Future[Received]"
    go_on: threading.Event


@contextmanager
def waiting_event(server: SweptServer, sweep: Sweep) -> Iterator[Waiting]:
    """Start a sweep as a process does, and an event that waits for it."""
    go_on, begun = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        go_on.wait(10)

    server.hold = hold
    with ThreadPoolExecutor(2) as threads:
        threads.submit(sweep.begin)
        assert begun.wait(10)
        waiting = threads.submit(sweep, PING_EVENT)
        assert wait_until(sweep._waiting.locked, 10, threading.Event())
        yield Waiting(waiting, go_on)
        go_on.set()


def test_the_first_event_that_comes_during_a_sweep_waits_for_its_end() -> None:
    """While no request is open, Knative scales the process to zero, and a long sweep never ended."""
    server = SweptServer()
    sweep = server.sweep()
    with waiting_event(server, sweep) as waiting:
        assert not waiting.result.done()
        assert sweep(PING_EVENT).calls == 0
        waiting.go_on.set()
        assert waiting.result.result(10).calls == 0
    assert server.types().count(SWEEP_FINISHED) == 1


def test_if_that_sweep_fails_the_event_is_delivered_again() -> None:
    """So the next try sweeps, not the clock five minutes later."""
    server = SweptServer()
    with waiting_event(server, server.sweep()) as waiting:
        server.down = True
        waiting.go_on.set()
        with pytest.raises(Unavailable, match="has waited for failed"):
            waiting.result.result(10)
    assert SWEEP_FINISHED not in server.types()


def test_a_process_that_an_event_has_swept_with_does_not_sweep_at_its_start_again() -> None:
    """The event that starts the process may be faster than its first sweep."""
    server = SweptServer()
    sweep = server.sweep()
    sweep(PING_EVENT)
    sweep.begin()
    assert server.types().count(SWEEP_FINISHED) == 1
