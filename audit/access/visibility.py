"""What somebody may see of what is kept."""

from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, true


@dataclass(frozen=True)
class Sight:
    """What a user may see: these namespaces (None: all), and with `cluster` what is in no namespace."""

    namespaces: frozenset[str] | None
    cluster: bool

    def shows(self, namespace: str) -> bool:
        """Whether something in this namespace may be seen; in none, if it is empty."""
        if not namespace:
            return self.cluster
        return self.namespaces is None or namespace in self.namespaces

    def limit(self, namespace: Column[str]) -> ColumnElement[bool]:
        """Return a condition that limits rows of a table to what the user may see."""
        if self.namespaces is None:
            return true() if self.cluster else namespace != ""
        return namespace.in_(sorted(self.namespaces | ({""} if self.cluster else set())))


EVERYTHING = Sight(None, cluster=True)
