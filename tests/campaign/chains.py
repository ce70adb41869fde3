"""Chains: properties set and unset by chance, children deleted and changed by hand; where they end, not how they came.

A chain ends with the last specs that nothing rejected. The state must then be that of a namespace in which nothing
but these specs was ever applied.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from functions import monitoring
from functions.function_catalogue import FUNCTIONS
from local.local_errors import CommandFailed
from runtime.adoption import MANAGED_BY
from runtime.differences import ABSENT, owned_fields
from runtime.objects import Manifest, Ref
from tests.campaign.full_specs import put
from tests.campaign.ground import Ground, Rejection, without_intent
from tests.campaign.values import UserField, at, everything, everywhere, shown, valid
from tests.faults.plane import INSTALLED, NAMESPACE
from tests.masks import unlike

# Of a hundred steps; the others set a property.
DELETIONS, DRIFTS, BLOCKS = 12, 18, 5
# A user who is refused twice in a row goes back to what worked.
PATIENCE = 2
# What somebody else has put there stays, by design: Prometheus' installations are selected by it.
THEIRS = ("metadata", "labels", monitoring.RELEASE)
# Runs at most, to find out which steps a failure needs.
SHRINKING = 40


class UserStep(Protocol):
    """What somebody does."""

    def act(self, ground: Ground) -> None:
        """Does it; what follows is awaited by whoever asks for it."""


@dataclass(frozen=True)
class Set:
    """One property set; left out where the value is ABSENT. What the API server refuses, the user takes back."""

    place: UserField
    value: Any

    def act(self, ground: Ground) -> None:
        """Applies the resource with it."""
        kind, before = self.place.kind, dict(ground.specs)
        if not (self.value is ABSENT and at(before[kind], self.place.steps) is ABSENT):
            ground.write({**before, kind: put(before[kind], self.place.steps, self.value)})

    def __str__(self) -> str:
        return f"{self.place} = {shown(self.value)}"


@dataclass(frozen=True)
class Delete:
    """A child deleted by hand, if there is one."""

    child: Ref

    def act(self, ground: Ground) -> None:
        """Deletes it."""
        ground.world.begin()
        ground.world.delete(self.child)
        _miss(ground, self.child)

    def __str__(self) -> str:
        return f"delete {self.child}"


@dataclass(frozen=True)
class Drift:
    """One field that a function owns, by its number, changed or removed by hand."""

    child: Ref
    number: int

    def act(self, ground: Ground) -> None:
        """Patches it; a sweep comes by where nobody is told of that."""
        ground.world.begin()
        there = ground.world.objects.get(self.child)
        fields = [leaf for leaf in leaves(there) if leaf[0] != THEIRS] if there else []
        if not fields:
            return
        path, value = fields[self.number % len(fields)]
        change: Any = None if self.number // len(fields) % 2 else _another(value)
        for step in reversed(path):
            change = {step: change}
        try:
            ground.world.patch(self.child, change)
        except CommandFailed:
            return  # the API server keeps it as it is
        # The event source selects by this label: without it, there are no events.
        _miss(ground, self.child, unseen=path[:2] == ("metadata", "labels") and path[2] in MANAGED_BY)

    def __str__(self) -> str:
        return f"change field {self.number} of {self.child}"


def _miss(ground: Ground, child: Ref, *, unseen: bool = False) -> None:
    """Where no Trigger lets a change of the child through, only a sweep finds it."""
    wakes = any(wake.kind == child.kind for function in FUNCTIONS for wake in function.wakes)
    if unseen or not wakes:
        ground.world.drain()
        ground.world.sweep()


def leaves(there: Manifest) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every field of a child that a function owns, down to where a list begins."""
    for entry in there["metadata"].get("managedFields") or ():
        if entry["manager"].startswith("kepler-") and "subresource" not in entry:
            yield from _leaves(owned_fields(there, manager=entry["manager"]), there, ())


