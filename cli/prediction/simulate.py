"""Runs all functions in memory on resources that are not applied yet, until none of them writes.

Each function decides by its own pure `desired`, from the objects of the API server and the simulated writes of all
functions. Nothing is written anywhere. Two things stay unknown: what an admission webhook would refuse, and what others
would do meanwhile.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from cli.prediction.applied import Writer, applied
from functions.function_catalogue import FUNCTIONS
from runtime.decision import decide
from runtime.declaration import Function, Observed
from runtime.differences import FieldChange, differences
from runtime.objects import Collection, Manifest, Ref, terminates
from runtime.outcome import Outcome
from runtime.planned_writes import planned_writes
from runtime.statuses import status_of

# Most rounds of all functions; two or three are enough for those in the catalogue.
ROUNDS = 12

Get = Callable[[Ref], Manifest | None]
Collect = Callable[[Collection], tuple[Manifest, ...]]


@dataclass(frozen=True)
class SimulatedWrite:
    """One write of one function: the fields, and `created`, `changed`, `deleted` or (for a status) `reported`."""

    function: str
    ref: Ref
    action: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True)
class Decision:
    """The last decision of a function about a resource."""

    function: Function
    key: Ref
    outcome: Outcome


@dataclass(frozen=True)
class Simulated:
    """The result: all writes in order, the last decision of each function on each resource, and the objects after them.

    `rested` says whether the functions stopped writing within `ROUNDS`.
    """

    writes: tuple[SimulatedWrite, ...]
    decisions: tuple[Decision, ...]
    objects: Mapping[Ref, Manifest | None]
    rested: bool


@dataclass
class Memory:
    """The objects of the API server, overlaid by the simulated writes.

    `read_object` and `read_collection` read from the API server, once for each object or collection.
    """

    read_object: Get
    read_collection: Collect
    objects: dict[Ref, Manifest | None] = field(default_factory=dict)
    known: dict[Ref, Manifest | None] = field(default_factory=dict)
    listed: dict[Collection, tuple[Manifest, ...]] = field(default_factory=dict)

    def get(self, ref: Ref) -> Manifest | None:
        """Return the object as it would be now."""
        if ref in self.objects:
            return self.objects[ref]
        if ref not in self.known:
            self.known[ref] = self.read_object(ref)
        return self.known[ref]

    def collect(self, collection: Collection) -> tuple[Manifest, ...]:
        """Return the objects of a kind as they would be now."""
        if collection not in self.listed:
            self.listed[collection] = self.read_collection(collection)
        mine = {ref: manifest for ref, manifest in self.objects.items() if _belongs(ref, collection)}
        others = (manifest for manifest in self.listed[collection] if _ref(manifest, collection) not in mine)
        return (*others, *(manifest for manifest in mine.values() if manifest is not None))


def simulate(memory: Memory, keys: Iterable[Ref], images: Mapping[str, str]) -> Simulated:
    """Run every function of each of these resources in turn, until none writes; `images` are the image settings."""
    writes: list[SimulatedWrite] = []
    decisions: dict[tuple[Ref, str], Decision] = {}
    resources = tuple(keys)
    rested = False
    for _ in range(ROUNDS):
        before = len(writes)
        for key in resources:
            for function in FUNCTIONS:
                observed = _observed(function, key, memory, images) if function.parent == key.kind else None
                if observed and (outcome := decide(function, observed)):
                    decisions[key, function.name] = Decision(function, key, outcome)
                    writes += _written_children(function, outcome, observed, memory)
        rested = len(writes) == before
        if rested:
            break
    return Simulated(tuple(writes), tuple(decisions.values()), dict(memory.objects), rested)


def _observed(function: Function, key: Ref, memory: Memory, images: Mapping[str, str]) -> Observed | None:
    """Return the objects that the function would read for a resource; None if that is absent or being deleted."""
    parent = memory.get(key)
    if parent is None or terminates(parent):
        return None
    return function.observed(key, parent, memory.get, memory.collect, images)


def _written_children(
    function: Function, outcome: Outcome, observed: Observed, memory: Memory
) -> Iterator[SimulatedWrite]:
    """Make the writes of a decision in memory, in the protocol's order: children, deletions, status."""
    if outcome.writes_nothing:
        return
    for write in planned_writes(outcome, observed, function.manager):
        intent = write.intent
        memory.objects[write.ref] = (
            applied(write.ref, intent.body, write.actual, Writer(function.manager)) if intent else None
        )
        yield SimulatedWrite(function.name, write.ref, write.action, write.fields)
    yield from _reported(function, observed.key, outcome, memory)


def _reported(function: Function, key: Ref, outcome: Outcome, memory: Memory) -> Iterator[SimulatedWrite]:
    parent = memory.get(key)
    if parent is None:
        return
    body = {"status": status_of(function, outcome, parent)}
    if fields := differences(body, parent, manager=function.manager, subresource="status"):
        writer = Writer(function.manager, subresource="status")
        memory.objects[key] = applied(key, body, parent, writer)
        yield SimulatedWrite(function.name, key, "reported", fields)


def _belongs(ref: Ref, collection: Collection) -> bool:
    return ref.kind == collection.kind and collection.namespace in ("", ref.namespace)


def _ref(manifest: Manifest, collection: Collection) -> Ref:
    described = manifest["metadata"]
    return Ref(collection.kind, described.get("namespace", ""), described["name"])
