"""What becomes of an event that reaches `audit`: kept, noted, or refused, whatever it is. On both databases."""

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from audit.storage.database import Database
from audit.storage.store import Store
from audit.storage.tables import changes, reports, resyncs, sweeps
from events.types import MODEL_TRAINED, PREFIX, RESYNC_REQUESTED, SWEEP_FINISHED
from runtime.client import ApiResponse
from runtime.edge import application
from runtime.settings import NAMESPACE
from runtime.signature import ATTRIBUTE, Keyring, event_hmac
from tests.audit_sample import RESOURCES, deleted, edited, reports_of
from tests.audit_serving import KnownObjects, receiving
from tests.signing_key import KEY

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SAID: dict[str, Any] = json.loads(reports_of(1)[0].report)
TYPE = reports_of(1)[0].type


@pytest.fixture
def objects() -> KnownObjects:
    """An API server with nothing in it."""
    return KnownObjects()


@pytest.fixture
def client(store: Store, objects: KnownObjects) -> FlaskClient:
    """Of the application that serves this store, beside an API server with these objects."""
    return application({"audit": receiving(store, objects)}).test_client()


def send(to: FlaskClient, data: Any, *, event_type: str = TYPE, **attributes: Any) -> int:
    """The status that an event of our functions in structured mode is answered with."""
    attributes[ATTRIBUTE] = signature(data, event_type, **attributes)
    return send_unsigned(to, data, event_type=event_type, **attributes)


def signature(data: Any, event_type: str = TYPE, **attributes: Any) -> str:
    """That of an event with these attributes and this data."""
    return event_hmac({"id": "1", "type": event_type, "source": "/tests", **attributes}, data, KEY)


def send_unsigned(to: FlaskClient, data: Any, *, event_type: str = TYPE, **attributes: Any) -> int:
    """The status that an event of anybody is answered with."""
    event = {"specversion": "1.0", "id": "1", "type": event_type, "source": "/tests", "data": data, **attributes}
    answer = to.post("/", data=json.dumps(event), content_type="application/cloudevents+json")
    return answer.status_code


def count(store: Store) -> tuple[int, ...]:
    """Reports, generations, sweeps and requests."""
    with store.database.reading() as connection:
        tables = (reports, changes, sweeps, resyncs)
        return tuple(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)


def test_everything_that_functions_say_is_kept(client: FlaskClient, store: Store) -> None:
    """Once, however often it is delivered."""
    swept = {"resources": 1, "diverging": 0, "calls": 3, "milliseconds": 2.5}
    named = {"apiVersion": "v1", "kind": "Kepler", "namespace": "a", "name": "b"}
    for _ in range(2):
        assert send(client, SAID) == 204
        assert send(client, swept, event_type=SWEEP_FINISHED, time="2026-11-25T12:00:00Z") == 204
        assert send(client, {"object": named, "diverges": {"collector": ["x"]}}, event_type=RESYNC_REQUESTED) == 204
        assert send(client, {"letter": "x"}, event_type=f"{PREFIX}replay.requested.v1") == 204
    assert count(store) == (1, 1, 1, 1)


NEEDS_SIGNATURE: tuple[tuple[str, Any], ...] = (
    (TYPE, SAID),
    (SWEEP_FINISHED, {"resources": 1, "diverging": 0, "calls": 3, "milliseconds": 2.5}),
    (RESYNC_REQUESTED, {"object": SAID["cause"]["object"], "diverges": {}}),
    (f"{PREFIX}replay.requested.v1", {"letter": "x"}),
    (f"{PREFIX}discard.requested.v1", {"letter": "x"}),
)