def _leaves(owned: Manifest, there: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for token, below in owned.items():
        name = token.removeprefix("f:")
        if token == "." or not isinstance(there, dict) or name not in there:
            continue
        if isinstance(there[name], dict) and below:
            yield from _leaves(below, there[name], (*path, name))
        else:
            yield (*path, name), there[name]


def _another(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return f"{value}x"
        case _:
            return None


def steps(seed: int, count: int) -> list[UserStep]:
    """So many steps, by chance."""
    chance = random.Random(seed)
    blocks, fields = (
        [field_case for field_case in everywhere() if (field_case.known is None) is block] for block in (True, False)
    )
    return [_step(chance, blocks, fields) for _ in range(count)]


def _step(chance: random.Random, blocks: list[UserField], fields: list[UserField]) -> UserStep:
    dice = chance.randrange(100)
    if dice < DELETIONS:
        return Delete(chance.choice(children()))
    if dice < DELETIONS + DRIFTS:
        return Drift(chance.choice(children()), chance.randrange(1000))
    place = chance.choice(blocks if dice >= 100 - BLOCKS else fields)
    return Set(place, chance.choice([*valid(place), None, ABSENT, ABSENT]))


def children() -> list[Ref]:
    """Whatever a function may make of the resources."""
    keys = {
        function.parent: Ref(function.parent, NAMESPACE if function.parent.namespaced else "", "kepler")
        for function in FUNCTIONS
    }
    return sorted({ref for function in FUNCTIONS for ref in function.children(keys[function.parent])} - {*INSTALLED})


def walk(ground: Ground, chain: Sequence[UserStep]) -> list[str]:
    """What is wrong on the way, or with where it ends."""
    problems = list(_walked(ground, chain))
    if problems:
        return problems
    chained, last = without_intent(ground.state()), dict(ground.specs)
    ground.clear()
    problems = _become(ground, last)
    problems += unlike(without_intent(ground.state()), chained)
    ground.clear()
    return problems


def _walked(ground: Ground, chain: Sequence[UserStep]) -> Iterator[str]:
    ground.clear()
    yield from _become(ground, everything())
    accepted, refused = everything(), 0
    for number, step in enumerate(chain):
        step.act(ground)
        yield from (f"after step {number}, {step}: {text}" for text in ground.rest())
        accepted, refused = (accepted, refused + 1) if _rejected(ground) else (dict(ground.specs), 0)
        if refused > PATIENCE:
            yield from (f"back after step {number}: {text}" for text in _become(ground, accepted))
            refused = 0
    if _rejected(ground):
        yield from (f"back at the end: {text}" for text in _become(ground, accepted))
    yield from (f"at the end, {rejection}" for rejection in _rejected(ground))


def _rejected(ground: Ground) -> list[Rejection]:
    """What is rejected; that machines may not reboot is no reason to go back, as it may be so for any specs."""
    return sorted(rejection for rejection in ground.rejections() if rejection.reason != "RebootNotAllowed")


def _become(ground: Ground, specs: dict[str, Any]) -> list[str]:
    refused = ground.write(specs)
    return [refused] if refused else ground.rest()


def shrunk(ground: Ground, chain: Sequence[UserStep]) -> tuple[list[UserStep], list[str]]:
    """The chain without the steps that its failure does not need, and what it still says."""
    needed, runs = list(chain), 0
    problems = walk(ground, needed)
    for step in reversed(chain):
        fewer = [other_step for other_step in needed if other_step is not step]
        if problems and runs < SHRINKING and len(fewer) < len(needed):
            runs += 1
            if still := walk(ground, fewer):
                needed, problems = fewer, still
    return needed, problems


def report(ground: Ground, seed: int, chain: Sequence[UserStep]) -> str:
    """What a failure needs, in lines: the seed, the steps that are left, and what is wrong after them."""
    needed, problems = shrunk(ground, chain)
    return "\n".join((f"seed {seed}, {len(needed)} of {len(chain)} steps:", *map(str, needed), "lead to:", *problems))
