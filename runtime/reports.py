"""Makes the report on a reconcile, and the CloudEvent that carries it.

A report is made if anything was written, is wrong or is awaited; if everything was in place, there is none. Ids follow
from the causing event, so a redelivery repeats them. Confidential values are redacted here. A message of the API server
or of a webhook may contain any character; `audit` refuses control characters, so they are escaped. Values of fields are
reported unescaped: a program has to read what was written.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
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
from runtime.event import Event, parse_time
from runtime.field_owners import CONTROL_PLANE
from runtime.objects import Kind, Manifest, Ref, generation, metadata, name, resource_version, uid
from runtime.outcome import Outcome
from runtime.printable import encodable, visible, visible_name
from runtime.reconciled import AcceptedWrite, Reconciled
from runtime.redact import Mask
from runtime.spans import ReconcileTiming
from runtime.statuses import conditions_of
from runtime.tracing import GenerationTrace, parse_traceparent, traceparent


def report(
    function: Function, done: Reconciled, event: Event, where: GenerationTrace, timing: ReconcileTiming
) -> Report | None:
    """Return the report on one reconcile, or None if there is nothing to report."""
    outcome = done.outcome
    if outcome is None or (not done.changes and (outcome.writes_nothing or outcome.word is Word.CONVERGED)):
        return None
    mask = _mask(done)
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
        cause=cause(event, done.seen),
    )
    moved = _ready_moved(done, mask)
    return StatusChange(**dict(plain), ready_from=moved[0], ready_to=moved[1]) if moved else plain


def emitted(report: Report) -> CloudEvent:
    """Return the CloudEvent of a report. It has ApiServerSource's attributes, so Triggers filter both alike."""
    parent = report.object
    identity = "/".join(
        (report.cause.source, report.cause.id, report.function, parent.namespace, parent.name, parent.uid)
    )
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
        traceparent=traceparent(report),
    )


def cause(event: Event, seen: Sequence[Manifest] = ()) -> Cause:
    """Return the event as the cause of a reconcile; malformed parts of its object are ignored.

    `seen` are the objects that the function read, in order. The last writer of the event's object is taken from there.
    """
    named = None
    if event.kind and event.name:
        named = ObjectName(
            api_version=visible(event.api_version),
            kind=visible(event.kind),
            namespace=visible(event.namespace),
            name=visible(event.name),
        )
    by, changed = _editor(_last_known(event, seen))
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


def _last_known(event: Event, seen: Sequence[Manifest]) -> Manifest:
    """Return the event's object as the function read it, or as the event shows it if the function did not read it.

    The first version that was read counts: a later one may be the function's own write. If that is an older version
    than the event shows, or another object of the same name, the writer is unknown: empty.
    """
    if not event.object:
        return {}
    read = next((manifest for manifest in seen if _is_about(event, manifest)), None)
    if read is None:
        return event.object
    return read if _is_as_new(read, event.object) else {}


def _is_about(event: Event, manifest: Manifest) -> bool:
    """Return whether a manifest that was read is the object that the event's attributes name."""
    named = (manifest.get("apiVersion"), manifest.get("kind"), metadata(manifest).get("namespace", ""), name(manifest))
    return named == (event.api_version, event.kind, event.namespace, event.name)


def _is_as_new(read: Manifest, shown: Manifest) -> bool:
    """Return whether `read` is the object that the event shows, in the same version or a later one.

    Versions of one kind are decimal numbers without leading zeros, and grow (KEP-5504). Values that the event leaves
    out exclude nothing.
    """
    if not isinstance(shown.get("metadata"), dict):
        return True
    same = uid(shown) in ("", uid(read))
    return same and _order(resource_version(read)) >= _order(resource_version(shown))


def _order(version: str) -> tuple[int, str]:
    return len(version), version


def _editor(shown: Manifest) -> tuple[str, datetime | None]:
    """Return who wrote the object last, and when; this is the write that the event is about.

    Times are whole seconds. Among entries of the same second the last counts: the API server sorts applies before
    updates (structured-merge-diff's `Operation`), and within one second a controller's update follows somebody's apply.
    But a status that the control plane writes in the second of a change is a reaction to that change, and does not
    count.
    """
    entries = metadata(shown).get("managedFields") if isinstance(shown.get("metadata"), dict) else None
    known = [entry for entry in entries or () if isinstance(entry, dict)] if isinstance(entries, list) else []
    timed = [
        (at, not _is_answer(entry), str(entry.get("manager") or ""))
        for entry in known
        if (at := parse_time(entry.get("time")))
    ]
    if not timed:
        return "", None
    at, _, writer = sorted(timed, key=lambda write: write[:2])[-1]  # stable: of equals the last counts
    return writer, at


def _is_answer(entry: Manifest) -> bool:
    """Return whether an entry of `managedFields` is a status that the control plane wrote."""
    return entry.get("subresource") == "status" and str(entry.get("manager")) in CONTROL_PLANE


def _generation(shown: Manifest) -> int:
    value = metadata(shown).get("generation") if isinstance(shown.get("metadata"), dict) else 0
    return value if isinstance(value, int) else 0


def _mask(done: Reconciled) -> Mask:
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
