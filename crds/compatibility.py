"""Whether a CustomResourceDefinition still takes what a released one took: each break, as a sentence.

A change breaks if an object, or a client, of the released version can fail with the current one: something is gone, is
of another type, or is held to more than before; or an object that leaves a field out means something else. What is
looser, and what is new and optional, breaks nothing. A rule, a pattern or a composition (`oneOf` and the like) that is
another counts as a break, since nobody can say by its text whether it takes less.

`config/released/VERSION` holds the definitions of each release. A break that is wanted is listed in `DELIBERATE`.
"""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from crds.core import Schema
from crds.fields import RULES

# Sentence of a break -> why it is made all the same. A sentence that is no longer true has to go.
DELIBERATE: Mapping[str, str] = {}

# Keywords that limit a value. Lower limits must not rise, upper ones must not fall.
LOWER = ("minimum", "minLength", "minItems", "minProperties")
UPPER = ("maximum", "maxLength", "maxItems", "maxProperties")
# Keywords that may be dropped, but neither be new nor another: what they take cannot be compared.
OPAQUE = ("pattern", "format", "multipleOf", "allOf", "anyOf", "oneOf", "not")
# Flags that take less if they are on.
STRICT = ("exclusiveMinimum", "exclusiveMaximum", "uniqueItems", "x-kubernetes-embedded-resource")
# Flags that take more if they are on.
LOOSE = ("nullable", "x-kubernetes-preserve-unknown-fields")
# What a value is, and how two writers' lists and maps are merged: any change is a break.
FIXED = ("type", "x-kubernetes-int-or-string")
MERGED = ("x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type")
MERGED_BY_DEFAULT: Mapping[str, str] = {"x-kubernetes-list-type": "atomic", "x-kubernetes-map-type": "granular"}


def breaks(released: Mapping[str, JsonValue], current: Mapping[str, JsonValue] | None) -> Iterator[str]:
    """Yield a sentence for each break of a definition; `current` is None if there is no such definition any more."""
    before = _mapping(released.get("spec"))
    kind = str(_mapping(before.get("names")).get("kind"))
    if current is None:
        yield f"{kind}: the definition is gone"
        return
    after = _mapping(current.get("spec"))
    yield from (f"{kind}: {problem}" for problem in _names(before, after))
    versions = {str(version["name"]): version for version in map(_mapping, _sequence(after.get("versions")))}
    for version in map(_mapping, _sequence(before.get("versions"))):
        name = str(version["name"])
        yield from (f"{kind} {name}: {problem}" for problem in _version(version, versions.get(name)))


def _names(before: Schema, after: Schema) -> Iterator[str]:
    for key in ("group", "scope"):
        if before.get(key) != after.get(key):
            yield f"the {key} is '{after.get(key)}', and was '{before.get(key)}'"
    named, names = _mapping(before.get("names")), _mapping(after.get("names"))
    for key in ("kind", "listKind", "plural", "singular"):
        if named.get(key) != names.get(key):
            yield f"`names.{key}` is '{names.get(key)}', and was '{named.get(key)}'"
    for key in ("shortNames", "categories"):
        for gone in _missing(named.get(key), names.get(key)):
            yield f"`names.{key}` lacks '{gone}'"


def _version(before: Schema, after: Schema | None) -> Iterator[str]:
    if after is None:
        yield "the version is gone"
        return
    for flag, problem in (("served", "is no longer served"), ("storage", "is no longer the stored one")):
        if before.get(flag) and not after.get(flag):
            yield f"the version {problem}"
    resources = _mapping(before.get("subresources")), _mapping(after.get("subresources"))
    for name in sorted({*resources[0], *resources[1]}):
        if resources[0].get(name) != resources[1].get(name):
            yield f"subresource `{name}` is new, gone or another: who writes it has to write elsewhere"
    schemas = [_mapping(_mapping(version.get("schema")).get("openAPIV3Schema")) for version in (before, after)]
    yield from value_breaks(schemas[0], schemas[1])


def value_breaks(before: Schema, after: Schema, path: str = "") -> Iterator[str]:
    """Yield a sentence for each break of the schema of a value, and of all below it."""
    field = f"`{path or '.'}`"
    for compare in (_kind, _limits, _flags, _enum, _rules, _default, _required):
        yield from (f"{field} {problem}" for problem in compare(before, after))
    yield from _below(before, after, path)


