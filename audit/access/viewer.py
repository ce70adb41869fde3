"""The interface between the query API and access control: the user of a request, and what they may see."""

from collections.abc import Iterable
from typing import Protocol

from flask import Request

from audit.access.visibility import EVERYTHING, Visibility


class Viewer(Protocol):
    """The user of a request, and what they may see. Raises HttpProblem, or Unavailable if that cannot be determined."""

    @property
    def name(self) -> str:
        """Return the user's name, as the API server has it."""

    def may_see(self, namespace: str) -> bool:
        """Return whether the user may see data about a namespace; if it is empty, about cluster-scoped objects."""

    def visibility(self, namespaces: Iterable[str]) -> Visibility:
        """Return which of these namespaces the user may see."""

    def may_replay(self, namespace: str) -> bool:
        """Return whether the user may replay an event about this namespace; if it is empty, an event about none."""

    def may_see_all_namespaces(self) -> bool:
        """Return whether the user may see all namespaces, and events that are about no object."""


class Access(Protocol):
    """Identifies the user of a request. Raises HttpProblem if the request is not allowed, or Unavailable."""

    def __call__(self, request: Request) -> Viewer: ...


class LocalViewer:
    """A user of this machine, who may see everything."""

    name = "anybody on this machine"

    def may_see(self, namespace: str) -> bool:  # noqa: ARG002
        """Return True: everything may be seen."""
        return True

    def visibility(self, namespaces: Iterable[str]) -> Visibility:  # noqa: ARG002
        """Return everything."""
        return EVERYTHING

    def may_replay(self, namespace: str) -> bool:  # noqa: ARG002
        """Return True: every event may be replayed."""
        return True

    def may_see_all_namespaces(self) -> bool:
        """Return True: all namespaces may be seen."""
        return True
