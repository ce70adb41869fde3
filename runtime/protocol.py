"""The reconcile protocol: how functions bring one object to its desired state while others do the same.

The *parent* is the resource that is reconciled, *children* are the objects that a function writes for it, *inputs*
those that it decides from. Two processes may reconcile the same object at once, each may die at any step, and an event
may come late, twice or not at all. The order of the steps makes that safe:

1. (Before this module: `runtime.wake` drops an event, without an API call, if the event alone shows that there is
   nothing to do, such as the event of our own write.)
2. Read the children, then the inputs, the parent, and what the parent refers to. An object that is both child and
   input is read after the other children.
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

Several functions of one process may share the reads (`reconcile_together`). Each pass reads once for all: step 2 of
some functions and step 6 of others. Then one function after the other decides and writes, in an order in which none
decides from what a later one writes. It takes what earlier ones have written from the answers to their writes. For an
input that is a newer read. For a child, it is one only if no other process of the function has written the child since
it was read: the fields that the function owns in it tell (`child_writes.is_unchanged_for`); if they have changed, the
function starts again at 2. A write of one function that would wake another one has it decide in the next pass. A
function that only reports (`status`) decides in the first pass after which no other function decides again.
"""

import random
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import Enum
from functools import partial

from runtime.child_writes import ProcessResources, WriteContext, Written, is_unchanged_for, write_children
from runtime.client import Client
from runtime.decision import decide
from runtime.declaration import Function, Observed
from runtime.differences import differences
from runtime.errors import Conflict, NotFound, Unavailable
from runtime.objects import Manifest, Ref, generation, uid
from runtime.observation import SharedObservation, observe, read_objects
from runtime.outcome import Outcome
from runtime.reconciled import AcceptedWrite, Reconciled
from runtime.statuses import status_of, write_status
from runtime.wake import is_woken_by_write

# Rounds before a reconcile gives up and the broker redelivers the event. After a conflict it sleeps a random time of at
# most `JITTER` seconds, doubled in each round up to the sixth.
ROUNDS = 12
JITTER = 0.004


class Phase(Enum):
    """What a function does in the next pass: nothing yet, steps 2 to 5, step 6, or nothing any more."""

    IDLE = "idle"
    DECIDE = "decide"
    CONFIRM = "confirm"
    DONE = "done"


@dataclass
class Participant:
    """One function in a reconcile: its client, what it does next, and its result or the error that ended it.

    `written` is its last decision with the children as it wrote them, `spec` identifies the parent's spec for that
    decision. `observed_at` is `SharedObservation.time` when it last observed, 0 if it has not in this pass. `ended` is
    when its last step ended, on the monotonic clock.
    """

    function: Function
    client: Client
    result: Reconciled
    phase: Phase = Phase.DECIDE
    written: Written | None = None
    spec: tuple[str, int] = ("", 0)
    observed_at: int = 0
    ended: float = 0.0
    error: Exception | None = None

    @property
    def is_active(self) -> bool:
        """Return whether the function takes part in the next pass."""
        return self.phase in (Phase.DECIDE, Phase.CONFIRM)


def reconcile_together(
    participants: Sequence[Participant],
    key: Ref,
    *,
    images: Mapping[str, str],
    shared_objects_lock: AbstractContextManager[object] | None = None,
    executor: Executor | None = None,
) -> None:
    """Bring the children that several functions write for the parent `key` to their desired state.

    The participants are in the order in which they decide; idle ones take part once a write of another one wakes them.
    Each ends with its result or with an error. An error does not stop the others. After any error the caller must have
    the event delivered again; every step can be repeated. `images` are the settings about images in the environment
    (`RELATED_IMAGE_*`), which decisions read. `shared_objects_lock` is held while an object is written that all parents
    share, so that the threads of one process do not conflict. With `executor`, calls whose order does not matter are
    made side by side: reads, and dry runs of writes.
    """
    process = ProcessResources(shared_objects_lock or nullcontext(), executor)
    parent: Manifest | None = None
    while active := [participant for participant in participants if participant.is_active]:
        shared = SharedObservation(key, images)
        _read(active, shared, parent, executor)
        for participant in active:
            if not _can_wait(participant, participants, shared):
                _advance(participant, shared, process)
        for participant in participants:
            if not participant.is_active and _decides_next(participant, shared):
                _begin_again(participant)
            participant.observed_at = 0
        parent = shared.parent_after_writes()


def _read(
    active: Sequence[Participant], shared: SharedObservation, parent: Manifest | None, executor: Executor | None
) -> None:
    """Read once for all; `parent` is used if nothing is read that has to be read before it."""
    deciding = [participant.function for participant in active if participant.phase is Phase.DECIDE]
    confirming = [participant.function for participant in active if participant.phase is Phase.CONFIRM]
    client = active[0].client
    read_objects(shared, deciding, confirming, client, executor)
    if parent is None or deciding:
        shared.read_parent(client)
    else:
        shared.note_parent(parent)


def _can_wait(participant: Participant, participants: Sequence[Participant], shared: SharedObservation) -> bool:
    """Return whether a participant leaves its decision to a later pass: it only reports, and others decide again.

    What they write would lead it to another report. They end within `ROUNDS` rounds each, so it does not wait for ever.
    """
    return (
        participant.phase is Phase.DECIDE
        and participant.function.only_reports
        and any(_decides_next(awaited, shared) for awaited in participants if not awaited.function.only_reports)
    )


