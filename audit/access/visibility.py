"""The part of the stored data that a user may see."""

from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, true


@dataclass(frozen=True)
class Visibility:
    """The visibility of stored data for one user.

    `namespaces` are those that the user may see (None: all). `cluster` allows what is about cluster-scoped objects.
    """

    namespaces: frozenset[str] | None
    cluster: bool

    def shows(self, namespace: str) -> bool:
        """Return whether the user may see something in this namespace; something cluster-scoped, if it is empty."""
        if not namespace:
            return self.cluster
        return self.namespaces is None or namespace in self.namespaces

    def limit(self, namespace: Column[str]) -> ColumnElement[bool]:
        """Return a condition that limits rows of a table to what the user may see."""
        if self.namespaces is None:
            return true() if self.cluster else namespace != ""
        return namespace.in_(sorted(self.namespaces | ({""} if self.cluster else set())))


EVERYTHING = Visibility(None, cluster=True)
