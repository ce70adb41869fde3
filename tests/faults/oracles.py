"""What must hold after any fault: the same end, no creation, change or deletion too many, and rest."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from crds.collector_fields import ReleaseLine
from events.outcome_words import ConditionStatus
from functions import collector
from operands import cfm, children, kepler_config, release
from operands.children import CONFIG_HASH
from runtime.conditions import all_true
from runtime.declaration import Function, Observed
from runtime.objects import (
    CLUSTER_ROLE_BINDING,
    CONFIG_MAP,
    DAEMON_SET,
    KEPLER,
    NAMESPACE,
    Collection,
    Kind,
    Manifest,
    Ref,
    controller,
    generation,
    terminates,
    uid,
)
from sweeper.divergence import divergence
from tests.faults.fault_world import FaultWorld
from tests.faults.steps import NAME
from tests.faults.traffic import ObservedWrite
from tests.masks import masked, unlike

# A worker that begins again writes its condition once more, and so do those who wait for it.
EXTRA_WRITES = 12


@dataclass(frozen=True)
class RunResult:
    """How a run ended: what there is, and how often functions created, deleted and changed each object."""

    state: dict[str, Any]
    creations: Counter[Ref]
    deletions: Counter[Ref]
    changes: Counter[Ref]
    rollouts: int
    writes: int


def ended(world: FaultWorld) -> RunResult:
    """The end of the run so far."""
    ours = [write for write in world.writes if write.by.startswith("kepler-")]
    return RunResult(
        state(world),
        Counter(write.ref for write in ours if write.creates),
        Counter(write.ref for write in ours if write.deletes),
        Counter(write.ref for write in ours if _content(write.before) != _content(write.after)),
        sum(write.ref.kind is DAEMON_SET and _moves(write) for write in ours),
        len(ours),
    )


def state(world: FaultWorld) -> dict[str, Any]:
    """Everything in the namespace, as the API server has it now, with nothing in it that differs from run to run."""
    manifest = {}
    for ref, expected in sorted(world.objects.items()):
        actual = world.read(ref)
        assert actual is not None, f"{ref} is gone, and nobody saw it go"
        assert actual["metadata"]["resourceVersion"] == expected["metadata"]["resourceVersion"], ref
        manifest[str(ref)] = masked(_compared(world, ref, actual), world.namespace)
    return manifest


def _compared(world: FaultWorld, ref: Ref, actual: Manifest) -> Manifest:
    """What of an object must be as before; of the Namespace, which only an administrator writes, its labels."""
    if ref.kind is CLUSTER_ROLE_BINDING:
        return ours(world, actual)
    return {"labels": actual["metadata"]["labels"]} if ref.kind is NAMESPACE else actual


def ours(world: FaultWorld, binding: Manifest) -> Manifest:
    """Of the binding that all namespaces share, what is about this one."""
    subjects = binding.get("subjects") or ()
    return {"subjects": [subject for subject in subjects if subject["namespace"] == world.namespace]}


def broken(world: FaultWorld, reference: RunResult, *, racing: bool = False) -> Iterator[str]:
    """Each promise that this run has broken, in a sentence.

    `racing` says that the reference is of two changes one after the other, and that they met in this run: what the
    first would have made and the second removes may then never come to be.
    """
    yield from world.defects
    yield from (f"dead letter: {letter}" for letter in world.letters)
    now = ended(world)
    yield from unlike(reference.state, now.state)
    yield from _too_many("created", now.creations, reference.creations)
    yield from _too_many("deleted", now.deletions, reference.deletions)
    yield from _too_many("changed", now.changes, reference.changes)
    if now.rollouts > reference.rollouts:
        yield f"{now.rollouts} rollouts instead of {reference.rollouts}"
    if now.writes > reference.writes + EXTRA_WRITES:
        yield f"{now.writes} writes instead of {reference.writes}"
    if not racing and now.creations != reference.creations:
        yield f"created {now.creations}, not {reference.creations}"
    yield from _wrong_deletions(world)
    yield from unfinished(world)


def unfinished(world: FaultWorld) -> Iterator[str]:
    """What a sweep would ask for now, and what the configuration's hash in the pods does not tell."""
    for function in world.functions:
        for key, observed in observations(world, function):
            yield from (f"{function.name} of {key} is not at rest: {text}" for text in divergence(function, observed))
    kepler = world.objects.get(Ref(KEPLER, world.namespace, NAME))
    if kepler and all_true(kepler, (collector.CONDITION,)):
        started = world.objects[Ref(DAEMON_SET, world.namespace, children.EXPORTER)]
        stamped = started["spec"]["template"]["metadata"]["annotations"][CONFIG_HASH]
        if stamped != _configured(world, kepler):
            yield "the pods run with another configuration"


