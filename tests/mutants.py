"""The protocol with one of its rules left out: what tests of the protocol must notice.

Each is a context in which the real code is changed in one place. Not for threads that began before.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from unittest.mock import patch

from runtime import child_writes, observation, protocol, trial
from runtime.client import NEVER, Client, Request
from runtime.declaration import Function, Observed
from runtime.objects import Manifest, Ref, uid
from runtime.observation import SharedObservation
from runtime.protocol import Participant, Phase

Mutant = Callable[[], AbstractContextManager[None]]

_apply = Client._apply


def _locks(changed: Callable[[Mapping[str, str]], Mapping[str, str]]) -> AbstractContextManager[object]:
    """Every apply goes out with another lock."""

    def apply(client: Client, ref: Ref, body: Manifest, lock: Mapping[str, str], *, subresource: str = "") -> Request:
        return _apply(client, ref, body, changed(lock), subresource=subresource)

    return patch.object(Client, "_apply", apply)


@contextmanager
def no_lock() -> Iterator[None]:
    """What exists is written whatever became of it since it was read."""
    with _locks(lambda lock: lock if lock.get("resourceVersion") == NEVER else {}):
        yield


@contextmanager
def plain_create() -> Iterator[None]:
    """What was absent is created, or written over where somebody else was faster."""
    with _locks(lambda lock: {} if lock.get("resourceVersion") == NEVER else lock):
        yield


@contextmanager
def inputs_first() -> Iterator[None]:
    """The parent and the inputs are read before the children that are locked on."""

    def read(
        shared: SharedObservation,
        deciding: Sequence[Function],
        confirming: Sequence[Function],
        client: Client,
        _executor: Executor | None = None,
    ) -> None:
        inputs = dict.fromkeys(ref for function in (*deciding, *confirming) for ref in function.inputs(shared.key))
        children = dict.fromkeys(ref for function in deciding for ref in function.children(shared.key))
        parent = client.get(shared.key)
        for ref in (*(ref for ref in inputs if ref not in children), *sorted(children, key=inputs.__contains__)):
            shared.read(ref, client)
        patch.object(shared, "read_parent", lambda _client: shared.note_parent(parent)).start()

    with patch.object(protocol, "read_objects", read):
        yield


@contextmanager
def no_second_look() -> Iterator[None]:
    """A reconcile ends with its first condition, whatever changed meanwhile."""

    def end(participant: Participant, _snapshot: SharedObservation) -> None:
        participant.phase = Phase.DONE

    with patch.object(protocol, "_confirm", end):
        yield


@contextmanager
def second_look_at_parent_only() -> Iterator[None]:
    """Only the parent is looked at again, not what else was decided from."""
    observe = observation.observe

    def look_again(
        shared: SharedObservation, function: Function, client: Client, written: Observed | None = None
    ) -> Observed:
        now = observe(shared, function, client, written)
        return now if written is None else replace(written, parent=now.parent)

    with patch.object(protocol, "observe", look_again):
        yield


@contextmanager
def generation_ignored() -> Iterator[None]:
    """The second look asks whether it is the same parent, not whether it is the same spec of it."""
    with patch.object(protocol, "_spec", lambda parent: uid(parent) if parent else ""):
        yield


@contextmanager
def no_identity() -> Iterator[None]:
    """What exists is locked on its version alone, which does not keep what was deleted from being created."""
    with _locks(lambda lock: {name: lock[name] for name in lock if name != "uid"}):
        yield


@contextmanager
def own_fields_unchecked() -> Iterator[None]:
    """After a conflict the same decision is written again, also over what another process of the function wrote."""
    with patch.object(child_writes, "is_same_write", lambda _before, now, _manager: now.actual is not None):
        yield


@contextmanager
def answers_trusted() -> Iterator[None]:
    """A function takes a child from the answer to another one's write, whoever else of its own has written there."""
    with patch.object(protocol, "is_unchanged_for", lambda _manager, _before, _now: True):
        yield


@contextmanager
def no_trial() -> Iterator[None]:
    """What the API server would refuse is found out by writing, child after child."""
    with patch.object(trial, "first_refused", lambda *_arguments, **_shared: None):
        yield


MUTANTS: Mapping[str, Mutant] = {
    mutant.__name__: mutant
    for mutant in (
        no_lock,
        no_identity,
        plain_create,
        inputs_first,
        no_second_look,
        second_look_at_parent_only,
        generation_ignored,
        own_fields_unchecked,
        answers_trusted,
    )
}
