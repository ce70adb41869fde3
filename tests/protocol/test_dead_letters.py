"""Dead letters on a real API server, with their function's own ServiceAccount: kept, counted, shown, bounded."""

import itertools
import json
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from audit.answers.dead_letter_answers import letters
from dead_letters import dead_letter
from dead_letters.dead_letter import LABEL, letter_name, parse_record
from events.types import MODEL_TRAINED, REPLAY_REQUESTED, RESOURCE_UPDATE, RESYNC_REQUESTED
from runtime.client import METADATA_LIST, Client
from runtime.edge import application
from runtime.objects import CONFIG_MAP, Collection
from runtime.settings import NAMESPACE
from tests.dead_letter_samples import COLLECTOR, REFUSED, given_up
from tests.protocol.dead_letter_desk import DeadLetterDesk
from tests.workbench import Workbench, kepler

SECRET = "hunter2-hunter2"


def test_a_letter_is_kept_with_its_error(desk: DeadLetterDesk, namespace: str) -> None:
    """The event, to whom it was to go, and with which answer it was given up."""
    event = given_up(MODEL_TRAINED, namespace=namespace, data={"hint": 1}, id=namespace)
    desk.store(event)
    record, kept = desk.record(event), desk.kept(event)
    assert (record.code, record.answer, record.destinations) == ("400", REFUSED, (COLLECTOR,))
    assert json.loads(kept["data"]["data"]) == {"hint": 1}
    assert json.loads(kept["data"]["attributes"])["id"] == namespace


def test_an_event_that_only_asks_for_a_look_is_kept_without_its_object(desk: DeadLetterDesk, namespace: str) -> None:
    """The object may hold credentials, and the function that gets the event again reads the object itself."""
    secret = {"metadata": {"name": "kepler"}, "spec": {"collector": {"env": [{"name": "A", "value": SECRET}]}}}
    event = given_up(RESOURCE_UPDATE, namespace=namespace, data=secret, id=namespace)
    desk.store(event)
    assert SECRET not in json.dumps(desk.kept(event))
    assert desk.kept(event)["data"]["data"] == "{}"


def test_other_data_is_kept_redacted(desk: DeadLetterDesk, namespace: str) -> None:
    """Passwords by key, credentials in URLs, in attributes as well as in data."""
    data = {"password": SECRET, "place": f"https://user:{SECRET}@models.example"}
    event = given_up(MODEL_TRAINED, namespace=namespace, data=data, id=f"https://u:{SECRET}@x.example/{namespace}")
    desk.store(event)
    assert SECRET not in desk.kept(event)["data"]["data"]
    assert SECRET not in json.dumps(desk.kept(event)["metadata"]["annotations"])


def test_a_letter_is_shown_on_its_object(desk: DeadLetterDesk, workbench: Workbench) -> None:
    """`kubectl describe` of the Kepler tells of it, in our own words."""
    workbench.apply(kepler())
    desk.store(given_up(namespace=workbench.namespace, id=f"BUY-NOW-{workbench.namespace}"))
    described = workbench.stack.kubectl("-n", workbench.namespace, "describe", "keplers/kepler")
    assert "NotDelivered" in described
    assert f"an event about this resource could not be delivered to '{COLLECTOR}'" in described
    assert "BUY-NOW" not in described


@pytest.mark.parametrize(
    ("kind", "version", "name"),
    [
        ("Pod", "v1", "coredns"),
        ("ConfigMap", "v1", "kube-root-ca.crt"),
        ("Kepler", "sustainable-computing.io/v1alpha1", "no-such-kepler"),
    ],
)
def test_no_kubernetes_event_is_made_on_objects_of_others(
    desk: DeadLetterDesk, kind: str, version: str, name: str
) -> None:
    """A forged letter cannot write Events about anything anywhere."""
    before = desk.stack.kubectl("-n", "kube-system", "get", "events", "-o", "name")
    event = given_up(kind=kind, apiversion=version, name=name, namespace="kube-system", id=f"{kind}-{name}")
    desk.store(event)
    assert desk.stack.kubectl("-n", "kube-system", "get", "events", "-o", "name") == before
    assert desk.record(event).group == dead_letter.OTHER


def test_one_event_is_one_letter(desk: DeadLetterDesk, namespace: str) -> None:
    """However many functions gave it up, and however often: the letter counts, and names them."""
    event = given_up(namespace=namespace, id=namespace)
    desk.store(event)
    first = desk.record(event)
    desk.store(event)
    status = "http://kepler-status.kepler-operator.svc"
    desk.store(given_up(namespace=namespace, id=namespace, knativeerrordest=status))
    record = desk.record(event)
    assert (record.count, record.destinations) == (3, (COLLECTOR, "kepler-status"))
    assert record.first == first.first < record.last


