"""Computes what a reconcile would change. Pure, so a sweep can check every object in memory."""

from collections.abc import Iterator

from runtime.decision import decide
from runtime.declaration import Function, Observed
from runtime.differences import FieldChange, differences
from runtime.objects import Manifest
from runtime.outcome import Outcome
from runtime.planned_writes import PlannedWrite, planned_writes
from runtime.statuses import status_of

# The most fields of an object to name; the others are counted.
SHOWN = 3


def divergence(function: Function, observed: Observed) -> tuple[str, ...]:
    """Return a sentence for each object that a reconcile of `function` would write or delete, with the fields.

    Empty for an outcome that writes nothing: the function waits for another one to act first.
    """
    decided = decide(function, observed)
    if decided is None or decided.writes_nothing:
        return ()
    differing = map(_difference, planned_writes(decided, observed, function.manager))
    return (*differing, *_unreported(function, decided, observed.parent))


def _difference(write: PlannedWrite) -> str:
    if write.intent is None:
        return f"{write.ref} should not be there"
    return f"{write.ref} is missing" if write.actual is None else f"{write.ref} differs: {_listed_fields(write.fields)}"


def _unreported(function: Function, decided: Outcome, parent: Manifest | None) -> Iterator[str]:
    if parent is None:
        return
    status = status_of(function, decided, parent)
    if fields := differences({"status": status}, parent, manager=function.manager, subresource="status"):
        yield f"not reported: {_listed_fields(fields)}"


def _listed_fields(fields: tuple[FieldChange, ...]) -> str:
    more = len(fields) - SHOWN
    return ", ".join(field.path for field in fields[:SHOWN]) + (f" and {more} more" if more > 0 else "")
