"""Makes the report on a reconcile, and the CloudEvent that carries it.

A report is made if anything was written, is wrong or is awaited; if everything was in place, there is none. Its id
follows from the causing event and from what it says, so a redelivery that leads to the same report repeats the id.
Confidential values are redacted here. A message of the API server or of a webhook may contain any character; `audit`
refuses control characters, so they are escaped. Values of fields are reported unescaped: a program has to read what was
written.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cloudevents.core.v1.event import CloudEvent

from events.outcome_words import Word
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
from runtime import redact
from runtime.client import Call
from runtime.conditions import READY
from runtime.declaration import Function
from runtime.envelope import cloud_event
from runtime.event import Event
from runtime.last_writer import last_writer
from runtime.objects import Kind, Manifest, Ref, generation, metadata, uid
from runtime.outcome import Outcome
from runtime.printable import encodable, visible, visible_name
from runtime.reconciled import AcceptedWrite, Reconciled
from runtime.redact import Mask
from runtime.spans import ReconcileTiming
from runtime.statuses import conditions_of
from runtime.tracing import GenerationTrace, parse_traceparent, report_identity, traceparent


def report(
    function: Function, done: Reconciled, event: Event, where: GenerationTrace, timing: ReconcileTiming
) -> Report | None:
    """Return the report on one reconcile, or None if there is nothing to report."""
    outcome = done.outcome
    if outcome is None or (not done.changes and (outcome.writes_nothing or outcome.word is Word.CONVERGED)):
        return None
    mask = mask_of(done)
    plain = Report(
        function=function.name,
        trace=str(where),
        began=timing.began,
        outcome=outcome.word.value,
        object=Subject(**_name(done.key).model_dump(), uid=visible_name(uid(done.parent)) if done.parent else ""),
        generation=generation(done.parent) if done.parent else 0,
        conditions=_conditions(function, outcome, mask),
        changes=tuple(_write(change, mask) for change in done.changes),
        calls=tuple(_call(call) for call in timing.calls),
        rounds=done.rounds,
        milliseconds=round(timing.milliseconds, 2),
        cause=cause(event, done.seen, done.changes, function.manager),
    )
    moved = _ready_moved(done, mask)
    return StatusChange(**dict(plain), ready_from=moved[0], ready_to=moved[1]) if moved else plain


def emitted(report: Report) -> CloudEvent:
    """Return the CloudEvent of a report. It has ApiServerSource's attributes, so Triggers filter both alike."""
    parent, identity = report.object, report_identity(report)
    changed = isinstance(report, StatusChange)
    event_type = STATUS_CHANGED if changed else f"{PREFIX}reconcile.{report.outcome}.v1"
    key = Ref(
        Kind(parent.api_version, parent.kind, "", namespaced=bool(parent.namespace)), parent.namespace, parent.name
    )
    return cloud_event(
        event_type,
        f"functions/{report.function}",
        report,
        identity=identity,
        key=key,
        **({"subject": report.cause.subject} if report.cause.subject else {}),
        time=ReconcileTiming(report.began, report.milliseconds).ended,
        traceparent=traceparent(report.trace, identity),
    )


def cause(
    event: Event, seen: Sequence[Manifest] = (), changes: Iterable[AcceptedWrite] = (), manager: str = ""
) -> Cause:
    """Return the event as the cause of a reconcile; malformed parts of its object are ignored.

    `seen` are the objects that the function read, in order, and `changes` what its field manager wrote. The last writer
    of the event's object follows from both.
    """
    named = None
    if event.kind and event.name:
        named = ObjectName(
            api_version=visible(event.api_version),
            kind=visible(event.kind),
            namespace=visible(event.namespace),
            name=visible(event.name),
        )
    by, changed = last_writer(event, seen, _put_back(event, changes), manager)
    return Cause(
        id=visible(event.id),
        type=visible(event.type),
        source=visible(event.source),
        subject=visible(event.subject),
        sent=event.sent,
        object=named,
        generation=_generation(event.object),
        by=visible(by),
        changed=changed,
        traceparent=event.traceparent if parse_traceparent(event.traceparent) else "",
    )


def _put_back(event: Event, changes: Iterable[AcceptedWrite]) -> tuple[str, ...]:
    """Return the paths that were changed in the event's object."""
    about = (event.api_version, event.kind, event.namespace, event.name)
    return tuple(
        field.path
        for change in changes
        if change.action == "changed"
        if (change.ref.kind.api_version, change.ref.kind.name, change.ref.namespace, change.ref.name) == about
        for field in change.fields
    )


def _generation(shown: Manifest) -> int:
    value = metadata(shown).get("generation") if isinstance(shown.get("metadata"), dict) else 0
    return value if isinstance(value, int) else 0


def mask_of(done: Reconciled) -> Mask:
    """Return a mask of the confidential values in the parent and in the writes themselves."""
    sides = [
        (change.ref.kind.name, field.path, side)
        for change in done.changes
        for field in change.fields
        for side in (field.before, field.after)
    ]
    return redact.joined(redact.mask(done.parent), sides)


def _name(ref: Ref) -> ObjectName:
    return ObjectName(
        api_version=visible_name(ref.kind.api_version),
        kind=visible_name(ref.kind.name),
        namespace=visible_name(ref.namespace),
        name=visible_name(ref.name),
    )


def _text(sentence: str, mask: Mask) -> str:
    """Return a sentence redacted, with control characters escaped."""
    return visible(mask.text(sentence))


def _value(value: Any) -> Any:
    """Return a JSON value with each half of a surrogate pair escaped: neither events nor databases can store one."""
    match value:
        case str():
            return encodable(value)
        case Mapping():
            return {encodable(key): _value(member) for key, member in value.items()}
        case list() | tuple():
            return [_value(item) for item in value]
        case _:
            return value


def _conditions(function: Function, outcome: Outcome, mask: Mask) -> tuple[ReportedCondition, ...]:
    return tuple(
        ReportedCondition(
            type=visible(condition.type),
            status=condition.status.value,
            reason=visible(condition.reason),
            message=_text(condition.message, mask),
        )
        for condition in conditions_of(function, outcome)
    )


def _write(change: AcceptedWrite, mask: Mask) -> Write:
    fields = []
    for field in change.fields:
        before, after = mask.change(field.path, field.before, field.after, kind=change.ref.kind.name)
        fields.append(Field(path=_text(field.path, mask), before=_value(before), after=_value(after)))
    return Write(object=_name(change.ref), action=change.action, fields=tuple(fields))


def _call(call: Call) -> ApiCall:
    return ApiCall(
        verb=call.verb,
        path=visible(call.path),
        status=call.status,
        began=round(call.began, 2),
        milliseconds=round(call.milliseconds, 2),
    )


def _ready_moved(done: Reconciled, mask: Mask) -> tuple[str, str] | None:
    """Return `Ready` before and after, as 'status/reason', if this reconcile changed it, else None."""
    for change in done.changes:
        if change.action == "reported":
            path = f"status.conditions[type={READY}].reason"
            for field in change.fields:
                if field.path == path:
                    return _text(str(field.before or "none"), mask), _text(str(field.after), mask)
    return None
