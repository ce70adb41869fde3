"""The definitions take what every released version took; and each kind of break is found."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import JsonValue

from crds.compatibility import DELIBERATE, breaks, value_breaks
from crds.crd_files import RESOURCES, definition
from local.kubectl import documents
from local.layout import ROOT

Schema = dict[str, JsonValue]
RELEASED = ROOT / "config/released"


def released() -> Iterator[tuple[str, str, Schema]]:
    """The version, the file's name and the definition of each CRD that was ever released."""
    for file in sorted(RELEASED.glob("*/*.yaml")):
        (crd,) = documents(file.read_text())
        yield file.parent.name, file.name, crd


RELEASES = [pytest.param(file, crd, id=f"{version}/{file}") for version, file, crd in released()]


def test_there_is_a_release_of_each_definition() -> None:
    """Else nothing would be compared."""
    assert {file for _, file, _ in released()} >= RESOURCES.keys()


@pytest.mark.parametrize(("file", "crd"), RELEASES)
def test_current_definitions_break_nothing_that_was_released(file: str, crd: Schema) -> None:
    """Objects and clients of each release go on working; a break that is wanted is in `DELIBERATE`, with its reason."""
    current = definition(RESOURCES[file]) if file in RESOURCES else None
    assert [text for text in breaks(crd, current) if text not in DELIBERATE] == []


def test_every_deliberate_break_is_one() -> None:
    """None is listed that is not made, or that has no reason."""
    made = {
        text
        for _, file, crd in released()
        for text in breaks(crd, definition(RESOURCES[file]) if file in RESOURCES else None)
    }
    assert DELIBERATE.keys() <= made
    assert all(DELIBERATE.values())


@dataclass(frozen=True)
class ValueCase:
    """The schema of a value before and after, and the only sentence about it; none if nothing breaks."""

    does: str
    before: Schema
    after: Schema
    says: tuple[str, ...] = ()


def block(**properties: JsonValue) -> Schema:
    """An object with these fields."""
    return {"type": "object", "properties": properties}


TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
LIST, RULES = "x-kubernetes-list-type", "x-kubernetes-validations"
ITEMS: Schema = {"type": "array", "items": TEXT}
VALUES = [
    ValueCase("field removed", block(a=TEXT), block(), ("`a` is gone",)),
    ValueCase("field of a field removed", block(a=block(b=TEXT)), block(a=block()), ("`a.b` is gone",)),
    ValueCase("type changed", block(a=TEXT), block(a=NUMBER), ("`a` has `type` 'integer', and had 'string'",)),
    ValueCase(
        "type of items changed",
        block(a=ITEMS),
        block(a={**ITEMS, "items": NUMBER}),
        ("`a[]` has `type` 'integer', and had 'string'",),
    ),
    ValueCase(
        "type of a map's values changed",
        {"additionalProperties": TEXT},
        {"additionalProperties": NUMBER},
        ("`{}` has `type` 'integer', and had 'string'",),
    ),
    ValueCase(
        "map without values",
        block(a={"additionalProperties": TEXT}),
        block(a={}),
        ("`a` has `additionalProperties` none, and had '{'type': 'string'}'",),
    ),
    ValueCase(
        "number or text becomes a number",
        {"x-kubernetes-int-or-string": True},
        {},
        ("`.` has `x-kubernetes-int-or-string` none, and had 'True'",),
    ),
    ValueCase("enum value removed", {"enum": ["a", "b"]}, {"enum": ["a"]}, ("`.` no longer takes 'b'",)),
    ValueCase("new enum", TEXT, {**TEXT, "enum": ["a"]}, ("`.` takes only '['a']', and took any value",)),
    ValueCase("new required field", block(), block(a=TEXT) | {"required": ["a"]}, ("`.` requires `a`, and did not",)),
    ValueCase(
        "field that becomes required",
        block(a=TEXT),
        block(a=TEXT) | {"required": ["a"]},
        ("`.` requires `a`, and did not",),
    ),
    ValueCase("new pattern", TEXT, {**TEXT, "pattern": "a"}, ("`.` has `pattern` 'a', and had none",)),
    ValueCase("other pattern", {"pattern": "a"}, {"pattern": "b"}, ("`.` has `pattern` 'b', and had 'a'",)),
    ValueCase("new format", TEXT, {**TEXT, "format": "date"}, ("`.` has `format` 'date', and had none",)),
    *(
        ValueCase(f"{key} raised", {key: 1}, {key: 2}, (f"`.` has `{key}` '2', and had '1'",))
        for key in ("minimum", "minLength", "minItems", "minProperties")
    ),
    *(
        ValueCase(f"{key} lowered", {key: 2}, {key: 1}, (f"`.` has `{key}` '1', and had '2'",))
        for key in ("maximum", "maxLength", "maxItems", "maxProperties")
    ),
    ValueCase("new maximum", NUMBER, {**NUMBER, "maximum": 9}, ("`.` has `maximum` '9', and had none",)),
    ValueCase(
        "limit itself excluded",
        {"minimum": 1},
        {"minimum": 1, "exclusiveMinimum": True},
        ("`.` has `exclusiveMinimum`, and had not",),
    ),
    ValueCase("no longer nullable", {"nullable": True}, {}, ("`.` has no `nullable`, and had",)),
    ValueCase(
        "unknown fields dropped",
        {"x-kubernetes-preserve-unknown-fields": True},
        {},
        ("`.` has no `x-kubernetes-preserve-unknown-fields`, and had",),
    ),
    ValueCase("new rule", {}, {RULES: [{"rule": "self > 1"}]}, ("`.` has a rule that is new or another: self > 1",)),
    ValueCase(
        "other rule",
        {RULES: [{"rule": "self > 1"}]},
        {RULES: [{"rule": "self > 2"}]},
        ("`.` has a rule that is new or another: self > 2",),
    ),
    ValueCase("default changed", {"default": 1}, {"default": 2}, ("`.` is '2' if it is left out, and was '1'",)),
    ValueCase("new default", {}, {"default": 2}, ("`.` is '2' if it is left out, and was none",)),
    ValueCase("default gone", {"default": 1}, {}, ("`.` is none if it is left out, and was '1'",)),
    ValueCase(
        "list type changed",
        ITEMS | {LIST: "map"},
        ITEMS | {LIST: "atomic"},
        (f"`.` has `{LIST}` 'atomic', and had 'map'",),
    ),
    ValueCase(
        "other keys of a list",
        {"x-kubernetes-list-map-keys": ["name"]},
        {"x-kubernetes-list-map-keys": ["port"]},
        ("`.` has `x-kubernetes-list-map-keys` '['port']', and had '['name']'",),
    ),
    ValueCase("new composition", {}, {"oneOf": []}, ("`.` has `oneOf` '[]', and had none",)),
    ValueCase("new optional field", block(), block(a={**TEXT, "maxLength": 1, RULES: [{"rule": "x"}]})),
    ValueCase("required field with a default", block(), block(a={"default": 1}) | {"required": ["a"]}),
    ValueCase("field no longer required", block(a=TEXT) | {"required": ["a"]}, block(a=TEXT)),
    ValueCase("enum value added", {"enum": ["a"]}, {"enum": ["a", "b"]}),
    ValueCase("enum gone", {"enum": ["a"]}, {}),
    ValueCase("looser limits", {"minimum": 2, "maxLength": 1}, {"minimum": 1, "maxLength": 2}),
    ValueCase("limits gone", {"minimum": 2, "pattern": "a", "format": "date"}, {}),
    ValueCase("rule gone", {RULES: [{"rule": "self > 1"}]}, {}),
    ValueCase("other message", {RULES: [{"rule": "r", "message": "a"}]}, {RULES: [{"rule": "r", "message": "b"}]}),
    ValueCase("other description", {"description": "a"}, {"description": "b"}),
    ValueCase("default of a block that has a new field", {"default": {"a": 1}}, {"default": {"a": 1, "b": 2}}),
    ValueCase("list type spelt out", ITEMS, ITEMS | {LIST: "atomic"}),
]


