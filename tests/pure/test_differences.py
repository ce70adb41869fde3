"""What an apply would change: each case an intent, what the API server has, and the fields that differ."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from runtime.differences import differences, list_keys

MANAGER = "kepler-test"


def owning(fields: dict[str, Any], **content: Any) -> dict[str, Any]:
    """An object in which `MANAGER` owns these FieldsV1."""
    entry = {"manager": MANAGER, "operation": "Apply", "fieldsV1": fields}
    return {"metadata": {"name": "x", "managedFields": [entry]}, **content}


def fields(intent: Any, name: str = "") -> dict[str, Any]:
    """The FieldsV1 of whoever has applied this."""
    if isinstance(intent, dict):
        return {f"f:{key}": fields(value, key) for key, value in intent.items()}
    keys = list_keys(name, intent) if isinstance(intent, list) and intent else ()
    return {f"k:{json.dumps({key: value[key] for key in keys})}": fields(value) for value in intent} if keys else {}


@dataclass(frozen=True)
class DifferenceCase:
    """`changed` are the paths that an apply would set or remove; what is intended is ours unless something is said."""

    says: str
    intent: dict[str, Any]
    actual: dict[str, Any] | None
    changed: list[str] = field(default_factory=list)


CONTAINER = 'k:{"name":"a"}'
PORT = 'k:{"containerPort":80,"protocol":"TCP"}'
CASES = [
    DifferenceCase(
        "an absent object has every field to gain", {"data": {"a": "1", "b": "2"}}, None, ["data.a", "data.b"]
    ),
    DifferenceCase("what is as intended is left alone", {"data": {"a": "1"}}, {"data": {"a": "1"}}),
    DifferenceCase("a value that differs is set", {"data": {"a": "1"}}, {"data": {"a": "2"}}, ["data.a"]),
    DifferenceCase("a field that is missing is set", {"data": {"a": "1"}}, {"data": {}}, ["data.a"]),
    DifferenceCase("what others added is left alone", {"data": {"a": "1"}}, {"data": {"a": "1", "theirs": "x"}}),
    DifferenceCase(
        "a field we own and no longer intend is removed",
        {"data": {"a": "1"}},
        owning({"f:data": {"f:a": {}, "f:old": {}}}, data={"a": "1", "old": "2"}),
        ["data.old"],
    ),
    DifferenceCase(
        "a field we owned and somebody removed is gone already",
        {"data": {"a": "1"}},
        owning({"f:data": {"f:a": {}, "f:old": {}}}, data={"a": "1"}),
    ),
    DifferenceCase(
        "items of an associative list are found by their key, whatever their order",
        {"containers": [{"name": "a", "image": "i"}]},
        {"containers": [{"name": "sidecar"}, {"name": "a", "image": "i", "terminationMessagePath": "/x"}]},
    ),
    DifferenceCase(
        "an item that differs says which",
        {"containers": [{"name": "a", "image": "new"}]},
        {"containers": [{"name": "a", "image": "old"}]},
        ["containers[name=a].image"],
    ),
    DifferenceCase(
        "an item we own and no longer intend is removed",
        {"containers": [{"name": "b", "image": "i"}]},
        owning(
            {"f:containers": {CONTAINER: {".": {}, "f:name": {}}, 'k:{"name":"b"}': {".": {}, "f:name": {}}}},
            containers=[{"name": "a"}, {"name": "b", "image": "i"}],
        ),
        ["containers[name=a].name"],
    ),
    DifferenceCase(
        "ports are told apart by number and protocol",
        {"ports": [{"containerPort": 81, "protocol": "TCP"}]},
        owning(
            {"f:ports": {PORT: {".": {}, "f:containerPort": {}, "f:protocol": {}}}},
            ports=[{"containerPort": 80, "protocol": "TCP"}],
        ),
        [
            "ports[containerPort=81,protocol=TCP].containerPort",
            "ports[containerPort=81,protocol=TCP].protocol",
            "ports[containerPort=80,protocol=TCP].containerPort",
            "ports[containerPort=80,protocol=TCP].protocol",
        ],
    ),
    DifferenceCase("an atomic list is compared as a whole", {"args": ["-a", "-b"]}, {"args": ["-a"]}, ["args"]),
    DifferenceCase(
        "what is left over in an atomic map is removed",
        {"nodeSelector": {"os": "linux"}},
        owning({"f:nodeSelector": {}}, nodeSelector={"os": "linux", "disk": "gold"}),
        ["nodeSelector"],
    ),
    DifferenceCase(
        "what is left over in an item of an atomic list is removed",
        {"tolerations": [{"key": "a", "operator": "Exists"}]},
        owning({"f:tolerations": {}}, tolerations=[{"key": "a", "operator": "Exists", "effect": "NoSchedule"}]),
        ["tolerations"],
    ),
    DifferenceCase(
        "an atomic value that differs is told once",
        {"nodeSelector": {"os": "linux"}},
        owning({"f:nodeSelector": {}}, nodeSelector={"os": "windows", "disk": "gold"}),
        ["nodeSelector.os"],
    ),
    DifferenceCase(
        "the server's defaults in atomic values are not left over",
        {"env": [{"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]},
        owning(
            {"f:env": {'k:{"name":"N"}': {".": {}, "f:name": {}, "f:valueFrom": {"f:fieldRef": {}}}}},
            env=[{"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName", "apiVersion": "v1"}}}],
        ),
    ),
    DifferenceCase("an atomic list in another order differs", {"args": ["-b", "-a"]}, {"args": ["-a", "-b"]}, ["args"]),
    DifferenceCase(
        "quantities are the same in any notation",
        {"resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}}},
        {"resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}},
    ),
    DifferenceCase(
        "quantities that differ do differ",
        {"resources": {"limits": {"cpu": "0.5"}}},
        {"resources": {"limits": {"cpu": "600m"}}},
        ["resources.limits.cpu"],
    ),
    DifferenceCase(
        "outside of resources a number's notation is text", {"data": {"a": "1"}}, {"data": {"a": "1000m"}}, ["data.a"]
    ),
    DifferenceCase("false and 0 are not the same", {"spec": {"on": False}}, {"spec": {"on": 0}}, ["spec.on"]),
    DifferenceCase(
        "a value that somebody else has put back is taken over",
        {"data": {"a": "1", "b": "2"}},
        owning({"f:data": {"f:a": {}}}, data={"a": "1", "b": "2"}),
        ["data.b"],
    ),
    DifferenceCase(
        "so is an item of an associative list",
        {"env": [{"name": "A", "value": "1"}]},
        owning({"f:env": {'k:{"name":"B"}': {".": {}, "f:name": {}}}}, env=[{"name": "A", "value": "1"}]),
        ["env[name=A]"],
    ),
    DifferenceCase(
        "and what somebody made just so beforehand", {"data": {"a": "1"}}, owning({}, data={"a": "1"}), ["data"]
    ),
    DifferenceCase(
        "locks and names are no content",
        {"metadata": {"name": "x", "uid": "1", "resourceVersion": "1"}},
        owning({}),
    ),
    DifferenceCase(
        "labels are content",
        {"metadata": {"name": "x", "labels": {"a": "1"}}},
        owning({}),
        ["metadata.labels.a"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_differences(case: DifferenceCase) -> None:
    """Exactly the fields that an apply would set or remove."""
    there = case.actual
    if there is not None and "managedFields" not in there.get("metadata", {}):
        described = owning(fields(case.intent))["metadata"] | there.get("metadata", {})
        there = {**there, "metadata": described}
    field_changes = differences(case.intent, there, manager=MANAGER)
    assert [change.path for change in field_changes] == case.changed


def test_a_subresource_has_owners_of_its_own() -> None:
    """What we own of the object is not what we own of its status."""
    actual = owning({"f:data": {"f:old": {}}}, data={"old": "1"})
    assert differences({"data": {}}, actual, manager=MANAGER)
    assert not differences({"data": {}}, actual, manager=MANAGER, subresource="status")
    taken = differences({"data": {"old": "1"}}, actual, manager=MANAGER, subresource="status")
    assert [field_change.path for field_change in taken] == ["data"]


def test_a_change_tells_before_and_after() -> None:
    """Reports show values, not only paths; what is removed has no after."""
    actual = owning({"f:data": {"f:a": {}, "f:old": {}}}, data={"a": "1", "old": "2"})
    changed = {
        difference.path: (difference.before, difference.after)
        for difference in differences({"data": {"a": "3"}}, actual, manager=MANAGER)
    }
    assert changed == {"data.a": ("1", "3"), "data.old": ("2", None)}


@pytest.mark.parametrize(
    ("written", "kept"), [("0.5", "500m"), (".5", "500m"), ("1n", "1m"), ("1024Mi", "1Gi"), (2, "2")]
)
def test_an_amount_is_the_same_however_it_is_written(written: Any, kept: str) -> None:
    """The API server keeps thousandths, rounded up, in a spelling of its own."""
    assert not differences(
        {"limits": {"cpu": written}}, owning({"f:limits": {"f:cpu": {}}}, limits={"cpu": kept}), manager=MANAGER
    )


@pytest.mark.parametrize("written", ["501m", "1e60", "much"])
def test_another_amount_is_a_difference(written: str) -> None:
    actual = owning({"f:limits": {"f:cpu": {}}}, limits={"cpu": "500m"})
    assert [difference.path for difference in differences({"limits": {"cpu": written}}, actual, manager=MANAGER)] == [
        "limits.cpu"
    ]
