"""An edit out of an event, and how two specs differ: who, when, and which fields, in kubectl's words."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from audit.storage.edits import edit_of_event, fields
from audit.storage.entries import EditEntry, EventRefused
from runtime.event import Event
from runtime.tracing import trace_of
from tests.audit_sample import RESOURCES, deleted, edited

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
KEPLER = RESOURCES[0]
ABOVE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass(frozen=True)
class EditCase:
    """Two specs, and what is told of them: path, before, after."""

    name: str
    before: Any
    after: Any
    expected: tuple[tuple[str, Any, Any], ...]


A, B = {"name": "A", "value": "1"}, {"name": "B", "value": "2"}
ENV = [A, B]
CASES = (
    EditCase("the same", {"a": 1}, {"a": 1}, ()),
    EditCase("a value", {"collector": {"port": 1}}, {"collector": {"port": 2}}, (("collector.port", 1, 2),)),
    EditCase("another type", {"a": 1}, {"a": True}, (("a", 1, True),)),
    EditCase("one more", {}, {"a": {"b": 1, "c": None}}, (("a.b", None, 1),)),
    EditCase("one less", {"a": {"b": 1}}, {}, (("a.b", 1, None),)),
    EditCase("a part that is empty", {}, {"a": {}}, (("a", None, {}),)),
    EditCase("a part for a value", {"a": 1}, {"a": {"b": 2}}, (("a", 1, {"b": 2}),)),
    EditCase("a list as a whole", {"roles": ["a"]}, {"roles": ["a", "b"]}, (("roles", ["a"], ["a", "b"]),)),
    EditCase(
        "an item by its name",
        {"env": ENV},
        {"env": [ENV[0] | {"value": "3"}, ENV[1]]},
        (("env[name=A].value", "1", "3"),),
    ),
    EditCase("items in another order", {"env": ENV}, {"env": ENV[::-1]}, ()),
    EditCase(
        "one item more",
        {"env": [A]},
        {"env": ENV},
        (("env[name=B].name", None, "B"), ("env[name=B].value", None, "2")),
    ),
    EditCase("the first item", {}, {"env": [A]}, (("env[name=A].name", None, "A"), ("env[name=A].value", None, "1"))),
    EditCase("items without names", {"env": [1]}, {"env": [2]}, (("env", [1], [2]),)),
    EditCase("text for a list", {"env": "x"}, {"env": ENV}, (("env", "x", ENV),)),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_two_specs_differ_in_fields(case: EditCase) -> None:
    """As `runtime.differences` writes paths."""
    assert tuple((field.path, field.before, field.after) for field in fields(case.before, case.after)) == case.expected


def shown(event: Event) -> EditEntry:
    """What it shows."""
    entry = edit_of_event(event)
    assert entry
    return entry


def with_metadata(**changed: Any) -> Event:
    """An edit, with something else in its metadata."""
    event = edited(KEPLER, 3, NOW)
    return replace(event, object={**event.object, "metadata": {**event.object["metadata"], **changed}})


def test_who_and_when_are_those_of_the_spec() -> None:
    """Of the newest entry that owns any of it: writes of the status come later, and are none."""
    entries = [
        {"manager": "helm", "time": "2026-11-25T11:00:00Z", "fieldsV1": {"f:spec": {}}},
        {"manager": "alice", "time": "2026-11-25T11:30:00Z", "fieldsV1": {"f:spec": {}}},
        {"manager": "labeller", "time": "2026-11-25T11:40:00Z", "fieldsV1": {"f:metadata": {}}},
        {"manager": "us", "time": "2026-11-25T11:59:00Z", "subresource": "status", "fieldsV1": {"f:spec": {}}},
    ]
    entry = shown(with_metadata(managedFields=entries))
    assert (entry.by, entry.time) == ("alice", datetime(2026, 11, 25, 11, 30, tzinfo=UTC))
    assert shown(with_metadata(managedFields=[])).by == ""
    assert shown(with_metadata(managedFields=[])).time == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_trace_of_another_system_is_taken_up() -> None:
    """Else it follows from the generation, as in the reports about it."""
    event = with_metadata(annotations={"traceparent": ABOVE})
    assert (shown(event).trace, shown(event).traceparent) == (ABOVE.split("-")[1], ABOVE)
    assert shown(edited(KEPLER, 3, NOW)).trace == str(trace_of(edited(KEPLER, 3, NOW).object))


def test_an_end_is_the_generation_after_the_last() -> None:
    """At once, or where finalizers hold the object: then it has that generation already."""
    at_once = shown(deleted(KEPLER, 3, NOW))
    assert (at_once.generation, at_once.deleted, at_once.time, at_once.by) == (4, True, NOW, "")
    held = shown(with_metadata(deletionTimestamp="2026-11-25T11:00:00Z"))
    assert (held.generation, held.deleted, held.time.hour) == (3, True, 11)


def test_nothing_secret_is_kept() -> None:
    """Neither values of variables nor passwords in URLs."""
    event = edited(KEPLER, 3, NOW)
    spec = {"collector": {"env": [{"name": "A", "value": "topsecret"}]}, "url": "http://a:topsecret@b"}
    assert "topsecret" not in shown(replace(event, object={**event.object, "spec": spec})).spec


@pytest.mark.parametrize("changed", [{"uid": ""}, {"name": ""}, {"generation": 0}, {"generation": None}], ids=str)
def test_an_object_without_identity_shows_no_generation(changed: dict[str, Any]) -> None:
    """Nothing is to be kept of it."""
    assert edit_of_event(with_metadata(**changed)) is None


@pytest.mark.parametrize(
    "changed", [{"generation": 2**80}, {"name": "a\0"}, {"name": "n" * 500}, {"managedFields": [7]}], ids=str
)
def test_what_no_database_takes_is_refused(changed: dict[str, Any]) -> None:
    """Before it could fail those beside it."""
    with pytest.raises(EventRefused):
        edit_of_event(with_metadata(**changed))
