"""The reconcile protocol: how one function brings one object to its desired state, beside any number of others.

*Children* are what a function writes; *inputs* are what it decides from. Two workers may be at the same object at
once, each may die anywhere, and an event may come late, twice or not at all. The order of the steps makes that safe:

1. (before this: `runtime.wake` answers an echo from the event alone, without a call)
2. Read the children, then the inputs, the parent last but for what it refers to. What is both is read again at the
   end, and must not have moved.
3. Decide: `desired` is pure.
4. Write what differs, locked on the version that was read; where several writes are due, the API server first tries
   them (`runtime.trial`), and if it would refuse one, none is made. A lock that does not hold: a little jitter, then 2.
5. Apply the condition, last.
6. If anything was written, look at every input again; where that leads to another decision, start again at 2.
7. Report.

Whoever wrote a child before our read of it had read inputs no newer than ours, so a locked write never puts an
older decision over a newer one. Conditions are written without a lock (six functions share the resource), so a slow
worker may put an older one back: its own second look mends that. Reads are linearizable: plain GETs and LISTs,
never at `resourceVersion=0`. The exploration of these steps is in the tests.
"""

import random
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from runtime import trial
from runtime.adoption import as_adopted, others
from runtime.client import Client
from runtime.declaration import Function, Input, Observed
from runtime.differences import FieldChange, differences
from runtime.errors import Conflict, NotFound, Refused, Unavailable
from runtime.objects import Collection, Manifest, Ref, generation, resource_version, terminates, uid
from runtime.outcome import Outcome, rejected
from runtime.ownership import refusal
from runtime.planned_writes import PlannedWrite, planned_apply, planned_writes
from runtime.refusals import RefusedWrite, meaning
from runtime.statuses import status_of, write_status

# Rounds before a conflict counts as one that does not end; each waits a little longer, at random.
ROUNDS = 12
JITTER = 0.004


@dataclass(frozen=True)
class AcceptedWrite:
    """One write that the API server took."""

    ref: Ref
    action: str
    fields: tuple[FieldChange, ...]


@dataclass
class Reconciled:
    """What came of it: the last decision, and every write on the way there.

    `outcome` is None where there was nothing to decide, because the parent is gone. `seen` are all the versions of
    objects that were read or written.
    """

    key: Ref
    outcome: Outcome | None = None
    parent: Manifest | None = None
    changes: list[AcceptedWrite] = field(default_factory=list)
    seen: list[Manifest] = field(default_factory=list)
    rounds: int = 0

    def see(self, observed: Observed) -> None:
        """Keep what was looked at."""
        self.seen += [manifest for manifest in (observed.parent, *observed.objects.values()) if manifest is not None]


def reconcile(
    function: Function,
    key: Ref,
    client: Client,
    *,
    images: Mapping[str, str],
    turn: AbstractContextManager[object] | None = None,
) -> Reconciled:
    """Bring what `function` is responsible for under `key` to its desired state.

    `turn` is held while an object is written that all keys share, so that the threads of one process do not break
    each other's locks. Raises Unavailable where it must be tried again later: every step can be repeated.
    """
    done = Reconciled(key)
    for attempt in range(ROUNDS):
        done.rounds = attempt + 1
        try:
            if _round(_Worker(function, client, turn or nullcontext()), images, done):
                return done
        except (Conflict, NotFound):
            time.sleep(random.uniform(0, JITTER * 2 ** min(attempt, 5)))  # noqa: S311 (jitter, not a secret)
    raise Unavailable(f"{key}: other writers kept interfering in {ROUNDS} rounds; it is tried again later")


@dataclass(frozen=True)
class _Worker:
    """Who reconciles: for which function, by which client, taking which turn at shared objects."""

    function: Function
    client: Client
    turn: AbstractContextManager[object]


def _round(worker: _Worker, images: Mapping[str, str], done: Reconciled) -> bool:
    """Steps 2 to 6 once; False where the second look asks for another round."""
    function, client = worker.function, worker.client
    observed = observe(function, done.key, client, images)
    done.see(observed)
    decided = decide(function, observed)
    done.outcome, done.parent = decided, observed.parent
    if decided is None or decided.quiet:
        _must_wake(function, decided)
        return True
    before = len(done.changes)
    now = _write_children(worker, decided, observed, done)
    done.outcome = now.refused or decided
    if done.outcome.quiet:
        return True
    parent = _write_condition(function, done.outcome, observed, client, done)
    if len(done.changes) == before:
        return True
    again = _look_again(function, now.observed, parent, client)
    done.see(now.observed)
    done.see(again)
    done.parent = again.parent
    return _spec(again.parent) == _spec(observed.parent) and decide(function, again) == now.decided


def _must_wake(function: Function, decided: Outcome | None) -> None:
    """Raises Unavailable where nothing will tell of what is awaited: then the broker shall deliver once more."""
    if decided and decided.awaits and not function.hears(decided.awaits.kind):
        raise Unavailable(f"{decided.message}; it is tried again later")


def observe(function: Function, key: Ref, client: Client, images: Mapping[str, str]) -> Observed:
    """Step 2: children, inputs, the parent, what it refers to, and once more what is both child and input."""
    children = function.children(key)
    seen = Observed(key, None, {ref: client.get(ref) for ref in children}, {}, images)
    seen = _with_inputs(function, seen, client, parent=None)
    for ref in set(children) & set(function.inputs(key)):
        if _version(client.get(ref)) != _version(seen.objects[ref]):
            raise Conflict(f"{ref} moved while it was read")
    return seen


