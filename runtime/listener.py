"""What a function without an object declares: a listener records events, or sends its own, and reconciles nothing."""

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
class ListenerContext:
    """What a process provides to a listener: access to the API server and to the sink, and the settings.

    `environment` is the whole environment, for settings that only one function knows. `keyring` has the key that our
    events are signed with; None in a process that cannot verify signatures.
    """

    transport: Callable[[], Transport]
    sink: Callable[[], Sink]
    images: Mapping[str, str] = field(default_factory=dict)
    namespace: str = NAMESPACE
    environment: Mapping[str, str] = field(default_factory=dict)
    keyring: Keyring | None = None


@dataclass(frozen=True)
class Listener:
    """A function without an object. `filters` select its events; without any it gets only those sent to its address.

    `rules` are its permissions, and `timeout` is the limit for one event, in seconds. `settings` are environment
    variables of its own. `keeps` is a folder in which it stores files: then exactly one pod of it runs, all the time.
    """

    name: str
    filters: tuple[Filter, ...]
    receiver: Callable[[ListenerContext], Receiver]
    rules: tuple[Permission, ...] = ()
    timeout: int = TRIGGER
    settings: Mapping[str, str] = field(default_factory=dict)
    keeps: str = ""

    @property
    def manager(self) -> str:
        """Return the name of its ServiceAccount, Service and Trigger."""
        return manager(self.name)
