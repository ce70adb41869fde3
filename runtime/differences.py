"""Compares an intent with the object that the API server holds, and returns the fields that an apply would change.

These are values that are not as intended, fields that we still own but no longer intend, and fields that are as
intended but not ours, since somebody else set them. A reconcile that has nothing to change writes nothing. Fields of
others are ignored. Ownership is read from `metadata.managedFields` (FieldsV1: structured-merge-diff,
`fieldpath/serialize.go`): `f:` is a field, `k:` a list item by its keys, `v:` a list item by its value, `.` the field
or item itself.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from typing import Any

from runtime.kubernetes_client import parse_quantity
from runtime.objects import Manifest

# The keys of items in the API server's associative lists (x-kubernetes-list-map-keys). A list that is not here is
# atomic: replaced as a whole.
LIST_KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "conditions": (("type",),),
    "containers": (("name",),),
    "env": (("name",),),
    "groups": (("name",),),
    "imagePullSecrets": (("name",),),
    "initContainers": (("name",),),
    "ownerReferences": (("uid",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "volumeMounts": (("mountPath",),),
    "volumes": (("name",),),
}

# Defaults that the server adds to atomic values.
SERVER_DEFAULTS: Mapping[str, set[str]] = {"fieldRef": {"apiVersion"}, "resourceFieldRef": {"divisor"}}

# Maps of quantities, and fields that are quantities. The server returns them in canonical form: '0.5' as '500m'.
QUANTITY_MAPS = frozenset({"limits", "requests"})
QUANTITIES = frozenset({"divisor", "sizeLimit"})


@dataclass(frozen=True)
class FieldChange:
    """One changed field of one object: `path` in kubectl's dotted form; a side without a value is `None`."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Absent:
    """The type of `ABSENT`, which stands for a missing value, since `null` is a value."""


ABSENT = Absent()


def differences(
    intent: Manifest, actual: Manifest | None, *, manager: str, subresource: str = ""
) -> tuple[FieldChange, ...]:
    """Return every field that applying `intent` as `manager` would set or remove; empty means: do not write."""
    if actual is None:
        return tuple(_leaves(_content(intent), ""))
    owned = owned_fields(actual, manager=manager, subresource=subresource)
    content = _content(intent)
    changes = (*_unlike(content, actual, ()), *_unintended(owned, content, actual, ""))
    return changes or tuple(_unowned(owned, content, actual, ""))


def owned_fields(actual: Manifest, *, manager: str, subresource: str = "") -> Manifest:
    """Return the FieldsV1 tree that `manager` owns by server-side apply; empty if it owns nothing."""
    for entry in (actual.get("metadata") or {}).get("managedFields") or ():
        same_writer = entry.get("manager") == manager and entry.get("operation") == "Apply"
        if same_writer and entry.get("subresource", "") == subresource:
            fields: Manifest = entry.get("fieldsV1") or {}
            return fields
    return {}


def owned_time(actual: Manifest, *, manager: str) -> str:
    """Return when `manager` last changed its fields by apply, in the API server's format; empty if never."""
    entries = (actual.get("metadata") or {}).get("managedFields") or ()
    times = (
        str(entry.get("time") or "")
        for entry in entries
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")
    )
    return max(times, default="")


def owned_values(actual: Manifest, *, manager: str, subresource: str = "") -> Manifest:
    """Return the values that `manager` owns, except values in lists."""
    return _owned_values(owned_fields(actual, manager=manager, subresource=subresource), actual)


def _owned_values(owned: Manifest, actual: Manifest) -> Manifest:
    values: dict[str, Any] = {}
    for token, below in owned.items():
        value = actual.get(token.removeprefix("f:"))
        if isinstance(value, Mapping):
            values[token.removeprefix("f:")] = _owned_values(below, value) if below else value
        elif value is not None and not isinstance(value, list):
            values[token.removeprefix("f:")] = value
    return values


def _content(intent: Manifest) -> Manifest:
    """Return the intent without the fields that only address or lock the object."""
    body = {key: value for key, value in intent.items() if key not in ("apiVersion", "kind", "metadata")}
    addressing = ("name", "namespace", "uid", "resourceVersion")
    described = {key: value for key, value in (intent.get("metadata") or {}).items() if key not in addressing}
    return {**({"metadata": described} if described else {}), **body}


