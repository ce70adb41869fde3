"""An object as the set of its leaves, by the paths that `managedFields` has for them, and back again. Pure.

A path is as `runtime.field_paths` has it; a list whose items have no keys, and an owner reference, are one value.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.differences import FieldChange, list_keys
from runtime.field_paths import Path, dotted
from runtime.objects import Manifest, metadata

Leaves = dict[Path, Any]

# What addresses, locks or describes the object as such; nobody owns it.
ENVELOPE = frozenset(
    {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"}
)
ATOMIC_ITEMS = "f:ownerReferences"


@dataclass(frozen=True)
class ListItem:
    """Stands at the path of a list's item whose fields are leaves of their own."""


ITEM = ListItem()


def leaves(manifest: Manifest) -> Leaves:
    """The object's content, without what addresses or describes it."""
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
    """How FieldsV1 spells an item, its keys in one order."""
    return "k:" + json.dumps({key: item.get(key) for key in keys}, sort_keys=True)


def tree(values: Mapping[Path, Any]) -> dict[str, Any]:
    """The content that these leaves make up."""
    return {name: _built(below) for name, below in _below(values, "f:").items()}


def _built(values: Mapping[Path, Any]) -> Any:
    if items := _below(values, "k:"):
        return [_built(below) for below in items.values()]
    if named := _below(values, "f:"):
        return {name: _built(below) for name, below in named.items()}
    return values[()]


def _below(values: Mapping[Path, Any], sort: str) -> dict[str, Leaves]:
    """What is below each token of this sort."""
    grouped: dict[str, Leaves] = {}
    for path, value in values.items():
        if path and path[0].startswith(sort):
            grouped.setdefault(path[0].removeprefix(sort), {})[path[1:]] = value
    return grouped


def unlike(before: Manifest | None, after: Manifest) -> tuple[FieldChange, ...]:
    """Every field in which two versions of an object differ, status and bookkeeping aside."""
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
    """The FieldsV1 tree of these leaves."""
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
