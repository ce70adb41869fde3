"""The writes that a decision leads to, in order: pure, so a reconcile, its trial, a sweep and a simulation agree."""

from dataclasses import dataclass

from runtime.client import Client
from runtime.declaration import Observed
from runtime.differences import FieldChange, differences
from runtime.objects import Manifest, Ref, terminates
from runtime.outcome import Intent, Outcome
from runtime.ownership import owned_by


@dataclass(frozen=True)
class PlannedWrite:
    """One write to a child: an apply of `intent` or, without one, a deletion; `actual` is the child before it."""

    ref: Ref
    intent: Intent | None
    actual: Manifest | None
    fields: tuple[FieldChange, ...] = ()

    @property
    def action(self) -> str:
        """What the write does to the child: `created`, `changed` or `deleted`."""
        if self.intent is None:
            return "deleted"
        return "created" if self.actual is None else "changed"

    @property
    def field(self) -> str:
        """The field of the parent that asks for the write; empty where no single one does."""
        return self.intent.field if self.intent else ""

    def send(self, client: Client, *, dry_run: bool = False) -> Manifest | None:
        """Make the write over exactly `actual`, or have it tried; the child as it is then, None if deleted.

        Raises Conflict where the child moved, Refused where the API server does not take the write.
        """
        if self.intent is not None:
            return client.apply(self.ref, self.intent.body, over=self.actual, dry_run=dry_run)
        if self.actual is not None:
            client.delete(self.ref, over=self.actual, dry_run=dry_run)
        return None


def planned_writes(decided: Outcome, observed: Observed, manager: str) -> tuple[PlannedWrite, ...]:
    """The children that differ from their intents, then those that are to be absent and are ours to delete."""
    applies = (planned_apply(intent, observed.get(intent.ref), manager) for intent in decided.intents)
    deletions = (
        PlannedWrite(ref, None, observed.get(ref)) for ref in decided.absent if _deletable(observed.get(ref), observed)
    )
    return (*(write for write in applies if write.fields), *deletions)


def planned_apply(intent: Intent, actual: Manifest | None, manager: str) -> PlannedWrite:
    """The apply of one intent; without `fields` the child is as intended, and there is nothing to write."""
    return PlannedWrite(intent.ref, intent, actual, differences(intent.body, actual, manager=manager))


def _deletable(child: Manifest | None, observed: Observed) -> bool:
    """Whether the parent controls this child and nobody has deleted it: an object that somebody else made stays."""
    parent = observed.parent
    return child is not None and parent is not None and owned_by(parent, child) and not terminates(child)
