"""Kubernetes' own types, for the fields that are handed on to a pod as they are.

`core.json` holds their definitions as Kubernetes publishes them, cut down to the ones used here. `python -m crds.core`
makes it anew from the Go module `k8s.io/kubernetes` in the module cache, and needs Go; nothing else here does.
"""

import json
from pathlib import Path

from pydantic import JsonValue

KUBERNETES = "v1.35.4"
DEFINITIONS = Path(__file__).with_name("core.json")
ROOTS = (
    "io.k8s.api.apps.v1.DaemonSetUpdateStrategy",
    "io.k8s.api.core.v1.Affinity",
    "io.k8s.api.core.v1.EnvVar",
    "io.k8s.api.core.v1.LocalObjectReference",
    "io.k8s.api.core.v1.ResourceRequirements",
    "io.k8s.api.core.v1.Toleration",
)

LONGEST = 4096
MOST = 64
"""Bounds where Kubernetes has none, so that the API server can reckon what a rule over these types may cost."""

QUANTITY = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
QUANTITY_TYPE = "io.k8s.apimachinery.pkg.api.resource.Quantity"
ANY_NUMBER: dict[str, JsonValue] = {
    "x-kubernetes-preserve-unknown-fields": True,
    "maxLength": 64,
    "maxItems": 0,
    "maxProperties": 0,
}
"""A number of any sort, or text. `x-kubernetes-int-or-string` takes no 0.5, as YAML reads `cpu: 0.5`, and
what the API server then says speaks of `<nil>`. A schema without a type takes it. CEL rules of the schema cannot see
such a field, so what they would say `installation.amounts` has an admission policy say."""
NUMBER_OR_TEXT: dict[str, dict[str, JsonValue]] = {
    QUANTITY_TYPE: {"description": "An amount, such as '100m' or '5Gi'.", **ANY_NUMBER, "pattern": QUANTITY},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
        "description": "A number, or a percentage such as '10%'.",
        "x-kubernetes-int-or-string": True,
        "maxLength": 64,
    },
}
"""Types that are a number or text; the published document calls them text."""

KEPT = (
    "type",
    "format",
    "required",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
)

Schema = dict[str, JsonValue]


def core_type(name: str, definitions: dict[str, Schema]) -> Schema:
    """The structural schema of a type, every reference in its place and every list, map and string bounded."""
    return NUMBER_OR_TEXT.get(name) or _structural(definitions[name], definitions)


def read_definitions() -> dict[str, Schema]:
    """The definitions checked in."""
    definitions: dict[str, Schema] = json.loads(DEFINITIONS.read_text())
    return definitions


def _structural(node: Schema, definitions: dict[str, Schema]) -> Schema:
    reference = node.get("$ref")
    if isinstance(reference, str):
        described = {"description": node["description"]} if "description" in node else {}
        return core_type(reference, definitions) | described
    schema: Schema = {key: node[key] for key in ("description", *KEPT) if key in node}
    match node:
        case {"properties": dict(properties)}:
            schema["properties"] = {
                name: _structural(value, definitions) for name, value in properties.items() if isinstance(value, dict)
            }
        case {"additionalProperties": dict(values)}:
            schema |= {"additionalProperties": _structural(values, definitions), "maxProperties": MOST}
        case {"items": dict(items)}:
            schema |= {"items": _structural(items, definitions), "maxItems": MOST}
        case {"type": "string"}:
            schema["maxLength"] = LONGEST
    return schema


def cut_down(published: dict[str, Schema]) -> dict[str, Schema]:
    """The definitions that `ROOTS` need, with the first sentence of each description."""
    needed: dict[str, Schema] = {}
    waiting = list(ROOTS)
    while waiting:
        name = waiting.pop()
        if name in needed or name in NUMBER_OR_TEXT:
            continue
        needed[name] = _shortened(published[name])
        waiting += _references(needed[name])
    return dict(sorted(needed.items()))


def _shortened(node: Schema) -> Schema:
    short: Schema = {}
    for key, value in node.items():
        match key, value:
            case "description", str(text):
                short[key] = text.split("\n\n")[0].split(". ")[0].rstrip(".") + "."
            case "$ref", str(path):
                short[key] = path.rpartition("/")[2]
            case "properties", dict(properties):
                short[key] = {name: _shortened(child) for name, child in properties.items() if isinstance(child, dict)}
            case (("items" | "additionalProperties"), dict(child)):
                short[key] = _shortened(child)
            case _ if key in KEPT:
                short[key] = value
    return short


def _references(node: JsonValue) -> list[str]:
    match node:
        case {"$ref": str(name)}:
            return [name]
        case dict():
            return [name for child in node.values() for name in _references(child)]
        case _:
            return []


def main() -> None:
    """Writes `core.json` from the module cache."""
    import subprocess  # noqa: PLC0415 - functions read the definitions, and never write them

    cache = subprocess.run(["go", "env", "GOMODCACHE"], check=True, capture_output=True, text=True).stdout.strip()
    document = Path(cache, f"k8s.io/kubernetes@{KUBERNETES}", "api/openapi-spec/swagger.json")
    definitions = cut_down(json.loads(document.read_text())["definitions"])
    DEFINITIONS.write_text(json.dumps(definitions, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
