"""Kubernetes' own values as the API server keeps them, so that what comes back is what was intended.

The Go types behind the API leave out of their JSON every field that is empty and may be left out (`omitempty`): text,
lists and maps, but not objects, which are pointers and stay as `{}`. In the types used here no text or list that is
empty means anything else than one that is left out; a type that tells the two apart (`storageClassName` of a claim)
must not come this way.
"""

import functools
from collections.abc import Mapping

from pydantic import JsonValue

from crds.core import NUMBER_OR_TEXT, QUANTITY_TYPE, Schema, read_definitions

# Types of which an empty object is filled with the same defaults as one that is left out.
FILLED = frozenset({"io.k8s.api.apps.v1.RollingUpdateDaemonSet"})


def canonical(value: JsonValue, type_name: str) -> JsonValue:
    """Return a value of one of Kubernetes' types without what the API server would leave out of it.

    `type_name` is the type's name in Kubernetes' OpenAPI document. What does not fit the type stays as it is: it is
    the API server's to refuse.
    """
    if type_name == QUANTITY_TYPE:
        return _quantity(value)
    if type_name in NUMBER_OR_TEXT or not isinstance(value, dict):
        return value
    definition = _definitions()[type_name]
    properties = definition.get("properties")
    required = definition.get("required")
    return _object(value, properties if isinstance(properties, dict) else {}, required)


@functools.cache
def _definitions() -> Mapping[str, Schema]:
    return read_definitions()


def _object(value: dict[str, JsonValue], properties: Mapping[str, JsonValue], required: JsonValue) -> JsonValue:
    kept: dict[str, JsonValue] = {}
    for key, member in value.items():
        schema = properties.get(key)
        if not isinstance(schema, dict):
            kept[key] = member
        elif (isinstance(required, list) and key in required) or not _is_left_out(member, schema):
            kept[key] = _member(member, schema)
    return kept


def _is_left_out(value: JsonValue, schema: Schema) -> bool:
    """Return whether an optional field with this value is kept as if it were not there."""
    return value is None or value in ("", []) or (value == {} and _is_nothing_when_empty(schema))


def _is_nothing_when_empty(schema: Schema) -> bool:
    """Return whether an empty object is a map, or is filled with the same defaults as one that is left out."""
    return "additionalProperties" in schema or schema.get("$ref") in FILLED


def _member(value: JsonValue, schema: Schema) -> JsonValue:
    reference, items, values = (schema.get(key) for key in ("$ref", "items", "additionalProperties"))
    if isinstance(reference, str):
        return canonical(value, reference)
    if isinstance(values, dict) and isinstance(value, dict):
        return {key: _member(member, values) for key, member in value.items()}
    if isinstance(items, dict) and isinstance(value, list):
        return [_member(item, items) for item in value]
    return value


def _quantity(value: JsonValue) -> JsonValue:
    """Return an amount as text if it is a number with a fraction, such as 0.1: no binary number is exactly that."""
    return repr(value) if isinstance(value, float) else value
