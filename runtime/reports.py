"""From what the protocol did to the CloudEvent that says so.

A report is emitted when anything was written or anything is wrong or awaited; a reconcile that found everything in
place says nothing. Ids follow from the causing event, so a redelivery repeats them.
"""

import uuid
from collections.abc import Iterable

from cloudevents.core.v1.event import CloudEvent

from events.report import (
    ApiCall,
    Cause,
    Field,
    ObjectName,
    Report,
    ReportedCondition,
    StatusChange,
    Subject,
    Write,
)
from events.types import PREFIX, STATUS_CHANGED
from runtime.client import Call
from runtime.event import Event
from runtime.function import Function
from runtime.objects import Ref, generation, uid
from runtime.outcome import Outcome, Word
from runtime.protocol import Change, Reconciled, conditions_of
from runtime.tracing import traceparent

# Names our ids; any fixed UUID serves (RFC 9562, name-based).
NAMESPACE = uuid.UUID("5b0c5f6e-6d0d-5b43-9d0a-3d6f1f1c7a52")
READY = "Ready"


def report(
    function: Function, done: Reconciled, event: Event, calls: Iterable[Call], milliseconds: float
) -> Report | None:
    """The report on one reconcile, or None where there is nothing to say."""
    outcome = done.outcome
    if outcome is None or (not done.changes and (outcome.quiet or outcome.word is Word.CONVERGED)):
        return None
    plain = Report(
        function=function.name,
        outcome=outcome.word.value,
        object=Subject(**_name(done.key).model_dump(), uid=uid(done.parent) if done.parent else ""),
        generation=generation(done.parent) if done.parent else 0,
        conditions=_conditions(function, outcome),
        changes=tuple(_write(change) for change in done.changes),
        calls=tuple(_call(call) for call in calls),
        rounds=done.rounds,
        milliseconds=round(milliseconds, 2),
        cause=Cause(id=event.id, type=event.type, source=event.source, subject=event.subject),
    )
    moved = _ready_moved(done)
    return StatusChange(**dict(plain), ready_from=moved[0], ready_to=moved[1]) if moved else plain


def emitted(said: Report) -> CloudEvent:
    """The CloudEvent that carries a report; its attributes follow ApiServerSource's, so triggers filter both alike."""
    changed = isinstance(said, StatusChange)
    parent = said.object
    identity = "/".join((said.cause.source, said.cause.id, said.function, parent.namespace, parent.name, parent.uid))
    return CloudEvent(
        {
            "id": str(uuid.uuid5(NAMESPACE, identity)),
            "type": STATUS_CHANGED if changed else f"{PREFIX}reconcile.{said.outcome}.v1",
            "source": f"/kepler/functions/{said.function}",
            "subject": said.cause.subject or f"{parent.kind}/{parent.namespace}/{parent.name}",
            "datacontenttype": "application/json",
            "apiversion": parent.api_version,
            "kind": parent.kind,
            "namespace": parent.namespace,
            "name": parent.name,
            "partitionkey": f"{parent.namespace}/{parent.name}",
            "traceparent": traceparent(said),
        },
        said.model_dump(mode="json", by_alias=True),
    )


def _name(ref: Ref) -> ObjectName:
    return ObjectName(api_version=ref.kind.api_version, kind=ref.kind.name, namespace=ref.namespace, name=ref.name)


def _conditions(function: Function, outcome: Outcome) -> tuple[ReportedCondition, ...]:
    return tuple(
        ReportedCondition(type=one.type, status=one.status.value, reason=one.reason, message=one.message)
        for one in conditions_of(function, outcome)
    )


def _write(change: Change) -> Write:
    fields = tuple(Field(path=one.path, before=one.before, after=one.after) for one in change.fields)
    return Write(object=_name(change.ref), action=change.action, fields=fields)


def _call(call: Call) -> ApiCall:
    return ApiCall(
        verb=call.verb,
        path=call.path,
        status=call.status,
        began=round(call.began, 2),
        milliseconds=round(call.milliseconds, 2),
    )


def _ready_moved(done: Reconciled) -> tuple[str, str] | None:
    """`Ready` before and after, as 'status/reason', if this reconcile moved it."""
    for change in done.changes:
        if change.action == "reported":
            path = f"status.conditions[type={READY}].reason"
            for field in change.fields:
                if field.path == path:
                    return str(field.before or "none"), str(field.after)
    return None