@pytest.mark.parametrize("case", VALUES, ids=lambda case: case.does)
def test_each_change_of_a_value_is_told_if_it_breaks(case: ValueCase) -> None:
    """One sentence names the field, what it is now and what it was."""
    assert tuple(value_breaks(case.before, case.after)) == case.says


def crd() -> dict[str, Any]:
    """A definition with two versions."""
    version = {"served": True, "storage": False, "subresources": {"status": {}}}
    names = {"kind": "Thing", "listKind": "ThingList", "plural": "things", "singular": "thing", "shortNames": ["t"]}
    schemas = [{"openAPIV3Schema": block(spec=block(a=TEXT))} for _ in range(2)]
    versions = [
        {**version, "name": "v1", "storage": True, "schema": schemas[0]},
        {**version, "name": "v2", "schema": schemas[1]},
    ]
    return {"spec": {"group": "example.com", "scope": "Namespaced", "names": names, "versions": versions}}


@dataclass(frozen=True)
class DefinitionCase:
    """A field of a definition, by its path below `spec`; what it becomes, None for nothing; and the sentence."""

    does: str
    path: tuple[str | int, ...]
    value: Any
    says: tuple[str, ...] = field(default=())


SCHEMA = ("versions", 0, "schema", "openAPIV3Schema", "properties", "spec")
DEFINITIONS = [
    DefinitionCase("other group", ("group",), "x.com", ("Thing: the group is 'x.com', and was 'example.com'",)),
    DefinitionCase("other scope", ("scope",), "Cluster", ("Thing: the scope is 'Cluster', and was 'Namespaced'",)),
    DefinitionCase("other plural", ("names", "plural"), "x", ("Thing: `names.plural` is 'x', and was 'things'",)),
    DefinitionCase("short name gone", ("names", "shortNames"), [], ("Thing: `names.shortNames` lacks 't'",)),
    DefinitionCase("version gone", ("versions", 1), None, ("Thing v2: the version is gone",)),
    DefinitionCase(
        "version not served",
        ("versions", 1, "served"),
        value=False,
        says=("Thing v2: the version is no longer served",),
    ),
    DefinitionCase(
        "version not stored",
        ("versions", 0, "storage"),
        value=False,
        says=("Thing v1: the version is no longer the stored one",),
    ),
    DefinitionCase(
        "no status",
        ("versions", 0, "subresources"),
        None,
        ("Thing v1: subresource `status` is new, gone or another: who writes it has to write elsewhere",),
    ),
    DefinitionCase("field gone", (*SCHEMA, "properties"), {}, ("Thing v1: `spec.a` is gone",)),
    DefinitionCase("further short name", ("names", "shortNames"), ["t", "th"]),
    DefinitionCase("new field", (*SCHEMA, "properties", "b"), TEXT),
]


@pytest.mark.parametrize("case", DEFINITIONS, ids=lambda case: case.does)
def test_each_change_of_a_definition_is_told_if_it_breaks(case: DefinitionCase) -> None:
    """One sentence names the kind, the version and the field."""
    after = copy.deepcopy(crd())
    *above, last = case.path
    holder: Any = after["spec"]
    for step in above:
        holder = holder[step]
    if case.value is None:
        del holder[last]
    else:
        holder[last] = case.value
    assert tuple(breaks(crd(), after)) == case.says


def test_a_definition_that_is_gone_is_a_break() -> None:
    """Its objects would go with it."""
    assert list(breaks(crd(), None)) == ["Thing: the definition is gone"]
