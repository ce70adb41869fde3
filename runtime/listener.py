"""What a function declares that only takes note of events, and reconciles nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runtime.function import manager
from runtime.receive import Receiver

# One CloudEvents Subscriptions filter expression, as a Knative Trigger has it in `spec.filters`.
Filter = Mapping[str, Any]


@dataclass(frozen=True)
class Listener:
    """A function without an object: `filters` select its events; with none it is only addressed as a sink."""

    name: str
    filters: tuple[Filter, ...]
    receive: Receiver

    @property
    def manager(self) -> str:
        """The name of its ServiceAccount, Service and Trigger."""
        return manager(self.name)
