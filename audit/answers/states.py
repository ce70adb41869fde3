"""Classifies a resource and its conditions in one word each; the console counts, filters, sorts and colours by it.

Pure. Only type, status, reason and generation of a condition are read, whichever function wrote it; the exceptions are
the two tables of reasons.
"""

from collections.abc import Sequence
from datetime import datetime

from audit.answer_models import ConditionLevel, ConditionState, ResourceState, StateName
from runtime.conditions import READY, step_in
from runtime.deletion import deletion_sentence, deletion_step
from runtime.event import parse_time
from runtime.objects import KEPLER, Manifest, metadata

# Reasons of a `True` condition if nothing is requested: neither good nor bad.
NEUTRAL = frozenset({"Disabled", "NotApplicable"})
# Reasons of a `True` condition if something stays undone: without the Prometheus operator nothing scrapes metrics.
WARNING = frozenset({"NotInstalled"})

# The worst first: resources are sorted by this.
ORDER: tuple[StateName, ...] = ("failed", "waiting", "unreported", "warning", "ready", "referenced")
WORST: tuple[ConditionLevel, ...] = ("failed", "waiting", "stale", "warning", "good", "neutral")
OF_LEVEL: dict[ConditionLevel, StateName] = {
    "failed": "failed",
    "waiting": "waiting",
    "stale": "unreported",
    "warning": "warning",
    "good": "ready",
    "neutral": "ready",
}
# `Ready` is True in these.
IS_READY: tuple[StateName, ...] = ("ready", "warning")
OPEN: tuple[ConditionLevel, ...] = ("failed", "waiting", "stale", "warning")
# States in which there is nothing to do and nothing to wait for.
CLOSED: tuple[StateName, ...] = ("ready", "referenced")

UNREPORTED, DELETING = "NotReported", "Deleting"


def level(status: str, reason: str, *, current: bool) -> ConditionLevel:
    """Return the level of a condition; `stale` for one of an earlier generation."""
    if not current:
        return "stale"
    if status != "True":
        return "failed" if status == "False" else "waiting"
    if reason in NEUTRAL:
        return "neutral"
    return "warning" if reason in WARNING else "good"


def deleting(manifest: Manifest) -> ResourceState:
    """Return the state of a resource that is being deleted: its conditions are not written any more."""
    return ResourceState(
        name="waiting",
        reason=DELETING,
        message=deletion_sentence(manifest),
        step=deletion_step(manifest),
        since=parse_time(metadata(manifest).get("deletionTimestamp")),
    )


def state(kind: str, conditions: Sequence[ConditionState], created: datetime) -> ResourceState:
    """Return the state of a resource: by `Ready`; `warning` if that is fine and another condition is not.

    The state of a kind without `Ready` is that of its worst condition; a kind without conditions is only read by the
    Keplers that name it.
    """
    if not conditions:
        return _silent(kind, created)
    worst = min(conditions, key=lambda condition: WORST.index(condition.level))
    ready = next((condition for condition in conditions if condition.type == READY), worst)
    if ready.level in ("good", "neutral") and worst.level in OPEN:
        return _warning(worst, ready)
    if ready.level == "stale":
        return _unreported(ready, worst)
    return _resource_state(ready, OF_LEVEL[ready.level])


def _silent(kind: str, created: datetime) -> ResourceState:
    if kind != KEPLER.name:
        return ResourceState(name="referenced", message="read by the Keplers that name it", since=created)
    message = "no function has reported on it yet"
    return ResourceState(name="unreported", reason=UNREPORTED, message=message, since=created)


def _unreported(ready: ConditionState, worst: ConditionState) -> ResourceState:
    """Return the state from the worst condition of this generation; `unreported` if all conditions are stale."""
    if worst.level != "stale":
        return _resource_state(worst, OF_LEVEL[worst.level])
    message = f"no function has reported on this generation yet; of an earlier one: {ready.message}"
    return ResourceState(name="unreported", reason=UNREPORTED, message=message, since=ready.since)


def _warning(worst: ConditionState, ready: ConditionState) -> ResourceState:
    """Return the state of what is ready and has an open condition: since both are so."""
    shown = _resource_state(worst, "warning")
    times = [condition.since for condition in (worst, ready) if condition.since]
    return shown.model_copy(update={"since": max(times, default=None)})


def _resource_state(condition: ConditionState, name: StateName) -> ResourceState:
    message = condition.message
    step = step_in(message)
    # What is only awaited may need no step: one names a field or a command.
    shown = step if name == "failed" or (name not in CLOSED and "`" in step) else ""
    return ResourceState(name=name, reason=condition.reason, message=message, step=shown, since=condition.since)
