"""What is generated from the catalogue of events: JSON Schemas, the AsyncAPI document, and EventTypes of Knative."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from installation import wiring
from installation.event_catalogue import BY_TYPE, CATALOGUE, EventType
from installation.event_documents import ASYNCAPI, SCHEMAS, event_pages, schema
from local.layout import ROOT


@pytest.mark.parametrize("path", sorted(event_pages()), ids=str)
def test_what_is_generated_is_in_step(path: Path) -> None:
    """`make generate` would change nothing."""
    assert (ROOT / path).read_text() == event_pages()[path], "run `make generate` and commit the result"


def test_no_schema_is_left_of_a_type_that_is_gone() -> None:
    """Nobody is to rely on it."""
    assert {path.relative_to(ROOT) for path in (ROOT / SCHEMAS).iterdir()} == {
        path for path in event_pages() if path.parent == SCHEMAS
    }


@pytest.mark.parametrize("one", CATALOGUE, ids=lambda one: one.short)
def test_a_schema_is_valid_and_complete(one: EventType) -> None:
    """By its own dialect, with every reference within itself."""
    document = schema(one)
    assert document.get("description"), f"write a docstring for {one.data.__name__} in events/: what the data is"
    Draft202012Validator.check_schema(document)
    assert all(target.startswith("#/$defs/") for target in references(document))


def references(node: Any) -> list[str]:
    """Every `$ref` below."""
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [reference for value in node.values() for reference in references(value)]
    return [reference for value in node for reference in references(value)] if isinstance(node, list) else []


def test_the_asyncapi_document_refers_to_what_is_there() -> None:
    """Version 3.0: every reference leads somewhere, every operation has a channel and messages of that channel."""
    document = yaml.safe_load((ROOT / ASYNCAPI).read_text())
    assert document["asyncapi"] == "3.0.0"
    for target in references(document):
        file, _, pointer = target.partition("#")
        if file:
            assert (ROOT / ASYNCAPI.parent / file).is_file(), target
            continue
        node = document
        for step in pointer.strip("/").split("/"):
            node = node[step]
    for operation in document["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert all(
            message["$ref"].startswith(operation["channel"]["$ref"] + "/messages/") for message in operation["messages"]
        )


def test_every_type_is_an_event_type_of_knative() -> None:
    """With what its webhook asks for (eventing v0.50, `pkg/apis/eventing/v1beta3/eventtype_validation.go`)."""
    by_name = {event_type["metadata"]["name"]: event_type for event_type in wiring.event_types()}
    assert set(by_name) == set(BY_TYPE)
    for document in by_name.values():
        assert {"specversion", "id", "type", "source"} <= {
            attribute["name"] for attribute in document["spec"]["attributes"]
        }
        assert document["spec"]["reference"]["name"] == wiring.BROKER
