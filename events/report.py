"""The report: what one function did about one object, the cause, and how long it took.

Every function answers with it (the data of `reconcile.*.v1`); `audit`, the console and the CLI read it.
"""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

from events.outcome_words import ConditionStatus, Word


class EventPart(BaseModel):
    """Camel case on the wire, as everything Kubernetes writes."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="forbid")


class ObjectName(EventPart):
    """One object of the API server; `namespace` is empty for cluster-scoped kinds."""

    api_version: str
    kind: str
    namespace: str
    name: str


class Subject(ObjectName):
    """The object that was reconciled; `uid` is empty where it is gone."""

    uid: str = ""


class ReportedCondition(EventPart):
    """The condition as it was written, or would have been."""

    type: str
    status: ConditionStatus
    reason: str
    message: str


class Field(EventPart):
    """One field: `path` in kubectl's dotted form, null where there is no value."""

    path: str
    before: JsonValue = None
    after: JsonValue = None


class Write(EventPart):
    """One object written: `reported` is this function's own part of the subject's status."""

    object: ObjectName
    action: Literal["created", "changed", "deleted", "reported"]
    fields: tuple[Field, ...] = ()


class ApiCall(EventPart):
    """One request to the API server; times in milliseconds, `began` since the reconcile began. Status 0: no answer."""

    verb: str
    path: str
    status: int
    began: float
    milliseconds: float


class Cause(EventPart):
    """The event that woke the function, and the object that it was about.

    `sent` is the event's `time`; `by` is the field manager that changed the object last, at `changed` (the API server
    keeps whole seconds). Both are as the function read the object before it wrote, and as the event shows it only if
    the function did not read it. They are empty if the event shows no object, or one that is not there as shown.
    Control characters are escaped.
    """

    id: str
    type: str
    source: str
    subject: str = ""
    sent: AwareDatetime | None = None
    object: ObjectName | None = None
    generation: int = 0
    by: str = ""
    changed: AwareDatetime | None = None
    traceparent: str = ""


class Report(EventPart):
    """What one function did about one object.

    `trace` is the id of the trace of this generation, 32 hexadecimal digits; `began` is when the reconcile began, and
    `milliseconds` how long it took.
    """

    function: str
    trace: str
    began: AwareDatetime
    outcome: Word
    object: Subject
    generation: int
    conditions: tuple[ReportedCondition, ...]
    changes: tuple[Write, ...]
    calls: tuple[ApiCall, ...]
    rounds: int
    milliseconds: float
    cause: Cause


class StatusChange(Report):
    """A report that `Ready` changed: from which reason to which."""

    ready_from: str
    ready_to: str
