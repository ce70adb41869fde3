"""The definitions in `config/crds`: that they are the models', and that they keep to what every CRD should."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, JsonValue

from crds import crd_files
from crds.core import KUBERNETES, ROOTS, Schema, read_definitions
from crds.crd_files import RESOURCES, crd_documents, definition
from crds.describe import field_docstring
from crds.fields import RULES
from crds.meta import API_VERSION, Resource, SpecPart, StatusPart
from crds.openapi_schema import of

EACH = pytest.mark.parametrize("resource", RESOURCES.values(), ids=lambda resource: resource.names.kind)
BY_THE_SERVER = {".apiVersion", ".kind", ".metadata"}


def values(node: JsonValue, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every schema within a schema, by its path."""
    if not isinstance(node, dict):
        return
    yield path, node
    match node:
        case {"properties": dict(properties)}:
            for name, field in properties.items():
                yield from values(field, f"{path}.{name}")
        case {"items": items}:
            yield from values(items, f"{path}[]")
        case {"additionalProperties": held}:
            yield from values(held, f"{path}{{}}")


def ours(part: type[BaseModel], schema: Schema, path: str = "") -> Iterator[tuple[str, type[BaseModel], str, Schema]]:
    """Every field the user may write, with the model it is in: its path, the model, its name in Python, its schema."""
    properties = schema["properties"]
    assert isinstance(properties, dict)
    for name, field in part.model_fields.items():
        alias = field.alias or name
        described = properties.get(alias)
        if not isinstance(described, dict):
            continue
        block = type(field.get_default(call_default_factory=True))
        if issubclass(block, StatusPart):
            continue
        yield f"{path}.{alias}", part, name, described
        if issubclass(block, SpecPart):
            yield from ours(block, described, f"{path}.{alias}")


def defaulted(schema: JsonValue, value: JsonValue) -> JsonValue:
    """What the API server makes of a value: defaults filled in, from the outside inwards."""
    match schema, value:
        case {"properties": dict(properties)}, dict():
            filled = dict(value)
            for name, field in properties.items():
                if isinstance(field, dict) and "default" in field:
                    filled.setdefault(name, field["default"])
            return {name: defaulted(properties.get(name), inner) for name, inner in filled.items()}
        case _:
            return value


def test_the_files_are_what_the_models_say() -> None:
    for path, text in crd_documents().items():
        assert path.read_text() == text, f"{path.name}: run `make generate`"


def test_the_folder_holds_nothing_else() -> None:
    assert {path.name for path in crd_files.FOLDER.iterdir()} == {path.name for path in crd_documents()}


def test_a_stale_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(crd_files, "FOLDER", tmp_path)
    assert crd_files.main(["--check"]) == 1
    assert "kepler.yaml is not what crds/ says" in capsys.readouterr().err
    assert crd_files.main([]) == 0
    assert crd_files.main(["--check"]) == 0


def test_rendering_is_deterministic() -> None:
    assert crd_documents() == crd_documents()


def test_the_checked_in_core_types_are_the_ones_used() -> None:
    assert set(ROOTS) <= set(read_definitions())
    assert KUBERNETES.startswith("v1.")


@EACH
def test_every_field_has_a_description(resource: type[Resource]) -> None:
    missing = [
        path
        for path, node in values(of(resource))
        if not path.endswith(("[]", "{}")) and path not in BY_THE_SERVER and not node.get("description")
    ]
    assert not missing


@EACH
def test_every_list_map_and_string_is_bounded(resource: type[Resource]) -> None:
    unbounded = [path for path, node in values(of(resource)) if path not in BY_THE_SERVER and not bounded(node)]
    assert not unbounded


@EACH
def test_no_choice_of_names_is_nullable(resource: type[Resource]) -> None:
    refused = [path for path, node in values(of(resource)) if "enum" in node and node.get("nullable")]
    assert not refused, (
        "the API server refuses null where there is an `enum`, though blank is to be taken: give the field a default, "
        "or write it as text with `named` of crds/fields.py"
    )


