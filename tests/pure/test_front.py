"""Bodies before they get a thread: whole or not at all, whatever the headers announce and however they arrive."""

import asyncio
from collections.abc import Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from runtime import front
from runtime.front import LARGE, LARGE_AT_ONCE, MOST, Front, Message

Answer = TypeVar("Answer")


class Exchange:
    """One request: the pieces that its client sends, and what it is answered. After the pieces, the client is silent.

    `received` is what the application got, None where it was not called.
    """

    def __init__(self, pieces: Iterable[Message], headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self._pieces = iter(pieces)
        self._scope = {"type": "http", "method": "POST", "headers": list(headers)}
        self.status = 0
        self.received: Message | None = None
        self.headers: dict[bytes, bytes] = {}

    async def through(self, shared: Front | None = None) -> "Exchange":
        """Send it, through this Front or one of its own."""
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        await (shared or Front(self.application))({**self._scope, "exchange": self}, self.receive, self.send)
        return self

    async def receive(self) -> Message:
        """Return the next piece."""
        piece = next(self._pieces, None)
        await (asyncio.sleep(0) if piece else asyncio.Event().wait())
        return piece or {}

    async def send(self, message: Message) -> None:
        """Take the answer."""
        self.status = message.get("status", self.status)

    @staticmethod
    async def application(scope: Any, receive: front.Receive, send: front.Send) -> None:
        """Answer 204, once the exchange says so."""
        exchange: Exchange = scope["exchange"]
        exchange.headers = dict(scope["headers"])
        exchange.received = await receive()
        exchange.begun.set()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def run_coroutine(coroutine: Coroutine[Any, Any, Answer]) -> Answer:
    """Run the coroutine on an event loop of its own thread.

    `asyncio.run` refuses a thread that has a running loop, and the `browser` fixture keeps one in the main thread
    from its first use to the end of the test run (Playwright's synchronous API).
    """
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(asyncio.run, coroutine).result()


def pieces(*sizes: int, ends: bool = True) -> list[Message]:
    """Pieces of a body, of these sizes."""
    last = len(sizes) - 1 if ends else -1
    return [{"type": "http.request", "body": b"x" * size, "more_body": n != last} for n, size in enumerate(sizes)]


GONE: Message = {"type": "http.disconnect"}


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines of a tenth of a second."""
    monkeypatch.setattr(front, "BEGIN", 0.1)
    monkeypatch.setattr(front, "GO_ON", 0.1)
    monkeypatch.setattr(front, "WAIT", 0.3)


def test_a_client_that_is_gone_has_sent_no_event() -> None:
    """A part of a body would be taken for the whole: an event with half of its data, or with none."""
    exchange = run_coroutine(Exchange([*pieces(100, ends=False), GONE]).through())
    assert (exchange.received, exchange.status) == (None, 0)


@pytest.mark.parametrize("size", [0, 10, LARGE + 1, MOST])
def test_a_body_of_unknown_size_arrives_whole_with_its_size(size: int) -> None:
    """WSGI reads as many bytes as the header says: of a chunked body without one, none."""
    chunked = [(b"transfer-encoding", b"chunked"), (b"content-length", b"3")]
    exchange = run_coroutine(Exchange(pieces(size // 2, size - size // 2), chunked).through())
    assert exchange.received == {"type": "http.request", "body": b"x" * size, "more_body": False}
    assert exchange.headers == {b"content-length": str(size).encode()}


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"10")], [(b"content-length", str(MOST + 1).encode())]])
def test_a_body_that_is_too_large_is_refused(headers: list[tuple[bytes, bytes]]) -> None:
    """Whatever was announced."""
    exchange = run_coroutine(Exchange(pieces(MOST, 1), headers).through())
    assert (exchange.received, exchange.status) == (None, 400)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("size", [0, 10, LARGE + 1])
def test_a_body_that_stops_arriving_is_refused(size: int) -> None:
    """Its place is for others."""
    exchange = run_coroutine(Exchange(pieces(size, ends=False)).through())
    assert (exchange.received, exchange.status) == (None, 408)


@pytest.mark.usefixtures("hurried")
def test_senders_that_stop_hold_up_a_large_body_for_a_moment() -> None:
    """Twice as many as there are places: each loses its place in time, also where its headers announced less."""

    async def together() -> list[Exchange]:
        shared = Front(Exchange.application)
        slow = [Exchange(pieces(LARGE + 1, ends=False), [(b"content-length", b"1")]) for _ in range(2 * LARGE_AT_ONCE)]
        return await asyncio.gather(*(exchange.through(shared) for exchange in (*slow, Exchange(pieces(LARGE + 1)))))

    *slow, last = run_coroutine(together())
    assert {exchange.status for exchange in slow} == {408}
    assert last.status == 204


@pytest.mark.usefixtures("hurried")
def test_small_bodies_pass_large_ones() -> None:
    """Where all places of large ones are taken."""

    async def together() -> list[str]:
        shared, order = Front(Exchange.application), []

        async def through(name: str, exchange: Exchange) -> None:
            await exchange.through(shared)
            order.append(name)

        large = [through("large", Exchange(pieces(LARGE + 1, ends=False))) for _ in range(LARGE_AT_ONCE)]
        await asyncio.gather(*large, through("small", Exchange(pieces(100))))
        return order

    assert run_coroutine(together())[0] == "small"


def test_too_many_large_bodies_are_to_come_again() -> None:
    """What waits takes memory, too."""

    async def together() -> list[int]:
        shared = Front(Exchange.application)
        many = [Exchange(pieces(LARGE + 1, 10)) for _ in range(3 * front.LARGE_WAITING)]
        return [exchange.status for exchange in await asyncio.gather(*(exchange.through(shared) for exchange in many))]

    statuses = run_coroutine(together())
    assert set(statuses) == {204, 503}
    assert statuses.count(204) >= front.LARGE_WAITING
