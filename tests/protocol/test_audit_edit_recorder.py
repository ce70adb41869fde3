"""Events about our resources: what is kept is what the API server has, whatever they tell. On both databases."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Blueprint
from sqlalchemy import select

from audit.answer_models import Change
from audit.storage import edits
from audit.storage.database import Database
from audit.storage.edit_recorder import EditRecorder
from audit.storage.intake import Audit
from audit.storage.store import Store
from audit.storage.tables import TableRow, changes, metadata
from events.types import RESOURCE_ADD, RESOURCE_DELETE
from local import probe
from local.stack import Stack
from runtime.client import Client, Transport
from runtime.errors import Unavailable
from runtime.event import Event
from tests.audit_sample import RESOURCES, deleted, edited
from tests.audit_serving import KnownObjects, receiving
from tests.protocol.test_audit_history import about, history
from tests.signing_key import KEYS
from tests.workbench import Recorder, kepler, transport, update

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
KEPLER = RESOURCES[0]


def shows(event: Event, spec: Any = None, by: str = "mallory", **metadata: Any) -> Event:
    """The event with another object: this spec by this field manager."""
    managed = [{**event.object["metadata"]["managedFields"][0], "manager": by}]
    changed = {**event.object["metadata"], "managedFields": managed, **metadata}
    shown = {**event.object, "metadata": changed, "spec": spec or {"forged": True}}
    return replace(event, id="forged", object=shown, data=shown)


def kept(store: Store) -> list[TableRow]:
    """The rows of generations, oldest first."""
    with store.database.reading() as connection:
        return list(connection.execute(select(changes).order_by(changes.c.life, changes.c.generation)).all())


def edits_of(changes: tuple[Change, ...]) -> list[tuple[int, str, bool]]:
    """Generation, who, and whether it was read."""
    return [(change.generation, change.edit.by, change.edit.verified) for change in changes if change.edit]


def reading(store: Store, send: Transport) -> Audit:
    """The function, reading through this transport."""
    edit_recorder = EditRecorder(store, lambda: Client(send, manager="kepler-audit", seconds=5))
    return Audit(store, Blueprint("pages", __name__), edit_recorder, KEYS)


@pytest.fixture
def objects() -> KnownObjects:
    """An API server with nothing in it."""
    return KnownObjects()


@pytest.fixture
def audit(store: Store, objects: KnownObjects) -> Audit:
    """The function beside that API server."""
    return receiving(store, objects)


def test_what_is_kept_of_an_edit_was_read_from_the_api_server(
    audit: Audit, objects: KnownObjects, store: Store
) -> None:
    """Whatever the event tells about who made it, and of which spec."""
    real = edited(KEPLER, 1, NOW)
    objects.have(real)
    audit(shows(real))
    (row,) = kept(store)
    assert (row.by, row.verified, "forged" in row.spec) == ("argocd-controller", True, False)
    assert edits_of(history(store)) == [(1, "argocd-controller", True)]


def test_a_forged_generation_does_not_take_the_place_of_the_real_one(
    audit: Audit, objects: KnownObjects, store: Store
) -> None:
    """An event of a generation that is yet to come is not kept; the edit that makes it is."""
    objects.have(edited(KEPLER, 1, NOW))
    audit(edited(KEPLER, 1, NOW))
    audit(shows(edited(KEPLER, 2, NOW)))
    assert [row.generation for row in kept(store)] == [1]
    objects.have(edited(KEPLER, 2, NOW))
    audit(edited(KEPLER, 2, NOW))
    assert edits_of(history(store)) == [(2, "kubectl-edit", True), (1, "argocd-controller", True)]


def test_an_edit_that_was_followed_at_once_is_kept_as_an_event_told_it(
    audit: Audit, objects: KnownObjects, store: Store
) -> None:
    """It cannot be read any more. It is marked, and so is the edit that is compared with it."""
    objects.have(edited(KEPLER, 3, NOW))
    audit(edited(KEPLER, 1, NOW))
    audit(edited(KEPLER, 2, NOW))
    expected = [(3, "flux", False), (2, "kubectl-edit", False), (1, "argocd-controller", False)]
    assert edits_of(history(store)) == expected
    assert [row.verified for row in kept(store)] == [False, False, True]


def test_what_an_event_tells_is_never_put_over_what_was_read(audit: Audit, objects: KnownObjects, store: Store) -> None:
    """Neither while that generation is the present one, nor later."""
    for generation in (1, 2):
        objects.have(edited(KEPLER, generation, NOW))
        audit(edited(KEPLER, generation, NOW))
        audit(shows(edited(KEPLER, 1, NOW)))
    assert [(row.by, row.verified) for row in kept(store)] == [("argocd-controller", True), ("kubectl-edit", True)]
    assert "forged" not in kept(store)[0].spec


def test_what_is_read_replaces_what_an_event_told(store: Store) -> None:
    """The sum of bytes follows."""
    entry, read = (
        edits.edit_of_event(shows(edited(KEPLER, 2, NOW))),
        edits.verified_edit(KEPLER.kind, edited(KEPLER, 2, NOW).object),
    )
    assert entry
    assert read
    store.keep(entry)
    store.keep(read)
    store.keep(entry)
    (row,) = kept(store)
    assert (row.by, row.verified, row.spec) == (read.by, True, read.spec)
    assert row.bytes == read.bytes


@pytest.mark.parametrize("kind", [RESOURCE_ADD, RESOURCE_DELETE])
def test_an_object_that_the_api_server_does_not_know_is_not_kept(
    audit: Audit, objects: KnownObjects, store: Store, kind: str
) -> None:
    """Nor one under another uid; a deletion is not believed while the object is there."""
    real = edited(KEPLER, 1, NOW)
    if kind == RESOURCE_DELETE:
        objects.have(real)
        audit(replace(shows(real), type=kind))
    else:
        audit(shows(real))
        objects.have(real)
        audit(shows(real, uid="another"))
    assert [(row.uid, row.deleted, row.verified) for row in kept(store)] == [(KEPLER.uid, False, True)]


def test_a_deletion_is_believed_when_the_object_is_gone(audit: Audit, objects: KnownObjects, store: Store) -> None:
    """Its last spec comes from the event, so it is marked; nobody is named, since Kubernetes does not record who."""
    real = edited(KEPLER, 2, NOW)
    objects.have(real)
    audit(real)
    objects.lose(real)
    audit(deleted(KEPLER, 2, NOW))
    end, before = history(store)
    assert end.edit
    assert (end.generation, end.edit.deleted, end.edit.by, end.edit.verified) == (3, True, "", False)
    assert before.edit
    assert before.edit.verified


def test_a_deletion_tells_the_last_edit_where_it_was_not_read(audit: Audit, store: Store) -> None:
    """Of an object that was there for a moment only, and that a function has reported on."""
    store.keep(about(1))
    audit(deleted(KEPLER, 1, NOW))
    audit(deleted(KEPLER, 1, NOW))
    assert edits_of(history(store)) == [(2, "", False), (1, "argocd-controller", False)]


def test_nobody_fills_the_store_with_ends_of_objects_that_never_were(
    audit: Audit, objects: KnownObjects, store: Store
) -> None:
    """An object has one end, and only those of which something is kept; what only an event tells is small."""
    for number in range(3):
        audit(shows(deleted(KEPLER, 1, NOW), uid=f"made-up-{number}"))
    assert kept(store) == []
    store.keep(about(1))
    for generation in (1, 2, 3):
        audit(deleted(KEPLER, generation, NOW))
    assert [row.generation for row in kept(store)] == [1, 2]
    objects.have(edited(RESOURCES[1], 5, NOW))
    audit(shows(edited(RESOURCES[1], 4, NOW), {"x": ["y" * 100] * 2000}))
    assert [row.generation for row in kept(store) if row.name == RESOURCES[1].name] == [5]


def test_a_deletion_under_a_name_that_is_used_again_is_of_the_former_object(
    audit: Audit, objects: KnownObjects, store: Store
) -> None:
    """An object of which nothing is kept did not have the name before: nothing is kept of its end either."""
    former = edited(KEPLER, 1, NOW)
    objects.have(former)
    audit(former)
    objects.have(shows(edited(KEPLER, 1, NOW), by="alice", uid="new"))
    audit(deleted(KEPLER, 1, NOW))
    audit(shows(deleted(KEPLER, 7, NOW), uid="made-up"))
    rows = [(row.uid, row.generation, row.deleted, row.verified) for row in kept(store)]
    assert sorted(rows) == sorted([(KEPLER.uid, 1, False, True), (KEPLER.uid, 2, True, False), ("new", 1, False, True)])


def test_an_object_that_is_being_deleted_was_read_so(audit: Audit, objects: KnownObjects, store: Store) -> None:
    """While a finalizer holds it: that generation is its end."""
    held = shows(edited(KEPLER, 2, NOW), deletionTimestamp="2026-11-25T11:00:00Z")
    objects.have(held)
    audit(held)
    (row,) = kept(store)
    assert (row.generation, row.deleted, row.verified, row.by) == (2, True, True, "")


def test_no_secret_is_in_the_database(audit: Audit, objects: KnownObjects, store: Store) -> None:
    """Neither of what was read, nor of what an event told, nor of an end; whether it is marked as one or looks it."""
    spec = {
        "collector": {"env": [{"name": "A", "value": "topsecret"}]},
        "model-server": {"storage": {"external": "https://user:topsecret@host/x?signature=topsecret"}},
    }
    for generation in (3, 2):
        event = shows(edited(KEPLER, generation, NOW), spec)
        if generation == 3:
            objects.have(event)
        audit(event)
    objects.lose(event)
    audit(replace(shows(edited(KEPLER, 3, NOW), spec), type=RESOURCE_DELETE))
    with store.database.reading() as connection:
        rows = [str(tuple(row)) for table in metadata.sorted_tables for row in connection.execute(select(table))]
    assert len([row for row in rows if "collector" in row]) == 3
    assert "topsecret" not in "".join(rows)


def test_an_edit_that_is_yet_to_come_is_not_kept(audit: Audit, objects: KnownObjects, store: Store) -> None:
    """An event alone tells of it, and its time is later than any clock explains."""
    objects.have(edited(KEPLER, 3, NOW))
    audit(edited(KEPLER, 1, datetime.now(UTC) + timedelta(minutes=2)))
    audit(edited(KEPLER, 2, datetime.now(UTC) + timedelta(seconds=30)))
    assert [row.generation for row in kept(store)] == [2, 3]


def test_an_annotation_does_not_keep_an_edit_from_being_kept(audit: Audit, objects: KnownObjects, store: Store) -> None:
    """Whoever may edit a resource chooses its annotations."""
    odd = shows(edited(KEPLER, 1, NOW), by="alice", annotations={"traceparent": "x\u202e" * 4000})
    objects.have(odd)
    audit(odd)
    assert [(row.by, row.traceparent) for row in kept(store)] == [("alice", "")]


def test_a_burst_costs_one_look(store: Store, objects: KnownObjects) -> None:
    """Events that come during a look share the next one; a generation that was read costs none."""
    begun, go_on = threading.Event(), threading.Event()
    reads: list[str] = []

    def slowly(request: Any) -> Any:
        reads.append(request.path)
        begun.set()
        go_on.wait(10)
        return objects(request)

    audit = reading(store, slowly)
    objects.have(edited(KEPLER, 9, NOW))
    with ThreadPoolExecutor(9) as senders:
        sent = [senders.submit(audit, edited(KEPLER, 1, NOW))]
        assert begun.wait(10)
        sent += [senders.submit(audit, edited(KEPLER, generation, NOW)) for generation in range(2, 10)]
        assert probe.wait_until(lambda: _waiting(audit) == 8, 10, threading.Event())
        go_on.set()
        for future in sent:
            future.result()
    audit(edited(KEPLER, 9, NOW))
    assert len(reads) == 2
    assert [row.verified for row in kept(store)] == [False] * 8 + [True]


def _waiting(audit: Audit) -> int:
    return sum(len(turn.items) for turn in list(audit.edit_recorder._turns._next.values()))


def test_an_api_server_that_is_away_has_the_event_delivered_again(store: Store, objects: KnownObjects) -> None:
    """Nothing is kept of it meanwhile, and the wait is bounded."""
    objects.away = True
    began = datetime.now(UTC)
    with pytest.raises(Unavailable):
        receiving(store, objects)(edited(KEPLER, 1, NOW))
    assert datetime.now(UTC) - began < timedelta(seconds=5)
    assert kept(store) == []


def test_on_a_real_api_server_nothing_forged_is_kept(control_plane: Stack, namespace: str, database: Database) -> None:
    """With the function's own permissions: two edits of a Kepler, between them a forged one, then its end."""
    store, recorder = Store(database), Recorder(transport(control_plane, "kepler-audit"))
    audit = reading(store, recorder)

    def now() -> Event:
        return update(json.loads(control_plane.kubectl("-n", namespace, "get", "kepler", "kepler", "-o", "json")))

    def apply(port: int) -> None:
        body = json.dumps(kepler(collector={"port": port}))
        control_plane.kubectl("-n", namespace, "apply", "--server-side", "-f", "-", stdin=body)

    apply(9103)
    first = now()
    audit(replace(first, object=_forged(first.object)))
    apply(9104)
    second = now()
    audit(second)
    control_plane.kubectl("-n", namespace, "delete", "kepler", "kepler")
    audit(replace(second, type=RESOURCE_DELETE))
    rows = [(row.generation, row.by, row.verified, row.deleted) for row in kept(store)]
    assert rows == [(1, "kubectl", True, False), (2, "kubectl", True, False), (3, "", False, True)]
    assert {request.method for request in recorder.requests} == {"GET"}


def _forged(shown: Any) -> Any:
    metadata = {**shown["metadata"], "generation": 2, "managedFields": []}
    return {**shown, "metadata": metadata, "spec": {"forged": True}}
