"""Where events go: a process for each function, as `config/base` has them, or one for all, as `compact` does."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from cloudevents.core.v1.event import CloudEvent

from local.stack import Stack
from runtime.client import Client, Transport
from runtime.declaration import Function, manager
from runtime.event import Event
from runtime.receive import Receiver, Reconciler
from runtime.reconciler_group import ReconcilerGroup
from runtime.settings import COMPACT
from tests.faults.cluster_rules import passes
from tests.workbench import transport

# Seconds for which a function tries one request again, as `runtime.client` does.
PATIENCE = 20.0


class Form(Enum):
    """How the functions are installed: what is applied, and whether one process serves all."""

    BASE = "base"
    COMPACT = "overlays/compact"


@dataclass(frozen=True)
class Destination:
    """One Service: its name, and the functions that its process serves."""

    name: str
    functions: tuple[Function, ...]

    def is_for(self, event: Event) -> bool:
        """Whether a Trigger lets the event through to it."""
        return any(
            event.is_for(function.name) and any(passes(event, wake.kind, wake.names) for wake in function.wakes)
            for function in self.functions
        )


def destinations(form: Form, functions: Iterable[Function]) -> tuple[Destination, ...]:
    """Every Service of this form."""
    if form is Form.COMPACT:
        return (Destination(COMPACT, tuple(functions)),)
    return tuple(Destination(function.name, (function,)) for function in functions)


def transports(stack: Stack, form: Form, functions: Iterable[Function]) -> dict[str, Transport]:
    """Each function's way to the API server, with the token of the ServiceAccount that it has in this form."""
    if form is Form.COMPACT:
        shared = transport(stack, manager(COMPACT))
        return {function.name: shared for function in functions}
    return {function.name: transport(stack, function.manager) for function in functions}


@dataclass(frozen=True)
class Patient(Reconciler):
    """A function whose client tries one request again for as long as `tries` says, in seconds."""

    tries: Callable[[], float] = lambda: PATIENCE

    def client(self, seconds: float) -> Client:
        return Client(self.transport, manager=self.function.manager, seconds=seconds, patience=self.tries())


def process(
    destination: Destination,
    ask: Callable[[Function], Transport],
    sink: Callable[[CloudEvent], None],
    patience: Callable[[], float],
) -> Receiver:
    """A fresh process of this Service, which remembers nothing; its functions ask by `ask`."""
    reconcilers = [Patient(function, ask(function), sink=sink, tries=patience) for function in destination.functions]
    return ReconcilerGroup(reconcilers, sink) if destination.name == COMPACT else reconcilers[0]
