"""What a function declares: its name, what wakes it, what it writes and reads, and its pure `desired`.

From this the protocol reconciles, and `installation.wiring` generates Triggers, Roles and the event source, so that
a function and its wiring cannot drift apart.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from runtime.objects import KEPLER, Collection, Kind, Manifest, Ref
from runtime.outcome import Outcome

Input = Ref | Collection


class Undeclared(KeyError):
    """A function decides from, or writes, an object that it does not declare."""


@dataclass(frozen=True)
class Observed:
    """Everything read for one decision, and nothing else.

    `objects` has an entry for every child and input (None: absent); `parent` is None when it is gone or going.
    `images` are the environment's `RELATED_IMAGE_*` and `ALLOWED_IMAGES`.
    """

    key: Ref
    parent: Manifest | None
    objects: Mapping[Ref, Manifest | None] = field(default_factory=dict)
    collections: Mapping[Collection, tuple[Manifest, ...]] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)

    def get(self, ref: Ref) -> Manifest | None:
        """The object read under `ref`. Raises Undeclared where the function does not declare it."""
        if ref not in self.objects:
            raise Undeclared(f"{ref} was not read: declare it in `children`, `inputs` or `refers` of the function")
        return self.objects[ref]


def manager(name: str) -> str:
    """What a function of this name is called in the cluster: `kepler-collected-metric` of `collected_metric`."""
    return f"kepler-{name.replace('_', '-')}"


def never(_manifest: Manifest) -> bool:
    """No event of this kind can be answered without looking."""
    return False


@dataclass(frozen=True)
class Wake:
    """A kind of object whose events wake a function, only under `names` where these are given.

    With `labels`, only objects that carry them are watched, and one that does not is as good as absent: the sweep lists
    no others. `idle` decides from the object in an event alone that there is nothing to do (never for a deletion).
    """

    kind: Kind
    names: tuple[str, ...] = ()
    idle: Callable[[Manifest], bool] = never
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Permission:
    """A permission beyond what children and inputs imply: a verb on a kind, on these names only, if any.

    `own` limits it to the functions' own namespace.
    """

    group: str
    resource: str
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()
    own: bool = False


def no_children(_key: Ref) -> tuple[()]:
    """The function has no children or inputs."""
    return ()


def no_references(_key: Ref, _parent: Manifest | None) -> tuple[()]:
    """The parent refers to nothing."""
    return ()


def no_cleanup(_observed: Observed) -> Outcome | None:
    """The parent is gone, and with it, by garbage collection, everything this function made."""
    return None


def no_orphans(_shared: Mapping[Ref, Manifest | None]) -> tuple[()]:
    """No shared object refers to parents."""
    return ()


@dataclass(frozen=True)
class Function:
    """One reconciler. Its name is also its field manager, ServiceAccount and Trigger (with the prefix `kepler-`).

    * `children` and `inputs` follow from the parent's key; `refers` from the parent itself (None: gone or going).
      What is both a child and an input is read twice, around the parent, and must not move in between.
    * `desired` decides while the parent exists, `gone` once it does not; None there means that nothing is to do.
    * `removes` are the children that a decision may call absent while the parent lives; `patch_only` are those that it
      never makes, since it decides only once others have.
    * `reads` are the kinds that `refers` may name, `lists` those of which it may name collections; `installed` are
      children that `config/` ships and this function may only patch; `rules` are permissions that nothing else implies.
    * `orphan_keys` are the keys of parents to which objects of `installed` refer; where such a parent is gone, the
      sweep has `gone` run.
    * `gates_ready`: whether `Ready` of a Kepler waits for `condition`.
    * `awaits` are the conditions of other functions that it waits for before it writes anything.
    * `keys` are those that it always writes in `kepler-cfm`, and `decide_keys` its decision on them where `desired`
      decides on more; `collector` starts nothing before each function with keys has them in place.
    * `overlays` names, for an API group that only some clusters have, the overlay of `config/` that lets this function
      write its kinds; `config/base` lets it read them.
    * `summaries` are further conditions: with the status, reason and message of `condition`, unless `desired` returns
      them itself.
    """

    name: str
    condition: str
    wakes: tuple[Wake, ...]
    desired: Callable[[Observed], Outcome]
    gates_ready: bool = field(kw_only=True)
    children: Callable[[Ref], tuple[Ref, ...]] = no_children
    inputs: Callable[[Ref], tuple[Ref, ...]] = no_children
    refers: Callable[[Ref, Manifest | None], tuple[Input, ...]] = no_references
    gone: Callable[[Observed], Outcome | None] = no_cleanup
    parent: Kind = KEPLER
    reads: tuple[Kind, ...] = ()
    lists: tuple[Kind, ...] = ()
    removes: Callable[[Ref], tuple[Ref, ...]] = no_children
    patch_only: Callable[[Ref], tuple[Ref, ...]] = no_children
    installed: tuple[Ref, ...] = ()
    orphan_keys: Callable[[Mapping[Ref, Manifest | None]], Iterable[Ref]] = no_orphans
    rules: tuple[Permission, ...] = ()
    overlays: Mapping[str, str] = field(default_factory=dict, hash=False)
    summaries: tuple[str, ...] = ()
    awaits: tuple[str, ...] = ()
    keys: frozenset[str] = frozenset()
    decide_keys: Callable[[Observed], Outcome] | None = None

    def decided_keys(self, observed: Observed) -> Outcome:
        """Return its decision on its keys of `kepler-cfm`."""
        return (self.decide_keys or self.desired)(observed)

    @property
    def manager(self) -> str:
        """The field manager; also the name of its ServiceAccount, Service and Trigger."""
        return manager(self.name)

    def granted_by(self, kind: Kind) -> str:
        """Return what holds this function's permission to write objects of a kind, after the word `apply`."""
        overlay = self.overlays.get(kind.group)
        if overlay:
            return f"`config/{overlay}`"
        elsewhere = ", or with `config/overlays/tenants` its RoleBindings in this namespace" if kind.namespaced else ""
        return f"`config/base`{elsewhere}"

    def observed(
        self,
        key: Ref,
        parent: Manifest,
        get: Callable[[Ref], Manifest | None],
        collect: Callable[[Collection], tuple[Manifest, ...]],
        images: Mapping[str, str] = MappingProxyType({}),
    ) -> Observed:
        """What it would decide from, out of what somebody has at hand already; the protocol reads in an order."""
        referred = self.refers(key, parent)
        refs = (
            *self.children(key),
            *self.inputs(key),
            *(reference for reference in referred if isinstance(reference, Ref)),
        )
        collections = {collection: collect(collection) for collection in referred if isinstance(collection, Collection)}
        return Observed(key, parent, {ref: get(ref) for ref in refs}, collections, images)

    @property
    def labels(self) -> dict[Kind, Mapping[str, str]]:
        """The kinds of which it knows only objects with these labels."""
        return {wake.kind: wake.labels for wake in self.wakes if wake.labels}

    def hears(self, kind: Kind) -> bool:
        """Whether events of this kind wake it."""
        return any(wake.kind == kind for wake in self.wakes)

    def concerns(self, key: Ref, parent: Manifest, ref: Ref) -> bool:
        """Whether `ref` is a child or an input of this parent, or in a collection that is."""
        known = (*self.children(key), *self.inputs(key), *self.refers(key, parent))
        collections = {Collection(ref.kind, ref.namespace), Collection(ref.kind, "")}
        return ref in known or not collections.isdisjoint(known)


# The objects that functions write for a parent, each with the field managers that write it.
Writers = Mapping[Ref, frozenset[str]]


def writers(functions: Iterable[Function], key: Ref) -> Writers:
    """The children of a resource, each with the managers of the functions that write it; what `config/` ships is none.

    What the whole cluster shares belongs to no resource alone.
    """
    managers: dict[Ref, frozenset[str]] = {}
    for function in functions:
        for ref in function.children(key) if function.parent == key.kind else ():
            if ref not in function.installed:
                managers[ref] = managers.get(ref, frozenset()) | {function.manager}
    return managers
