"""The keys by which the API server tells items of lists apart, as `runtime.differences` has them.

Compared with the OpenAPI document of the API server, for every list in the objects that functions write.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from effects.field_cases import FIELDS
from effects.field_effects import clusters
from effects.rendered_cluster import run_functions
from local.stack import Stack
from runtime.differences import LIST_KEYS
from runtime.objects import Kind, Manifest

# Lists of kinds whose definitions others bring along: PrometheusRule (prometheus-operator v0.86).
OF_OTHERS = frozenset({"groups"})
KEYS, TYPE = "x-kubernetes-list-map-keys", "x-kubernetes-list-type"
Schema = Mapping[str, Any]


class OpenApi:
    """The schemas of an API server, by kind."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._documents: dict[str, Schema] = {}

    def document(self, api_version: str) -> Schema:
        """Return the document of one group and version."""
        if api_version not in self._documents:
            folder = "api" if "/" not in api_version else "apis"
            self._documents[api_version] = self._stack.api.get(f"/openapi/v3/{folder}/{api_version}")
        return self._documents[api_version]

    def schema(self, kind: Kind) -> Schema:
        """Return the schema of a kind."""
        group, _, version = kind.api_version.rpartition("/")
        named = {"group": group, "version": version, "kind": kind.name}
        schemas: Mapping[str, Schema] = self.document(kind.api_version)["components"]["schemas"]
        return next(schema for schema in schemas.values() if named in schema.get("x-kubernetes-group-version-kind", ()))

    def resolved(self, api_version: str, schema: Schema) -> Schema:
        """Follow a reference, also one within `allOf`, which holds the field's own description and default."""
        for reference in (schema, *schema.get("allOf", ())):
            if "$ref" in reference:
                name = reference["$ref"].rpartition("/")[2]
                target: Schema = self.document(api_version)["components"]["schemas"][name]
                return target
        return schema

    def lists(self, api_version: str, schema: Schema, value: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield each list in a value: the name of its field, and its keys (none where it is atomic or a set)."""
        schema = self.resolved(api_version, schema)
        properties = schema.get("properties", {})
        for name, inner in value.items() if isinstance(value, Mapping) else ():
            below = properties.get(name) or schema.get("additionalProperties") or {}
            if isinstance(inner, list):
                yield name, tuple(below.get(KEYS, ())) if below.get(TYPE) == "map" else ()
                for item in inner:
                    yield from self.lists(api_version, below.get("items", {}), item)
            else:
                yield from self.lists(api_version, below, inner)


def written() -> Iterator[tuple[Kind, Manifest]]:
    """Every object that functions write in any of the clusters of the page of effects."""
    for field in FIELDS:
        for cluster in clusters(field):
            yield from ((ref.kind, body) for ref, body in run_functions(cluster).objects.items())


@pytest.fixture(scope="module")
def lists(control_plane: Stack) -> set[tuple[str, tuple[str, ...]]]:
    """Every list that is written, with its keys by the API server."""
    openapi = OpenApi(control_plane)
    served = {"v1", "apps/v1", "rbac.authorization.k8s.io/v1"}
    return {
        found
        for kind, body in written()
        if kind.api_version in served
        for found in openapi.lists(kind.api_version, openapi.schema(kind), without_entries(body))
    }


def without_entries(body: Manifest) -> Manifest:
    """The object without `managedFields`, which nobody applies."""
    metadata = {key: value for key, value in body.get("metadata", {}).items() if key != "managedFields"}
    return {**body, "metadata": metadata}


def test_every_list_that_is_written_has_its_keys(lists: set[tuple[str, tuple[str, ...]]]) -> None:
    """A list whose items have keys is compared item by item; without them each sweep would find a difference."""
    wrong = {name: keys for name, keys in lists if keys and keys not in LIST_KEYS.get(name, ())}
    assert not wrong, f"add these to LIST_KEYS in runtime/differences.py: {wrong}"


def test_no_atomic_list_is_compared_by_items(lists: set[tuple[str, tuple[str, ...]]]) -> None:
    """A list that is replaced as a whole has one owner."""
    associative = {name for name, keys in lists if keys}
    wrong = {name for name, keys in lists if not keys and name in LIST_KEYS} - associative
    assert not wrong, f"the API server takes these as a whole: take them out of LIST_KEYS: {wrong}"


def test_every_entry_is_of_a_list_that_is_written(lists: set[tuple[str, tuple[str, ...]]]) -> None:
    """What nobody writes needs no keys."""
    conditions = {"conditions"}  # of our own resources: tests/protocol/test_crds_applied.py
    unused = {*LIST_KEYS} - {name for name, _ in lists} - OF_OTHERS - conditions
    assert not unused, f"nobody writes these: take them out of LIST_KEYS: {unused}"
