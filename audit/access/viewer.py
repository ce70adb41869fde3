"""Who asks, and what they may see: the one thing that the query API knows of access."""

from collections.abc import Iterable
from typing import Protocol

from flask import Request

from audit.access.visibility import EVERYTHING, Sight


class Viewer(Protocol):
    """The user of a request, and what they may see. Raises HttpProblem, or Unavailable where that is not known."""

    @property
    def name(self) -> str:
        """Return the user's name, as the API server has it."""

    def sees(self, namespace: str) -> bool:
        """Whether what is about this namespace may be shown; what is in none, if it is empty."""

    def sight(self, namespaces: Iterable[str]) -> Sight:
        """Which of these may be shown."""

    def may_replay(self, namespace: str) -> bool:
        """Whether an event about this namespace may be sent again; about none, if it is empty."""

    def sees_everywhere(self) -> bool:
        """Whether all namespaces may be shown, and with them what is about nothing."""


class Access(Protocol):
    """How somebody who asks is known; raises HttpProblem where nobody is, or Unavailable."""

    def __call__(self, request: Request) -> Viewer: ...


class Anybody:
    """A user of this machine, who may see everything."""

    name = "anybody on this machine"

    def sees(self, namespace: str) -> bool:  # noqa: ARG002
        """Return True: everything may be seen."""
        return True

    def sight(self, namespaces: Iterable[str]) -> Sight:  # noqa: ARG002
        """Return everything."""
        return EVERYTHING

    def may_replay(self, namespace: str) -> bool:  # noqa: ARG002
        """Return True: every event may be replayed."""
        return True

    def sees_everywhere(self) -> bool:
        """Return True: all namespaces may be seen."""
        return True
