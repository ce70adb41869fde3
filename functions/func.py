"""The Knative Function: `new` makes the instance that func's Python runtime serves.

Health is answered by that runtime on its event loop; events run on threads, so a slow API server does not stall it.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from hypercorn.config import Config
from hypercorn.middleware import AsyncioWSGIMiddleware

from functions.catalogue import FUNCTIONS, LISTENERS, NAMES
from runtime import logs, telemetry
from runtime.client import Transport
from runtime.edge import application
from runtime.function import Function
from runtime.listener import Listener, Surroundings
from runtime.receive import Receiver, Reconciler
from runtime.settings import ALL, VERSION, Settings, settings
from runtime.sink import sink
from runtime.sweep import Sweep
from runtime.transport import configuration, connect

MAX_BODY = 4 << 20
# Events at once in one process; as many connections to the API server.
THREADS = 16
# Knative's revision timeout is 60 s and a Trigger's 30: what is being reconciled at SIGTERM is finished.
GRACE = 25.0


class KeplerFunction:
    """What func's runtime asks for: `handle`, `start`, `stop`, `alive`, `ready`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        chosen = settings(environment, NAMES)
        logs.configure(chosen.function, chosen.log_level)
        telemetry.configure(chosen.otlp_endpoint, f"kepler-{chosen.function}")
        self._receivers = receivers(chosen, environment)
        self.handle = AsyncioWSGIMiddleware(application(self._receivers), max_body_size=MAX_BODY)

    def start(self, _environment: Mapping[str, str]) -> None:
        """Called on the event loop once the server runs: events get threads of their own, and so does a sweep."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(THREADS, "event"))
        for receiver in self._receivers.values():
            if isinstance(receiver, Sweep):
                threading.Thread(target=receiver.begin, name="sweep", daemon=True).start()

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
    return KeplerFunction(os.environ)


def receivers(chosen: Settings, environment: Mapping[str, str]) -> dict[str, Receiver]:
    """What this process answers to: one function, or all of them by name."""
    served = NAMES if chosen.function == ALL else (chosen.function,)
    found: dict[str, Receiver] = {}
    for one in FUNCTIONS:
        if one.name in served:
            transport, server = _transport(one, environment), _server(chosen, environment)
            found[one.name] = Reconciler(one, transport, chosen.images, server=server)
    for other in LISTENERS:
        if other.name in served:
            found[other.name] = other.receiver(_surroundings(other, chosen, environment))
    return found


def _surroundings(listener: Listener, chosen: Settings, environment: Mapping[str, str]) -> Surroundings:
    transport, to = partial(_transport, listener, environment), partial(sink, environment)
    return Surroundings(transport, to, chosen.images, chosen.namespace, environment)


def _server(chosen: Settings, environment: Mapping[str, str]) -> str:
    """The API server's URL, for the spans of calls, where there are any."""
    return str(configuration(environment).host) if chosen.otlp_endpoint else ""


def _transport(named: Function | Listener, environment: Mapping[str, str]) -> Transport:
    return connect(environment, user_agent=f"{named.manager}/{VERSION}", connections=THREADS)
