"""Who sees what where `ACCESS` is `token`: real ServiceAccounts, real Roles, and the function's own account to ask."""

import base64
import itertools
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml
from cloudevents.core.v1.event import CloudEvent
from flask import Flask, request

from audit.access import token_access
from audit.access.token_access import ACCESS_REVIEWS, TOKEN_REVIEWS, TokenAuthenticator
from audit.answer_models import API
from audit.answers.live import Live
from audit.answers.query_api import QueryApi
from audit.problems import HttpProblem
from audit.storage import entries, schema_upgrade
from audit.storage.database import Database
from audit.storage.store import Store
from dead_letters.dead_letter import letter_name
from events.sweep_data import SweepData
from events.types import DISCARD_REQUESTED, REPLAY_REQUESTED
from local import probe
from local.stack import Stack
from runtime.client import ApiResponse, Request
from runtime.edge import application
from runtime.objects import KEPLER, MACHINE_CONFIG
from runtime.settings import AUDIENCE, NAMESPACE
from tests.audit_desk import AuditDesk, elsewhere, noting
from tests.audit_sample import reports_of
from tests.audit_serving import reader, serving
from tests.dead_letter_samples import given_up, store
from tests.workbench import kepler, transport

_numbers = itertools.count(1)
# Namespaces of their own: others look at the same control plane.
ENERGY, LAB = "seen-energy", "seen-lab"
REPORTS = [elsewhere(entry, {"energy": ENERGY, "lab": LAB}) for entry in reports_of(40)]
NO_NAMESPACE = "get keplermachineconfigs.sustainable-computing.io"
SEES, SENDS = "get keplers.sustainable-computing.io", "patch keplers.sustainable-computing.io"


@pytest.fixture
def desk(control_plane: Stack, tmp_path: Path) -> Iterator[AuditDesk]:
    """Reports about two namespaces, and about what is in none."""
    for namespace in (ENERGY, LAB):
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        control_plane.api.apply(f"/api/v1/namespaces/{namespace}", body)
    database = Database(f"sqlite:///{tmp_path}/audit.db")
    schema_upgrade.prepare(database)
    store = Store(database)
    store.commit(REPORTS)
    asked: list[Request] = []
    sent: list[CloudEvent] = []
    send = noting(transport(control_plane, "kepler-audit"), asked)
    api = QueryApi(database, Live(lambda: send, NAMESPACE), reader(send), TokenAuthenticator(send), lambda: sent.append)
    yield AuditDesk(control_plane, application({"audit": serving(store, api)}).test_client(), store, asked, sent)
    database.close()


def state(desk: AuditDesk, token: str, query: str = "") -> dict[str, Any]:
    """What the footer shows to somebody."""
    answer = desk.get(f"state{query}", token)
    assert answer.status_code == 200, answer.text
    return dict(json.loads(answer.data))


