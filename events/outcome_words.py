"""The words for an outcome and for a condition's status, which events, status, logs, console and CLI share."""

from enum import StrEnum


class Word(StrEnum):
    """The outcome, as it appears in reports, event types and logs."""

    CONVERGED = "converged"
    WAITING = "waiting"
    REJECTED = "rejected"


class ConditionStatus(StrEnum):
    """A condition's status (Kubernetes API conventions: there are these three)."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"
