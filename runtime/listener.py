"""What a function declares that reconciles nothing: it takes note of events, or sends some of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runtime.client import Transport
from runtime.deadlines import TRIGGER
from runtime.declaration import Permission, manager
from runtime.receive import Receiver
from runtime.settings import NAMESPACE
from runtime.signature import Keyring
from runtime.sink import Sink

# One CloudEvents Subscriptions filter expression, as a Knative Trigger has it in `spec.filters`.
Filter = Mapping[str, Any]


@dataclass(frozen=True)
class Surroundings:
    """What a process offers: the way to the API server and to the sink, for those who ask, and its settings.

    `environment` is all of it, for settings that one function alone knows. `keyring` has the key that our own events
    are signed with; None in a process that can check no signature.
    """

    transport: Callable[[], Transport]
    sink: Callable[[], Sink]
    images: Mapping[str, str] = field(default_factory=dict)
    namespace: str = NAMESPACE
    environment: Mapping[str, str] = field(default_factory=dict)
    keyring: Keyring | None = None


@dataclass(frozen=True)
class Listener:
    """A function without an object: `filters` select its events; with none it is only addressed as a sink.

    `rules` are its permissions, and `timeout` says, in seconds, how long one event may take. `settings` are environment
    variables of its own, and `keeps` is a folder in which it keeps files: then there is one pod of it, all the time.
    """

    name: str
    filters: tuple[Filter, ...]
    receiver: Callable[[Surroundings], Receiver]
    rules: tuple[Permission, ...] = ()
    timeout: int = TRIGGER
    settings: Mapping[str, str] = field(default_factory=dict)
    keeps: str = ""

    @property
    def manager(self) -> str:
        """The name of its ServiceAccount, Service and Trigger."""
        return manager(self.name)
