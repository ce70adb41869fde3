"""Answers events for a selective receiver without WSGI: most events of a reconciler lead to nothing, and cost little.

A small event is decoded, and judged by the receiver, on the event loop; only work gets a thread. That saves almost
half of the CPU time of an event that leads to nothing. Everything else, such as pages and large events, goes to the
WSGI application, which gives the same answers.
"""

import asyncio
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

from flask import Response

from runtime.edge import Edge, answer, select
from runtime.front import LARGE, App, Message, Receive, Send, content_length
from runtime.receive import RelevantEvent, SelectiveReceiver

EVENTS_PATH = "/"


class DirectEvents:
    """An ASGI application in front of another one, `app`; `runtime.front` has read the whole body before."""

    def __init__(self, app: App, name: str, receiver: SelectiveReceiver, edge: Edge) -> None:
        self._app = app
        self._name = name
        self._receiver = receiver
        self._edge = edge

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        began = time.monotonic()
        if not _is_small_event(scope):
            await self._app(scope, receive, send)
            return
        selected = self._selected(scope, await receive())
        if isinstance(selected, RelevantEvent):
            work = partial(answer, selected.work, selected.event, began, self._edge)
            selected = await asyncio.get_running_loop().run_in_executor(None, work)
        await _send(send, selected)

    def _selected(self, scope: Any, message: Message) -> Response | RelevantEvent:
        """Return the response, or the event with its work. The body ends here: an event that waits does not keep it."""
        headers = _merged(scope["headers"])
        if refused := self._edge.refusal(headers.get("host", "")):
            return refused
        return select(self._name, self._receiver, headers, bytes(message.pop("body")))


def _is_small_event(scope: Any) -> bool:
    """Return whether the request brings an event whose whole body is small."""
    if scope["type"] != "http" or (scope["method"], scope["path"]) != ("POST", EVENTS_PATH):
        return False
    return content_length(scope["headers"]) <= LARGE


def _merged(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers by lower-case name; the values of a repeated one are joined, as WSGI joins them."""
    merged: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        merged[key] = f"{merged[key]},{text}" if key in merged else text
    return merged


async def _send(send: Send, response: Response) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.get_data(), "more_body": False})