def _configured(world: FaultWorld, kepler: Manifest) -> str:
    """The hash of the configuration that the exporter of this line reads."""
    is_new = release.line_of_manifest(kepler) is ReleaseLine.V0_11
    name = children.KEPLER_CONFIG if is_new else children.CFM
    config = world.objects[Ref(CONFIG_MAP, world.namespace, name)]
    return kepler_config.digest(config["data"]["config.yaml"]) if is_new else cfm.configuration_hash(config, {})


def observations(world: FaultWorld, function: Function) -> Iterator[tuple[Ref, Observed]]:
    """What a function would observe of each of its parents, without asking."""
    for key, parent in [*world.objects.items()]:
        if key.kind is function.parent and not terminates(parent):
            yield key, observation(world, function, key, parent)


def observation(world: FaultWorld, function: Function, key: Ref, parent: Manifest) -> Observed:
    """The same of one parent."""

    def collect(wanted: Collection) -> tuple[Manifest, ...]:
        return tuple(entry for ref, entry in world.objects.items() if _within(ref, wanted.kind, wanted.namespace))

    return function.observed(key, parent, world.objects.get, collect)


def _within(ref: Ref, kind: Kind, namespace: str) -> bool:
    return ref.kind is kind and namespace in ("", ref.namespace)


def _too_many(done: str, now: Counter[Ref], reference: Counter[Ref]) -> Iterator[str]:
    for ref, count in (now - reference).items():
        yield f"{ref} was {done} {count} times too often"


def _moves(write: ObservedWrite) -> bool:
    return write.after is not None and generation(write.after) != generation(write.before or {})


def _wrong_deletions(world: FaultWorld) -> Iterator[str]:
    """A deletion by a function must name the object it read, and that must be the present parent's."""
    parents: dict[str, str] = {}
    for write in world.writes:
        if write.after is not None:
            parents[f"{write.ref.kind.name}/{write.ref.name}"] = uid(write.after)
        if not (write.deletes and write.by.startswith("kepler-") and write.before):
            continue
        if (write.request.body or {}).get("preconditions", {}).get("uid") != uid(write.before):
            yield f"{write.ref} was deleted without its uid"
        owner = controller(write.before)
        known = parents.get(f"{owner.kind}/{owner.name}") if owner else None
        if owner is None or (known and known != owner.uid):
            yield f"{write.ref} was deleted, and belongs to another parent"


def _content(manifest: Manifest | None) -> str:
    """What was asked for, without what is said of it and who said it.

    Whoever puts an older decision over a newer one, or writes what is there already, changes it once too often.
    """
    if manifest is None:
        return ""
    body = {key: value for key, value in manifest.items() if key not in ("metadata", "status")}
    return json.dumps(body, sort_keys=True)


def untrue(world: FaultWorld) -> Iterator[str]:
    """Conditions just written as True for the present generation whose function has not brought that about."""
    write = world.writes[-1]
    if write.after is None or not write.by.startswith("kepler-") or not write.request.path.endswith("/status"):
        return
    for function in world.functions:
        if function.manager != write.by or function.parent is not write.ref.kind:
            continue
        stamped = {
            condition["type"]: condition for condition in (write.after.get("status") or {}).get("conditions") or ()
        }
        condition = stamped.get(function.condition) or {}
        if (condition.get("status"), condition.get("observedGeneration")) == (
            ConditionStatus.TRUE,
            generation(write.after),
        ):
            seen = observation(world, function, write.ref, write.after)
            for text in divergence(function, seen):
                yield f"`{function.condition}` is True, and {text}"