@pytest.mark.parametrize(
    "path", ["resources", "reports", "state", "doctor", "changes", "dead-letters", "traces/x", "reports/x"]
)
def test_nobody_sees_anything(desk: AuditDesk, path: str) -> None:
    """Without a token, with one that is none, and with another scheme; it says how to come back."""
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp4"}, {"Authorization": "Bearer"}):
        answer = desk.client.get(f"{API}/{path}", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert f"kubectl create token <serviceaccount> --audience {AUDIENCE}" in answer.text
    assert (desk.replay("x", "x"), desk.discard("x", "x")) == (401, 401)


def test_the_console_itself_is_no_secret(desk: AuditDesk) -> None:
    """It is where one signs in."""
    assert desk.client.get("/").status_code == 200


def test_one_sees_the_namespaces_that_one_may_see(desk: AuditDesk) -> None:
    """On every list, and nothing of the cluster."""
    token = desk.somebody(within={LAB: SEES})
    assert desk.namespaces("reports?limit=1000", token) == {LAB}
    assert desk.get(f"history?kind=Kepler&namespace={LAB}&name=kepler-lab", token).status_code == 200


def test_whoever_sees_the_cluster_sees_all_of_it(desk: AuditDesk) -> None:
    """With two questions, however many namespaces there are; what is in none needs a right of its own."""
    assert desk.namespaces("reports?limit=1000", desk.somebody(SEES, NO_NAMESPACE)) == {LAB, ENERGY, ""}
    desk.asked.clear()
    token = desk.somebody(SEES)
    assert desk.namespaces("reports?limit=1000", token) == {LAB, ENERGY}
    assert [request.path for request in desk.asked] == [TOKEN_REVIEWS, ACCESS_REVIEWS, ACCESS_REVIEWS]
    assert desk.namespaces("reports?limit=1000", desk.somebody(NO_NAMESPACE)) == {""}
    assert desk.namespaces("reports?limit=1000", desk.somebody()) == set()


def test_a_namespace_is_refused_whether_it_exists_or_not(desk: AuditDesk) -> None:
    """In the same words; single things that may not be seen are unknown."""
    token = desk.somebody(within={LAB: SEES})
    for path in ("reports?namespace={}", "history?kind=Kepler&namespace={}&name=kepler", "resources?namespace={}"):
        refused = [desk.get(path.format(namespace), token) for namespace in (ENERGY, "no-such-namespace")]
        assert [response.status_code for response in refused] == [403, 403]
        assert refused[0].text.replace(ENERGY, "no-such-namespace") == refused[1].text
    hidden = next(report for report in REPORTS if report.parsed.object.namespace == ENERGY)
    shown = next(report for report in REPORTS if report.parsed.object.namespace == LAB)
    assert desk.get(f"reports/{hidden.id}", token).status_code == 404
    assert desk.get(f"reports/{shown.id}", token).status_code == 200
    assert desk.get(f"traces/{hidden.parsed.trace}", token).status_code == 404
    assert desk.get(f"traces/{shown.parsed.trace}", token).status_code == 200
    assert desk.get("history?kind=KeplerMachineConfig&name=machines", token).status_code == 403


def test_the_state_counts_what_one_may_see(desk: AuditDesk) -> None:
    """By namespace; whoever sees nothing sees zeros. What a sweep counted is of the whole cluster."""
    swept = {"resources": 7, "diverging": 1, "calls": 3, "milliseconds": 2.5}
    entry = entries.SweepEntry("1", datetime.now(UTC), SweepData(**swept))
    desk.store.keep(entry)
    count = {
        namespace: len([r for r in REPORTS if r.parsed.object.namespace == namespace])
        for namespace in (ENERGY, LAB, "")
    }
    in_lab, nobody, all_of_it = desk.somebody(within={LAB: SEES}), desk.somebody(), desk.somebody(SEES, NO_NAMESPACE)
    assert state(desk, in_lab)["reports"] == count[LAB]
    assert state(desk, in_lab)["sweep"]["resources"] is None
    nothing = state(desk, nobody)
    assert (nothing["reports"], nothing["bytes"], nothing["oldest"]) == (0, 0, None)
    everything = state(desk, all_of_it)
    assert everything["reports"] == sum(count.values())
    assert everything["sweep"]["resources"] == 7
    assert state(desk, all_of_it, f"?namespace={LAB}")["reports"] == count[LAB]
    assert desk.get(f"state?namespace={ENERGY}", in_lab).status_code == 403


def test_what_happens_elsewhere_is_no_news(desk: AuditDesk) -> None:
    """The newest number is that of what one may see: its growth would tell how much goes on in other namespaces."""
    token = desk.somebody(within={LAB: SEES})
    seen = json.loads(desk.get("changes", token).data)["sequence"]
    entry, own = (next(r for r in REPORTS if r.parsed.object.namespace == namespace) for namespace in (ENERGY, LAB))
    desk.store.keep(replace(entry, id="of-another"))
    assert desk.get(f"changes?after={seen}", token).status_code == 204
    desk.store.keep(replace(own, id="of-their-own"))
    assert json.loads(desk.get(f"changes?after={seen}", token).data)["sequence"] > seen
    assert desk.get("changes", desk.somebody()).status_code == 204
    assert desk.get(f"changes?namespace={ENERGY}", token).status_code == 403


def test_resources_are_those_of_now(desk: AuditDesk, namespace: str) -> None:
    """Live from the API server, with their conditions, and only where one may look."""
    text = json.dumps({**kepler(), "metadata": {"name": "kepler", "namespace": ENERGY}})
    desk.stack.kubectl("apply", "-f", "-", stdin=text)
    desk.stack.kubectl("-n", namespace, "apply", "-f", "-", stdin=json.dumps(kepler()))
    written = {"type": "Ready", "status": "False", "reason": "RollingOut", "message": "1 of 2", "observedGeneration": 1}
    status: dict[str, Any] = {"status": {"conditions": [written | {"lastTransitionTime": "2026-11-25T12:00:00Z"}]}}
    status["status"] |= {"nodes": {"desired": 2, "updated": 1, "available": 1}}
    patch = ("--type=merge", "--subresource=status", "-p", json.dumps(status))
    desk.stack.kubectl("-n", namespace, "patch", "keplers", "kepler", *patch)
    (manifest,) = desk.items("resources", desk.somebody(within={namespace: SEES}))
    assert manifest["object"]["namespace"] == namespace
    assert manifest["ready"]["reason"] == "RollingOut"
    assert manifest["ready"]["current"] is True
    assert manifest["nodes"] == {"desired": 2, "updated": 1, "available": 1}


def test_doctor_speaks_of_what_one_may_see(desk: AuditDesk) -> None:
    """Of the Keplers and letters of one's own namespaces, and of no other, not even how many there are."""
    for namespace in (ENERGY, LAB):
        desk.stack.kubectl("-n", namespace, "apply", "-f", "-", stdin=json.dumps(kepler(f"doctor-{namespace}")))
        store(desk.stack)(given_up(namespace=namespace, id=f"doctor-{namespace}"))
    mine = desk.get("doctor", desk.somebody(within={LAB: SEES}))
    assert f"Kepler {LAB}/doctor-{LAB} is not Ready" in mine.text
    assert ENERGY not in mine.text
    assert mine.text.count("could not be delivered") == 1
    nothing = json.loads(desk.get("doctor", desk.somebody()).data)["checks"]
    assert [item["says"] for item in nothing if item["area"] == "resources"] == ["no Kepler yet"]
    assert [item["says"] for item in nothing if item["area"] == "dead letters"] == ["none"]
    assert desk.get(f"doctor?namespace={ENERGY}", desk.somebody(within={LAB: SEES})).status_code == 403


def test_letters_are_seen_sent_again_and_discarded_by_who_may(desk: AuditDesk) -> None:
    """Seeing needs `get`, sending and discarding `patch`, each in the namespace that the letter is about."""
    keep = store(desk.stack)
    lost = given_up(namespace=LAB, id=f"access-{next(_numbers)}")
    another = given_up(namespace=ENERGY, id=f"access-{next(_numbers)}")
    about_nothing = given_up(kind="", name="", apiversion="", id=f"access-{next(_numbers)}")
    for event in (lost, another, about_nothing):
        keep(event)
    names = [letter_name(event) for event in (lost, another, about_nothing)]

    reader = desk.somebody(within={LAB: SEES})
    assert [item["event"]["id"] for item in desk.items("dead-letters", reader) if item["name"] in names] == [lost.id]
    assert [desk.replay(name, reader) for name in names] == [403, 404, 404]
    assert [desk.discard(name, reader) for name in names] == [403, 404, 404]
    assert not desk.sent
    assert desk.get(f"dead-letters?namespace={ENERGY}", reader).status_code == 403

    sender = desk.somebody(within={LAB: "get,patch keplers.sustainable-computing.io"})
    assert [desk.replay(name, sender) for name in names] == [202, 404, 404]
    everywhere = desk.somebody(SEES, SENDS)
    assert {item["name"] for item in desk.items("dead-letters", everywhere)} >= {*names}
    assert desk.replay(names[2], everywhere) == 202
    assert [event.get_type() for event in desk.sent] == [REPLAY_REQUESTED] * 2
    assert desk.sent[0].get_attributes()["name"] == names[0]
    assert desk.sent[0].get_source() == "/kepler/console"
    desk.sent.clear()
    assert [desk.discard(name, sender) for name in names] == [202, 404, 404]
    assert desk.discard(names[2], everywhere) == 202
    assert [event.get_type() for event in desk.sent] == [DISCARD_REQUESTED] * 2
    assert desk.sent[0].get_attributes()["name"] == names[0]


def test_a_token_of_our_audience_opens_the_console_and_nothing_else(desk: AuditDesk) -> None:
    """The API server, which mints it, does not take it."""
    token = desk.somebody(within={LAB: SEES})
    assert desk.namespaces("reports", token) == {LAB}
    assert directly(desk, token) == 401
    assert directly(desk, desk.somebody(within={LAB: SEES}, audience=None)) == 404
    assert desk.get("reports", desk.somebody(within={LAB: SEES}, audience="another")).status_code == 401


def directly(desk: AuditDesk, token: str) -> int:
    """The status with which the API server itself answers somebody who lists the Keplers of a namespace."""
    admin = yaml.safe_load(desk.stack.admin.read_text())["clusters"][0]["cluster"]
    authority = base64.b64decode(admin["certificate-authority-data"]).decode()
    url = f"{admin['server']}/apis/{KEPLER.api_version}/namespaces/{LAB}/keplers/none"
    headers = {"Authorization": f"Bearer {token}"}
    return urllib3.PoolManager(ca_cert_data=authority).request("GET", url, headers=headers, retries=False).status


def test_a_token_of_the_api_server_is_taken_unless_a_setting_forbids_it(desk: AuditDesk) -> None:
    """With a second question: one costs no more than before that is of our audience."""
    plain = desk.somebody(SEES, audience=None)
    desk.asked.clear()
    assert desk.namespaces("reports?limit=1000", plain) == {LAB, ENERGY}
    assert [request.path for request in desk.asked] == [TOKEN_REVIEWS, TOKEN_REVIEWS, ACCESS_REVIEWS, ACCESS_REVIEWS]
    send = transport(desk.stack, "kepler-audit")
    only_own = TokenAuthenticator(send, own=True)
    with Flask("asking").test_request_context(headers={"Authorization": f"Bearer {plain}"}), pytest.raises(HttpProblem):
        only_own(request)
    own = desk.somebody(SEES)
    with Flask("asking").test_request_context(headers={"Authorization": f"Bearer {own}"}):
        assert only_own(request).may_see(LAB)


def test_an_authenticator_that_knows_no_audiences_is_asked_again() -> None:
    """It says that a token is good without naming an audience: then it is good for the API server."""
    status = {"authenticated": True, "user": {"username": "a"}}
    asked: list[Request] = []
    answers = TokenAuthenticator(noting(lambda _: ApiResponse(201, {"status": status}), asked))
    assert answers._cached_user("t").name == "a"
    assert [(request.body or {})["spec"].get("audiences") for request in asked] == [[AUDIENCE], None]
    assert TokenAuthenticator(lambda _: ApiResponse(201, {"status": status}), own=True)._cached_user("t").name == ""


def test_what_the_api_server_said_holds_for_a_moment(desk: AuditDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A console asks several times a second; what is taken away is gone soon after."""
    token = desk.somebody(within={LAB: SEES})
    for _ in range(5):
        assert desk.namespaces("reports", token) == {LAB}
    asked = len([request for request in desk.asked if request.path in (TOKEN_REVIEWS, ACCESS_REVIEWS)])
    assert asked == 1 + 4  # who it is; the cluster's two, and both namespaces
    desk.stack.kubectl("-n", LAB, "delete", "rolebinding", "--all")
    monkeypatch.setattr("audit.access.token_access.time.monotonic", lambda: 1e12)
    assert desk.namespaces("reports", token) == set()


def test_a_token_that_is_taken_back_opens_nothing_soon_after(desk: AuditDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its ServiceAccount is gone: ten seconds after the API server, which remembers tokens for ten as well."""
    assert token_access.CACHE_SECONDS <= 10
    monkeypatch.setattr(token_access, "CACHE_SECONDS", 0.0)
    token = desk.somebody(within={LAB: SEES})
    assert desk.namespaces("reports", token) == {LAB}
    name = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["kubernetes.io"]["serviceaccount"]["name"]
    desk.stack.kubectl("-n", "default", "delete", "serviceaccount", name)
    assert probe.wait_until(lambda: desk.get("reports", token).status_code == 401, 15, threading.Event())


def test_a_trace_over_several_namespaces_is_seen_in_part(desk: AuditDesk) -> None:
    """An annotation may give resources of several one trace: one sees what is about the namespaces that one may see."""
    trace = "ab" * 16
    for number, entry in enumerate(REPORTS[:14]):
        report = entry.parsed.model_copy(update={"trace": trace})
        desk.store.keep(
            replace(entry, id=f"shared-{number}", parsed=report, report=report.model_dump_json(by_alias=True))
        )
    shown = json.loads(desk.get(f"traces/{trace}", desk.somebody(within={LAB: SEES})).data)
    assert {report["report"]["object"]["namespace"] for report in shown["reports"]} == {LAB}
    assert shown["object"]["namespace"] == LAB


def test_tokens_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor as they are."""
    monkeypatch.setattr(token_access, "MAX_CACHED_TOKENS", 3)
    authenticator = TokenAuthenticator(
        lambda _: ApiResponse(201, {"status": {"authenticated": True, "user": {"username": "a"}}})
    )
    for number in range(9):
        authenticator._cached_user(f"token-{number}")
    assert len(authenticator._users) == 3
    assert b"token-8" not in b"".join(authenticator._users)


def test_an_api_server_that_is_away_is_503(desk: AuditDesk) -> None:
    """Then nobody is let in; it is no refusal."""
    away = TokenAuthenticator(lambda _: ApiResponse(0, {"message": "the API server did not answer"}))
    database = Database("sqlite:////tmp/never-made.db")
    api = QueryApi(
        database, Live(lambda: away.transport, NAMESPACE), reader(away.transport), away, lambda: desk.sent.append
    )
    client = application({"audit": serving(Store(database), api)}).test_client()
    answer = client.get(f"{API}/state", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 503
    assert answer.json
    assert answer.json["detail"].startswith("the API server did not answer")


def test_too_many_namespaces_have_to_be_named(desk: AuditDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would be a question of its own."""
    monkeypatch.setattr(token_access, "MAX_NAMESPACES", 1)
    token = desk.somebody(within={LAB: SEES})
    answer = desk.get("reports", token)
    assert answer.status_code == 400
    assert "add `namespace`" in answer.text
    assert desk.namespaces(f"reports?namespace={LAB}", token) == {LAB}
    assert state(desk, token)["reports"] == 0
    assert state(desk, token, f"?namespace={LAB}")["reports"] > 0
    assert desk.get("changes", token).status_code == 204


def test_what_is_in_no_namespace_has_its_own_right(desk: AuditDesk) -> None:
    """A KeplerMachineConfig's history."""
    path = f"history?kind={MACHINE_CONFIG.name}&name=machines"
    assert desk.get(path, desk.somebody(SEES)).status_code == 403
    assert len(desk.items(path, desk.somebody(NO_NAMESPACE))) > 1