def _decides_next(participant: Participant, shared: SharedObservation) -> bool:
    """Return whether a participant that has had its turn in this pass decides in the next one."""
    if participant.is_active:
        return participant.phase is Phase.DECIDE
    return not participant.error and _is_woken(participant, shared)


def _advance(participant: Participant, shared: SharedObservation, process: ProcessResources) -> None:
    """Take a participant through this pass; note the error if it cannot go on."""
    try:
        if participant.phase is Phase.DECIDE:
            _decide_and_write(participant, shared, process)
        else:
            _confirm(participant, shared)
    except (Conflict, NotFound):
        _begin_again(participant)
        time.sleep(random.uniform(0, JITTER * 2 ** min(participant.result.rounds - 1, 5)))  # noqa: S311 (jitter)
    except Exception as error:
        participant.phase, participant.error = Phase.DONE, error
    participant.ended = time.monotonic()


def _begin_again(participant: Participant) -> None:
    """Let the participant start at step 2 in the next pass; after `ROUNDS` rounds, the event is delivered again."""
    participant.phase = Phase.DECIDE
    if participant.result.rounds == ROUNDS:
        participant.phase = Phase.DONE
        participant.error = Unavailable(
            f"{participant.result.key}: conflicts with other writers in {ROUNDS} rounds; the event is delivered again"
        )


def _decide_and_write(participant: Participant, shared: SharedObservation, process: ProcessResources) -> None:
    """Do steps 2 to 5; then the participant is done, or has to confirm its decision by step 6."""
    function, client, result = participant.function, participant.client, participant.result
    result.rounds += 1
    observed = _observe(participant, shared)
    result.parent = observed.parent  # first: an error of the decision is redacted by it
    result.outcome = decided = decide(function, observed)
    participant.phase = Phase.DONE
    # Nothing to clean up, or the function waits for something that changes within moments: not even a condition.
    if decided is None or decided.writes_nothing:
        _require_wake(function, decided)
        return
    before = len(result.changes)
    context = WriteContext(function, client, partial(shared.note_write, function.name), process)
    written = write_children(context, decided, observed, result)
    result.outcome = written.refused or decided
    # Refused because the namespace is being deleted, and the parent with it: nothing is left to report on.
    if result.outcome.writes_nothing:
        return
    _write_condition(context, result.outcome, observed, result)
    if len(result.changes) > before:
        participant.phase, participant.written, participant.spec = Phase.CONFIRM, written, _spec(observed.parent)


def _confirm(participant: Participant, shared: SharedObservation) -> None:
    """Do step 6: the participant is done, or decides again in the next pass."""
    written, result = participant.written, participant.result
    assert written is not None  # noqa: S101 (set with the phase)
    participant.observed_at = shared.time
    again = observe(shared, participant.function, participant.client, written.observed)
    result.note_seen(written.observed)
    result.note_seen(again)
    result.parent = again.parent
    participant.phase = Phase.DONE
    if _spec(again.parent) != participant.spec or decide(participant.function, again) != written.decided:
        _begin_again(participant)


def _require_wake(function: Function, decided: Outcome | None) -> None:
    """Raise Unavailable, so that the broker redelivers the event, if no event tells when the awaited object changes."""
    if decided and decided.awaited and not function.is_woken_by(decided.awaited.kind):
        raise Unavailable(f"{decided.message}; the event is retried")


def _write_condition(context: WriteContext, outcome: Outcome, observed: Observed, result: Reconciled) -> None:
    """Do step 5: apply the function's conditions and status fields where they differ."""
    if observed.parent is None:
        return
    client, status = context.client, status_of(context.function, outcome, observed.parent)
    fields = differences({"status": status}, observed.parent, manager=client.manager, subresource="status")
    if fields:
        context.note_write(observed.key, write_status(observed.key, status, client))
        result.changes.append(AcceptedWrite(observed.key, "reported", fields))


def _observe(participant: Participant, shared: SharedObservation) -> Observed:
    """Return what the participant decides from.

    Raises Conflict if another process of the function may have written a child that others have written since.
    """
    function = participant.function
    for ref in function.children(shared.key):
        before, now = shared.first_read(ref), shared.object(ref)
        if before is not now and not is_unchanged_for(function.manager, before, now):
            raise Conflict(f"{ref} was changed by another process of this function")
    participant.observed_at = shared.time
    observed = observe(shared, function, participant.client)
    participant.result.note_seen(observed)
    return observed


def _is_woken(participant: Participant, shared: SharedObservation) -> bool:
    """Return whether another function has written, since the participant observed, what its event would wake it for."""
    function = participant.function
    unseen = (write for write in shared.writes if write.time > participant.observed_at)
    latest = {write.ref: write.manifest for write in unseen if write.function != function.name}
    return any(is_woken_by_write(function, ref, manifest) for ref, manifest in latest.items())


def _spec(parent: Manifest | None) -> tuple[str, int]:
    """Identify the spec that a condition is about: uid and generation of the parent."""
    return (uid(parent), generation(parent)) if parent else ("", 0)
