"""Who asks, and what they may see: the one thing that the query API knows of access."""

from collections.abc import Iterable
from typing import Protocol

from flask import Request

from audit.access.visibility import EVERYTHING, Sight


class Viewer(Protocol):
    """Somebody who asks. Raises HttpProblem or Unavailable where that cannot be found out."""

    @property
    def name(self) -> str:
        """As the API server knows them."""

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
    """Whoever is let in at all."""

    name = "anybody on this machine"

    def sees(self, namespace: str) -> bool:  # noqa: ARG002
        """Whatever there is."""
        return True

    def sight(self, namespaces: Iterable[str]) -> Sight:  # noqa: ARG002
        """Whatever there is."""
        return EVERYTHING

    def may_replay(self, namespace: str) -> bool:  # noqa: ARG002
        """Whatever there is."""
        return True

    def sees_everywhere(self) -> bool:
        """Whatever there is."""
        return True
