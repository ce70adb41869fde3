"""Reads and compares conditions in `status.conditions`, and prepares them for an apply.

Kubernetes API conventions: `lastTransitionTime` moves only when `status` does. `observedGeneration` names the spec that
a condition is about: a `True` for an older generation does not apply to the current one.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from events.outcome_words import ConditionStatus
from runtime.objects import Manifest, generation
from runtime.outcome import FunctionCondition

# The summary condition that `kubectl wait` waits for.
READY = "Ready"


def conditions(parent: Manifest) -> dict[str, Manifest]:
    """Return the conditions by type; a new object may have `null` there."""
    return {entry["type"]: entry for entry in (parent.get("status") or {}).get("conditions") or ()}


def current(parent: Manifest, condition_type: str) -> FunctionCondition | None:
    """Return the condition if it is about the current generation, else None."""
    entry = conditions(parent).get(condition_type)
    if entry is None or entry.get("observedGeneration") != generation(parent):
        return None
    return FunctionCondition(condition_type, ConditionStatus(entry["status"]), entry["reason"], entry["message"])


def all_true(parent: Manifest, condition_types: Iterable[str]) -> bool:
    """Return whether all these conditions are `True` for the current generation."""
    known = (current(parent, condition_type) for condition_type in condition_types)
    return all(condition is not None and condition.status is ConditionStatus.TRUE for condition in known)


def reports_true(condition_type: str) -> Callable[[Manifest], bool]:
    """Return a `Wake.nothing_to_do` for parents: true once the condition is `True` for the current generation."""
    return partial(all_true, condition_types=(condition_type,))


def step_in(message: str) -> str:
    """Return the part of a condition's message that says what to do; empty if there is none.

    Messages end with it, after the last semicolon or else after the first colon. An alternative after a semicolon
    begins with "or", and what it is an alternative to belongs to the step.
    """
    clauses = message.split("; ")
    first = next((place for place in reversed(range(1, len(clauses))) if not clauses[place].startswith("or ")), 0)
    return "; ".join(clauses[first:]) if first else message.partition(": ")[2]


def applied(parent: Manifest, wanted: FunctionCondition, now: datetime) -> Manifest:
    """Return the condition as it is written to `/status`, with time `now` only if its status changes."""
    before = conditions(parent).get(wanted.type, {})
    unchanged = before.get("status") == wanted.status
    return {
        "type": wanted.type,
        "status": wanted.status.value,
        "reason": wanted.reason,
        "message": wanted.message,
        "observedGeneration": generation(parent),
        "lastTransitionTime": before["lastTransitionTime"] if unchanged else now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