def test_letters_that_come_at_once_are_all_counted(desk: DeadLetterDesk, namespace: str) -> None:
    """Eight functions give one event up at the same moment: nothing is lost, and there is one letter."""
    event = given_up(namespace=namespace, id=namespace)
    with ThreadPoolExecutor(8) as senders:
        for answer in [senders.submit(desk.store, event) for _ in range(8)]:
            answer.result()
    assert desk.record(event).count == 8


@pytest.mark.parametrize(
    "attributes",
    [
        {"namespace": "no-such-namespace"},
        {"namespace": "", "kind": "KeplerMachineConfig"},
        {"namespace": "../x", "name": "../../secrets"},
        {"kind": "", "name": "", "apiversion": ""},
    ],
    ids=["a namespace that is gone", "in no namespace", "names that cannot be", "about nothing"],
)
def test_a_letter_about_anything_is_kept(desk: DeadLetterDesk, attributes: dict[str, str]) -> None:
    """Where there is no object to show it on, it is kept all the same."""
    event = given_up(id=str(attributes), **{key: value for key, value in attributes.items() if value})
    desk.store(event)
    assert desk.record(event).code == "400"


@pytest.mark.parametrize(
    ("attributes", "id_"),
    [
        ({f"ce-x{number}": "1" for number in range(120)}, "many"),
        ({"ce-x-y": "1"}, "hyphen"),
        ({"ce-UP_": "1"}, "other"),
    ],
)
def test_an_event_that_nobody_can_decode_is_kept(
    desk: DeadLetterDesk, workbench: Workbench, attributes: dict[str, str], id_: str
) -> None:
    """Its names, its destination and the answer; it is shown on its object, and cannot be sent again."""
    workbench.apply(kepler())
    named = given_up(namespace=workbench.namespace, id=f"{id_}-{workbench.namespace}")
    headers = {f"ce-{name}": value for name, value in named.extensions.items() if name != "datacontenttype"}
    client = application({"dead_letter": desk.store}).test_client()
    answer = client.post("/", headers={**headers, **attributes, "content-type": "application/json"}, data=b"{}")
    assert answer.status_code == 204, answer.text
    record = desk.record(named)
    assert (record.code, record.answer, record.destinations, record.complete) == ("400", REFUSED, (COLLECTOR,), False)
    assert "NotDelivered" in workbench.stack.kubectl("-n", workbench.namespace, "describe", "keplers/kepler")
    desk.replay(letter_name(named))
    assert not desk.sent


def test_a_request_that_cannot_be_decoded_replays_nothing(desk: DeadLetterDesk, namespace: str) -> None:
    """It is a letter itself; without an event's names a request is refused, as everywhere."""
    client = application({"dead_letter": desk.store}).test_client()
    flood = {f"ce-x{number}": "1" for number in range(120)}
    request = {"ce-id": namespace, "ce-source": "/tests", "ce-specversion": "1.0", "ce-type": REPLAY_REQUESTED}
    assert client.post("/", headers={**request, **flood}, data=b"{}").status_code == 204
    assert not desk.sent
    assert client.post("/", headers=flood, data=b"{}").status_code == 400


def test_data_that_no_config_map_takes_is_left_out(desk: DeadLetterDesk, namespace: str) -> None:
    """The letter says that its event cannot be sent again, and nothing else is sent in its place."""
    event = given_up(MODEL_TRAINED, namespace=namespace, id=namespace, data={"x": ["y" * 4000] * 100})
    desk.store(event)
    assert json.loads(desk.kept(event)["data"]["data"]) == {}
    assert not desk.record(event).complete
    desk.replay(letter_name(event))
    assert not desk.sent
    assert desk.kept(event)


