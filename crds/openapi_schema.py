"""From a pydantic model to the structural OpenAPI schema of a CustomResourceDefinition.

What a structural schema wants beyond JSON Schema: no references, no `anyOf` for a value that may be null, and no word
on unknown fields, which the API server drops or refuses by itself. What we want beyond that: of each field that the
user writes, either a default, which a blank value becomes, or `nullable`, so that a blank value is accepted by
`kubectl apply --server-side` as well.
"""

from typing import cast

from pydantic import JsonValue
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ModelSchema

from crds.core import Schema, core_type, read_definitions
from crds.describe import field_docstrings, one_line
from crds.fields import CORE, RULES, UNSEEN
from crds.meta import Resource, ResourcePart, StatusPart

OBSERVED = "x-observed"
ORDER = (
    "description",
    "type",
    "format",
    "enum",
    "default",
    "nullable",
    "maxLength",
    "maxItems",
    "maxProperties",
    RULES,
)
DROPPED = ("title", "$defs", "$ref", "anyOf", CORE, OBSERVED, UNSEEN)


def of(resource: type[Resource]) -> Schema:
    """The schema of a whole resource, `metadata` left to the API server."""
    document = resource.model_json_schema(schema_generator=_Described)
    inlined = _Inlined(document.pop("$defs", {}), read_definitions())
    whole = inlined.schema(document)
    properties = cast("dict[str, JsonValue]", whole["properties"])
    del properties["metadata"]
    whole["properties"] = {
        "apiVersion": {"type": "string", "description": "Version of this schema that the object follows."},
        "kind": {"type": "string", "description": "What the object is."},
        "metadata": {"type": "object"},
        **properties,
    }
    return whole


class _Described(GenerateJsonSchema):
    """Adds what pydantic does not look at: the docstrings of fields, and the rules of models."""

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        model_schema = super().model_schema(schema)
        model = schema["cls"]
        if not issubclass(model, ResourcePart):
            return model_schema
        docstrings = field_docstrings(model)
        for name, field in model.model_fields.items():
            if name in docstrings:
                model_schema["properties"][field.alias or name]["description"] = docstrings[name]
        model_schema["description"] = one_line(model.__doc__ or "")
        if model.rules:
            model_schema[RULES] = [rule.validation() for rule in model.rules]
        if issubclass(model, StatusPart):
            model_schema[OBSERVED] = True
        return model_schema


class _Inlined:
    """One document's schemas, with each reference replaced by what it refers to."""

    def __init__(self, definitions: dict[str, Schema], core: dict[str, Schema]) -> None:
        self._definitions = definitions
        self._core = core

    def schema(self, node: Schema) -> Schema:
        """The structural schema of a value."""
        node = self._merged(node)
        kept = _without(node, *DROPPED)
        match node:
            case {"x-core-type": str()}:
                return kept
            case {"properties": dict(properties)}:
                kept.pop("additionalProperties", None)
                kept["properties"] = {
                    name: self._field(name, field, observed=OBSERVED in node)
                    for name, field in properties.items()
                    if isinstance(field, dict)
                }
            case {"additionalProperties": dict(values)}:
                inner = self.schema(values)
                # A block that loses its last field to an apply becomes null.
                kept["additionalProperties"] = inner | ({"nullable": True} if _is_block(inner) else {})
            case {"items": dict(items)}:
                kept["items"] = _keyed(self.schema(items), node.get("x-kubernetes-list-map-keys"))
        return kept

    def _merged(self, node: Schema) -> Schema:
        """The node together with what it refers to; what it says itself counts more."""
        own = dict(node)
        match own:
            case {"$ref": str(path)}:
                return self._merged(self._definitions[path.rpartition("/")[2]]) | _without(own, "$ref")
            case {"anyOf": [dict(value), {"type": "null"}]}:
                return self._merged(value) | _without(own, "anyOf")
            case {"x-core-type": str(name)}:
                return core_type(name, self._core) | own
            case _:
                return own

    def _field(self, name: str, node: Schema, *, observed: bool) -> Schema:
        field = self.schema(node)
        default = field.pop("default", None)
        if observed or OBSERVED in self._merged(node):
            return _ordered(field)
        if _is_block(field):
            shown: Schema = {"default": {}}
            field |= shown if _holds_defaults(field) and UNSEEN not in node else {"nullable": True}
        elif _says_something(default):
            field |= {"default": default, "description": f"{field['description']} Defaults to {written(default)}."}
        else:
            field["nullable"] = True
        return _ordered(cast("Schema", _with_messages(field, name, default)))


def _without(node: Schema, *keys: str) -> Schema:
    return {key: value for key, value in node.items() if key not in keys}


def _ordered(field: Schema) -> Schema:
    """Return a schema with its keys in the order of reading: description, default, rules, contents."""
    return {key: field[key] for key in ORDER if key in field} | field


def _keyed(items: Schema, keys: JsonValue) -> Schema:
    """The items with the fields required that tell them apart."""
    return items | {"required": keys} if keys and "required" not in items else items


def _is_block(field: Schema) -> bool:
    return field.get("type") == "object" and "properties" in field


def _holds_defaults(block: Schema) -> bool:
    fields = block["properties"]
    return isinstance(fields, dict) and any(isinstance(field, dict) and "default" in field for field in fields.values())


def _says_something(default: JsonValue) -> bool:
    """Whether the user learns anything from seeing the default; an empty one is what a blank value says as well."""
    return default is not None and default not in ("", [], {})


def written(default: JsonValue) -> str:
    """A default as it is quoted in a sentence."""
    match default:
        case bool():
            return f"'{str(default).lower()}'"
        case list():
            return ", ".join(f"'{item}'" for item in default)
        case _:
            return f"'{default}'"


def _with_messages(node: JsonValue, name: str, default: JsonValue) -> JsonValue:
    """The field's schema with the field's name and default in the messages of its rules."""
    instead = f"leave it out for {written(default)}" if _says_something(default) else "or leave it out"
    match node:
        case str():
            return node.replace("{field}", name).replace("{instead}", instead)
        case dict():
            return {
                key: value if key == "rule" else _with_messages(value, name, default) for key, value in node.items()
            }
        case list():
            return [_with_messages(value, name, default) for value in node]
        case _:
            return node
