"""Events that are answered without WSGI: the same answers as by way of it, and no thread for what leads to nothing."""

import asyncio
import gc
import json
import tracemalloc
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from events.types import RESYNC_REQUESTED
from runtime.direct_events import DirectEvents
from runtime.edge import Edge, application
from runtime.errors import Unavailable
from runtime.event import Event
from runtime.front import LARGE, Front
from runtime.receive import Received, RelevantEvent
from tests.pure.test_edge import ATTRIBUTES, REPORT
from tests.pure.test_front import run_coroutine


def is_on_loop() -> bool:
    """Whether this thread runs an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class Selective:
    """A receiver that has this work for each event, none if None.

    `asked` and `worked` say of each call whether it was on a thread that runs an event loop.
    """

    def __init__(self, work: Callable[[], Received] | None = None, *, is_defect: bool = False) -> None:
        self.work = work
        self.is_defect = is_defect
        self.asked: list[bool] = []
        self.worked: list[bool] = []

    def __call__(self, _event: Event) -> Received:
        raise AssertionError("it is asked by `relevant`")

    def relevant(self, event: Event) -> RelevantEvent | None:
        """Return the event with the work."""
        self.asked.append(is_on_loop())
        if self.is_defect:
            raise KeyError("hunter2")
        work = self.work
        if work is None:
            return None

        def on_thread() -> Received:
            self.worked.append(is_on_loop())
            return work()

        return RelevantEvent(event, on_thread)


class Passed(Exception):
    """The request was passed on to the WSGI application."""


def unavailable() -> Received:
    """The API server is away."""
    raise Unavailable("the API server is away")


def report() -> Received:
    """Something was written."""
    return Received((REPORT,), 3)


def direct(receiver: Selective, edge: Edge, headers: Mapping[str, str], body: bytes, **scope: Any) -> Any:
    """Return status, headers and body of the answer. Raises Passed."""
    sent: list[Any] = []

    async def passed(_scope: Any, _receive: Any, _send: Any) -> None:
        raise Passed

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    asked = {"type": "http", "method": "POST", "path": "/", "headers": raw, **scope}
    run_coroutine(Front(DirectEvents(passed, "collector", receiver, edge))(asked, receive, send))
    start, content = sent
    names = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    return start["status"], names, content["body"]


def event(**attributes: str) -> dict[str, str]:
    """The headers of an event in binary mode."""
    named = {f"ce-{name}": value for name, value in {**ATTRIBUTES, **attributes}.items()}
    return {**named, "host": "127.0.0.1:8080", "content-type": "application/json"}


CASES = {
    "nothing to do": (Selective(), event(), 204),
    "a report": (Selective(report), event(), 200),
    "the API server is away": (Selective(unavailable), event(), 503),
    "a defect in the work": (Selective(lambda: 1 / 0), event(), 500),  # type: ignore[arg-type,return-value]
    "a defect before it": (Selective(is_defect=True), event(), 500),
    "not an event": (Selective(), {"host": "127.0.0.1", "content-type": "application/json"}, 400),
    "too many attributes": (Selective(), {**event(), **{f"ce-x{number}": "1" for number in range(120)}}, 400),
    "another host": (Selective(), {**event(), "host": "evil.example"}, 403),
}


@pytest.mark.parametrize("case", CASES)
def test_the_answer_is_the_one_of_wsgi(case: str) -> None:
    """Status, headers and body, but for what differs with each answer: ids and times of a report."""
    receiver, headers, status = CASES[case]
    edge = Edge(loopback_only=True)
    status_code, names, content = direct(receiver, edge, headers, b"{}")
    wsgi = application({"collector": receiver}, edge).test_client().post("/", headers=headers, data=b"{}")
    assert (status_code, wsgi.status_code) == (status, status)
    assert {name.lower() for name, _ in wsgi.headers} == set(names)
    assert names.get("content-type") == wsgi.headers.get("content-type")
    assert "hunter2" not in content.decode()
    if status != 200:
        assert content == wsgi.data
    else:
        assert json.loads(content) == json.loads(wsgi.data)


def test_only_work_gets_a_thread() -> None:
    """The event is judged where it came in, on the event loop."""
    receiver = Selective(report)
    direct(receiver, Edge(), event(), b"{}")
    assert (receiver.asked, receiver.worked) == ([True], [False])


@pytest.mark.parametrize(
    ("scope", "size"), [({"method": "GET"}, 2), ({"path": "/metrics"}, 2), ({}, LARGE + 1)], ids=str
)
def test_everything_else_is_passed_on(scope: dict[str, str], size: int) -> None:
    """Pages, other paths, and bodies whose decoding would hold up the event loop."""
    with pytest.raises(Passed):
        direct(Selective(), Edge(), event(type=RESYNC_REQUESTED), b" " * size, **scope)


def test_an_event_that_waits_keeps_nothing_of_its_body() -> None:
    """Hundreds may wait for a thread: neither the text nor what was decoded stays in memory."""
    size = 50_000
    blocks_in_work: list[list[int]] = []

    class Slim(Selective):
        def relevant(self, event: Event) -> RelevantEvent | None:
            return RelevantEvent(event.without_content(), work)

    def work() -> Received:
        gc.collect()
        sizes = [trace.size for trace in tracemalloc.take_snapshot().traces]
        blocks_in_work.append([block for block in sizes if size <= block < size + 500])
        return Received()

    async def receive() -> Any:
        return {"type": "http.request", "body": json.dumps({"text": "x" * size}).encode(), "more_body": False}

    async def send(_message: Any) -> None:
        pass

    raw = [(name.encode(), value.encode()) for name, value in event().items()]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": raw}
    tracemalloc.start()
    try:
        run_coroutine(Front(DirectEvents(send, "collector", Slim(), Edge()))(scope, receive, send))  # type: ignore[arg-type]
    finally:
        tracemalloc.stop()
    assert blocks_in_work == [[]]


def test_a_header_that_is_repeated_is_one_value() -> None:
    """As WSGI has it: an attribute cannot be one thing here and another there."""
    kept: list[Event] = []

    class Keeping(Selective):
        def relevant(self, event: Event) -> RelevantEvent | None:
            kept.append(event)
            return None

    headers = [*event().items(), ("CE-subject", "a"), ("ce-subject", "b")]

    class Repeated(dict[str, str]):
        def items(self) -> Any:
            return headers

    direct(Keeping(), Edge(), Repeated(), b"{}")
    assert kept[0].subject == "a,b"
