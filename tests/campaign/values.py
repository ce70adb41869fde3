"""What a field may be, and what it may not, worked out from its schema; what needs meaning is in `effects.field_cases`.

Nothing here is about one field: a new one in a model is driven as the others are.
"""

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from crds import openapi_schema
from crds.collector_fields import ReleaseLine
from crds.core import Schema
from crds.crd_files import RESOURCES
from crds.reference import rows
from effects.field_cases import FIELDS, FieldCase
from effects.field_effects import clusters, paths
from runtime.differences import ABSENT
from runtime.objects import COLLECTED_METRIC, MACHINE_CONFIG, Manifest
from tests.campaign import rules
from tests.campaign.full_specs import full_around, steps_of

# Texts of every shape that a field here asks for, and of some that none does: its rules say which are which.
TEXTS = (
    *("", " ", "a", "A", "a b", "a\nb", "a=b", "a#b", "a,b", "/a", "/a/../b", "a/b/", "http://a", "ATrainer"),
    *("0s", "1s", "1m30s", "24h", "24h1s", "\N{SNOWMAN}"),
)
# In a rule of a list that is none of a set, and yet has each item once.
ONCE = "exists_one"
SPELT = "of the wrong type"
WRONG: Mapping[str, tuple[Any, ...]] = {
    "string": (7, True, [SPELT], {"a": SPELT}),
    "integer": (SPELT, True, 1.5, [7], {"a": 7}),
    "boolean": (SPELT, 1, [True], {"a": True}),
    "array": (SPELT, 7, True, {"a": SPELT}),
    "object": (SPELT, 7, True, [SPELT]),
    "number or string": (True, [7], {"a": 7}),
}
QUANTITIES = ("1", "1.5Gi", 1 << 30)
NO_QUANTITIES = ("", "much", "0", -1)
SPANS = ("1s", "1h30m", "24h", 1, 86400)
NO_SPANS = ("", "0s", "25h", "1.5s", "90", 0, -1, 86401)


@dataclass(frozen=True)
class UserField:
    """A field that the user writes: its path, what its schema says, and what is known of it besides.

    `known` is None for one that holds other fields of ours. `line` is that of the Kepler with which it is driven.
    """

    kind: str
    path: str
    node: Schema = field(hash=False, compare=False)
    known: FieldCase | None = field(hash=False, compare=False)
    line: ReleaseLine = ReleaseLine.V0_7

    def __str__(self) -> str:
        return f"{self.kind}:{self.path}" + (f" ({self.line})" if self.line is not ReleaseLine.V0_7 else "")

    @property
    def where(self) -> str:
        """The path as the API server tells it, of the one machine there is."""
        return ".".join(("spec", *self.steps))

    @property
    def steps(self) -> tuple[str, ...]:
        """The way to it, `spec` being the beginning."""
        return steps_of(self.path)


@functools.cache
def places(kind: str) -> tuple[UserField, ...]:
    """Every field below `spec`, those that hold others before the others in them."""
    resource = next(resource for resource in RESOURCES.values() if resource.names.kind == kind)
    whole = openapi_schema.of(resource)
    known = {field.path: field for field in FIELDS if field.kind == kind}
    leaves, whole_paths = (
        paths(kind, "spec"),
        [row.path for row in rows(resource, whole) if row.path.startswith("spec.")],
    )
    return tuple(_place(kind, path, _at(whole, path), known[path] if path in leaves else None) for path in whole_paths)


def _place(kind: str, path: str, node: Schema, known: FieldCase | None) -> UserField:
    return UserField(kind, path, node, known, known.line if known else ReleaseLine.V0_7)


# Fields, and parts with their fields, that Kepler v0.11 does not have: refused (`tests/campaign/impossible.py`), or a
# condition says that they have no effect. `release` is what tells the lines apart.
ONLY_V0_7 = (
    "spec.estimator-sidecar",
    "spec.model-server",
    "spec.collector.release",
    "spec.collector.machine-spec",
)
# Of the sources it has one.
SOURCE_V0_11 = "spec.sources.gpu.enabled"