def _kind(before: Schema, after: Schema) -> Iterator[str]:
    for key in FIXED:
        if before.get(key) != after.get(key):
            yield f"has `{key}` {_shown(after.get(key))}, and had {_shown(before.get(key))}"
    for key in MERGED:
        left_out = MERGED_BY_DEFAULT.get(key)
        if before.get(key, left_out) != after.get(key, left_out):
            yield f"has `{key}` {_shown(after.get(key, left_out))}, and had {_shown(before.get(key, left_out))}"


def _limits(before: Schema, after: Schema) -> Iterator[str]:
    for key in (*LOWER, *UPPER):
        old, new = before.get(key), after.get(key)
        if not isinstance(new, int | float) or old == new:
            continue
        tighter = not isinstance(old, int | float) or (new > old if key in LOWER else new < old)
        if tighter:
            yield f"has `{key}` {_shown(new)}, and had {_shown(old)}"
    for key in OPAQUE:
        if key in after and before.get(key) != after[key]:
            yield f"has `{key}` {_shown(after[key])}, and had {_shown(before.get(key))}"


def _flags(before: Schema, after: Schema) -> Iterator[str]:
    for key in STRICT:
        if after.get(key) and not before.get(key):
            yield f"has `{key}`, and had not"
    for key in LOOSE:
        if before.get(key) and not after.get(key):
            yield f"has no `{key}`, and had"


def _enum(before: Schema, after: Schema) -> Iterator[str]:
    if "enum" not in after:
        return
    if "enum" not in before:
        yield f"takes only {_shown(after['enum'])}, and took any value"
    for gone in _missing(before.get("enum"), after["enum"]):
        yield f"no longer takes {_shown(gone)}"


def _rules(before: Schema, after: Schema) -> Iterator[str]:
    """Yield each rule that is new or another, by its expression; its message is free."""
    known = {str(_mapping(rule).get("rule")) for rule in _sequence(before.get(RULES))}
    for rule in map(_mapping, _sequence(after.get(RULES))):
        if str(rule.get("rule")) not in known:
            yield f"has a rule that is new or another: {rule.get('rule')}"


def _default(before: Schema, after: Schema) -> Iterator[str]:
    old, new = before.get("default"), after.get("default")
    if not _still(old, new):
        yield f"is {_shown(new)} if it is left out, and was {_shown(old)}"


def _still(before: JsonValue, after: JsonValue) -> bool:
    """Return whether a default says what it said; one of an object may say more."""
    if isinstance(before, dict) and isinstance(after, dict):
        return all(key in after and _still(value, after[key]) for key, value in before.items())
    return before == after


def _required(before: Schema, after: Schema) -> Iterator[str]:
    """Yield each field that must be given now; one with a default is given by the API server before it validates."""
    properties = _mapping(after.get("properties"))
    for name in _missing(after.get("required"), before.get("required")):
        if "default" not in _mapping(properties.get(str(name))):
            yield f"requires `{name}`, and did not"


def _below(before: Schema, after: Schema, path: str) -> Iterator[str]:
    properties = _mapping(after.get("properties"))
    for name, schema in _mapping(before.get("properties")).items():
        at = f"{path}.{name}".removeprefix(".")
        if name not in properties:
            yield f"`{at}` is gone"
        else:
            yield from value_breaks(_mapping(schema), _mapping(properties[name]), at)
    for key, step in (("items", "[]"), ("additionalProperties", "{}")):
        old, new = before.get(key), after.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from value_breaks(old, new, f"{path}{step}")
        elif isinstance(old, dict) or (old and not new) or (old is True and isinstance(new, dict)):
            yield f"`{path or '.'}` has `{key}` {_shown(new)}, and had {_shown(old)}"


def _missing(wanted: JsonValue, there: JsonValue) -> list[JsonValue]:
    known = _sequence(there)
    return [value for value in _sequence(wanted) if value not in known]


def _mapping(value: JsonValue | None) -> Schema:
    return value if isinstance(value, dict) else {}


def _sequence(value: JsonValue | None) -> Sequence[JsonValue]:
    return value if isinstance(value, list) else ()


def _shown(value: JsonValue | None) -> str:
    return "none" if value is None else f"'{value}'"
