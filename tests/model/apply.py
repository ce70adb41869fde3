"""Server-side apply in the small: an object as the set of its leaves, and who owns which of them.

A leaf's path is FieldsV1's (structured-merge-diff, `fieldpath/serialize.go`): `f:` a field, `k:` an item by its keys.
Owner references are atomic items; a list that is not named here is one value. Types do not change under a path.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runtime.objects import Manifest

Path = tuple[str, ...]
Leaves = Mapping[Path, Any]
# Which manager, and on which subresource.
Writer = tuple[str, str]

KEYS: Mapping[str, str] = {"f:conditions": "type", "f:ownerReferences": "uid"}
ATOMIC_ITEMS = frozenset({"f:ownerReferences"})
# What addresses, locks or describes the object as such; nobody owns it.
ENVELOPE = frozenset(
    {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"}
)


@dataclass(frozen=True)
class ModelListItem:
    """Stands at the path of a list's item whose fields are leaves of their own."""


ITEM = ModelListItem()


@dataclass(frozen=True)
class Applied:
    """An object's leaves after an apply, and the leaves of each of its writers."""

    leaves: Leaves
    owned: Mapping[Writer, frozenset[Path]]


def apply(leaves: Leaves, owned: Mapping[Writer, frozenset[Path]], writer: Writer, intent: Leaves) -> Applied:
    """`intent` by force: what differs is taken from others, and what `writer` intended before and nobody owns goes."""
    changed = {path for path, value in intent.items() if path not in leaves or leaves[path] != value}
    others = {pair: paths - changed for pair, paths in owned.items() if pair != writer}
    kept = frozenset[Path]().union(*others.values())
    dropped = owned.get(writer, frozenset()) - intent.keys() - kept
    merged = {path: value for path, value in {**leaves, **intent}.items() if path not in dropped}
    owners = {**others, writer: frozenset(intent)}
    return Applied(merged, {pair: paths for pair, paths in owners.items() if paths})


def leaves(manifest: Manifest) -> dict[Path, Any]:
    """The object's content, without what addresses or describes it."""
    described = {key: value for key, value in manifest["metadata"].items() if key not in ENVELOPE}
    body = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind", "metadata")}
    return dict(_leaves({**({"metadata": described} if described else {}), **body}, ()))


def _leaves(value: Any, at: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping) and (value or not at):
        for key, below in value.items():
            yield from _leaves(below, (*at, f"f:{key}"))
    elif isinstance(value, list) and at[-1] in KEYS:
        for item in value:
            yield from _item(item, at)
    else:
        yield at, value


def _item(item: Manifest, at: Path) -> Iterator[tuple[Path, Any]]:
    key = KEYS[at[-1]]
    path = (*at, "k:" + json.dumps({key: item[key]}, separators=(",", ":")))
    if at[-1] in ATOMIC_ITEMS:
        yield path, item
        return
    yield path, ITEM
    yield from _leaves(item, path)


def tree(leaves: Leaves) -> dict[str, Any]:
    """The content that these leaves make up."""
    return {name: _built(below) for name, below in _by_token(leaves, "f:").items()}


def _built(leaves: Leaves) -> Any:
    if items := _by_token(leaves, "k:"):
        return [_built(below) for below in items.values()]
    if named := _by_token(leaves, "f:"):
        return {name: _built(below) for name, below in named.items()}
    return leaves[()]


def _by_token(leaves: Leaves, sort: str) -> dict[str, dict[Path, Any]]:
    """What is below each token of this sort."""
    grouped: dict[str, dict[Path, Any]] = {}
    for path, value in leaves.items():
        if path and path[0].startswith(sort):
            grouped.setdefault(path[0].removeprefix(sort), {})[path[1:]] = value
    return grouped


def fields(paths: Iterable[Path]) -> dict[str, Any]:
    """FieldsV1 of these paths."""
    known = sorted(paths)
    root: dict[str, Any] = {}
    for path in known:
        node = root
        for token in path:
            node = node.setdefault(token, {})
    for path in known:
        node = root
        for token in path:
            node = node[token]
        if node:
            node["."] = {}
    return root


def paths(owned: Mapping[str, Any], at: Path = ()) -> Iterator[Path]:
    """The paths of a FieldsV1 tree."""
    for token, below in owned.items():
        if token == ".":
            yield at
        elif not below:
            yield (*at, token)
        else:
            yield from paths(below, (*at, token))