def everywhere() -> tuple[UserField, ...]:
    """Every field of every resource, with a Kepler of line v0.7; those that only v0.11 has, with one of that line."""
    return tuple(place for resource in RESOURCES.values() for place in places(resource.names.kind))


def everywhere_v011() -> tuple[UserField, ...]:
    """The other fields with a Kepler of line v0.11, where they mean what they mean there."""
    return tuple(
        replace(place, known=place.known.in_line(ReleaseLine.V0_11), line=ReleaseLine.V0_11)
        for place in everywhere()
        if place.known and place.line is ReleaseLine.V0_7 and is_in_v011(place.kind, place.path)
    )


def is_in_v011(kind: str, path: str) -> bool:
    """Whether a Kepler of line v0.11 has the field, or refers to what has it."""
    if kind == COLLECTED_METRIC.name:
        return path == SOURCE_V0_11
    return kind != MACHINE_CONFIG.name and not any(f"{path}.".startswith(f"{only}.") for only in ONLY_V0_7)


def _at(node: Schema, path: str) -> Schema:
    for step in path.split("."):
        below = node["additionalProperties"] if step == "<name>" else cast("Schema", node["properties"])[step]
        node = cast("Schema", below)
    return node


def at(spec: Any, steps: tuple[str, ...]) -> Any:
    """What the spec has at the end of the steps; ABSENT where it has nothing."""
    for step in steps:
        spec = spec.get(step, ABSENT) if isinstance(spec, dict) else ABSENT
    return spec


def around(place: UserField) -> dict[str, Manifest]:
    """The specs, by kind, with which the field counts: itself as `effects.field_cases` has it before.

    One that holds others is full of what can be set together.
    """
    if place.known is None:
        return full_around(place.kind, place.path, place.line)
    before, _ = clusters(place.known)
    return {kind: filled(spec) for kind, spec in before.specs.items()}


@functools.cache
def everything() -> dict[str, Manifest]:
    """The specs with which as many fields count as can at one time, for a Kepler of line v0.7."""
    specs: dict[str, Manifest] = {}
    for field_case in FIELDS:
        if field_case.line is not ReleaseLine.V0_7:
            continue
        for kind, spec in clusters(field_case)[0].specs.items():
            specs[kind] = _both(specs.get(kind, {}), filled(spec))
    return specs


def filled(spec: Any) -> Any:
    """The spec without what is blank in it, or empty."""
    if not isinstance(spec, Mapping):
        return spec
    kept = {key: filled(value) for key, value in spec.items() if value is not None}
    return {key: value for key, value in kept.items() if value not in ({}, [])}


def _both(one: Any, other: Any) -> Any:
    """Both specs in one, the second counting more."""
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return other
    return {**one, **{key: _both(one[key], value) if key in one else value for key, value in other.items()}}


def valid(place: UserField) -> tuple[Any, ...]:
    """Values that the schema allows, the one that needs meaning first; ABSENT where left out is another value."""
    candidates = [*_known(place), *_generated(place.node)]
    if place.known is None or place.known.before is not None:
        candidates.append(ABSENT)
    return _different(value for value in candidates if _allowed(place.node, value))


def generated(place: UserField) -> tuple[Any, ...]:
    """Those of them that nobody wrote down."""
    return _different(value for value in _generated(place.node) if _allowed(place.node, value))


def _known(place: UserField) -> Iterator[Any]:
    if place.known:
        yield from (value for value in (place.known.after, place.known.before) if value is not None)


def _allowed(node: Schema, value: Any) -> bool:
    listed = rules.names(node)
    if listed and isinstance(value, str):
        return value in listed
    return rules.holds(node, value) is not False if _scalar(node) and isinstance(value, str | int) else True


def _generated(node: Schema) -> Iterator[Any]:
    match sort(node):
        case "boolean":
            yield from (True, False)
        case "integer":
            yield from _numbers(node)
        case "string":
            yield from rules.names(node) or _texts(node, fitting=True)
        case "number or string":
            yield from SPANS if _is_span(node) else QUANTITIES
        case "array":
            listed = rules.names(cast("Schema", node["items"]))
            yield from ([text] for text in listed)
            yield from ([*listed],) if listed else ()
            yield from () if rules.holds(node, []) is False else ([],)
        case _:
            yield {}