def _unlike(intended: Any, actual: Any, path: tuple[str, ...]) -> Iterator[FieldChange]:
    """Yield the leaves of `intended` that `actual` lacks or has otherwise; further fields of `actual` are ignored."""
    if intended is actual:
        return
    if isinstance(intended, Mapping) and isinstance(actual, Mapping):
        for key, value in intended.items():
            yield from _unlike(value, actual.get(key, ABSENT), (*path, key))
    elif isinstance(intended, Sequence) and isinstance(actual, Sequence) and not isinstance(intended, str):
        yield from _unlike_list(intended, actual, path)
    elif not _same(intended, actual, path):
        yield from _change(path, intended, actual)


def _unlike_list(intended: Sequence[Any], actual: Sequence[Any], path: tuple[str, ...]) -> Iterator[FieldChange]:
    keys = list_keys(path[-1] if path else "", intended)
    if keys:
        for item in intended:
            match = next((candidate for candidate in actual if _is(candidate, item, keys)), ABSENT)
            yield from _unlike(item, match, (*path[:-1], path[-1] + _selector(item, keys)))
    elif len(intended) != len(actual) or any(
        True for want, have in zip(intended, actual, strict=True) for _ in _unlike(want, have, ())
    ):
        yield FieldChange(_dotted(path), list(actual), list(intended))


def _unintended(owned: Manifest, intended: Any, actual: Any, path: str) -> Iterator[FieldChange]:
    """Yield the fields in `owned` that `intended` does not have: applying would remove them."""
    for token, below in owned.items():
        if token == ".":
            continue
        selected, wanted, present = _step(token, intended, actual)
        if present is ABSENT:
            continue
        if wanted is ABSENT:
            yield from _removed(f"{path}{selected}".removeprefix("."), present)
        elif not below:
            yield from _left_over(wanted, present, f"{path}{selected}".removeprefix("."))
        else:
            yield from _unintended(below, wanted, present, f"{path}{selected}")


def _unowned(owned: Manifest, intended: Any, actual: Any, path: str) -> Iterator[FieldChange]:
    """Yield the fields that are as intended but not in `owned`: others could remove them without a conflict."""
    if isinstance(intended, Mapping) and intended:
        below = ((f"f:{key}", f".{key}", value, _member(actual, key)) for key, value in intended.items())
    elif isinstance(intended, list) and intended and (keys := list_keys(path.rpartition(".")[2], intended)):
        below = (
            (f"k:{_token(item, keys)}", _selector(item, keys), item, _find(actual, item, keys)) for item in intended
        )
    else:
        return
    known = {_spelt(token): inner for token, inner in owned.items()}
    for token, step, wanted, present in below:
        where = f"{path}{step}".removeprefix(".")
        if present is ABSENT or wanted in ({}, []):
            continue  # the API server may keep neither value nor owner of an empty one
        if token not in known:
            yield FieldChange(where, present, wanted)
        elif known[token]:
            yield from _unowned(known[token], wanted, present, where)


def _token(item: Manifest, keys: tuple[str, ...]) -> str:
    return json.dumps({key: item.get(key) for key in keys}, sort_keys=True)


def _spelt(token: str) -> str:
    """Return a token with its keys in a fixed order and spacing."""
    sort, _, rest = token.partition(":")
    return f"k:{json.dumps(json.loads(rest), sort_keys=True)}" if sort == "k" else token


def _left_over(wanted: Any, present: Any, path: str) -> Iterator[FieldChange]:
    """Yield a change if an atomic value, owned as a whole, has parts that are not intended; they were intended before.

    Yields nothing if `_unlike` has reported the value already.
    """
    if wanted is present:
        return
    if not _covers(wanted, present, path.rpartition(".")[2]) and not any(True for _ in _unlike(wanted, present, ())):
        yield FieldChange(path, present, wanted)