@pytest.mark.parametrize(
    ("event_type", "data"), NEEDS_SIGNATURE, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_none_of_our_functions_has_signed_is_not_kept(
    client: FlaskClient, store: Store, event_type: str, data: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither without a signature, nor with another one, nor with that of an event with other data."""
    with caplog.at_level(logging.INFO, "kepler.audit"):
        others = ("f" * 64, "ü", signature({}, event_type), signature(data, event_type, id="2"))
        for carried in (None, "", *others):
            attributes = {} if carried is None else {ATTRIBUTE: carried}
            assert send_unsigned(client, data, event_type=event_type, **attributes) == 204
    assert count(store) == (0, 0, 0, 0)
    reasons = [record.__dict__["reason"] for record in caplog.records]
    assert reasons == ["unsigned"] * 2 + ["wrong-signature"] * len(others)
    assert "collector" not in caplog.text


def test_without_a_key_no_report_is_kept(store: Store) -> None:
    """Nobody can tell it from a forged one: what is signed is to come again, what is not is refused.

    What is read from the API server is kept all the same.
    """
    objects = KnownObjects()
    objects.have(edited(RESOURCES[0], 1, NOW))
    client = application(
        {"audit": receiving(store, objects, keys=Keyring(lambda _: ApiResponse(404, {}), NAMESPACE))}
    ).test_client()
    assert (send(client, SAID), send_unsigned(client, SAID)) == (503, 204)
    shown = edited(RESOURCES[0], 1, NOW)
    named = {"kind": shown.kind, "apiversion": shown.api_version, "namespace": shown.namespace, "name": shown.name}
    assert send_unsigned(client, shown.data, event_type=shown.type, **named) == 204
    assert count(store) == (0, 1, 0, 0)


def test_a_forged_report_does_not_keep_the_real_one_of_its_id_out(client: FlaskClient, store: Store) -> None:
    """Ids follow from what anybody can know: the event, the function and the object."""
    forged = SAID | {"outcome": "rejected"}
    assert send_unsigned(client, forged) == 204
    assert send_unsigned(client, forged, **{ATTRIBUTE: signature(SAID)}) == 204
    assert send(client, SAID) == 204
    with store.database.reading() as connection:
        assert connection.execute(select(reports.c.outcome)).scalars().all() == [SAID["outcome"]]


IN_YEARS = {"time": "2031-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("event_type", "data"),
    [(TYPE, SAID | {"began": IN_YEARS["time"]}), *NEEDS_SIGNATURE[:3]],
    ids=["began", "report", "sweep", "resync"],
)
def test_what_is_yet_to_come_is_not_kept(
    client: FlaskClient, store: Store, event_type: str, data: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """More than a minute ahead of this clock, not even where it is signed."""
    attributes = IN_YEARS if "began" not in data or data["began"] != IN_YEARS["time"] else {}
    assert send(client, data, event_type=event_type, **attributes) == 204
    assert count(store) == (0, 0, 0, 0)
    assert [record.__dict__["reason"] for record in caplog.records] == ["future"]


def test_clocks_may_differ_by_some_seconds(client: FlaskClient, store: Store) -> None:
    """Functions run on other machines."""
    soon = datetime.now(UTC) + timedelta(seconds=30)
    assert send(client, SAID | {"began": soon.isoformat()}, time=soon.isoformat()) == 204
    assert count(store)[0] == 1


def test_a_model_that_was_trained_is_a_line_only(
    client: FlaskClient, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Pipelines of others send it, which have no key."""
    with caplog.at_level(logging.INFO, "kepler.audit"):
        assert send_unsigned(client, {}, event_type=MODEL_TRAINED) == 204
    assert [record.message for record in caplog.records] == ["event"]
    assert count(store) == (0, 0, 0, 0)


def test_each_report_is_a_line_in_the_log(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """Where the cluster's log collection finds it, and whoever reads along."""
    with caplog.at_level(logging.INFO, "kepler.audit"):
        send(client, SAID)
    (line,) = [record for record in caplog.records if record.name == "kepler.audit"]
    assert line.message == "report"
    assert line.__dict__["report"]["function"] == SAID["function"]


# Escape, backspace, DEL, C1's control sequence introducer, right-to-left override, isolate.
ODD = ("\x1b[2J", "\b", "\x7f", "\x9b", "\u202e", "\u2067")


@pytest.mark.parametrize(
    "wrong",
    [
        {"generation": 2**70},
        {"generation": -1},
        {"function": "a\u0000b"},
        {"trace": "x" * 3000},
        {"function": "\ud800"},
        {"milliseconds": float("nan")},
        {"milliseconds": float("inf")},
        {"began": "0001-01-01T00:00:00+14:00"},
        {"object": {**SAID["object"], "name": "n" * 500}},
        {"object": None},
        *(
            {"conditions": [SAID["conditions"][0] | {name: f"a{odd}b"}]}
            for name in ("message", "reason")
            for odd in ODD
        ),
        {"more": 1},
    ],
    ids=str,
)
def test_what_cannot_be_kept_is_noted_and_done_with(
    client: FlaskClient, store: Store, wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Delivering it again could not help, and it must not fail those that are kept beside it."""
    assert send(client, SAID | wrong) == 204
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == ["not kept"]
    assert count(store) == (0, 0, 0, 0)


@pytest.mark.parametrize("odd", [*ODD, "\ud800"], ids=ascii)
def test_what_woke_a_function_cannot_keep_its_report_from_being_kept(
    client: FlaskClient, store: Store, odd: str
) -> None:
    """Anybody may have sent that event: what of it cannot be shown is escaped."""
    cause = {**SAID["cause"], "subject": f"a{odd}b", "by": f"c{odd}d", "object": {**SAID["object"], "name": f"e{odd}f"}}
    del cause["object"]["uid"]
    assert send(client, SAID | {"cause": cause}) == 204
    with store.database.reading() as connection:
        kept = json.loads(connection.execute(select(reports.c.report)).scalar_one())["cause"]
    escaped = odd.encode("unicode_escape").decode()
    assert (kept["subject"], kept["by"]) == (f"a{escaped}b", f"c{escaped}d")
    assert kept["object"]["name"] == f"e{escaped}f"


def test_text_with_lines_and_in_any_language_is_kept(client: FlaskClient, store: Store) -> None:
    """What has no control characters but tab and newline."""
    condition = {**SAID["conditions"][0], "message": "a\tb\nc 🜨 ü 漢 עברית"}
    assert send(client, SAID | {"conditions": [condition]}) == 204
    assert count(store)[0] == 1


def test_values_of_any_kind_are_kept_as_they_are(client: FlaskClient, store: Store) -> None:
    """A field that was put back may have held anything: PostgreSQL itself takes no NUL."""
    field = {"path": "data.A", "before": "a\u0000b 🜨 \u202e", "after": "a"}
    changes = [{**SAID["changes"][0], "fields": [field]}]
    assert send(client, SAID | {"changes": changes}) == 204
    with store.database.reading() as connection:
        kept = json.loads(connection.execute(select(reports.c.report)).scalar_one())
    assert kept["changes"][0]["fields"][0] == field


def test_edits_of_our_resources_are_noted(client: FlaskClient, store: Store, objects: KnownObjects) -> None:
    """One a generation, with nothing secret in it; changes of a status are none."""
    for generation in (1, 1, 2):
        shown = edited(RESOURCES[0], generation, NOW)
        objects.have(shown)
        named = {"kind": shown.kind, "apiversion": shown.api_version, "namespace": shown.namespace, "name": shown.name}
        assert send(client, shown.data, event_type=shown.type, **named) == 204
    ending = deleted(RESOURCES[0], 2, NOW)
    objects.lose(ending)
    assert send(client, ending.data, event_type=ending.type, **named) == 204
    with store.database.reading() as connection:
        kept = connection.execute(select(changes).order_by(changes.c.generation)).all()
    assert [(row.generation, row.by, row.deleted) for row in kept] == [
        (1, "argocd-controller", False),
        (2, "kubectl-edit", False),
        (3, "", True),
    ]
    assert "secret-1" not in kept[0].spec


@pytest.mark.parametrize(
    "shown",
    [
        {"metadata": []},
        {"metadata": {"uid": 1, "name": "a", "generation": "x"}},
        {"metadata": {"uid": "1", "name": "a", "generation": 2**80}},
        {"metadata": {"uid": "1", "name": "a", "generation": 1, "managedFields": [1]}},
        {"metadata": {"uid": "1", "name": "a\u0000", "generation": 1}},
        {"metadata": {"uid": "1", "name": "a", "generation": 1}, "spec": {"x": "\ud800"}},
        {"metadata": {"uid": "1", "name": "a"}},
        {},
    ],
    ids=str,
)
def test_what_is_no_object_is_passed_over(client: FlaskClient, store: Store, shown: dict[str, Any]) -> None:
    """Anybody may send events to a broker."""
    event = edited(RESOURCES[0], 1, NOW)
    named = {"apiversion": event.api_version, "name": "a"}
    assert send(client, shown, event_type=event.type, **named) in (204, 400)
    assert count(store)[0] == 0


def test_a_database_that_is_away_has_events_delivered_again() -> None:
    """503, without the password; what is no event of ours is answered all the same."""
    away = Store(Database("postgresql://audit:topsecret@127.0.0.1:1/reports"))
    client = application({"audit": receiving(away)}).test_client()
    event = {"specversion": "1.0", "id": "1", "type": TYPE, "source": "/tests", "data": SAID}
    event[ATTRIBUTE] = signature(SAID)
    answer = client.post("/", data=json.dumps(event), content_type="application/cloudevents+json")
    assert answer.status_code == 503
    assert "@127.0.0.1:1/reports' does not answer: connection failed" in answer.text
    assert "topsecret" not in answer.text
    assert send(client, {}, event_type=f"{PREFIX}other.v1") == 204


def test_one_that_is_refused_by_the_database_is_delivered_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of ours fails all who share a commit, and each of them is tried again."""
    monkeypatch.setattr(Store, "commit", lambda *_: 1 / 0)
    client = application({"audit": receiving(store)}).test_client()
    assert send(client, SAID) == 500


def test_what_was_read_is_not_looked_for_again(store: Store, objects: KnownObjects) -> None:
    """An event about a status costs no look into the database, nor at the API server."""
    commits: list[int] = []
    audit = receiving(replace(store, full=commits.append), objects)
    for generation in (1, 2):
        objects.have(edited(RESOURCES[0], generation, NOW))
        for _ in range(3):
            audit(edited(RESOURCES[0], generation, NOW))
        assert (len(commits), len(objects.asked)) == (generation, generation)
