"""Step 4 of the protocol (`runtime.protocol`): writes the children, each with the version that was read as a lock.

After a conflict, a whole new round is needed in general: somebody may have decided from newer inputs. Two cases cost
less:

* An object that all parents share (`Function.shared_children`): it and the inputs are read again, and the decision is
  made anew for this object alone.
* A child whose other fields belong to other functions or to users (`kepler-cfm`): if none of the fields that this
  function owns has changed since the child was read, no other process of this function has written it. So no newer
  decision of the function can be in it, and the same decision is written over the child as it is now. This does not
  hold for a child that is an input as well: what others wrote to it may change the decision.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from typing import Any

from runtime import trial
from runtime.client import Client
from runtime.decision import decide
from runtime.declaration import Function, Observed
from runtime.differences import owned_fields, owned_time
from runtime.errors import Conflict, Refused
from runtime.field_paths import Path, located, paths
from runtime.objects import Manifest, Ref, uid
from runtime.observation import with_current_inputs
from runtime.outcome import Outcome
from runtime.planned_writes import PlannedWrite, planned_apply, planned_writes
from runtime.reconciled import AcceptedWrite, Reconciled
from runtime.refusals import RefusedWrite, outcome_of_refused_write

# Writes of one child in one round: one for each other function that may write it at the same time, and some more.
MAX_TRIES = 8


@dataclass(frozen=True)
class ProcessResources:
    """What all reconciles of a process share: the lock for objects of all parents, and threads for calls side by side.

    Without `executor`, calls are made one after the other.
    """

    shared_objects_lock: AbstractContextManager[object]
    executor: Executor | None


@dataclass(frozen=True)
class WriteContext:
    """The context of one function's writes; `note_write` is called after each write, with the object as it is then."""

    function: Function
    client: Client
    note_write: Callable[[Ref, Manifest | None], None]
    process: ProcessResources


@dataclass(frozen=True)
class Written:
    """The children after step 4, the decision as it was written, and the outcome if the API server refused a write."""

    observed: Observed
    decided: Outcome
    refused: Outcome | None = None


def write_children(context: WriteContext, decided: Outcome, observed: Observed, result: Reconciled) -> Written:
    """Apply in the order of the intents, since a later one may depend on an earlier; then delete.

    Adds each write to `result.changes`. Raises Conflict if a new round is needed.
    """
    function, client, executor = context.function, context.client, context.process.executor
    writes = planned_writes(decided, observed, client.manager)
    if impossible := trial.first_refused(writes, client, shared=function.shared_children, executor=executor):
        return Written(observed, decided, outcome_of_refused_write(function, observed.key, impossible))
    children = dict(observed.objects)
    intents = {intent.ref: intent for intent in decided.intents}
    refused: Outcome | None = None
    for write in writes:
        try:
            if write.ref in function.shared_children:
                sent, children[write.ref] = _send_shared(write, observed, context, result)
            elif write.intent and write.ref not in function.inputs(observed.key):
                sent, children[write.ref] = write, _send_own_fields(write, decided, observed, context, result)
            else:
                sent, children[write.ref] = write, _send(write, context, result)
        except Refused as error:
            # `parent_field` is the field of the parent that asks for this child, to be named in the message.
            refused = outcome_of_refused_write(
                function, observed.key, RefusedWrite(write.ref, write.parent_field, error)
            )
            break
        if sent.intent:
            intents[write.ref] = sent.intent
    return Written(replace(observed, objects=children), replace(decided, intents=tuple(intents.values())), refused)


def _send(write: PlannedWrite, context: WriteContext, result: Reconciled) -> Manifest | None:
    """Send the write, note it, and return the child as it is then; None if deleted."""
    child = write.send(context.client)
    result.changes.append(AcceptedWrite(write.ref, write.action, write.fields))
    context.note_write(write.ref, child)
    return child


def _send_own_fields(
    write: PlannedWrite, decided: Outcome, observed: Observed, context: WriteContext, result: Reconciled
) -> Manifest | None:
    """Apply a child; after a conflict apply it again, as long as no field of this function has changed in it."""
    for _ in range(MAX_TRIES - 1):
        with suppress(Conflict):
            return _send(write, context, result)
        now = context.client.get(write.ref)
        with_child = replace(observed, objects={**observed.objects, write.ref: now})
        assert write.intent is not None  # noqa: S101 (deletions are not sent here)
        again = planned_apply(write.intent, now, context.client.manager)
        if not is_same_write(write, again, context.client.manager) or decide(context.function, with_child) != decided:
            raise Conflict(f"{write.ref} was changed by another process of this function, or changes its decision")
        write = again
    return _send(write, context, result)


def is_same_write(before: PlannedWrite, now: PlannedWrite, manager: str) -> bool:
    """Return whether an apply changes the same fields of `manager` from the same values, after others wrote the child.

    `managedFields` tell who has set a field, and when. A child that did not exist before must have no field of the
    manager. False if the child is gone.
    """
    if now.actual is None:
        return False
    same_fields = before.actual is None or now.fields == before.fields
    return same_fields and is_unchanged_for(manager, before.actual, now.actual)


def is_unchanged_for(manager: str, before: Manifest | None, now: Manifest | None) -> bool:
    """Return whether the fields of `manager` in a child are the same, and so no newer decision of it is there.

    Their values count as well as the time of the manager's last write, which has whole seconds only. False if the child
    is gone, or is another one of that name.
    """
    if now is None:
        return before is None
    if before is None:
        return not owned_fields(now, manager=manager)
    return (
        uid(now) == uid(before)
        and owned_time(now, manager=manager) == owned_time(before, manager=manager)
        and _owned_values(now, manager) == _owned_values(before, manager)
    )


def _owned_values(child: Manifest, manager: str) -> Mapping[Path, Any]:
    """Return the values of the fields that `manager` owns."""
    owned = paths(owned_fields(child, manager=manager))
    return {path: located(child, path) for path in owned}


def _send_shared(
    write: PlannedWrite, observed: Observed, context: WriteContext, result: Reconciled
) -> tuple[PlannedWrite, Manifest | None]:
    """Write an object that all parents share; if it has changed, from its current version and current inputs.

    Other parents' writes change it all the time. Without the lock, a hundred parents at once would conflict again and
    again. Returns the write as it was made, and the child as it is then.
    """
    with context.process.shared_objects_lock:
        with suppress(Conflict):
            return write, _send(write, context, result)
        fresh = replace(observed, objects={**observed.objects, write.ref: context.client.get(write.ref)})
        fresh = with_current_inputs(context.function, fresh, context.client)
        decided = decide(context.function, fresh)
        # Shared objects are only applied: no decision deletes one.
        for intent in decided.intents if decided else ():
            if intent.ref == write.ref:
                now = planned_apply(intent, fresh.get(write.ref), context.client.manager)
                return now, _send(now, context, result) if now.fields else now.actual
    raise Conflict(f"{write.ref} is not intended any more")
