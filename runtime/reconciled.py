"""The result of one reconcile, and of one write."""

from dataclasses import dataclass, field

from runtime.declaration import Observed
from runtime.differences import FieldChange
from runtime.objects import Manifest, Ref
from runtime.outcome import Outcome


@dataclass(frozen=True)
class AcceptedWrite:
    """One write that the API server accepted: `created`, `changed` or `deleted` a child, `reported` in the status."""

    ref: Ref
    action: str
    fields: tuple[FieldChange, ...]


@dataclass
class Reconciled:
    """The result of one reconcile: the last decision, and every write that was made.

    `outcome` is None if the parent is gone and there is nothing to clean up. `seen` are the parent and all single
    objects in the versions that were read or written; what was listed is not among them.
    """

    key: Ref
    outcome: Outcome | None = None
    parent: Manifest | None = None
    changes: list[AcceptedWrite] = field(default_factory=list)
    seen: list[Manifest] = field(default_factory=list)
    rounds: int = 0

    def note_seen(self, observed: Observed) -> None:
        """Add the objects of one observation to `seen`."""
        self.seen += [manifest for manifest in (observed.parent, *observed.objects.values()) if manifest is not None]
