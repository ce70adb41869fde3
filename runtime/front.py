"""Reads request bodies before a request gets a thread, and limits their size, their time, and the number of large ones.

A body is read on the event loop, so a slow sender holds no thread. An object in etcd has at most 1.5 MiB; decoded JSON
takes up to forty times the memory of its text. So a body has at most `MOST` bytes, and only a few large bodies are held
at a time; `runtime.edge` decodes one of these at a time. The bytes that arrive count, not those that headers announce.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from typing import Any

# The most bytes of a body, and the size above which a body is large.
MOST = 2 << 20
LARGE = 64 << 10
# Large bodies held at a time, and others that wait, with little more than `LARGE` bytes read, for `WAIT` seconds.
LARGE_AT_ONCE, LARGE_WAITING = 4, 32
WAIT = 20.0
# Seconds for a body to begin to arrive, and for a large one to go on; and the minimum bytes per second after that.
BEGIN, GO_ON, RATE = 5.0, 2.0, 512 << 10

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]


class Refusal(Exception):
    """A request that is answered before the application: with a status, and a sentence that says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Disconnected(Exception):
    """The client disconnected before its request was complete: no answer is sent."""


class Front:
    """An ASGI application that reads whole bodies, and passes them to another ASGI application."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self._waiting = 0

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = Body(receive)
        async with AsyncExitStack() as held:
            try:
                await self._read(scope, body, held)
            except Refusal as refusal:
                await _refuse(dropping(receive, send), refusal)
            except Disconnected:
                return
            else:
                await self._app({**scope, "headers": _with_length(scope["headers"], body.size)}, body.replay, send)

    async def _read(self, scope: Any, body: "Body", held: AsyncExitStack) -> None:
        """Read the whole body. A large body holds one of the `LARGE_AT_ONCE` places from then on."""
        declared = content_length(scope["headers"])
        if declared > MOST:
            raise Refusal(400, f"the body has {declared} bytes, and {MOST} are allowed")
        await body.read(LARGE, BEGIN)
        if not body.complete:
            await self._wait(held)
            await body.read(MOST, GO_ON)
        if body.size > MOST:
            raise Refusal(400, f"the body has more than the {MOST} bytes that are allowed")

    async def _wait(self, held: AsyncExitStack) -> None:
        if self._waiting >= LARGE_WAITING:
            raise Refusal(503, "too many large bodies are waiting; try again later")
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT):
                await held.enter_async_context(self._large)
        except TimeoutError:
            raise Refusal(503, f"waited {WAIT:.0f} s while other large bodies were read; try again later") from None
        finally:
            self._waiting -= 1


class Body:
    """The body of one request, as far as it was read."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._content = bytearray()
        self.complete = False

    @property
    def size(self) -> int:
        """Return the number of bytes read so far."""
        return len(self._content)

    async def read(self, most: int, patience: float) -> None:
        """Read on until the body is complete, or has more than `most` bytes.

        Raises Refusal if, after `patience` seconds, it arrives more slowly than `RATE`. Raises Disconnected.
        """
        began, before = asyncio.get_running_loop().time(), self.size
        try:
            async with asyncio.timeout(patience) as limit:
                while not self.complete and self.size <= most:
                    self._add(await self._receive())
                    limit.reschedule(began + patience + (self.size - before) / RATE)
        except TimeoutError:
            raise Refusal(408, f"the body arrived too slowly: {self.size} bytes so far") from None

    def _add(self, message: Message) -> None:
        if message["type"] != "http.request":
            raise Disconnected
        self._content.extend(message.get("body") or b"")
        self.complete = not message.get("more_body")

    async def replay(self) -> Message:
        """Return the body that was read, once, and free it: the application has its own copy."""
        content, self._content = self._content, bytearray()
        return {"type": "http.request", "body": content, "more_body": False}


def content_length(headers: Any) -> int:
    """Return the announced size of the body; 0 if none is announced."""
    return next((int(value) for name, value in headers if name.lower() == b"content-length" and value.isdigit()), 0)


def _with_length(headers: Any, size: int) -> list[tuple[bytes, bytes]]:
    """Return the headers with the real size of the body: without a size, WSGI reads nothing."""
    kept = [(name, value) for name, value in headers if name.lower() not in (b"content-length", b"transfer-encoding")]
    return [*kept, (b"content-length", str(size).encode())]


async def _refuse(send: Send, refusal: Refusal) -> None:
    headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{refusal.reason}\n".encode(), "more_body": False})


def dropping(receive: Receive, send: Send) -> Send:
    """Return a `send` that, for a request that was not received completely, drops the rest after the answer.

    Hypercorn (0.17, `protocol/http_stream.py`) buffers ten messages of a request, and then waits until the application
    receives them, even after the answer. The connection would never end, and would hold its resources.
    """

    async def sending(message: Message) -> None:
        if message["type"] != "http.response.body" or message.get("more_body"):
            await send(message)
            return
        dropped = asyncio.create_task(_drop(receive))
        try:
            await send(message)
        finally:
            dropped.cancel()

    return sending


async def _drop(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
