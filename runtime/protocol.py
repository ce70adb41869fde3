"""The reconcile protocol: how one function brings one object to its desired state while others do the same.

The *parent* is the resource that is reconciled, *children* are the objects that a function writes for it, *inputs*
those that it decides from. Two processes may reconcile the same object at once, each may die at any step, and an event
may come late, twice or not at all. The order of the steps makes that safe:

1. (Before this module: `runtime.wake` drops an event, without an API call, if the event alone shows that there is
   nothing to do, such as the event of our own write.)
2. Read the children, then the inputs, then the parent, then what the parent refers to. An object that is both child
   and input is read again at the end; if its version has changed, start again.
3. Decide: `desired` is pure. Its outcome has an *intent* for each child that shall exist (the fields to apply), and
   names the children that shall be absent.
4. Write each child that differs, with its version as a lock. If there are several writes, a server-side dry run of
   all but the first comes before them (`runtime.trial`; objects that all parents share are not tried). If a dry run is
   refused, nothing is written. After a conflict, wait a little and start again at 2.
5. Apply the condition, last.
6. If anything was written, read every input again; if that leads to another decision, start again at 2.
7. (After this module: `runtime.receive` reports the writes and the decision in a CloudEvent.)

A process that wrote a child before we read it had read inputs no newer than ours. So a locked write never replaces a
newer decision by an older one. Conditions are written without a lock, since several functions share the resource, so a
slow process may overwrite a condition with an older one; its own step 6 corrects that. Reads are linearizable: plain
GETs and LISTs, never with `resourceVersion=0`. `tests/model` explores these steps exhaustively.
"""

import random
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from runtime import trial
from runtime.adoption import as_adopted, reject_foreign_objects
from runtime.client import Client
from runtime.declaration import Function, Input, Observed
from runtime.differences import FieldChange, differences
from runtime.errors import Conflict, NotFound, Refused, Unavailable
from runtime.objects import Collection, Manifest, Ref, generation, resource_version, terminates, uid
from runtime.outcome import Outcome, rejected
from runtime.ownership import ownership_conflict
from runtime.planned_writes import PlannedWrite, planned_apply, planned_writes
from runtime.refusals import RefusedWrite, outcome_of_refused_write
from runtime.statuses import status_of, write_status

# Rounds before a reconcile gives up and the broker redelivers the event. After a conflict it sleeps a random time of at
# most `JITTER` seconds, doubled in each round up to the sixth.
ROUNDS = 12
JITTER = 0.004


@dataclass(frozen=True)
class AcceptedWrite:
    """One write that the API server accepted: `created`, `changed` or `deleted` a child, `reported` in the status."""

    ref: Ref
    action: str
    fields: tuple[FieldChange, ...]


@dataclass
class Reconciled:
    """The result of one reconcile: the last decision, and every write that was made.

    `outcome` is None if the parent is gone and there is nothing to clean up. `seen` are the parent and all single
    objects in the versions that were read or written; what was listed is not among them.
    """

    key: Ref
    outcome: Outcome | None = None
    parent: Manifest | None = None
    changes: list[AcceptedWrite] = field(default_factory=list)
    seen: list[Manifest] = field(default_factory=list)
    rounds: int = 0

    def note_seen(self, observed: Observed) -> None:
        """Add the objects of one observation to `seen`."""
        self.seen += [manifest for manifest in (observed.parent, *observed.objects.values()) if manifest is not None]


def reconcile(
    function: Function,
    key: Ref,
    client: Client,
    *,
    images: Mapping[str, str],
    shared_objects_lock: AbstractContextManager[object] | None = None,
) -> Reconciled:
    """Bring the children that `function` writes for the parent `key` to their desired state.

    `images` are the settings about images in the environment (`RELATED_IMAGE_*`), which decisions read.
    `shared_objects_lock` is held while an object is written that all parents share, so that the threads of one process
    do not conflict. Raises Unavailable if the event must be delivered again; every step can be repeated.
    """
    context = _Context(function, client, shared_objects_lock or nullcontext())
    result = Reconciled(key)
    for attempt in range(ROUNDS):
        result.rounds = attempt + 1
        try:
            if _round(context, images, result):
                return result
        except (Conflict, NotFound):
            time.sleep(random.uniform(0, JITTER * 2 ** min(attempt, 5)))  # noqa: S311 (jitter, not a secret)
    raise Unavailable(f"{key}: conflicts with other writers in {ROUNDS} rounds; the event is delivered again")


