"""The smallest functions that use all of the protocol: what they write says from which version of which input.

A parent's `value` only grows, and so do those of other inputs: in a child, a smaller number is an older decision.
"""

from dataclasses import replace

from runtime.awaited import await_conditions, is_up_to_date
from runtime.conditions import all_true, reports_true
from runtime.declaration import Function, Observed, Wake
from runtime.objects import COLLECTED_METRIC, CONFIG_MAP, KEPLER, Collection, Manifest, Ref, terminates, uid
from runtime.outcome import Intent, Outcome, converged, pending
from runtime.ownership import reference

NAMESPACE = "model"
PARENT = Ref(KEPLER, NAMESPACE, "parent")
CHILD = Ref(CONFIG_MAP, NAMESPACE, "child")
CONFIG = Ref(CONFIG_MAP, NAMESPACE, "config")
BINDING = Ref(CONFIG_MAP, NAMESPACE, "binding")
INPUT = Ref(COLLECTED_METRIC, NAMESPACE, "input")
OTHER = Ref(COLLECTED_METRIC, NAMESPACE, "other")
INPUTS = Collection(COLLECTED_METRIC, NAMESPACE)

CONDITION = "Reconciled"
WAKES = (Wake(KEPLER, nothing_to_do=reports_true(CONDITION)), Wake(CONFIG_MAP), Wake(COLLECTED_METRIC))


def value(manifest: Manifest | None) -> int:
    """What an object says: a number that grows with each edit; 0 where there is none."""
    return int(manifest["spec"]["value"]) if manifest else 0


def parent(observed: Observed) -> Manifest:
    """The parent, which is there when `desired` is asked."""
    assert observed.parent is not None
    return observed.parent


def says(ref: Ref, owner: Manifest, **stamps: int) -> Intent:
    """A child that says what it was made from, and has one key more for every second parent."""
    odd = {"odd": "yes"} if value(owner) % 2 else {}
    data = {**{name: str(stamp) for name, stamp in stamps.items()}, **odd}
    return Intent(ref, {"metadata": {"ownerReferences": [reference(owner)]}, "data": data})


def made(*intents: Intent) -> Outcome:
    """Converged, with a message that tells what was written."""
    text = ", ".join(f"{name}={answer}" for intent in intents for name, answer in intent.body.get("data", {}).items())
    return converged(*intents, message=f"made {text}")


def _parent_only(observed: Observed) -> Outcome:
    return made(says(CHILD, parent(observed), parent=value(parent(observed))))


# The child follows from the parent alone.
ALONE = Function("alone", CONDITION, WAKES, _parent_only, children=lambda _: (CHILD,), gates_ready=False)


