"""Paths of fields as `metadata.managedFields` has them, and as people read them. Pure.

A path is a tuple of FieldsV1 tokens (structured-merge-diff, `fieldpath/serialize.go`): `f:` a field, `k:` an item of a
list by its keys, `v:` an item of a set by its value.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from runtime.objects import Manifest

Path = tuple[str, ...]


def paths(owned: Mapping[str, Any], at: Path = ()) -> Iterator[Path]:
    """Yield the leaves that a FieldsV1 tree speaks of; a map that is owned as one value is one."""
    for spelt, below in owned.items():
        part = "k:" + json.dumps(json.loads(spelt[2:]), sort_keys=True) if spelt.startswith("k:") else spelt
        if part == ".":
            yield from [at] if is_item(at) else []
        elif not below:
            yield (*at, part)
        else:
            yield from paths(below, (*at, part))


def is_item(path: Path) -> bool:
    """Whether the path is that of a list's item."""
    return bool(path) and path[-1].startswith("k:")


def dotted(path: Path) -> str:
    """The path as people read it: `spec.ports[port=9102,protocol=TCP].name`."""
    return "".join(_step(part) for part in path).removeprefix(".")


def _step(part: str) -> str:
    sort, _, rest = part.partition(":")
    if sort == "k":
        return "[" + ",".join(f"{key}={value}" for key, value in json.loads(rest).items()) + "]"
    return f"[{json.loads(rest)}]" if sort == "v" else f".{rest}"


def located(manifest: Manifest, path: Path) -> tuple[str, Any] | None:
    """The JSON pointer (RFC 6901) of a path in an object, and the value there; None where there is none."""
    pointer, value = "", manifest
    for part in path:
        key = _key(part, value)
        if key is None:
            return None
        value = value[key]  # type: ignore[index]
        pointer += f"/{str(key).replace('~', '~0').replace('/', '~1')}"
    return pointer, value


def _key(part: str, value: Any) -> str | int | None:
    """The key of a map, or the index in a list, that a token stands for in a value; None where it is not there."""
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
