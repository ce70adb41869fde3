"""Paths of fields, in the form of `metadata.managedFields` and in a readable form.

A path is a tuple of FieldsV1 tokens (structured-merge-diff, `fieldpath/serialize.go`): `f:` a field, `k:` an item of a
list by its keys, `v:` an item of a set by its value.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from runtime.objects import Manifest

Path = tuple[str, ...]


def paths(owned: Mapping[str, Any], at: Path = ()) -> Iterator[Path]:
    """Yield the leaves of a FieldsV1 tree; a map that is owned as one value is one leaf."""
    for spelt, below in owned.items():
        part = "k:" + json.dumps(json.loads(spelt[2:]), sort_keys=True) if spelt.startswith("k:") else spelt
        if part == ".":
            yield from [at] if is_item(at) else []
        elif not below:
            yield (*at, part)
        else:
            yield from paths(below, (*at, part))


def is_item(path: Path) -> bool:
    """Return whether the path ends at an item of a list."""
    return bool(path) and path[-1].startswith("k:")


def dotted(path: Path) -> str:
    """Return the path in readable form: `spec.ports[port=9102,protocol=TCP].name`."""
    return "".join(_step(part) for part in path).removeprefix(".")


def _step(part: str) -> str:
    sort, _, rest = part.partition(":")
    if sort == "k":
        return "[" + ",".join(f"{key}={value}" for key, value in json.loads(rest).items()) + "]"
    return f"[{json.loads(rest)}]" if sort == "v" else f".{rest}"


def located(manifest: Manifest, path: Path) -> tuple[str, Any] | None:
    """Return the JSON pointer (RFC 6901) of a path in an object, and the value there; None if there is none."""
    pointer, value = "", manifest
    for part in path:
        key = _key(part, value)
        if key is None:
            return None
        value = value[key]  # type: ignore[index]
        pointer += f"/{str(key).replace('~', '~0').replace('/', '~1')}"
    return pointer, value


def _key(part: str, value: Any) -> str | int | None:
    """Return the map key or list index that a token stands for in a value; None if the value lacks it."""
    sort, _, rest = part.partition(":")
    if sort == "f":
        return rest if isinstance(value, Mapping) and rest in value else None
    if not isinstance(value, list):
        return None
    wanted = json.loads(rest)
    if sort == "v":
        return value.index(wanted) if wanted in value else None
    return next((place for place, item in enumerate(value) if _is(item, wanted)), None)


def _is(item: Any, keys: Mapping[str, Any]) -> bool:
    return isinstance(item, Mapping) and all(item.get(key) == value for key, value in keys.items())
