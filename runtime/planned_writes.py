"""Computes the writes of a decision, in order. Pure, so that a reconcile, its trial, a sweep and a simulation agree."""

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
        """Return what the write does to the child: `created`, `changed` or `deleted`."""
        if self.intent is None:
            return "deleted"
        return "created" if self.actual is None else "changed"

    @property
    def parent_field(self) -> str:
        """Return the field of the parent that requires the write; empty if no single field does."""
        return self.intent.field if self.intent else ""

    def send(self, client: Client, *, dry_run: bool = False) -> Manifest | None:
        """Make the write over exactly `actual`, or only try it with `dry_run`; return the child, None if deleted.

        Raises Conflict if the child has changed, Refused if the API server does not accept the write.
        """
        if self.intent is not None:
            return client.apply(self.ref, self.intent.body, over=self.actual, dry_run=dry_run)
        if self.actual is not None:
            client.delete(self.ref, over=self.actual, dry_run=dry_run)
        return None


def planned_writes(decided: Outcome, observed: Observed, manager: str) -> tuple[PlannedWrite, ...]:
    """Return the applies of children that differ from their intents, then the deletions of our own children."""
    applies = (planned_apply(intent, observed.get(intent.ref), manager) for intent in decided.intents)
    deletions = (
        PlannedWrite(ref, None, observed.get(ref)) for ref in decided.absent if _deletable(observed.get(ref), observed)
    )
    return (*(write for write in applies if write.fields), *deletions)


def planned_apply(intent: Intent, actual: Manifest | None, manager: str) -> PlannedWrite:
    """Return the apply of one intent; empty `fields` mean that the child is as intended, and needs no write."""
    return PlannedWrite(intent.ref, intent, actual, differences(intent.body, actual, manager=manager))


def _deletable(child: Manifest | None, observed: Observed) -> bool:
    """Return whether the parent controls this child, and it is not being deleted; objects made by others stay."""
    parent = observed.parent
    return child is not None and parent is not None and owned_by(parent, child) and not terminates(child)
