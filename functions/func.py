"""The Knative Function: `new` makes the instance that func's Python runtime serves.

Health is answered by that runtime on its event loop; events run on threads, so a slow API server does not stall it.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, cast

from func_python.http import ASGIApplication
from hypercorn.config import Config
from hypercorn.middleware import AsyncioWSGIMiddleware

from functions.function_catalogue import FUNCTIONS, LISTENERS, NAMES
from runtime import logs, requests, telemetry
from runtime.client import Transport
from runtime.deadlines import GRACE
from runtime.declaration import Function, manager
from runtime.edge import Edge, application
from runtime.front import MOST, App, Front, Receive, Send, dropping
from runtime.listener import Listener, Surroundings
from runtime.receive import Receiver, Reconciler, StartupReceiver
from runtime.rechecks import Rechecks
from runtime.settings import ALL, VERSION, Settings, settings
from runtime.signature import Keyring
from runtime.sink import sink
from runtime.transport import at_first_use, configuration, connect
from runtime.workers import SLOTS, THREADS, Workers

# Seconds for `audit` to make the key in a new installation.
FIRST_KEY = 8.0


class KeplerFunction:
    """What func's runtime asks for: `handle`, `start`, `stop`, `alive`, `ready`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        chosen = settings(environment, NAMES)
        logs.configure(chosen.function, chosen.log_level)
        telemetry.configure(chosen.otlp_endpoint, f"kepler-{chosen.function}")
        process = FunctionProcess(chosen, environment)
        self._receivers = process.receivers()
        self._keyring = process.keyring
        edge = Edge(process.keyring.sign, process.workers, chosen.loopback_only)
        self.handle = Front(cast("App", AsyncioWSGIMiddleware(application(self._receivers, edge), max_body_size=MOST)))

    def start(self, _environment: Mapping[str, str]) -> None:
        """Called on the event loop once the server runs: events get threads of their own, and so does a first sweep."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(THREADS, "event"))
        for receiver in self._receivers.values():
            if isinstance(receiver, StartupReceiver):
                threading.Thread(target=self._begin, args=(receiver,), name="sweep", daemon=True).start()

    def _begin(self, receiver: StartupReceiver) -> None:
        """Let it begin once there is a key: what a sweep comes to is not kept where it is not signed."""
        self._keyring.wait(FIRST_KEY)
        receiver.begin()

    def alive(self) -> tuple[bool, str]:
        """The event loop answers, so the process lives; the API server's health is not this process's."""
        return True, "alive"

    def ready(self) -> tuple[bool, str]:
        """Events can be taken: everything was loaded before the server began to listen."""
        return True, "ready"

    def stop(self) -> None:
        """Called when the last event is answered."""
        telemetry.flush()
        logging.shutdown()


def new() -> KeplerFunction:
    """An instance for this process's environment; raises Misconfigured with what to set."""
    Config.graceful_timeout = GRACE  # func-python keeps 3 s and offers no setting
    Config.max_app_queue_size = 1  # pieces of a body, of 64 KiB, that are put aside while it waits: `runtime.front`
    # It answers health itself, and leaves unread what such a request carries.
    ASGIApplication.__call__ = _call  # type: ignore[method-assign]
    return KeplerFunction(os.environ)


_CALLED: Callable[[ASGIApplication, Any, Receive, Send], Awaitable[None]] = ASGIApplication.__call__


async def _call(self: ASGIApplication, scope: Any, receive: Receive, send: Send) -> None:
    await _CALLED(self, scope, receive, dropping(receive, send) if scope["type"] == "http" else send)


class FunctionProcess:
    """What the receivers of one process share: its settings, its places to work, and the key that it signs with."""

    def __init__(self, chosen: Settings, environment: Mapping[str, str]) -> None:
        self.chosen = chosen
        self.environment = environment
        self.workers = Workers()
        self.served = NAMES if chosen.function == ALL else (chosen.function,)
        self.keyring = Keyring(at_first_use(partial(self._transport, manager(self.served[0]))), chosen.namespace)

    def receivers(self) -> dict[str, Receiver]:
        """Return what this process answers to: one function, or all of them by name."""
        made: dict[str, Receiver] = {}
        for function in FUNCTIONS:
            if function.name in self.served:
                made[function.name] = self._reconciler(function)
        for listener in LISTENERS:
            if listener.name in self.served:
                made[listener.name] = listener.receiver(self._surroundings(listener))
        return made

    def _reconciler(self, function: Function) -> Reconciler:
        transport = self._transport(function.manager)
        send = sink(self.environment, self.keyring.sign)
        return Reconciler(
            function,
            transport,
            self.chosen.images,
            send,
            self.workers,
            server=self._server(),
            rechecks=Rechecks(partial(requests.recheck, function=function.name), send),
        )

    def _surroundings(self, listener: Listener) -> Surroundings:
        return Surroundings(
            partial(self._transport, listener.manager),
            partial(sink, self.environment, self.keyring.sign),
            self.chosen.images,
            self.chosen.namespace,
            self.environment,
            self.keyring,
        )

    def _server(self) -> str:
        """Return the API server's URL, for the spans of calls, where there are any."""
        return str(configuration(self.environment).host) if self.chosen.otlp_endpoint else ""

    def _transport(self, user: str) -> Transport:
        return connect(self.environment, user_agent=f"{user}/{VERSION}", connections=SLOTS)