def bounded(node: Schema) -> bool:
    match node:
        case {"x-kubernetes-int-or-string": True}:
            return "maxLength" in node
        case {"x-kubernetes-preserve-unknown-fields": True}:
            return {"maxLength", "maxItems", "maxProperties"} <= {*node}
        case {"type": "string"}:
            return "maxLength" in node or "enum" in node
        case {"type": "array"}:
            return "maxItems" in node
        case {"type": "object", "additionalProperties": _}:
            return "maxProperties" in node
        case _:
            return True


@EACH
def test_every_list_says_how_owners_share_it(resource: type[Resource]) -> None:
    shared = {path: node.get("x-kubernetes-list-type") for path, node in values(of(resource)) if "items" in node}
    assert None not in shared.values()


@EACH
def test_a_blank_is_the_default_or_is_allowed(resource: type[Resource]) -> None:
    fields = list(ours(resource, of(resource)))
    assert fields
    assert not [path for path, _, _, schema in fields if ("default" in schema) == ("nullable" in schema)]


@EACH
def test_the_defaults_of_the_schema_are_the_defaults_of_the_model(resource: type[Resource]) -> None:
    schema = of(resource)
    from_schema = resource.model_validate(defaulted(schema, {}))
    assert from_schema == resource()
    for path, part, name, field in ours(resource, schema):
        default = part.model_fields[name].get_default(call_default_factory=True)
        if not isinstance(default, SpecPart):
            assert ("default" in field) == (default not in (None, "", (), {})), path


@EACH
def test_a_default_is_told_in_the_description(resource: type[Resource]) -> None:
    defaults = [(path, schema) for path, _, _, schema in ours(resource, of(resource)) if schema.get("default")]
    assert not [path for path, schema in defaults if "Defaults to '" not in str(schema["description"])]


@EACH
def test_rules_speak_to_the_user(resource: type[Resource]) -> None:
    for path, node in values(of(resource)):
        rules = node.get(RULES, [])
        assert isinstance(rules, list)
        for rule in rules:
            assert isinstance(rule, dict)
            message = str(rule["message"])
            assert "`" in message, path
            assert " must " in message or " may not " in message or " needs " in message or ": keep only " in message, (
                path
            )
            assert "{" not in message, path
            assert "\n" not in message, path


@EACH
def test_nothing_unknown_is_kept(resource: type[Resource]) -> None:
    """What has no type, an amount, has no room for fields either."""
    untyped = [node for _, node in values(of(resource)) if "x-kubernetes-preserve-unknown-fields" in node]
    assert all(node["maxProperties"] == 0 for node in untyped)
    assert yaml.safe_dump(definition(resource)).count("x-kubernetes-preserve-unknown-fields") == len(untyped)


@EACH
def test_status_is_a_subresource_where_there_is_one(resource: type[Resource]) -> None:
    versions = yaml.safe_load(yaml.safe_dump(definition(resource)))["spec"]["versions"]
    (version,) = versions
    has_status = "status" in version["schema"]["openAPIV3Schema"]["properties"]
    assert ("subresources" in version) == has_status
    assert API_VERSION.endswith(version["name"])


@EACH
def test_conditions_are_a_map_by_type(resource: type[Resource]) -> None:
    for path, node in values(of(resource)):
        if path == ".status.conditions":
            assert node["x-kubernetes-list-type"] == "map"
            assert node["x-kubernetes-list-map-keys"] == ["type"]
            items = node["items"]
            assert isinstance(items, dict)
            assert items["required"] == ["type", "status", "reason", "message", "lastTransitionTime"]


@EACH
def test_every_docstring_becomes_a_description(resource: type[Resource]) -> None:
    for path, part, name, schema in ours(resource, of(resource)):
        assert str(schema["description"]).startswith(field_docstring(part, name)), path
