"""Decides from the conditions of the functions that a function waits for (`Function.awaits`)."""

from events.outcome_words import ConditionStatus
from runtime.conditions import all_true, current
from runtime.declaration import Function
from runtime.objects import Manifest
from runtime.outcome import STATUS_OF, FunctionCondition, Outcome, pending, rejected, waiting
from runtime.ownership import NAMESPACE_TAKEN


def await_conditions(function: Function, parent: Manifest, operand: str) -> Outcome | None:
    """Return the outcome while an awaited condition is missing, Unknown or False; None once all are True.

    `operand` names in the message what stays as it is, such as 'the exporter'. `NamespaceTaken` is copied: it
    can end without an event for a function whose children send none.

    A missing or Unknown condition is about to change, so usually nothing is written. But while the function's own
    condition is True, that change would not wake it (`is_up_to_date`): then it sets its condition to Unknown.
    """
    for awaited in function.awaits:
        reported = current(parent, awaited)
        if reported is None or reported.status is ConditionStatus.UNKNOWN:
            if all_true(parent, (function.condition,)):
                return waiting("Waiting", f"{operand} is left as it is until `{awaited}` is True")
            return pending(f"`{awaited}` has not reported on this generation")
        if reported.reason == NAMESPACE_TAKEN:
            return rejected(NAMESPACE_TAKEN, reported.message)
        if reported.status is ConditionStatus.FALSE:
            return waiting("Waiting", f"{operand} is left as it is until `{awaited}` is True: {reported.message}")
    return None


def is_up_to_date(function: Function, parent: Manifest, blocked_by: Outcome | None) -> bool:
    """Return whether the parent already has the condition that the function would write; `blocked_by` is what
    `await_conditions` returned."""
    if blocked_by is None:
        return all_true(parent, (function.condition,))
    condition = FunctionCondition(function.condition, STATUS_OF[blocked_by.word], blocked_by.reason, blocked_by.message)
    return blocked_by.writes_nothing or current(parent, function.condition) == condition
