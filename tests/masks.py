"""Two states compared: what differs from run to run and is left out, and where they differ besides."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from operands.children import CONFIG_HASH

# Of a value that differs, so many characters.
SHOWN = 300
MASKED = {
    CONFIG_HASH,  # of the namespace, among others: whoever compares checks it apart
    "deprecated.daemonset.template.generation",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "time",
    "lastTransitionTime",
    "generation",
    "observedGeneration",
}


def masked(value: Any, namespace: str) -> Any:
    """Without times, identities and the namespace's name; sets as sorted lists."""
    if isinstance(value, dict):
        return {key: masked(below, namespace) for key, below in value.items() if key not in MASKED and "uid" not in key}
    if isinstance(value, list):
        return sorted((masked(manifest, namespace) for manifest in value), key=str)
    return value.replace(namespace, "NS") if isinstance(value, str) else value


def unlike(before: Any, after: Any, where: str = "") -> Iterator[str]:
    """Where two states differ, each place in a line."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from unlike(before.get(key), after.get(key), f"{where}/{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (left, right) in enumerate(zip(before, after, strict=True)):
            yield from unlike(left, right, f"{where}[{number}]")
    elif before != after:
        yield f"{where} is {json.dumps(after)[:SHOWN]}, not {json.dumps(before)[:SHOWN]}"
