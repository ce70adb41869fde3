"""The result of a decision: intents, objects that are to be absent, and one word, the same wherever it is shown.

| word      | condition | HTTP                     |
|-----------|-----------|--------------------------|
| converged | `True`    | 204, or 200 and a report |
| waiting   | `Unknown` | 200                      |
| rejected  | `False`   | 200                      |

A reconcile that fails has no outcome: it raises `runtime.errors.Unavailable`, which is answered with 503.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from events.outcome_words import ConditionStatus, Word
from runtime.objects import Manifest, Ref

STATUS_OF = {
    Word.CONVERGED: ConditionStatus.TRUE,
    Word.WAITING: ConditionStatus.UNKNOWN,
    Word.REJECTED: ConditionStatus.FALSE,
}


@dataclass(frozen=True)
class FunctionCondition:
    """A condition of `status.conditions` without time and generation, as a function decides it or as it was read."""

    type: str
    status: ConditionStatus
    reason: str
    message: str


@dataclass(frozen=True)
class Intent:
    """All the fields that a function wants to set in one object; fields it leaves out belong to others.

    `body` has no `status`, `resourceVersion`, `uid` or `managedFields`: `runtime.protocol` adds the lock.
    `field` is the field of the parent that messages name if the API server refuses the object.
    """

    ref: Ref
    body: Manifest
    field: str = ""


@dataclass(frozen=True)
class Outcome:
    """A decision about one object.

    `conditions` is empty for the usual single condition, which follows from `word`, `reason` and `message`.
    `status` holds further status fields that this function owns. With `writes_nothing`, not even the condition is
    written: the function will be woken again within moments; if it waits for an object to change, `awaited` is that
    object.
    `recheck`: the decision depends on something that can change without an event, so reconcile again some seconds later
    (`runtime.rechecks`).
    """

    word: Word
    reason: str
    message: str
    intents: tuple[Intent, ...] = ()
    absent: tuple[Ref, ...] = ()
    conditions: tuple[FunctionCondition, ...] = ()
    status: Mapping[str, Any] = field(default_factory=dict)
    writes_nothing: bool = False
    awaited: Ref | None = None
    recheck: bool = False


def converged(*intents: Intent, reason: str = "Reconciled", message: str, status: Manifest | None = None) -> Outcome:
    """Return the outcome of a function that needs nothing else: `intents` are all it wants, possibly none."""
    return Outcome(Word.CONVERGED, reason, message, intents=intents, status=status or {})


def waiting(reason: str, message: str) -> Outcome:
    """Return an outcome that waits for an event; running objects are left as they are."""
    return Outcome(Word.WAITING, reason, message)


def pending(message: str, *, awaited: Ref | None = None) -> Outcome:
    """Return an outcome that writes nothing, not even the condition, since it holds for moments only."""
    return Outcome(Word.WAITING, "Pending", message, writes_nothing=True, awaited=awaited)


def rejected(reason: str, message: str) -> Outcome:
    """Return an outcome that the user must resolve, as `message` says; running objects are left as they are."""
    return Outcome(Word.REJECTED, reason, message)
