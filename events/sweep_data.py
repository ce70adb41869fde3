"""Data of the sweep's events: which object to reconcile again, and the result of a whole sweep."""

from events.report import EventPart, ObjectName


class Resync(EventPart):
    """One object is not as it should be: for each function that would change something, what it would change."""

    object: ObjectName
    diverges: dict[str, tuple[str, ...]]


class SweepData(EventPart):
    """One sweep: how many resources it looked at, for how many it asked for a reconcile, calls, milliseconds."""

    resources: int
    diverging: int
    calls: int
    milliseconds: float