def _halved(observed: Observed) -> Outcome:
    half = str(value(parent(observed)) // 2)
    return made(
        Intent(CHILD, {"metadata": {"ownerReferences": [reference(parent(observed))]}, "data": {"parent": half}})
    )


# Every second edit of the parent changes nothing of the child: only the generation moves.
HALVED = replace(ALONE, name="halved", desired=_halved)


def _two(observed: Observed) -> Outcome:
    stamps = {"parent": value(parent(observed)), "input": value(observed.get(INPUT))}
    return made(says(CHILD, parent(observed), **stamps))


# The child follows from the parent and one more object.
TWO = Function("two", CONDITION, WAKES, _two, children=lambda _: (CHILD,), inputs=lambda _: (INPUT,), gates_ready=False)


def _named(_key: Ref, owner: Manifest | None) -> tuple[Ref, ...]:
    return () if owner is None else ((INPUT,), (OTHER,))[value(owner) % 2]


def _naming(observed: Observed) -> Outcome:
    stamps = {ref.name: value(observed.get(ref)) for ref in _named(PARENT, observed.parent)}
    return made(says(CHILD, parent(observed), parent=value(parent(observed)), **stamps))


# The parent names one of two objects, and each edit the other one (as `collected_metric`).
NAMED = Function("named", CONDITION, WAKES, _naming, children=lambda _: (CHILD,), references=_named, gates_ready=False)


def _listed(observed: Observed) -> Outcome:
    total = sum(value(collection) for collection in observed.collections[INPUTS])
    return made(says(CHILD, parent(observed), parent=value(parent(observed)), total=total))


# The child follows from the parent and a collection (as `machine_spec`).
LISTED = Function(
    "listed",
    CONDITION,
    WAKES,
    _listed,
    children=lambda _: (CHILD,),
    references=lambda _key, _parent: (INPUTS,),
    gates_ready=False,
)


def user(config: Manifest | None) -> int:
    """What a user put into the shared configuration."""
    return int(((config or {}).get("data") or {}).get("user", "0"))


def _shared(observed: Observed) -> Outcome:
    owner, number = parent(observed), value(parent(observed))
    return made(says(CONFIG, owner, own=number), says(CHILD, owner, parent=number, user=user(observed.get(CONFIG))))


# The configuration is child and input at once: a key of it is ours, and the child follows from all of it (`collector`).
SHARED = Function(
    "shared",
    CONDITION,
    WAKES,
    _shared,
    children=lambda _: (CONFIG, CHILD),
    inputs=lambda _: (CONFIG,),
    gates_ready=False,
)


def _keyed(observed: Observed) -> Outcome:
    return made(says(CONFIG, parent(observed), own=value(parent(observed))))


# A key of the configuration follows from the parent; all other keys are somebody else's (as `estimator`).
KEYED = Function("keyed", CONDITION, WAKES, _keyed, children=lambda _: (CONFIG,), gates_ready=False)


def _sometimes(observed: Observed) -> Outcome:
    owner = parent(observed)
    if value(owner) % 2:
        return made(says(CHILD, owner, parent=value(owner)))
    return replace(made(), absent=(CHILD,))


# Every second edit of the parent takes the child away.
SOMETIMES = Function(
    "sometimes",
    CONDITION,
    WAKES,
    _sometimes,
    children=lambda _: (CHILD,),
    removes=lambda _: (CHILD,),
    gates_ready=False,
)


def _bound(observed: Observed) -> Outcome:
    owner = parent(observed)
    return made(Intent(BINDING, {"data": {"of": uid(owner), "parent": str(value(owner))}}))


def _unbound(observed: Observed) -> Outcome | None:
    binding = observed.get(BINDING)
    return made(Intent(BINDING, {})) if binding and not terminates(binding) else None


# A part of an object that is there before and after: nobody's child, written in turn, and taken out by `clean_up`.
INSTALLED = Function(
    "installed",
    CONDITION,
    WAKES,
    _bound,
    children=lambda _: (BINDING,),
    clean_up=_unbound,
    shared_children=(BINDING,),
    gates_ready=False,
)


MADE, USED, TOLD = "Made", "Used", "Told"


def _makes(observed: Observed) -> Outcome:
    owner = parent(observed)
    return made(says(CONFIG, owner, made=value(owner), input=value(observed.get(INPUT))))


# Makes a key of the configuration from the parent and an input (as `collected_metric`).
MAKER = Function(
    "maker",
    MADE,
    (Wake(KEPLER, nothing_to_do=reports_true(MADE)), Wake(COLLECTED_METRIC)),
    _makes,
    children=lambda _: (CONFIG,),
    inputs=lambda _: (INPUT,),
    gates_ready=False,
)


def _reads(observed: Observed) -> Outcome:
    return made(says(CONFIG, parent(observed), input=value(observed.get(INPUT))))


# Another key of the same configuration, from an input alone (as `model_server` beside `estimator`).
READER = Function(
    "reader",
    "Read",
    (Wake(KEPLER, nothing_to_do=reports_true("Read")), Wake(COLLECTED_METRIC)),
    _reads,
    children=lambda _: (CONFIG,),
    inputs=lambda _: (INPUT,),
    gates_ready=False,
)


def _needs_no_user(owner: Manifest) -> bool:
    return is_up_to_date(USER, owner, await_conditions(USER, owner, "the child"))


def _uses(observed: Observed) -> Outcome:
    owner, config = parent(observed), observed.get(CONFIG)
    data = (config or {}).get("data") or {}
    if blocked := await_conditions(USER, owner, "the child"):
        return blocked
    if data.get("made") != str(value(owner)):
        return pending("the configuration is not made yet")
    number = value(owner)
    stamps = {"made": int(data["made"]), "input": int(data["input"]), "user": user(config)}
    return made(says(CONFIG, owner, used=number), says(CHILD, owner, parent=number, **stamps))


# Waits for the configuration, puts a key of its own into it, and makes the child from all of it (as `collector`).
USER: Function = Function(
    "user",
    USED,
    (Wake(KEPLER, nothing_to_do=_needs_no_user), Wake(CONFIG_MAP)),
    _uses,
    awaits=(MADE,),
    children=lambda _: (CONFIG, CHILD),
    inputs=lambda _: (CONFIG,),
    gates_ready=False,
)


def _tells(observed: Observed) -> Outcome:
    child = observed.get(CHILD)
    stamps = ", ".join(f"{name}={stamp}" for name, stamp in sorted(((child or {}).get("data") or {}).items()))
    return converged(message=f"the child says {stamps}; used: {all_true(parent(observed), (USED,))}")


# Writes nothing but its condition, from the child and another function's condition (as `status`).
TELLER = Function(
    "teller",
    TOLD,
    (Wake(KEPLER), Wake(CONFIG_MAP, ("child",))),
    _tells,
    inputs=lambda _: (CHILD,),
    gates_ready=False,
)
