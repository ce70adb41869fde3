"""What an exploration starts from, and who else acts: users, the garbage collector, and what may go wrong how often."""

from collections.abc import Callable
from dataclasses import dataclass

from runtime.adoption import MANAGED_BY
from runtime.client import APPLY, BACKGROUND, Request, path
from runtime.declaration import Function
from runtime.objects import Manifest, Ref, controller, resource_version, uid
from tests.model.functions import BINDING, CONFIG, INPUT, OTHER, PARENT, user, value

# What an object is at a moment; None where it is absent.
Look = Callable[[Ref], Manifest | None]


@dataclass(frozen=True)
class Move:
    """Something that may happen at any moment, `times` over; `asks` is None while it cannot."""

    name: str
    times: int
    asks: Callable[[Look], Request | None]


@dataclass(frozen=True)
class Scenario:
    """One function under one key, the workers that may be at it at once, and what happens meanwhile.

    `together` are further functions of the same process, which decide after it. `settled`: one worker went through
    undisturbed before anything else happens. `rounds` are those of one worker: with one, it ends to be delivered again.
    A move is followed by a delivery, unless its event alone shows that there is nothing to do. `crashes` end a worker
    anywhere, `losses` take the answer to a write that was carried out, `repeats` are deliveries without a cause. With
    `drops`, workers drop events about versions that they have seen, as one process does (`runtime.seen`).
    """

    function: Function
    moves: tuple[Move, ...]
    workers: int = 2
    crashes: int = 0
    losses: int = 0
    repeats: int = 0
    drops: bool = False
    others: tuple[Ref, ...] = ()
    key: Ref = PARENT
    together: tuple[Function, ...] = ()
    settled: bool = False
    rounds: int = 1

    @property
    def functions(self) -> tuple[Function, ...]:
        """Every function of the process, in the order in which they decide."""
        return (self.function, *self.together)

    @property
    def children(self) -> tuple[Ref, ...]:
        """What the functions write."""
        return tuple(dict.fromkeys(ref for function in self.functions for ref in function.children(self.key)))

    @property
    def refs(self) -> tuple[Ref, ...]:
        """Every object that there may be."""
        inputs = (ref for function in self.functions for ref in function.inputs(self.key))
        return tuple(dict.fromkeys((self.key, *self.children, *inputs, *self.others)))

    def __str__(self) -> str:
        """As a table shows it."""
        faults = {"crashes": self.crashes, "lost answers": self.losses, "repeats": self.repeats}
        counts = {"workers": self.workers, **{move.name: move.times for move in self.moves}, **faults}
        named = ", ".join(function.name for function in self.functions)
        return f"{named}: " + ", ".join(f"{count}× {name}" for name, count in counts.items() if count)


def put(ref: Ref, body: Manifest, *, by: str = "user") -> Request:
    """An apply by somebody else: without a lock, by force."""
    address = {"name": ref.name, "namespace": ref.namespace}
    described = {**(body.get("metadata") or {}), **address}
    intent = {**body, "apiVersion": ref.kind.api_version, "kind": ref.kind.name, "metadata": described}
    return Request(
        "PATCH", path(ref.kind, ref.namespace, ref.name), {"fieldManager": by, "force": "true"}, intent, APPLY
    )


def first(scenario: Scenario) -> tuple[Request, ...]:
    """What makes the objects that are there at the beginning."""
    inputs = [ref for ref in (INPUT, OTHER) if ref in scenario.refs]
    shared = [put(ref, _left(user=1)) for ref in (CONFIG, BINDING) if ref in scenario.refs]
    return (*(put(ref, {"spec": {"value": 1}}) for ref in (PARENT, *inputs)), *shared)


def _left(*, user: int) -> Manifest:
    """A shared configuration as an orphaning deletion leaves it: with our label, and a key of the user's."""
    return {"metadata": {"labels": MANAGED_BY}, "data": {"user": str(user)}}


def edits(ref: Ref, times: int) -> Move:
    """A user counts up the `value` of an object."""

    def asks(look: Look) -> Request | None:
        there = look(ref)
        return put(ref, {"spec": {"value": value(there) + 1}}) if there else None

    return Move(f"edits of {ref.name}", times, asks)


def configures(times: int) -> Move:
    """A user counts up a key of their own in the shared configuration."""

    def asks(look: Look) -> Request | None:
        there = look(CONFIG)
        return put(CONFIG, _left(user=user(there) + 1)) if there else None

    return Move("edits of a user's key", times, asks)


def meddles(ref: Ref, times: int = 1) -> Move:
    """A user overwrites what the function wrote."""

    def asks(look: Look) -> Request | None:
        there = look(ref)
        return put(ref, {"data": {"parent": "0"}}) if there and "parent" in there.get("data", {}) else None

    return Move(f"edits of {ref.name} by hand", times, asks)


def deletes(ref: Ref, times: int = 1) -> Move:
    """A user deletes an object."""

    def asks(look: Look) -> Request | None:
        return deletion(ref) if look(ref) else None

    return Move(f"deletions of {ref.name}", times, asks)


def makes_again(ref: Ref, times: int = 1) -> Move:
    """A user creates an object where there was one of that name."""

    def asks(look: Look) -> Request | None:
        return None if look(ref) else put(ref, {"spec": {"value": 1}})

    return Move(f"creations of {ref.name}", times, asks)


def deletion(ref: Ref, over: Manifest | None = None) -> Request:
    """A deletion, of just this object if one is given."""
    conditions = {"preconditions": {"uid": uid(over), "resourceVersion": resource_version(over)}} if over else {}
    return Request("DELETE", path(ref.kind, ref.namespace, ref.name), body={**BACKGROUND, **conditions})


def collection(scenario: Scenario) -> Move:
    """The garbage collector: it deletes an object whose controller is gone, sooner or later, and always."""

    def asks(look: Look) -> Request | None:
        living = look(scenario.key)
        for ref in scenario.children:
            there = look(ref)
            owner = controller(there) if there else None
            if there and owner and owner.uid != (uid(living) if living else ""):
                return deletion(ref, there)
        return None

    return Move("garbage collected", 0, asks)
