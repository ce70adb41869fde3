"""Reads what every reconcile would read, for all parents at once: a few long lists instead of many short calls.

The API server sorts lists by namespace. So one list of the parents, and one of each child's name in all namespaces, are
read in parallel, with one page of each in memory. The lists are not of the same instant: an object that changes in
between seems to differ, and causes a reconcile that finds nothing to do.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from runtime.client import Client
from runtime.declaration import Function, Observed
from runtime.errors import NotFound
from runtime.objects import Collection, Kind, Manifest, Ref, metadata, name, terminates

# Objects of each list in memory at a time; a dozen lists of DaemonSets and the like take some ten megabytes.
PAGE = 100

Parents = Callable[[Iterator[Manifest]], Iterator[Manifest]]


def namespace(manifest: Manifest) -> str:
    """Return `metadata.namespace`, empty for cluster-scoped objects."""
    return str(metadata(manifest).get("namespace", ""))


@dataclass
class Stream:
    """One list, from which objects are taken namespace by namespace, in order."""

    items: Iterator[Manifest]
    head: Manifest | None = None

    def take(self, wanted: str) -> Iterator[Manifest]:
        """Yield all objects of this namespace; objects of earlier namespaces are skipped."""
        while (manifest := self.head or next(self.items, None)) is not None:
            self.head = manifest
            if _place(namespace(manifest)) > _place(wanted):
                return
            self.head = None
            if namespace(manifest) == wanted:
                yield manifest


def _place(of: str) -> str:
    """Return the API server's sort key of a namespace: in its keys a slash follows, which sorts after a hyphen."""
    return f"{of}/"


@dataclass
class Snapshot:
    """What `functions`, all of one parent kind, would observe. Cluster-scoped objects are read once for all parents.

    Cluster-scoped objects of a kind that functions select by labels are listed once; only name and labels are kept.
    """

    client: Client
    functions: tuple[Function, ...]
    images: Mapping[str, str]
    shared: dict[Ref, Manifest | None] = field(default_factory=dict)
    listed: dict[Collection, tuple[Manifest, ...]] = field(default_factory=dict)
    labelled: dict[Kind, dict[str, Manifest]] = field(default_factory=dict)

    def observed(self) -> Iterator[tuple[Manifest, Iterator[tuple[Function, Observed]]]]:
        """Yield each parent that is not being deleted, with what each function would observe."""
        parent = self.functions[0].parent
        streams = {(kind, wanted): self._stream(kind, wanted) for kind, wanted in self._wanted()}
        for where, manifests in groupby(self._stream(parent, "").items, namespace):
            there = {
                Ref(kind, where, name(manifest)): manifest
                for (kind, _), stream in streams.items()
                for manifest in stream.take(where)
            }
            for manifest in manifests:
                if not terminates(manifest):
                    yield manifest, self._seen(manifest, Ref(parent, where, name(manifest)), there)

    def get(self, ref: Ref) -> Manifest | None:
        """Return a cluster-scoped object, which is read at most once."""
        if labels := self._labels.get(ref.kind):
            return self._selected(ref.kind, labels).get(ref.name)
        if ref not in self.shared:
            self.shared[ref] = self.client.get(ref)
        return self.shared[ref]

    @property
    def _labels(self) -> dict[Kind, Mapping[str, str]]:
        return {kind: labels for function in self.functions for kind, labels in function.labels.items()}

    def _selected(self, kind: Kind, labels: Mapping[str, str]) -> Mapping[str, Manifest]:
        """Return the objects of a kind that carry these labels, by name."""
        if kind not in self.labelled:
            chosen = ",".join(f"{label}={value}" for label, value in labels.items())
            manifests = self.client.list(Collection(kind, ""), labelled=chosen)
            self.labelled[kind] = {
                name(manifest): {"metadata": {"name": name(manifest), "labels": metadata(manifest).get("labels") or {}}}
                for manifest in manifests
            }
        return self.labelled[kind]

    def _seen(self, parent: Manifest, key: Ref, there: Mapping[Ref, Manifest]) -> Iterator[tuple[Function, Observed]]:
        def get(ref: Ref) -> Manifest | None:
            return there.get(ref) if ref.kind.namespaced else self.get(ref)

        for function in self.functions:
            yield function, function.observed(key, parent, get, self._list, self.images)

    def _list(self, collection: Collection) -> tuple[Manifest, ...]:
        if collection.namespace:
            return tuple(self.client.list(collection))  # not cached: that would grow with the number of parents
        if collection not in self.listed:
            self.listed[collection] = tuple(self.client.list(collection))
        return self.listed[collection]

    def _wanted(self) -> Iterable[tuple[Kind, str]]:
        return dict.fromkeys(pair for function in self.functions for pair in lists(function))

    def _stream(self, kind: Kind, wanted: str) -> Stream:
        return Stream(_all(self.client, kind, wanted))


def lists(function: Function) -> Iterator[tuple[Kind, str]]:
    """Yield the namespaced kinds that a function reads, each with the one name it reads, empty for any name."""
    sample = Ref(function.parent, "namespace", "name")
    for ref in (*function.children(sample), *function.inputs(sample)):
        if ref.kind.namespaced:
            yield ref.kind, ref.name
    for kind in function.reads:
        if kind.namespaced:
            yield kind, ""


def _all(client: Client, kind: Kind, wanted: str) -> Iterator[Manifest]:
    """Yield the objects of a kind in all namespaces; none if the API server does not serve the kind."""
    try:
        yield from client.list(Collection(kind, ""), named=wanted, page=PAGE)
    except NotFound:
        return
