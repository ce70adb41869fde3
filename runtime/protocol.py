"""The reconcile protocol: how one function brings one object to its desired state while others do the same.

The *parent* is the resource that is reconciled, *children* are the objects that a function writes for it, *inputs*
those that it decides from. Two processes may reconcile the same object at once, each may die at any step, and an event
may come late, twice or not at all. The order of the steps makes that safe:

1. (Before this module: `runtime.wake` drops an event, without an API call, if the event alone shows that there is
   nothing to do, such as the event of our own write.)
2. Read the children, then the inputs, then the parent, then what the parent refers to. A function has at most one
   object that is both child and input: it is read between the other children and the other inputs.
3. Decide: `desired` is pure. Its outcome has an *intent* for each child that shall exist (the fields to apply), and
   names the children that shall be absent.
4. Write each child that differs, with its version as a lock. If there are several writes, a server-side dry run of
   all but the first comes before them (`runtime.trial`; objects that all parents share are not tried). If a dry run is
   refused, nothing is written. After a conflict, wait a little and start again at 2, unless the change that conflicts
   cannot matter (`runtime.child_writes`).
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

from runtime.child_writes import WriteContext, write_children
from runtime.client import Client
from runtime.decision import decide
from runtime.declaration import Function, Observed
from runtime.differences import differences
from runtime.errors import Conflict, NotFound, Unavailable
from runtime.objects import Manifest, Ref, generation, uid
from runtime.observation import observe, read_inputs_again
from runtime.outcome import Outcome
from runtime.reconciled import AcceptedWrite, Reconciled
from runtime.statuses import status_of, write_status

# Rounds before a reconcile gives up and the broker redelivers the event. After a conflict it sleeps a random time of at
# most `JITTER` seconds, doubled in each round up to the sixth.
ROUNDS = 12
JITTER = 0.004


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
    context = WriteContext(function, client, shared_objects_lock or nullcontext())
    result = Reconciled(key)
    for attempt in range(ROUNDS):
        result.rounds = attempt + 1
        try:
            if _round(context, images, result):
                return result
        except (Conflict, NotFound):
            time.sleep(random.uniform(0, JITTER * 2 ** min(attempt, 5)))  # noqa: S311 (jitter, not a secret)
    raise Unavailable(f"{key}: conflicts with other writers in {ROUNDS} rounds; the event is delivered again")


def _round(context: WriteContext, images: Mapping[str, str], result: Reconciled) -> bool:
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
    written = write_children(context, decided, observed, result)
    result.outcome = written.refused or decided
    # Refused because the namespace is being deleted, and the parent with it: nothing is left to report on.
    if result.outcome.writes_nothing:
        return True
    parent = _write_condition(function, result.outcome, observed, client, result)
    if len(result.changes) == before:
        return True
    again = read_inputs_again(function, written.observed, parent, client)
    result.note_seen(written.observed)
    result.note_seen(again)
    result.parent = again.parent
    return _spec(again.parent) == _spec(observed.parent) and decide(function, again) == written.decided


def _require_wake(function: Function, decided: Outcome | None) -> None:
    """Raise Unavailable, so that the broker redelivers the event, if no event tells when the awaited object changes."""
    if decided and decided.awaited and not function.is_woken_by(decided.awaited.kind):
        raise Unavailable(f"{decided.message}; the event is retried")


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


def _spec(parent: Manifest | None) -> tuple[str, int]:
    """Identify the spec that a condition is about: uid and generation of the parent."""
    return (uid(parent), generation(parent)) if parent else ("", 0)