def test_the_oldest_of_the_largest_group_are_forgotten(
    desk: DeadLetterDesk, workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood of forged letters does not push out the one real letter, whatever objects they invent."""
    desk.stack.kubectl("-n", NAMESPACE, "delete", "configmaps", "-l", LABEL)
    monkeypatch.setattr(dead_letter, "MAX_LETTERS", 4)
    workbench.apply(kepler())
    real = given_up(namespace=workbench.namespace, id=f"real-{workbench.namespace}")
    desk.store(real)
    for number in range(12):
        desk.store(given_up(namespace=f"invented-{number}", name=f"n{number}", id=f"forged-{number}"))
    kept = letters(Client(desk.asked, manager="x").list(Collection(CONFIG_MAP, NAMESPACE), labelled=LABEL))
    assert len(kept) == 4
    assert real.id in {letter.event.id for letter in kept}
    assert "forged-11" in {letter.event.id for letter in kept}


RECORDED: dict[str, Any] = {
    "first": "2026-01-31T12:00:00+00:00",
    "last": "2026-01-31T12:00:00+00:00",
    "count": 1,
    "destinations": ["kepler-collector"],
    "code": "500",
    "answer": "",
    "event": {"id": "1", "type": "t", "source": "/s", "api_version": "", "kind": "", "namespace": "", "name": ""},
    "group": "other",
    "complete": True,
}
WRONG: list[Any] = [None, 5, -1.5, True, [], {}, [[]], {"a": []}, "2026-01-31T12:00:00", "9" * 30]


def hostile() -> list[str]:
    """Annotations with a wrong type in each field, and such that are no record at all."""
    fields = [{**RECORDED, key: value} for key in RECORDED for value in WRONG]
    fields += [{**RECORDED, "event": {**RECORDED["event"], key: value}} for key in RECORDED["event"] for value in WRONG]
    no_records = ["[" * 100_000, '{"event": ' * 30_000, "x", "[]", "{}", "null", '{"event": 1}', '{"count": 1e999}']
    return [*map(json.dumps, fields), *no_records]


def test_a_record_that_somebody_has_made_up_breaks_nothing() -> None:
    """Neither lists nor what has to go, whatever is in it: then no letter could be kept any more."""
    made_up = [
        {"metadata": {"name": f"n{number}", "labels": {LABEL: ""}, "annotations": {dead_letter.ANNOTATION: text}}}
        for number, text in enumerate(hostile())
    ]
    good = {"metadata": {"name": "good", "annotations": {dead_letter.ANNOTATION: json.dumps(RECORDED)}}}
    shown = letters([*made_up, good, {"metadata": {"name": "bare", "annotations": None}}])
    assert "good" in {letter.name for letter in shown}
    for event in [given_up(id="x", knativeerrordest=f"http://kepler-{n}.x") for n in range(2)]:
        for letter in made_up:
            dead_letter.config_map(event, dead_letter.record(event, "other", parse_record(letter)))
    surplus = dead_letter.surplus([*made_up, good] * 3)
    assert "good" not in {manifest["metadata"]["name"] for manifest in itertools.islice(surplus, len(made_up))}


@pytest.mark.parametrize("filler", ["\x01", "🚫", "é"])
def test_the_largest_letter_fits_a_config_map(desk: DeadLetterDesk, namespace: str, filler: str) -> None:
    """As many attributes, destinations and characters as are kept, of those that JSON takes the most space for."""
    long = filler * dead_letter.MAX_VALUE
    many = {f"{'a' * 1000}{number}": long for number in range(dead_letter.MAX_ATTRIBUTES)}
    names = {"subject": long, "apiversion": long, "kind": long, "name": long}
    for number in range(dead_letter.MAX_DESTINATIONS):
        where = f"{number}{long}"
        data = {"x": [filler * 3000] * 5}
        event = given_up(MODEL_TRAINED, data=data, id=f"{namespace}{long}", knativeerrordest=where, **many, **names)
        desk.store(event)
    assert desk.record(event).count == dead_letter.MAX_DESTINATIONS
    assert not desk.record(event).complete


def test_lists_read_metadata_only(desk: DeadLetterDesk, namespace: str) -> None:
    """However large the letters are, and however many come at once, memory stays far below the pod's limit."""
    large = {"filler": ["x" * 4000] * 45}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    events = [given_up(MODEL_TRAINED, namespace=namespace, id=f"{namespace}-{n}", data=large) for n in range(40)]
    desk.asked.take()
    with ThreadPoolExecutor(8) as senders:
        for answer in [senders.submit(desk.store, event) for event in events]:
            answer.result()
    listings = [
        request for request in desk.asked.take() if request.method == "GET" and request.path.endswith("/configmaps")
    ]
    assert len(listings) == 40
    assert {listing.accept for listing in listings} == {METADATA_LIST}
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 120


def test_a_message_of_a_mebibyte_is_cut_in_time(desk: DeadLetterDesk, namespace: str) -> None:
    """Answers and ids of any length become a bounded record, without minutes of redaction."""
    began = time.process_time()
    event = given_up(namespace=namespace, id="token" * 200_000, knativeerrordata="m" * 1_000_000)
    desk.store(event)
    assert time.process_time() - began < 3
    assert len(desk.record(event).event.id) <= dead_letter.MAX_VALUE
    assert len(desk.record(event).answer) <= dead_letter.MAX_ANSWER


def test_what_happened_is_one_sentence() -> None:
    """With an answer, and without any."""
    answered = dead_letter.record(given_up(id="7", code="503"), "other", None).message
    assert answered == (
        f"event '7' of type '{RESYNC_REQUESTED}' was not delivered to {COLLECTOR}: "
        f"the last attempt was answered with status 503: {REFUSED}"
    )
    silent = dead_letter.record(given_up(id="7", code="-1", knativeerrordata=""), "other", None).message
    assert silent.endswith(f"was not delivered to {COLLECTOR}: the last attempt got no answer")