@dataclass(frozen=True)
class _Context:
    """The function to reconcile for, the client to use, and the lock for shared objects."""

    function: Function
    client: Client
    shared_objects_lock: AbstractContextManager[object]


def _round(context: _Context, images: Mapping[str, str], result: Reconciled) -> bool:
    """Do steps 2 to 6 once; return False if step 6 requires another round."""
    function, client = context.function, context.client
    observed = observe(function, result.key, client, images)
    result.note_seen(observed)
    decided = decide(function, observed)
    result.outcome, result.parent = decided, observed.parent
    # Nothing to clean up, or the function waits for something that changes within moments: not even a condition.
    if decided is None or decided.writes_nothing:
        _require_wake(function, decided)
        return True
    before = len(result.changes)
    written = _write_children(context, decided, observed, result)
    result.outcome = written.refused or decided
    # Refused because the namespace is being deleted, and the parent with it: nothing is left to report on.
    if result.outcome.writes_nothing:
        return True
    parent = _write_condition(function, result.outcome, observed, client, result)
    if len(result.changes) == before:
        return True
    again = _read_inputs_again(function, written.observed, parent, client)
    result.note_seen(written.observed)
    result.note_seen(again)
    result.parent = again.parent
    return _spec(again.parent) == _spec(observed.parent) and decide(function, again) == written.decided


def _require_wake(function: Function, decided: Outcome | None) -> None:
    """Raise Unavailable, so that the broker redelivers the event, if no event tells when the awaited object changes."""
    if decided and decided.awaited and not function.is_woken_by(decided.awaited.kind):
        raise Unavailable(f"{decided.message}; the event is retried")


def observe(function: Function, key: Ref, client: Client, images: Mapping[str, str]) -> Observed:
    """Step 2: read children, inputs, the parent, what it refers to, and again what is both child and input."""
    children = function.children(key)
    seen = Observed(key, None, {ref: client.get(ref) for ref in children}, {}, images)
    seen = _with_inputs(function, seen, client, parent=None)
    for ref in set(children) & set(function.inputs(key)):
        if _version(client.get(ref)) != _version(seen.objects[ref]):
            raise Conflict(f"{ref} changed while the inputs were read")
    return seen


def _with_inputs(function: Function, seen: Observed, client: Client, *, parent: Manifest | None) -> Observed:
    """Return `seen` with every input read now that is no child; `parent`, if given, is not read again."""
    key, children = seen.key, function.children(seen.key)
    objects = {**seen.objects}
    for ref in function.inputs(key):
        if ref not in children:
            objects[ref] = client.get(ref)
    current = parent or client.get(key)
    alive = None if current is None or terminates(current) else current
    collections: dict[Collection, tuple[Manifest, ...]] = {}
    for referred in function.references(key, alive):
        _read(referred, client, objects, collections)
    return replace(seen, parent=alive, objects=objects, collections=collections)


def _read(
    wanted: Input,
    client: Client,
    objects: dict[Ref, Manifest | None],
    collections: dict[Collection, tuple[Manifest, ...]],
) -> None:
    if isinstance(wanted, Collection):
        collections[wanted] = tuple(client.list(wanted))
    else:
        objects[wanted] = client.get(wanted)


def decide(function: Function, observed: Observed) -> Outcome | None:
    """Step 3, pure: return what `function` wants, or a rejection.

    Rejected are a child that another parent or controller owns, an object of a child's name that somebody else made
    (unless an annotation of the parent allows to adopt it), and a resource that this version cannot read.
    """
    parent = observed.parent
    if parent is None:
        return function.clean_up(observed)
    try:
        decided = _ownership_conflict(function, observed, parent) or function.desired(observed)
    except ValidationError as unreadable:
        return _unreadable(unreadable)
    own = [
        (intent, observed.get(intent.ref)) for intent in decided.intents if intent.ref not in function.shared_children
    ]
    if refused := reject_foreign_objects(observed.key, parent, ((intent.ref, actual) for intent, actual in own)):
        return refused
    # An object that the parent adopts gets an annotation instead of an owner reference; other intents stay as they are.
    adopted = {intent.ref: as_adopted(intent, actual, parent) for intent, actual in own}
    return replace(decided, intents=tuple(adopted.get(intent.ref, intent) for intent in decided.intents))


def _ownership_conflict(function: Function, observed: Observed, parent: Manifest) -> Outcome | None:
    """Return the outcome if a child belongs to another parent or controller, else None.

    A deleted parent of the same name counts as another one. The owner may soon release or lose the child. If no event
    of the child's kind wakes the function, the outcome requests another reconcile some seconds later (`recheck`).
    """
    children = function.children(observed.key)
    refused = ownership_conflict(observed.key, parent, ((ref, observed.objects[ref]) for ref in children))
    has_wake = all(function.is_woken_by(ref.kind) for ref in children)
    return replace(refused, recheck=not has_wake) if refused else None