def _covers(wanted: Any, present: Any, field: str) -> bool:
    """Return whether `present` has nothing that `wanted` lacks, except the server's defaults."""
    if isinstance(wanted, Mapping) and isinstance(present, Mapping):
        extra = set(present) - set(wanted) - SERVER_DEFAULTS.get(field, set())
        return not extra and all(_covers(wanted[key], present[key], key) for key in set(present) & set(wanted))
    if isinstance(wanted, list) and isinstance(present, list):
        pairs = zip(wanted, present, strict=False)
        return len(wanted) == len(present) and all(_covers(want, have, field) for want, have in pairs)
    return True


def _step(token: str, intended: Any, actual: Any) -> tuple[str, Any, Any]:
    """Follow one FieldsV1 token in both trees; return its readable form, the intended value and the actual one."""
    sort, _, rest = token.partition(":")
    if sort == "f":
        return f".{rest}", _member(intended, rest), _member(actual, rest)
    if sort == "k":
        item = json.loads(rest)
        keys = tuple(item)
        return _selector(item, keys), _find(intended, item, keys), _find(actual, item, keys)
    value = json.loads(rest) if sort == "v" else rest
    return f"[{value}]", _contains(intended, value), _contains(actual, value)


def _member(tree: Any, key: str) -> Any:
    return tree.get(key, ABSENT) if isinstance(tree, Mapping) else ABSENT


def _find(items: Any, wanted: Manifest, keys: tuple[str, ...]) -> Any:
    if not isinstance(items, Sequence) or isinstance(items, str):
        return ABSENT
    return next((item for item in items if _is(item, wanted, keys)), ABSENT)


def _contains(items: Any, value: Any) -> Any:
    return value if isinstance(items, Sequence) and value in items else ABSENT


def list_keys(field: str, items: Sequence[Any]) -> tuple[str, ...]:
    """Return the keys that identify the items of this list; empty for an atomic list."""
    for keys in LIST_KEYS.get(field, ()):
        if all(isinstance(item, Mapping) and keys[0] in item for item in items):
            return keys
    return ()


def _is(item: Any, wanted: Manifest, keys: tuple[str, ...]) -> bool:
    return isinstance(item, Mapping) and all(item.get(key) == wanted.get(key) for key in keys)


def _selector(item: Manifest, keys: tuple[str, ...]) -> str:
    return "[" + ",".join(f"{key}={item.get(key)}" for key in keys) + "]"


def _same(intended: Any, actual: Any, path: tuple[str, ...]) -> bool:
    if type(intended) is type(actual) and intended == actual:
        return True
    is_quantity = bool(path) and (path[-1] in QUANTITIES or (len(path) > 1 and path[-2] in QUANTITY_MAPS))
    return is_quantity and _quantity(intended) == _quantity(actual) is not None


def _quantity(value: Any) -> Decimal | None:
    """Return the amount as the API server keeps it, in thousandths, rounded up; None if the value is not a quantity.

    Source: k8s.io/kubernetes v1.35:pkg/apis/core/v1/defaults.go, SetDefaults_ResourceList.
    """
    try:
        return Decimal(parse_quantity(value)).quantize(Decimal("0.001"), rounding=ROUND_UP)
    except (ValueError, TypeError, ArithmeticError):
        return None


def _change(path: tuple[str, ...], intended: Any, actual: Any) -> Iterator[FieldChange]:
    if actual is ABSENT:
        yield from _leaves(intended, _dotted(path))
    else:
        yield FieldChange(_dotted(path), actual, intended)


def _removed(path: str, value: Any) -> Iterator[FieldChange]:
    for leaf in _leaves(value, path):
        yield FieldChange(leaf.path, leaf.after, None)


def _leaves(tree: Any, path: str) -> Iterator[FieldChange]:
    """Yield every leaf of a tree as a field that appears."""
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from _leaves(value, f"{path}.{key}".removeprefix("."))
    elif isinstance(tree, list) and tree and (keys := list_keys(path.rpartition(".")[2], tree)):
        for item in tree:
            yield from _leaves(item, path + _selector(item, keys))
    else:
        yield FieldChange(path, None, tree)


def _dotted(path: tuple[str, ...]) -> str:
    return ".".join(path)
