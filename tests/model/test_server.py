"""The model of the API server: locks, exclusive creation, incarnations, generations and field ownership.

That a real one answers the same is in `tests/protocol/test_model_agrees.py`.
"""

from dataclasses import dataclass, replace

import pytest

from runtime.client import NEVER, Client, Request, path
from runtime.differences import differences
from runtime.errors import Conflict, NotFound
from runtime.objects import Collection, Manifest, Ref, resource_version, uid
from tests.model.functions import CHILD, INPUT, INPUTS, OTHER, PARENT
from tests.model.scenario import deletion, put
from tests.model.server import ModelApiServer


def client(server: ModelApiServer, manager: str = "ours") -> Client:
    """The real client, asking the model."""
    return Client(server, manager=manager)


def data(**values: str) -> Manifest:
    """A ConfigMap's content."""
    return {"data": values}


def locked(ref: Ref, body: Manifest, **lock: str) -> Request:
    """An apply with a lock."""
    request = put(ref, body)
    assert request.body is not None
    return replace(request, body={**request.body, "metadata": {**request.body["metadata"], **lock}})


@dataclass(frozen=True)
class Lock:
    """What is asked for of an object that exists, or does not, and what comes of it."""

    version: str
    identity: str
    present: int
    absent: int


LOCKS = (
    Lock("none", "none", present=200, absent=201),
    Lock("right", "right", present=200, absent=409),
    Lock("right", "none", present=200, absent=201),
    Lock("stale", "right", present=409, absent=409),
    Lock("stale", "none", present=409, absent=201),
    Lock("never", "none", present=409, absent=201),
    Lock("zero", "none", present=200, absent=201),
    Lock("none", "wrong", present=422, absent=409),
)


@pytest.mark.parametrize("absent", [False, True])
@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_an_apply_is_taken_where_its_lock_holds(lock: Lock, absent: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    """A version that does not match is a 409, and does not hold up a creation, which a uid does."""
    server = ModelApiServer()
    stale = server(put(CHILD, data(a="1"))).body
    right = server(put(CHILD, data(a="2"))).body
    versions = {"right": resource_version(right), "stale": resource_version(stale), "never": NEVER, "zero": "0"}
    identities = {"right": uid(right), "wrong": "another"}
    asked = {"resourceVersion": versions.get(lock.version), "uid": identities.get(lock.identity)}
    if absent:
        server(deletion(CHILD))

    answer = server(locked(CHILD, data(a="3"), **{name: value for name, value in asked.items() if value}))

    assert answer.status == (lock.absent if absent else lock.present)


def test_an_object_made_again_is_another_one() -> None:
    """Same name, new uid, and the old one's lock does not hold."""
    server = ModelApiServer()
    old = client(server).apply(CHILD, data(a="1"), over=None)
    client(server).delete(CHILD, over=old)

    new = client(server).apply(CHILD, data(a="1"), over=None)

    assert uid(new) != uid(old)
    with pytest.raises(Conflict):
        client(server).apply(CHILD, data(a="1"), over=old)
    with pytest.raises(Conflict):
        client(server).delete(CHILD, over=old)


def test_an_apply_that_changes_nothing_is_no_new_version() -> None:
    """Neither of the object nor of its status."""
    server = ModelApiServer()
    made = client(server).apply(PARENT, {"spec": {"value": 1}}, over=None)
    answer = client(server).apply_status(PARENT, {"conditions": [{"type": "Ready", "status": "True"}]})

    assert client(server).apply(PARENT, {"spec": {"value": 1}}, over=answer) == answer
    assert client(server).apply_status(PARENT, {"conditions": [{"type": "Ready", "status": "True"}]}) == answer
    assert resource_version(answer) != resource_version(made)


def test_the_generation_moves_with_the_spec_alone() -> None:
    """Not with the status, not with an owner reference; a ConfigMap has none."""
    server = ModelApiServer()
    generations = [
        server(request).body["metadata"].get("generation")
        for request in (
            put(PARENT, {"spec": {"value": 1}}),
            replace(
                put(PARENT, {"status": {"nodes": 1}}), path=path(PARENT.kind, PARENT.namespace, "parent", "status")
            ),
            put(PARENT, {"spec": {"value": 1}, "metadata": {"labels": {"a": "b"}}}),
            put(PARENT, {"spec": {"value": 2}}),
            put(CHILD, data(a="1")),
        )
    ]

    assert generations == [1, 1, 1, 2, None]


def test_the_status_of_what_is_absent_cannot_be_written() -> None:
    """It is a 404, whoever asks."""
    with pytest.raises(NotFound):
        client(ModelApiServer()).apply_status(PARENT, {"nodes": 1})


def test_what_a_manager_no_longer_intends_goes_unless_others_own_it() -> None:
    """Keys that others applied stay, and those that both did."""
    server = ModelApiServer()
    client(server).apply(CHILD, data(a="1", b="1", c="1"), over=None)
    now = client(server, "theirs").apply(CHILD, data(b="1", d="1"), over=client(server).get(CHILD))

    now = client(server).apply(CHILD, data(a="1"), over=now)

    assert now["data"] == {"a": "1", "b": "1", "d": "1"}


def test_what_is_overwritten_by_force_changes_its_owner() -> None:
    """And is given back as it was intended, since the intent differs from what is there."""
    server = ModelApiServer()
    client(server).apply(CHILD, data(a="1"), over=None)
    taken = client(server, "theirs").apply(CHILD, data(a="2"), over=client(server).get(CHILD))

    assert [managed_field["manager"] for managed_field in taken["metadata"]["managedFields"]] == ["theirs"]
    assert [difference.path for difference in differences(data(a="1"), taken, manager="ours")] == ["data.a"]
    assert client(server).apply(CHILD, data(a="1"), over=taken)["data"] == {"a": "1"}


def test_conditions_are_owned_one_by_one() -> None:
    """Two managers, each with its own: neither removes the other's, and one that is not applied any more goes."""
    server = ModelApiServer()
    client(server).apply(PARENT, {"spec": {"value": 1}}, over=None)
    client(server).apply_status(PARENT, {"conditions": [{"type": "A", "status": "True"}]})
    client(server, "theirs").apply_status(PARENT, {"conditions": [{"type": "B", "status": "True"}]})

    now = client(server).apply_status(PARENT, {"conditions": [{"type": "C", "status": "False"}]})

    assert [condition["type"] for condition in now["status"]["conditions"]] == ["B", "C"]


def test_a_collection_is_listed_by_name() -> None:
    """All objects of the kind in the namespace, and no others."""
    server = ModelApiServer()
    for ref in (OTHER, INPUT, CHILD):
        server(put(ref, {"spec": {"value": 1}}))

    assert [manifest["metadata"]["name"] for manifest in client(server).list(INPUTS)] == ["input", "other"]
    assert list(client(server).list(Collection(CHILD.kind, "elsewhere"))) == []
