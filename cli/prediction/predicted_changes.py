"""What an apply would change, from a prediction: by object, field and writer, and which pods it replaces. Pure."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from audit.answer_models import ForeignField
from audit.answers import foreign
from cli.kinds import title
from cli.output import UNBOUNDED, value
from cli.prediction.dry_run import LAST_APPLIED
from cli.prediction.leaves import field_changes
from cli.prediction.predict import Prediction
from cli.prediction.simulate import Decision, SimulatedWrite
from cli.timeline.sentences import foreign_field
from events.outcome_words import Word
from events.report import EventPart, Field, ObjectName
from functions.function_catalogue import FUNCTIONS
from runtime import redact
from runtime.declaration import writers
from runtime.envelope import object_name
from runtime.field_owners import foreign_fields
from runtime.objects import DAEMON_SET, DEPLOYMENT, Ref
from runtime.redact import Mask

YOU = "you"
TEMPLATE = "spec.template."
APPLIED = "metadata.annotations." + LAST_APPLIED


class PredictedField(Field):
    """One field; `by` is the function that would write it, or 'you' for a change by the apply itself.

    If `before` and `after` are equal, only the owner changes: a function takes back a field that somebody else has set.
    """

    by: str


class ChangedObject(EventPart):
    """One object that would be written. `rollout` says that its pods would be replaced."""

    object: ObjectName
    action: Literal["created", "changed", "deleted"]
    rollout: bool
    fields: tuple[PredictedField, ...]


class BlockedFunction(EventPart):
    """A function that would reject the resource or wait; `message` is that of its condition."""

    object: ObjectName
    function: str
    outcome: Literal["waiting", "rejected"]
    reason: str
    message: str


class Diff(EventPart):
    """All changes of an apply; `foreign` are fields of the children that others own, and that would stay."""

    objects: tuple[ChangedObject, ...]
    stopped: tuple[BlockedFunction, ...]
    remarks: tuple[str, ...]
    foreign: tuple[ForeignField, ...] = ()


@dataclass
class _Fields:
    """The net changes of one object over all writes: first and last value of each field, and who set it last."""

    action: str
    by_path: dict[str, PredictedField]

    def add(self, path: str, before: Any, after: Any, by: str) -> None:
        first = self.by_path.get(path)
        self.by_path[path] = PredictedField(path=path, before=first.before if first else before, after=after, by=by)
        if first and self.by_path[path].before == after:
            del self.by_path[path]


def diff(prediction: Prediction) -> Diff:
    """Return the net effect; a field that is changed and changed back is left out."""
    return Diff(
        objects=tuple(_changed_object(ref, fields) for ref, fields in _by_object(prediction).items() if _says(fields)),
        stopped=blocked_functions(prediction.simulated.decisions),
        remarks=prediction.remarks,
        foreign=tuple(_left(prediction)),
    )


def _left(prediction: Prediction) -> Iterator[ForeignField]:
    """Yield the fields of the present children that others own, and would still own after the apply."""
    known, after = prediction.memory.known, prediction.simulated.objects
    for key in dict.fromkeys(decision.key for decision in prediction.simulated.decisions):
        for ref, ours in writers(FUNCTIONS, key).items():
            child = known.get(ref)
            if child is None or not foreign.belongs_to(key, child) or after.get(ref, child) is None:
                continue
            stay = {field.path for field in foreign_fields(after.get(ref) or child, ours)}
            yield from (field for field in foreign.foreign(ref, child, ours) if field.path in stay)


def redacted(diff: Diff, prediction: Prediction) -> Diff:
    """Return the diff with `(hidden)` for confidential values, as in reports: diffs end up in reviews and logs."""
    sides = [
        (changed_object.object.kind, field.path, side)
        for changed_object in diff.objects
        for field in changed_object.fields
        for side in (field.before, field.after)
    ]
    mask = redact.joined(redact.mask(*prediction.before.values(), *prediction.after.values()), sides)
    return Diff(
        objects=tuple(_redacted(changed_object, mask) for changed_object in diff.objects),
        stopped=tuple(blocked.model_copy(update={"message": mask.text(blocked.message)}) for blocked in diff.stopped),
        remarks=diff.remarks,
        foreign=diff.foreign,
    )


def _redacted(changed_object: ChangedObject, mask: Mask) -> ChangedObject:
    fields = []
    for field in changed_object.fields:
        before, after = mask.change(field.path, field.before, field.after, kind=changed_object.object.kind)
        fields.append(PredictedField(path=mask.text(field.path), before=before, after=after, by=field.by))
    return changed_object.model_copy(update={"fields": tuple(fields)})


def _by_object(prediction: Prediction) -> Mapping[Ref, _Fields]:
    fields_by_object: dict[Ref, _Fields] = {}
    for ref, after in prediction.after.items():
        before = prediction.before[ref]
        fields_by_object[ref] = _Fields("changed" if before else "created", {})
        for change in field_changes(before, after):
            if change.path != APPLIED:
                fields_by_object[ref].add(change.path, change.before, change.after, YOU)
    for write in prediction.simulated.writes:
        if write.action != "reported":
            _add(fields_by_object, write)
    return fields_by_object


def _add(fields_by_object: dict[Ref, _Fields], write: SimulatedWrite) -> None:
    fields = fields_by_object.setdefault(write.ref, _Fields(write.action, {}))
    if write.action == "deleted":
        fields.action = write.action
    for change in write.fields:
        fields.add(change.path, change.before, change.after, write.function)


def _says(fields: _Fields) -> bool:
    return bool(fields.by_path) or fields.action != "changed"


def _changed_object(ref: Ref, fields: _Fields) -> ChangedObject:
    runs = ref.kind in (DAEMON_SET, DEPLOYMENT) and fields.action == "changed"
    moved = [path for path, predicted in fields.by_path.items() if predicted.before != predicted.after]
    return ChangedObject(
        object=object_name(ref),
        action=fields.action,
        rollout=runs and any(path.startswith(TEMPLATE) for path in moved),
        fields=tuple(fields.by_path.values()),
    )


def blocked_functions(decisions: tuple[Decision, ...]) -> tuple[BlockedFunction, ...]:
    """Return the functions that wait or reject, and why."""
    return tuple(
        BlockedFunction(
            object=object_name(decision.key),
            function=decision.function.name,
            outcome=decision.outcome.word.value,
            reason=decision.outcome.reason,
            message=decision.outcome.message,
        )
        for decision in decisions
        if decision.outcome.word is not Word.CONVERGED
    )


def lines(diff: Diff, *, full: bool = False) -> Iterator[str]:
    """Yield the lines that show a diff; the fields of created objects only with `full`."""
    for changed_object in diff.objects:
        yield _heading(changed_object)
        if changed_object.action != "created" or full:
            for field in changed_object.fields:
                yield from _field(field)
    for blocked in diff.stopped:
        yield sentence(blocked)
    yield from map(foreign_field, diff.foreign)


def sentence(blocked: BlockedFunction) -> str:
    """Return a sentence like `estimator rejects Kepler energy/kepler: ... (EstimatorRequired)`."""
    verb = "rejects" if blocked.outcome == "rejected" else "waits at"
    about = blocked.object
    return f"{blocked.function} {verb} {title(about)}: {blocked.message} ({blocked.reason})"


def _heading(changed_object: ChangedObject) -> str:
    count = len(changed_object.fields)
    size = f" ({count} field{'s' if count != 1 else ''})" if changed_object.action == "created" else ""
    by = ", ".join(sorted({field.by for field in changed_object.fields}))
    sentence = f"{title(changed_object.object)}: {changed_object.action}{size}{f' by {by}' if by else ''}"
    return sentence + (", its pods are replaced (rollout)" if changed_object.rollout else "")


def _field(field: PredictedField) -> Iterator[str]:
    by = "" if field.by == YOU else f"   [{field.by}]"
    if field.before == field.after:
        yield f"  {field.path}: {value(field.after)}, taken back{by}"
    elif _long(field.before) or _long(field.after):
        yield f"  {field.path}:{by}"
        yield from (f"    {line}" for line in _compared(field.before, field.after))
    else:
        yield f"  {field.path}: {value(field.before, UNBOUNDED)} -> {value(field.after, UNBOUNDED)}{by}"


def _long(content: Any) -> bool:
    """Return whether a value is compared line by line: a text of several lines, or a list."""
    return (isinstance(content, str) and "\n" in content) or (isinstance(content, list) and len(content) > 1)


def _compared(before: Any, after: Any) -> Iterator[str]:
    for line in difflib.ndiff(_split(before), _split(after)):
        if not line.startswith(("?", "  ")):
            yield line


def _split(content: Any) -> list[str]:
    if isinstance(content, list):
        return [value(item, UNBOUNDED) for item in content]
    return [] if content is None else str(content).splitlines()
