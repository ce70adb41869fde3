"""What must hold: of each write that a worker makes, and of each state in which nothing more is to come."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from runtime.conditions import conditions
from runtime.decision import decide
from runtime.declaration import Function, Observed
from runtime.differences import differences
from runtime.objects import Collection, Manifest, controller, generation, uid
from runtime.outcome import Outcome
from tests.model.model_world import Cells, ModelWorld, Worker, WriteResult


class Property(StrEnum):
    """What can be violated."""

    CONVERGES = "once nothing more is to come, everything is as `desired` of what is there says"
    QUIET = "once nothing more is to come, a reconcile writes nothing"
    NO_REGRESS = "a decision made from older inputs is not written over one made from newer"
    SAME_OBJECT = "what is written is the object that was decided upon, not another one that has its name by now"
    ENDS = "workers do not keep each other going for ever"


@dataclass(frozen=True)
class BrokenProperty:
    """A property that does not hold, and how that shows."""

    violated: Property
    told: str


def of_write(world: ModelWorld, worker: Worker, cells: Cells, written: WriteResult) -> Iterator[BrokenProperty]:
    """What is wrong with a worker's write of a child; conditions are written without a lock, by design."""
    place = written.place
    ref = world.refs[place] if place >= 0 else None
    if ref is None or ref == world.scenario.key:
        return
    before, after = (world.contents.manifest(cell.content) for cell in (cells[place], written.cell))
    looked = world.contents.manifest(worker.looked.get(place, 0))
    if (uid(looked) if looked else "") != (uid(before) if before else ""):
        yield BrokenProperty(Property.SAME_OBJECT, f"decided on {_named(looked)} and wrote to {_named(before)}")
    if before and after and (owner := controller(before)) and owner != controller(after):
        yield BrokenProperty(Property.SAME_OBJECT, f"{ref} is taken from {owner.kind} '{owner.uid}'")
    if before and after and _parent(before) == _parent(after):
        for stamp, older, newer in _stamps(after, before):
            if older < newer:
                yield BrokenProperty(Property.NO_REGRESS, f"`{stamp}` of {ref} goes from {newer} back to {older}")


def _named(manifest: Manifest | None) -> str:
    return f"object '{uid(manifest)}'" if manifest else "an absent one"


def _parent(manifest: Manifest) -> str:
    """Whom the object was written for."""
    owner = controller(manifest)
    return owner.uid if owner else (manifest.get("data") or {}).get("of", "")


def _stamps(after: Manifest, before: Manifest) -> Iterator[tuple[str, int, int]]:
    now, then = after.get("data") or {}, before.get("data") or {}
    for stamp in now.keys() & then.keys():
        if now[stamp].isdecimal() and then[stamp].isdecimal():
            yield stamp, int(now[stamp]), int(then[stamp])


def at_rest(world: ModelWorld, cells: Cells) -> Iterator[BrokenProperty]:
    """What is wrong in a state in which no worker is at it, none is to come and nothing is left to collect."""
    for function in world.scenario.functions:
        observed = _truth(world, function, cells)
        decided = decide(function, observed)
        if decided is not None:
            problems = (*_unlike(function, decided, observed), *_unreported(function, decided, observed.parent))
            yield from (BrokenProperty(Property.CONVERGES, text) for text in problems)
    if wrote := _writes(world, cells):
        yield BrokenProperty(Property.QUIET, f"one more worker asks {wrote}")


def _truth(world: ModelWorld, function: Function, cells: Cells) -> Observed:
    """Everything as it is, read without the protocol."""
    key = world.scenario.key
    parent = world.look(cells, key)
    objects = {ref: world.look(cells, ref) for ref in world.refs if ref != key}
    there = {ref: entry for ref, entry in objects.items() if entry}
    collections = {
        wanted: tuple(entry for ref, entry in sorted(there.items()) if ref.kind == wanted.kind)
        for wanted in function.references(key, parent)
        if isinstance(wanted, Collection)
    }
    return Observed(key, parent, objects, collections)


def _unlike(function: Function, decided: Outcome, observed: Observed) -> Iterator[str]:
    if decided.writes_nothing:
        yield f"it waits for what does not come: {decided.message}"
    for intent in decided.intents:
        for difference in differences(intent.body, observed.get(intent.ref), manager=function.manager):
            yield f"`{difference.path}` of {intent.ref} is {difference.before} and should be {difference.after}"
    yield from (f"{ref} should not be there" for ref in decided.absent if observed.get(ref))


def _unreported(function: Function, decided: Outcome, parent: Manifest | None) -> Iterator[str]:
    if parent is None:
        return
    manifest = conditions(parent).get(function.condition, {})
    is_said = (manifest.get("status"), manifest.get("observedGeneration"), manifest.get("message"))
    wanted = ("True", generation(parent), decided.message)
    if is_said != wanted:
        yield f"the condition says {is_said} and should say {wanted}"


def _writes(world: ModelWorld, cells: Cells) -> str:
    """The first write of a worker that nobody disturbs; empty where it only reads."""
    number = world.begun(frozenset(function.name for function in world.scenario.functions))
    while True:
        worker = world.worker(number)
        if worker.writes:
            return str(worker)
        following = world.answered(number, world.carry_out(number, cells).reply)
        if not isinstance(following, int):
            return ""
        number = following