def _is_span(node: Schema) -> bool:
    """Whether a number is one of seconds, and a text a span of time; else both are amounts."""
    return any("duration(" in rule for rule in rules.rules(node))


def _numbers(node: Schema) -> Iterator[int]:
    default = node.get("default")
    yield from rules.bounds(node)
    if isinstance(default, int):
        yield from (default, default + 1)


def _texts(node: Schema, *, fitting: bool) -> Iterator[str]:
    """Texts on this side of the rules: of each shape, as long as can be, and longer by one."""
    most = rules.longest(node)
    long = [shape * length for length in (most, most + 1) for shape in ("a", "A")]
    yield from (text for text in (*TEXTS, *long) if rules.holds(node, text) is fitting)


def invalid(place: UserField) -> tuple[Any, ...]:
    """Values that the API server is to refuse."""
    return _different(_refused(place))


def _refused(place: UserField) -> Iterator[Any]:
    node = place.node
    yield from WRONG[sort(node)]
    match sort(node):
        case "integer":
            least, most = rules.bounds(node)
            yield from (least - 1, most + 1)
        case "string":
            yield from _no_text(node)
        case "number or string":
            yield from NO_SPANS if _is_span(node) else NO_QUANTITIES
        case "array":
            yield from _no_list(place, cast("Schema", node["items"]))
        case "object":
            yield from _no_object(place)


def _no_text(node: Schema) -> Iterator[str]:
    if listed := rules.names(node):
        yield from (text for name in listed for text in (f"{name}x", name.swapcase()) if text not in listed)
    else:
        yield from _texts(node, fitting=False)
    if isinstance(longest := node.get("maxLength"), int):
        yield "a" * (longest + 1)


def _no_list(place: UserField, items: Schema) -> Iterator[Any]:
    """None where some are needed, items of another type, unknown ones, one too often, and too many."""
    yield from ([],) if rules.holds(place.node, []) is False else ()
    yield from ([value] for value in WRONG[sort(items)])
    one = next((value[0] for value in _known(place) if isinstance(value, list) and value), None)
    if one is None:
        return
    if sort(items) == "string":
        yield from ([wrong] for wrong in _no_text(items))
    else:
        yield [{**one, typo(items): "a"}]
    if place.node.get("x-kubernetes-list-type") in ("set", "map") or any(
        ONCE in rule for rule in rules.rules(place.node)
    ):
        yield [one, one]
    if isinstance(most := place.node.get("maxItems"), int):
        yield [one] * (most + 1)


def _no_object(place: UserField) -> Iterator[Any]:
    """A field that none has beside those that are there; in a map, a value of another type."""
    there, values = _some(place), place.node.get("additionalProperties")
    if isinstance(values, dict):
        yield from ({**there, "a": value} for value in WRONG[sort(values)])
    else:
        yield {**there, typo(place.node): "a"}


def _some(place: UserField) -> Manifest:
    """What the field holds where there is something, so that only what is beside it is wrong."""
    for value in _known(place):
        if isinstance(value, dict):
            return value
    return {}


def typo(node: Schema) -> str:
    """A name next to that of a field, which none has."""
    properties = cast("Schema", node["properties"])
    return next(wrong for name in properties if (wrong := f"{name}s") not in properties)


def sort(node: Schema) -> str:
    """The type of its values, in a word."""
    return "number or string" if node.get("x-kubernetes-int-or-string") else str(node.get("type", "number or string"))


def _scalar(node: Schema) -> bool:
    return sort(node) in ("string", "integer")


def shown(value: Any) -> str:
    """A value in a line."""
    text = "left out" if value is ABSENT else json.dumps(value)
    return text if len(text) < 60 else f"{text[:40]}.. ({len(text)} characters)"


def _different(values: Iterator[Any]) -> tuple[Any, ...]:
    """Each once, told apart as JSON tells them: there, 1 and `true` are two."""
    return tuple({shown(value) if value is ABSENT else json.dumps(value): value for value in values}.values())
