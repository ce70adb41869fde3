"""Steps 2 and 6 of the protocol (`runtime.protocol`): reads what functions decide from, in an order that is safe.

A function's children are read before anything else that it decides from; all else may be read in any order.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from graphlib import TopologicalSorter
from itertools import combinations

from runtime.client import Client
from runtime.declaration import Function, Observed
from runtime.objects import Collection, Manifest, Ref, terminates
from runtime.parallel_calls import results_of


def read_order(deciding: Sequence[Function], confirming: Sequence[Function], key: Ref) -> TopologicalSorter[Ref]:
    """Return the order in which the children of the deciding functions, and the inputs of all, are read.

    For each deciding function, its children come before its inputs; an object that is both counts as an input. A
    function may read what an earlier one writes: so children of a later function come before those of an earlier one.
    Other inputs come last: another function may refer to the same object, and needs it read after its own children.
    Raises graphlib.CycleError if an earlier function decides from what a later one writes.
    """
    order: TopologicalSorter[Ref] = TopologicalSorter()
    for function in deciding:
        children = written_only(function, key)
        for ref in children:
            order.add(ref)
        for ref in function.inputs(key):
            order.add(ref, *children)
    for earlier, later in combinations(deciding, 2):
        before, after = written_only(later, key), written_only(earlier, key)
        for ref in (child for child in after if child not in before):
            order.add(ref, *(child for child in before if child not in after))
    all_children = dict.fromkeys(ref for function in deciding for ref in written_only(function, key))
    for function in confirming:
        for ref in function.inputs(key):
            order.add(ref, *(all_children if ref not in all_children else ()))
    order.prepare()
    return order


def written_only(function: Function, key: Ref) -> tuple[Ref, ...]:
    """Return the children of a function that are not its inputs as well."""
    return tuple(ref for ref in function.children(key) if ref not in function.inputs(key))


@dataclass(frozen=True)
class NotedWrite:
    """A write that a function made after the shared reads: the object after it, None if deleted."""

    function: str
    ref: Ref
    manifest: Manifest | None
    time: int


@dataclass
class SharedObservation:
    """What one pass over the API server has read for several functions, and what they have written since.

    `time` counts reads and writes; `read_at` and the `time` of a write are values of it. An error of a read is raised
    for the functions that need the object, and for no other.
    """

    key: Ref
    images: Mapping[str, str]
    parent: Manifest | Exception | None = None
    time: int = 0
    first: dict[Ref, Manifest | Exception | None] = field(default_factory=dict)
    latest: dict[Ref, Manifest | Exception | None] = field(default_factory=dict)
    read_at: dict[Ref, int] = field(default_factory=dict)
    collections: dict[Collection, tuple[Manifest, ...]] = field(default_factory=dict)
    writes: list[NotedWrite] = field(default_factory=list)

    def read(self, ref: Ref, client: Client) -> None:
        """Read an object as it is now."""
        self.note_read(ref, _read(ref, client))

    def note_read(self, ref: Ref, manifest: Manifest | Exception | None) -> None:
        """Take an object as it was read just now."""
        self.latest[ref] = manifest
        self.first.setdefault(ref, manifest)
        self.time += 1
        self.read_at[ref] = self.time

    def read_parent(self, client: Client) -> None:
        """Read the parent as it is now."""
        self.note_parent(_read(self.key, client))

    def note_parent(self, parent: Manifest | Exception | None) -> None:
        """Take the parent as it is now, from a read or from the answer to a write."""
        self.time += 1
        self.parent = parent

    def note_write(self, function: str, ref: Ref, manifest: Manifest | None) -> None:
        """Take an object as it is after a write of a function; None if deleted."""
        if ref == self.key:
            self.note_parent(manifest)
        else:
            self.time += 1
            self.latest[ref] = manifest
        self.writes.append(NotedWrite(function, ref, manifest, self.time))

    def parent_after_writes(self) -> Manifest | None:
        """Return the parent if it was written after all writes of children, else None."""
        last = self.writes[-1] if self.writes else None
        return last.manifest if last and last.ref == self.key else None

    def object(self, ref: Ref) -> Manifest | None:
        """Return an object as it was last read or written. Raises the error of its read."""
        return _checked(self.latest[ref])

    def first_read(self, ref: Ref) -> Manifest | None:
        """Return an object as it was read first, before any of `writes`. Raises the error of its read."""
        return _checked(self.first[ref])


def _read(ref: Ref, client: Client) -> Manifest | Exception | None:
    try:
        return client.get(ref)
    except Exception as error:
        return error


def _checked(manifest: Manifest | Exception | None) -> Manifest | None:
    if isinstance(manifest, Exception):
        raise manifest
    return manifest


def observe(shared: SharedObservation, function: Function, client: Client, written: Observed | None = None) -> Observed:
    """Return what a function decides from: with `written`, in step 6, its children as it has written them.

    Reads what the parent refers to, unless it was read after the function's children already.
    """
    key, inputs = shared.key, function.inputs(shared.key)
    children = written_only(function, key)
    objects = {ref: written.get(ref) if written else shared.object(ref) for ref in children}
    objects |= {ref: shared.object(ref) for ref in inputs}
    current = _checked(shared.parent)
    parent = None if current is None or terminates(current) else current
    collections: dict[Collection, tuple[Manifest, ...]] = {}
    children_at = 0 if written else max((shared.read_at[ref] for ref in children), default=0)
    for referred in function.references(key, parent):
        if isinstance(referred, Collection):
            if referred not in shared.collections:
                shared.collections[referred] = tuple(client.list(referred))
            collections[referred] = shared.collections[referred]
        elif referred not in objects:
            if shared.read_at.get(referred, -1) < children_at:
                shared.read(referred, client)
            objects[referred] = shared.object(referred)
    return Observed(key, parent, objects, collections, shared.images)


def read_objects(
    shared: SharedObservation,
    deciding: Sequence[Function],
    confirming: Sequence[Function],
    client: Client,
    executor: Executor | None = None,
) -> None:
    """Read the children of the deciding functions and the inputs of all; the parent has to be read after them.

    With `executor`, objects whose order does not matter are read side by side.
    """
    order, read = read_order(deciding, confirming, shared.key), partial(_read, client=client)
    while refs := order.get_ready():
        for ref, manifest in zip(refs, results_of(read, refs, executor), strict=True):
            shared.note_read(ref, manifest)
        order.done(*refs)


def with_current_inputs(function: Function, seen: Observed, client: Client) -> Observed:
    """Return `seen` with every input, the parent and what it refers to as they are now."""
    shared = SharedObservation(seen.key, seen.images)
    read_objects(shared, (), (function,), client)
    shared.read_parent(client)
    return observe(shared, function, client, seen)