def _with_inputs(function: Function, seen: Observed, client: Client, *, parent: Manifest | None) -> Observed:
    """`seen` with every input read now; a parent that is at hand is not read again."""
    key, children = seen.key, function.children(seen.key)
    objects = {**seen.objects}
    for ref in function.inputs(key):
        if ref not in children:
            objects[ref] = client.get(ref)
    current = parent or client.get(key)
    alive = None if current is None or terminates(current) else current
    collections: dict[Collection, tuple[Manifest, ...]] = {}
    for referred in function.refers(key, alive):
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
    """Step 3, pure: what `function` wants, unless somebody else owns what it would write."""
    parent = observed.parent
    if parent is None:
        return function.gone(observed)
    try:
        decided = _refusal(function, observed, parent) or function.desired(observed)
    except ValidationError as unreadable:
        return _unreadable(unreadable)
    own = [(intent, observed.get(intent.ref)) for intent in decided.intents if intent.ref not in function.installed]
    if refused := others(observed.key, parent, ((intent.ref, actual) for intent, actual in own)):
        return refused
    adopted = {intent.ref: as_adopted(intent, actual, parent) for intent, actual in own}
    return replace(decided, intents=tuple(adopted.get(intent.ref, intent) for intent in decided.intents))


def _refusal(function: Function, observed: Observed, parent: Manifest) -> Outcome | None:
    """Whose children these are, if not this parent's.

    The garbage collector may still be about to remove them. Where no event tells of that, a look later does.
    """
    children = function.children(observed.key)
    refused = refusal(observed.key, parent, ((ref, observed.objects[ref]) for ref in children))
    heard = all(function.hears(ref.kind) for ref in children)
    return replace(refused, unheard=not heard) if refused else None


def _unreadable(error: ValidationError) -> Outcome:
    """A resource that the schema in the cluster allows and this version's models do not know."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    return rejected(
        "Invalid",
        f"`{field}`: {first['msg']}; the resource, or one it refers to, was written for another version of this "
        "operator: apply `config/` of one version, then run `kubectl replace` with the resource",
    )


@dataclass(frozen=True)
class _Written:
    """The children after step 4, the decision as it was written, and why the API server refused it, if it did."""

    observed: Observed
    decided: Outcome
    refused: Outcome | None = None


def _write_children(worker: _Worker, decided: Outcome, observed: Observed, done: Reconciled) -> _Written:
    """Step 4, in the order of the intents: a later one may rely on an earlier."""
    function, client = worker.function, worker.client
    writes = planned_writes(decided, observed, client.manager)
    if impossible := trial.first_refused(writes, client, shared=function.installed):
        return _Written(observed, decided, meaning(function, observed.key, impossible))
    children = dict(observed.objects)
    intents = {intent.ref: intent for intent in decided.intents}
    refused: Outcome | None = None
    for write in writes:
        try:
            if write.ref in function.installed:
                sent, children[write.ref] = _send_shared(write, observed, worker, done)
            else:
                sent, children[write.ref] = write, _send(write, client, done)
        except Refused as error:
            refused = meaning(function, observed.key, RefusedWrite(write.ref, write.field, error))
            break
        if sent.intent:
            intents[write.ref] = sent.intent
    return _Written(replace(observed, objects=children), replace(decided, intents=tuple(intents.values())), refused)


def _send(write: PlannedWrite, client: Client, done: Reconciled) -> Manifest | None:
    """Make and note the write; the child as it is then, None if deleted."""
    child = write.send(client)
    done.changes.append(AcceptedWrite(write.ref, write.action, write.fields))
    return child


def _send_shared(
    write: PlannedWrite, observed: Observed, worker: _Worker, done: Reconciled
) -> tuple[PlannedWrite, Manifest | None]:
    """Make a write to an object that every key shares: in turn, from a look at it and at the inputs in that turn.

    Without turns, a hundred keys at once would break each other's locks again and again. Returns the write as it was
    made, and the child as it is then.
    """
    with worker.turn:
        fresh = replace(observed, objects={**observed.objects, write.ref: worker.client.get(write.ref)})
        fresh = _with_inputs(worker.function, fresh, worker.client, parent=None)
        decided = decide(worker.function, fresh)
        for intent in decided.intents if decided else ():
            if intent.ref == write.ref:
                now = planned_apply(intent, fresh.get(write.ref), worker.client.manager)
                return now, _send(now, worker.client, done) if now.fields else now.actual
    raise Conflict(f"{write.ref} is not intended any more")


def _write_condition(
    function: Function, outcome: Outcome, observed: Observed, client: Client, done: Reconciled
) -> Manifest | None:
    """Step 5: this function's conditions and status fields; the parent as it is afterwards, if it was written."""
    if observed.parent is None:
        return None
    status = status_of(function, outcome, observed.parent)
    fields = differences({"status": status}, observed.parent, manager=client.manager, subresource="status")
    if not fields:
        return None
    written = write_status(observed.key, status, client)
    done.changes.append(AcceptedWrite(observed.key, "reported", fields))
    return written


def _look_again(function: Function, written: Observed, parent: Manifest | None, client: Client) -> Observed:
    """Step 6: every input as it is now, over the children as this round left them."""
    seen = _with_inputs(function, written, client, parent=parent)
    objects = dict(seen.objects)
    for ref in set(function.children(seen.key)) & set(function.inputs(seen.key)):
        objects[ref] = client.get(ref)
    return replace(seen, objects=objects)


def _version(manifest: Manifest | None) -> tuple[str, str]:
    return (uid(manifest), resource_version(manifest)) if manifest else ("", "")


def _spec(parent: Manifest | None) -> tuple[str, int]:
    """Which spec of which object: a condition for another one must not stand."""
    return (uid(parent), generation(parent)) if parent else ("", 0)
