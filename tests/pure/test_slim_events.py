"""What a waiting event keeps of its object: what names it, however large and malformed the rest was."""

import json
import tracemalloc
from typing import Any

import pytest

from events.types import RESOURCE_UPDATE
from runtime.event import MOST_CHARACTERS, Event, decode

# Bytes that a waiting event may take, its attributes included.
MOST = 10_000


def event(metadata: Any, **content: Any) -> Event:
    """An update of a Kepler with this metadata, as ApiServerSource sends it."""
    body = {"apiVersion": "sustainable-computing.io/v1alpha1", "kind": "Kepler", "metadata": metadata, **content}
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-type": RESOURCE_UPDATE,
        "ce-source": "/s",
        "content-type": "application/json",
    }
    return decode(headers, json.dumps(body).encode())


def test_names_owners_and_writers_are_kept() -> None:
    """From these a function finds the parent and the last writer."""
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "u", "controller": True}
    writer = {"manager": "kubectl", "time": "2026-01-31T12:00:00Z", "subresource": "status"}
    metadata = {
        "name": "kepler",
        "generation": 3,
        "ownerReferences": [{**owner, "blockOwnerDeletion": True}],
        "managedFields": [{**writer, "fieldsV1": {"f:spec": {}}}],
        "labels": {"a": "b"},
    }
    kept = event(metadata, spec={"collector": {}}).without_content().object
    assert kept == {
        "apiVersion": "sustainable-computing.io/v1alpha1",
        "kind": "Kepler",
        "metadata": {"name": "kepler", "generation": 3, "ownerReferences": [owner], "managedFields": [writer]},
    }


NESTED: Any = [[] for _ in range(15_000)]


@pytest.mark.parametrize(
    "metadata",
    [
        {"ownerReferences": [NESTED]},
        {"ownerReferences": [{"name": NESTED, "uid": NESTED}] * 4},
        {"managedFields": [{"manager": NESTED, "time": NESTED}]},
        {"managedFields": [{"manager": "x" * 60_000}]},
        {"name": "x" * 60_000, "annotations": {"traceparent": "x" * 60_000}},
        NESTED,
    ],
)
def test_malformed_parts_take_no_memory(metadata: Any) -> None:
    """A body of 60 kB was kept as 963 kB of objects for as long as it waited."""
    whole = event(metadata)
    tracemalloc.start()
    kept = [event(metadata).without_content() for _ in range(5)]
    taken = tracemalloc.get_traced_memory()[0] / len(kept)
    tracemalloc.stop()
    assert taken < MOST
    name = kept[0].object.get("metadata", {}).get("name", "")
    assert len(name) <= MOST_CHARACTERS
    assert kept[0].id == whole.id
