"""What a function declares: its name, what wakes it, what it writes and reads, and its pure `desired`.

The protocol reconciles by this declaration, and `installation.wiring` generates Triggers, Roles and the event source
from it. So a function and its wiring cannot drift apart.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from runtime.objects import KEPLER, Collection, Kind, Manifest, Ref
from runtime.outcome import Outcome

Input = Ref | Collection


class Undeclared(KeyError):
    """A function decides from an object, or writes one, that it does not declare."""


@dataclass(frozen=True)
class Observed:
    """Everything that was read for one decision, and nothing else.

    `objects` has an entry for every child and input (None: absent). `parent` is None if it is gone or being deleted.
    `images` are the environment's `RELATED_IMAGE_*` and `ALLOWED_IMAGES`.
    """

    key: Ref
    parent: Manifest | None
    objects: Mapping[Ref, Manifest | None] = field(default_factory=dict)
    collections: Mapping[Collection, tuple[Manifest, ...]] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)

    def get(self, ref: Ref) -> Manifest | None:
        """Return the object read under `ref`. Raises Undeclared if the function does not declare it."""
        if ref not in self.objects:
            raise Undeclared(f"{ref} is not declared: add it to `children` (what it writes), `inputs` or `references`")
        return self.objects[ref]


def manager(name: str) -> str:
    """Return the name of a function in the cluster: `kepler-collected-metric` for `collected_metric`."""
    return f"kepler-{name.replace('_', '-')}"


def never(_manifest: Manifest) -> bool:
    """Return False: the default of `Wake.nothing_to_do`, by which every event leads to a reconcile."""
    return False


def every(_parent: Manifest) -> bool:
    """Return True: the default of `Wake.for_parent`, by which all parents that refer to an object are woken."""
    return True


@dataclass(frozen=True)
class Wake:
    """A kind of object whose events wake a function; only objects with one of `names`, if any are given.

    With `labels`, only objects that carry them are watched, and the sweep lists no others. An object without them
    counts as absent. `nothing_to_do` returns whether the object in an event alone shows that no reconcile is needed; it
    is not called for a deletion. `for_parent` returns whether a parent that refers to the object is reconciled at all:
    it may leave out parents for which another event is certain to follow.
    """

    kind: Kind
    names: tuple[str, ...] = ()
    nothing_to_do: Callable[[Manifest], bool] = never
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    for_parent: Callable[[Manifest], bool] = every


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
    """Return no children or inputs."""
    return ()


def no_references(_key: Ref, _parent: Manifest | None) -> tuple[()]:
    """Return no references to other objects."""
    return ()


def no_cleanup(_observed: Observed) -> Outcome | None:
    """Return None: garbage collection removes everything that the function made for the parent."""
    return None


def no_orphans(_shared: Mapping[Ref, Manifest | None]) -> tuple[()]:
    """Return no keys: no shared object refers to parents."""
    return ()


@dataclass(frozen=True)
class Function:
    """One reconciler. Its name is also its field manager, ServiceAccount and Trigger (with the prefix `kepler-`).

    * `children` and `inputs` follow from the parent's key; `references` from the parent itself (None: gone or being
      deleted). At most one object is both a child and an input.
    * `desired` decides while the parent exists, `clean_up` once it does not; None from `clean_up` means that there is
      nothing to do.
    * `removes` are the children that a decision may call absent while the parent lives. `patch_only` are the children
      that the function never creates, since it decides only once others have.
    * `reads` are the kinds that `references` may name, `lists` the kinds of collections that it may name. `rules` are
      further permissions.
    * `shared_children` are children that `config/` ships and all parents share; this function may only patch them.
      `keys_in_shared_objects` are the keys of parents to which they refer; if such a parent is gone, the sweep requests
      a reconcile, which calls `clean_up`.
    * `gates_ready`: whether `Ready` of a Kepler waits for `condition`.
    * `awaits` are the conditions of other functions that must be True before it writes anything.
    * `keys` are the keys that it always writes in `kepler-cfm`. `decide_keys` decides on them alone, if `desired`
      decides on more. `collector` starts nothing before each function with keys has them in place.
    * `overlays` names, for an API group that only some clusters have, the overlay of `config/` that lets this function
      write its kinds; `config/base` lets it read them.
    * `summaries` are further conditions. They have status, reason and message of `condition`, unless `desired` returns
      them itself.
    """

    name: str
    condition: str
    wakes: tuple[Wake, ...]
    desired: Callable[[Observed], Outcome]
    gates_ready: bool = field(kw_only=True)
    children: Callable[[Ref], tuple[Ref, ...]] = no_children
    inputs: Callable[[Ref], tuple[Ref, ...]] = no_children
    references: Callable[[Ref, Manifest | None], tuple[Input, ...]] = no_references
    clean_up: Callable[[Observed], Outcome | None] = no_cleanup
    parent: Kind = KEPLER
    reads: tuple[Kind, ...] = ()
    lists: tuple[Kind, ...] = ()
    removes: Callable[[Ref], tuple[Ref, ...]] = no_children
    patch_only: Callable[[Ref], tuple[Ref, ...]] = no_children
    shared_children: tuple[Ref, ...] = ()
    keys_in_shared_objects: Callable[[Mapping[Ref, Manifest | None]], Iterable[Ref]] = no_orphans
    rules: tuple[Permission, ...] = ()
    overlays: Mapping[str, str] = field(default_factory=dict, hash=False)
    summaries: tuple[str, ...] = ()
    awaits: tuple[str, ...] = ()
    keys: frozenset[str] = frozenset()
    decide_keys: Callable[[Observed], Outcome] | None = None

    def decided_keys(self, observed: Observed) -> Outcome:
        """Return the function's decision on its keys of `kepler-cfm`."""
        return (self.decide_keys or self.desired)(observed)

    @property
    def manager(self) -> str:
        """Return the name of the field manager; ServiceAccount, Service and Trigger have it too."""
        return manager(self.name)

    def granted_by(self, kind: Kind) -> str:
        """Return what grants permission to write objects of a kind, as it follows the word `apply` in a message."""
        overlay = self.overlays.get(kind.group)
        if overlay:
            return f"`config/{overlay}`, or its component with the overlay that is installed"
        elsewhere = ", and with `config/overlays/tenants` its RoleBindings in this namespace" if kind.namespaced else ""
        return f"`config/` again, with the overlay that is installed{elsewhere}"

    def observed(
        self,
        key: Ref,
        parent: Manifest,
        get: Callable[[Ref], Manifest | None],
        collect: Callable[[Collection], tuple[Manifest, ...]],
        images: Mapping[str, str] = MappingProxyType({}),
    ) -> Observed:
        """Return what the function would decide from, built from objects that were already read.

        Unlike the protocol, this reads nothing, so the order of reads is not guaranteed.
        """
        referred = self.references(key, parent)
        refs = (
            *self.children(key),
            *self.inputs(key),
            *(reference for reference in referred if isinstance(reference, Ref)),
        )
        collections = {collection: collect(collection) for collection in referred if isinstance(collection, Collection)}
        return Observed(key, parent, {ref: get(ref) for ref in refs}, collections, images)

    @property
    def only_reports(self) -> bool:
        """Return whether the function writes nothing but its conditions and status fields."""
        return self.children is no_children

    @property
    def labels(self) -> dict[Kind, Mapping[str, str]]:
        """Return, for each kind that is watched by labels, the labels."""
        return {wake.kind: wake.labels for wake in self.wakes if wake.labels}

    def is_woken_by(self, kind: Kind) -> bool:
        """Return whether events of this kind wake the function."""
        return any(wake.kind == kind for wake in self.wakes)

    def concerns(self, key: Ref, parent: Manifest, ref: Ref) -> bool:
        """Return whether `ref` is a child or an input of this parent, or in a collection that is an input."""
        known = (*self.children(key), *self.inputs(key), *self.references(key, parent))
        collections = {Collection(ref.kind, ref.namespace), Collection(ref.kind, "")}
        return ref in known or not collections.isdisjoint(known)


# The objects that functions write for a parent, each with the field managers that write it.
Writers = Mapping[Ref, frozenset[str]]


def writers(functions: Iterable[Function], key: Ref) -> Writers:
    """Return the children of a resource, each with the managers of the functions that write it.

    Objects that `config/` ships are left out: the whole cluster shares them.
    """
    managers: dict[Ref, frozenset[str]] = {}
    for function in functions:
        for ref in function.children(key) if function.parent == key.kind else ():
            if ref not in function.shared_children:
                managers[ref] = managers.get(ref, frozenset()) | {function.manager}
    return managers
