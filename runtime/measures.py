"""Metrics, by OpenTelemetry's API: without an SDK, they have no effect and cost nothing.

Names, units and meanings are defined only here; `docs/observability.md` describes them.
"""

from collections.abc import Iterable

from opentelemetry import metrics

from events.types import KNOWN
from runtime.client import Call

METER = metrics.get_meter("kepler")

RECONCILES = METER.create_counter(
    "kepler.reconciles",
    unit="{reconcile}",
    description="Reconciles that ended, by function and outcome; `failed` is tried again, `defect` is a fault of ours",
)
DURATION = METER.create_histogram(
    "kepler.reconcile.duration",
    unit="s",
    description="How long a reconcile took, by function and outcome",
    explicit_bucket_boundaries_advisory=[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
)
WRITES = METER.create_counter(
    "kepler.writes",
    unit="{write}",
    description="Writes that the API server took, by function and action",
)
NOOPS = METER.create_counter(
    "kepler.noops",
    unit="{event}",
    description="Events answered without any write, by function and reason: `idle` needed no call, the others a look",
)
AGE = METER.create_histogram(
    "kepler.event.age",
    unit="s",
    description="From an event's `time` to its reception, by function and type of event",
    explicit_bucket_boundaries_advisory=[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
)
DEAD_LETTERS = METER.create_counter(
    "kepler.dead_letters",
    unit="{event}",
    description="Events that could not be delivered, by the function that they were for and type of event",
)

REFUSED = METER.create_counter(
    "kepler.refused",
    unit="{event}",
    description="Events that were not acted on or kept, by reason: `unsigned`, and others that `audit` has",
)

FAILED, DEFECT, IDLE = "failed", "defect", "idle"
UNSIGNED = "unsigned"
# Reasons: an event that names no object, and one that was passed on as a request for each object that it concerns.
NAMELESS, PASSED_ON = "nameless", "passed-on"
# Senders choose event types freely, so all unknown types are counted as one.
OTHER = "other"


def reconciled(function: str, outcome: str, milliseconds: float, calls: Iterable[Call]) -> None:
    """Count one finished reconcile, and its writes; a failed reconcile may have written, too."""
    named = {"kepler.function": function, "kepler.outcome": outcome}
    RECONCILES.add(1, named)
    DURATION.record(milliseconds / 1000, named)
    for call in calls:
        if action := _action(call):
            WRITES.add(1, {"kepler.function": function, "kepler.action": action})


def nothing_written(function: str, reason: str) -> None:
    """Count one event that was answered without any write."""
    NOOPS.add(1, {"kepler.function": function, "kepler.reason": reason})


def received(function: str, event_type: str, age: float | None) -> None:
    """Record the age of one received event, in seconds; negative ages, from clocks that differ, count as 0."""
    if age is not None:
        AGE.record(max(0.0, age), {"kepler.function": function, "cloudevents.event_type": _known(event_type)})


def dead_letter(destination: str, event_type: str) -> None:
    """Count one event that could not be delivered."""
    DEAD_LETTERS.add(1, {"destination": destination, "type": _known(event_type)})


def count_refused(reason: str) -> None:
    """Count one event that was not acted on, or not kept."""
    REFUSED.add(1, {"kepler.reason": reason})


def _known(event_type: str) -> str:
    return event_type if event_type in KNOWN else OTHER


def _action(call: Call) -> str:
    """Return what a call wrote, in the report's words; empty if it wrote nothing."""
    if call.verb == "GET" or not 200 <= call.status < 300:
        return ""
    if call.verb == "DELETE":
        return "deleted"
    if call.path.endswith("/status"):
        return "reported"
    return "created" if call.status == 201 else "changed"
