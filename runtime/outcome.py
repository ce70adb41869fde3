"""What a function decides: intents, absences and one word, the same word everywhere it is shown.

| word      | condition | HTTP                     |
|-----------|-----------|--------------------------|
| converged | `True`    | 204, or 200 and a report |
| waiting   | `Unknown` | 200                      |
| rejected  | `False`   | 200                      |

The fourth, failed, is not decided but happens: it is `runtime.errors.Unavailable`, answered with 503.
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
class DesiredCondition:
    """One entry of `status.conditions`, before it has a time and a generation."""

    type: str
    status: ConditionStatus
    reason: str
    message: str


@dataclass(frozen=True)
class Intent:
    """The whole of what a function wants one object to say; fields it leaves out belong to others.

    `body` has neither `status` nor `resourceVersion`, `uid` or `managedFields`: locks are the protocol's business.
    `field` is the field of the parent to name where the API server refuses the object for what is asked there.
    """

    ref: Ref
    body: Manifest
    field: str = ""


@dataclass(frozen=True)
class Outcome:
    """A decision about one object.

    `conditions` is empty for the usual single condition, which follows from `word`, `reason` and `message`.
    `status` holds further status fields that this function owns. A `quiet` outcome writes nothing at all: what is
    awaited will wake the function within moments; where that is the change of an object, `awaits` names it.
    `unheard` says that what it was decided from may change without an event: a look some seconds later may decide anew.
    """

    word: Word
    reason: str
    message: str
    intents: tuple[Intent, ...] = ()
    absent: tuple[Ref, ...] = ()
    conditions: tuple[DesiredCondition, ...] = ()
    status: Mapping[str, Any] = field(default_factory=dict)
    quiet: bool = False
    awaits: Ref | None = None
    unheard: bool = False


def converged(*intents: Intent, reason: str = "Reconciled", message: str, status: Manifest | None = None) -> Outcome:
    """Everything this function is for is intended, or there is nothing to do."""
    return Outcome(Word.CONVERGED, reason, message, intents=intents, status=status or {})


def waiting(reason: str, message: str) -> Outcome:
    """Return an outcome that waits for an event; what runs is left as it is."""
    return Outcome(Word.WAITING, reason, message)


def pending(message: str, *, awaits: Ref | None = None) -> Outcome:
    """Return a quiet outcome: it waits for moments, and nothing is written, not even the condition."""
    return Outcome(Word.WAITING, "Pending", message, quiet=True, awaits=awaits)


def rejected(reason: str, message: str) -> Outcome:
    """The user must change something; the message says what. What runs is left as it is."""
    return Outcome(Word.REJECTED, reason, message)
