"""Before a request gets a thread: its body, bounded in size, in time, and in how many large ones there are.

A body is read on the event loop, so a slow sender holds no thread. An object in etcd has at most 1.5 MiB; what is
decoded from JSON takes up to thirty times the memory of its text. So a body has at most `MOST` bytes, and of large ones
only a few are held at a time; `runtime.edge` decodes one of these at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

# Bytes of a body, and from which size on it counts as large.
MOST = 2 << 20
LARGE = 64 << 10
# Large bodies at a time; the others wait before they are read.
LARGE_AT_ONCE = 4
# Seconds for a whole body to arrive.
BODY_SECONDS = 15.0

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]


class Front:
    """An ASGI application in front of another, which gets whole bodies."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        length = _length(scope)
        if length is not None and length > MOST:
            await _refuse(send, 400, f"the body has {length} bytes, and {MOST} are allowed")
        elif length is not None and length <= LARGE:
            await self._pass(scope, receive, send)
        else:
            async with self._large:
                await self._pass(scope, receive, send)

    async def _pass(self, scope: Any, receive: Receive, send: Send) -> None:
        try:
            body = await asyncio.wait_for(_body(receive), BODY_SECONDS)
        except TimeoutError:
            await _refuse(send, 408, f"the body did not arrive in {BODY_SECONDS:.0f} s")
            return
        if body is None:
            await _refuse(send, 400, f"the body has more than the {MOST} bytes that are allowed")
            return
        await self._app(scope, _once(body), send)


def _length(scope: Any) -> int | None:
    """Return the declared size of the body; None where it is not declared."""
    for name, value in scope["headers"]:
        if name.lower() == b"content-length":
            return int(value) if value.isdigit() else None
    return None


async def _body(receive: Receive) -> bytes | None:
    """Return the whole body; None if it is too large."""
    body = bytearray()
    while True:
        message = await receive()
        body.extend(message.get("body") or b"")
        if len(body) > MOST:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _once(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _refuse(send: Send, status: int, reason: str) -> None:
    headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{reason}\n".encode(), "more_body": False})
