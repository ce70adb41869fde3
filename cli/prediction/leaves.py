"""An object as the set of its leaves, by their paths in `managedFields`, and back again. Pure.

Paths are those of `runtime.field_paths`. A list whose items have no keys, and an owner reference, are one value.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.differences import FieldChange, list_keys
from runtime.field_paths import Path, dotted
from runtime.objects import Manifest, metadata

Leaves = dict[Path, Any]

# Metadata that addresses, locks or describes the object; it has no owner.
ENVELOPE = frozenset(
    {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"}
)
ATOMIC_ITEMS = "f:ownerReferences"


@dataclass(frozen=True)
class ListItem:
    """The value at the path of a list item whose fields are leaves of their own."""


ITEM = ListItem()


def leaves(manifest: Manifest) -> Leaves:
    """Return the leaves of an object's content, without the metadata in `ENVELOPE`."""
    described = {name: value for name, value in metadata(manifest).items() if name not in ENVELOPE}
    body = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind", "metadata")}
    return dict(_leaves({**({"metadata": described} if described else {}), **body}, ()))


def _leaves(value: Any, at: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping) and (value or not at):
        for key, below in value.items():
            yield from _leaves(below, (*at, f"f:{key}"))
    elif isinstance(value, list) and value and (keys := list_keys(at[-1].removeprefix("f:"), value)):
        for item in value:
            yield from _item(item, (*at, token(item, keys)))
    else:
        yield at, value


def _item(item: Manifest, at: Path) -> Iterator[tuple[Path, Any]]:
    if at[-2] == ATOMIC_ITEMS:
        yield at, item
        return
    yield at, ITEM
    yield from _leaves(item, at)


def token(item: Manifest, keys: Sequence[str]) -> str:
    """Return a list item's key as FieldsV1 writes it, its fields sorted."""
    return "k:" + json.dumps({key: item.get(key) for key in keys}, sort_keys=True)


def tree(values: Mapping[Path, Any]) -> dict[str, Any]:
    """Return the content that consists of these leaves."""
    return {name: _built(below) for name, below in _below(values, "f:").items()}


def _built(values: Mapping[Path, Any]) -> Any:
    if items := _below(values, "k:"):
        return [_built(below) for below in items.values()]
    if named := _below(values, "f:"):
        return {name: _built(below) for name, below in named.items()}
    return values[()]


def _below(values: Mapping[Path, Any], sort: str) -> dict[str, Leaves]:
    """Return the leaves below each token of this sort, with the rest of their paths."""
    grouped: dict[str, Leaves] = {}
    for path, value in values.items():
        if path and path[0].startswith(sort):
            grouped.setdefault(path[0].removeprefix(sort), {})[path[1:]] = value
    return grouped


def field_changes(before: Manifest | None, after: Manifest) -> tuple[FieldChange, ...]:
    """Return every field in which two versions of an object differ, without status and the metadata in `ENVELOPE`."""
    leaves_before, leaves_after = (
        {path: value for path, value in leaves(manifest).items() if path[0] != "f:status" and value is not ITEM}
        for manifest in (before or {}, after)
    )
    return tuple(
        FieldChange(dotted(path), leaves_before.get(path), leaves_after.get(path))
        for path in {**leaves_before, **leaves_after}
        if path not in leaves_before or path not in leaves_after or leaves_before[path] != leaves_after[path]
    )


def fields(known: Iterable[Path]) -> dict[str, Any]:
    """Return the FieldsV1 tree of these leaves."""
    ordered = sorted(known)
    root: dict[str, Any] = {}
    nodes = []
    for path in ordered:
        node = root
        for part in path:
            node = node.setdefault(part, {})
        nodes.append(node)
    for node in nodes:
        if node:
            node["."] = {}
    return root
