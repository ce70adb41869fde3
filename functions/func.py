"""The Knative Function: `new` makes the instance that func's Python runtime serves.

That runtime answers health checks on its event loop. Events run on threads, so a slow API server does not block it.
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
from runtime.deadlines import GRACE, SEND_REPORT, SHARED_PATIENCE
from runtime.declaration import Function, manager
from runtime.direct_events import DirectEvents
from runtime.edge import Edge, application
from runtime.front import MOST, App, Front, Receive, Send, dropping
from runtime.listener import Listener, ListenerContext
from runtime.receive import Receiver, Reconciler, SelectiveReceiver, StartupReceiver
from runtime.rechecks import Rechecks
from runtime.reconciler_group import ReconcilerGroup
from runtime.settings import ALL, COMPACT, VERSION, Settings, settings
from runtime.signature import Keyring
from runtime.sink import Sink, sink
from runtime.transport import at_first_use, configuration, connect
from runtime.workers import SIDE_BY_SIDE, SLOTS, THREADS, Workers

# Seconds to wait for `audit` to make the signing key in a new installation.
FIRST_KEY = 8.0


class KeplerFunction:
    """The interface that func's runtime calls: `handle`, `start`, `stop`, `alive`, `ready`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        chosen = settings(environment, NAMES)
        logs.configure(chosen.function, chosen.log_level)
        telemetry.configure(chosen.otlp_endpoint, f"kepler-{chosen.function}")
        process = FunctionProcess(chosen, environment)
        self._receivers = process.receivers()
        self._keyring = process.keyring
        self.handle = Front(
            _application(self._receivers, Edge(process.keyring.sign, process.workers, chosen.loopback_only))
        )

    def start(self, _environment: Mapping[str, str]) -> None:
        """Start the threads for events and, if a receiver needs one, the thread for its startup work.

        Called on the event loop once the server runs.
        """
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(THREADS, "event"))
        for receiver in self._receivers.values():
            if isinstance(receiver, StartupReceiver):
                threading.Thread(target=self._begin, args=(receiver,), name="sweep", daemon=True).start()

    def _begin(self, receiver: StartupReceiver) -> None:
        """Start the receiver's work once the signing key exists, or after `FIRST_KEY` seconds.

        Sweep results that are not signed are not kept.
        """
        self._keyring.wait(FIRST_KEY)
        receiver.begin()

    def alive(self) -> tuple[bool, str]:
        """Return alive: the event loop answers. The API server's health does not count as this process's health."""
        return True, "alive"

    def ready(self) -> tuple[bool, str]:
        """Return ready: everything was loaded before the server began to listen."""
        return True, "ready"

    def stop(self) -> None:
        """Flush telemetry and logs. Called after the last event is answered."""
        telemetry.flush()
        logging.shutdown()


def _application(receivers: Mapping[str, Receiver], edge: Edge) -> App:
    """Return the ASGI application that serves these receivers."""
    app = cast("App", AsyncioWSGIMiddleware(application(receivers, edge), max_body_size=MOST))
    [(name, receiver), *others] = receivers.items()
    return DirectEvents(app, name, receiver, edge) if isinstance(receiver, SelectiveReceiver) and not others else app


def new() -> KeplerFunction:
    """Return an instance for this process's environment; raises Misconfigured with the setting to change."""
    Config.graceful_timeout = GRACE  # func-python keeps 3 s and offers no setting
    Config.max_app_queue_size = 1  # buffered pieces of a body, 64 KiB each, while the app waits: `runtime.front`
    # ASGIApplication answers health requests itself, and does not read their bodies.
    ASGIApplication.__call__ = _call  # type: ignore[method-assign]
    return KeplerFunction(os.environ)


_CALLED: Callable[[ASGIApplication, Any, Receive, Send], Awaitable[None]] = ASGIApplication.__call__


async def _call(self: ASGIApplication, scope: Any, receive: Receive, send: Send) -> None:
    await _CALLED(self, scope, receive, dropping(receive, send) if scope["type"] == "http" else send)


class FunctionProcess:
    """What the receivers of one process share: its settings, its workers, and its signing key."""

    def __init__(self, chosen: Settings, environment: Mapping[str, str]) -> None:
        self.chosen = chosen
        self.environment = environment
        self.workers = Workers()
        self.served = NAMES if chosen.function == ALL else (chosen.function,)
        self.keyring = Keyring(at_first_use(partial(self._transport, manager(self.served[0]))), chosen.namespace)

    def receivers(self) -> dict[str, Receiver]:
        """Return this process's receivers by name: one, or all of them."""
        if self.chosen.function == COMPACT:
            return {COMPACT: self._group()}
        made: dict[str, Receiver] = {}
        for function in FUNCTIONS:
            if function.name in self.served:
                made[function.name] = self._reconciler(function, self._transport(function.manager), self._sink())
        for listener in LISTENERS:
            if listener.name in self.served:
                made[listener.name] = listener.receiver(self._surroundings(listener))
        return made

    def _group(self) -> ReconcilerGroup:
        """Return the receiver for all functions that reconcile; they share connections to API server and Broker."""
        transport, send = self._transport(manager(COMPACT), SLOTS + SIDE_BY_SIDE), self._sink()
        reconcilers = (self._reconciler(function, transport, send, SHARED_PATIENCE) for function in FUNCTIONS)
        return ReconcilerGroup(tuple(reconcilers), send, executor=ThreadPoolExecutor(SIDE_BY_SIDE, "call"))

    def _sink(self) -> Sink:
        return sink(self.environment, self.keyring.sign, SEND_REPORT)

    def _reconciler(
        self, function: Function, transport: Transport, send: Sink, patience: float | None = None
    ) -> Reconciler:
        return Reconciler(
            function,
            transport,
            self.chosen.images,
            send,
            self.workers,
            server=self._server(),
            rechecks=Rechecks(partial(requests.recheck, function=function.name), send),
            patience=patience,
        )

    def _surroundings(self, listener: Listener) -> ListenerContext:
        return ListenerContext(
            partial(self._transport, listener.manager),
            partial(sink, self.environment, self.keyring.sign),
            self.chosen.images,
            self.chosen.namespace,
            self.environment,
            self.keyring,
        )

    def _server(self) -> str:
        """Return the API server's URL, for the spans of calls; empty if traces are not exported."""
        return str(configuration(self.environment).host) if self.chosen.otlp_endpoint else ""

    def _transport(self, user: str, connections: int = SLOTS) -> Transport:
        return connect(self.environment, user_agent=f"{user}/{VERSION}", connections=connections)