def _unreadable(error: ValidationError) -> Outcome:
    """Return the outcome for a resource that is valid in the cluster's CRD but not in this version's models."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    return rejected(
        "Invalid",
        f"`{field}`: {first['msg']}; the resource, or one it refers to, was written for another version of this "
        "operator: apply `config/` of one version, then run `kubectl replace` with the resource",
    )


@dataclass(frozen=True)
class _Written:
    """The children after step 4, the decision as it was written, and the outcome if the API server refused a write."""

    observed: Observed
    decided: Outcome
    refused: Outcome | None = None


def _write_children(context: _Context, decided: Outcome, observed: Observed, result: Reconciled) -> _Written:
    """Step 4: apply in the order of the intents, since a later one may depend on an earlier; then delete."""
    function, client = context.function, context.client
    writes = planned_writes(decided, observed, client.manager)
    if impossible := trial.first_refused(writes, client, shared=function.shared_children):
        return _Written(observed, decided, outcome_of_refused_write(function, observed.key, impossible))
    children = dict(observed.objects)
    intents = {intent.ref: intent for intent in decided.intents}
    refused: Outcome | None = None
    for write in writes:
        try:
            if write.ref in function.shared_children:
                sent, children[write.ref] = _send_shared(write, observed, context, result)
            else:
                sent, children[write.ref] = write, _send(write, client, result)
        except Refused as error:
            # `parent_field` is the field of the parent that asks for this child, to be named in the message.
            refused = outcome_of_refused_write(
                function, observed.key, RefusedWrite(write.ref, write.parent_field, error)
            )
            break
        if sent.intent:
            intents[write.ref] = sent.intent
    return _Written(replace(observed, objects=children), replace(decided, intents=tuple(intents.values())), refused)


def _send(write: PlannedWrite, client: Client, result: Reconciled) -> Manifest | None:
    """Send the write, note it, and return the child as it is then; None if deleted."""
    child = write.send(client)
    result.changes.append(AcceptedWrite(write.ref, write.action, write.fields))
    return child


def _send_shared(
    write: PlannedWrite, observed: Observed, context: _Context, result: Reconciled
) -> tuple[PlannedWrite, Manifest | None]:
    """Write an object that all parents share, while holding the lock, from its current version and inputs.

    Without the lock, a hundred parents at once would conflict again and again. Returns the write as it was made, and
    the child as it is then.
    """
    with context.shared_objects_lock:
        fresh = replace(observed, objects={**observed.objects, write.ref: context.client.get(write.ref)})
        fresh = _with_inputs(context.function, fresh, context.client, parent=None)
        decided = decide(context.function, fresh)
        # Shared objects are only applied: no decision deletes one.
        for intent in decided.intents if decided else ():
            if intent.ref == write.ref:
                now = planned_apply(intent, fresh.get(write.ref), context.client.manager)
                return now, _send(now, context.client, result) if now.fields else now.actual
    raise Conflict(f"{write.ref} is not intended any more")


def _write_condition(
    function: Function, outcome: Outcome, observed: Observed, client: Client, result: Reconciled
) -> Manifest | None:
    """Step 5: apply this function's conditions and status fields; return the parent if it was written, else None."""
    if observed.parent is None:
        return None
    status = status_of(function, outcome, observed.parent)
    fields = differences({"status": status}, observed.parent, manager=client.manager, subresource="status")
    if not fields:
        return None
    written = write_status(observed.key, status, client)
    result.changes.append(AcceptedWrite(observed.key, "reported", fields))
    return written


def _read_inputs_again(function: Function, written: Observed, parent: Manifest | None, client: Client) -> Observed:
    """Step 6: return every input as it is now, with the children as this round wrote them."""
    seen = _with_inputs(function, written, client, parent=parent)
    objects = dict(seen.objects)
    for ref in set(function.children(seen.key)) & set(function.inputs(seen.key)):
        objects[ref] = client.get(ref)
    return replace(seen, objects=objects)


def _version(manifest: Manifest | None) -> tuple[str, str]:
    return (uid(manifest), resource_version(manifest)) if manifest else ("", "")


def _spec(parent: Manifest | None) -> tuple[str, int]:
    """Identify the spec that a condition is about: uid and generation of the parent."""
    return (uid(parent), generation(parent)) if parent else ("", 0)
