"""The query API over HTTP: what is answered, to what, and what is told where a question is wrong."""

import json
from urllib.parse import quote, urlencode

import pytest
from flask.testing import FlaskClient

from audit.answer_models import API, Change, Cursor, Page, StoredReport, StoreState, Summary, Trace
from audit.storage.database import Database
from runtime.edge import application
from tests.audit_serving import served

KEPLER = "kind=Kepler&namespace=energy&name=kepler"


def got(client: FlaskClient, path: str) -> bytes:
    """An answer that is one."""
    answer = client.get(f"{API}/{path}")
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/json"
    return bytes(answer.data)


def test_every_answer_reads_as_its_model(client: FlaskClient) -> None:
    """As the table in `audit.answer_models` says."""
    reports = Page[Summary].model_validate_json(got(client, "reports?limit=3"))
    assert len(reports.items) == 3
    kept = StoredReport.model_validate_json(got(client, f"reports/{reports.items[0].id}"))
    assert kept.sequence == reports.items[0].sequence
    assert kept.report.function == reports.items[0].function
    history = Page[Change].model_validate_json(got(client, f"history?{KEPLER}&limit=2"))
    assert [item.generation for item in history.items] == sorted(
        (item.generation for item in history.items), reverse=True
    )
    trace = Trace.model_validate_json(got(client, f"traces/{history.items[1].trace}"))
    assert trace.generation == history.items[1].generation
    assert StoreState.model_validate_json(got(client, "state")).reports == 300
    assert Cursor.model_validate_json(got(client, "changes")).sequence >= 300


def test_pages_lead_through_everything(client: FlaskClient) -> None:
    """Once each, in order, whatever their size."""
    for path, of in (("reports?", 300), (f"history?{KEPLER}&", None)):
        seen, before = [], ""
        while True:
            page = json.loads(got(client, f"{path}limit=7{before}"))
            seen += [item.get("sequence") or item["generation"] for item in page["items"]]
            if not page["next"]:
                break
            before = f"&before={page['next']}"
        assert seen == sorted(set(seen), reverse=True)
        assert of in (None, len(seen))


def test_nothing_newer_is_204(client: FlaskClient) -> None:
    """Whoever asks again and again transfers nothing."""
    newest = json.loads(got(client, "changes"))["sequence"]
    answer = client.get(f"{API}/changes?after={newest}")
    assert (answer.status_code, answer.data) == (204, b"")
    assert "Content-Type" not in answer.headers


INJECTED = (
    "' OR '1'='1",
    "' UNION SELECT report FROM reports --",
    "%",
    "_epler",
    "x'; DROP TABLE reports; --",
    "\\",
    '"',
)
TEXTS = ("kind", "namespace", "name", "uid", "function", "outcome", "trace", "target")


@pytest.mark.parametrize("injected", INJECTED)
def test_a_selection_is_a_value_and_never_part_of_a_statement(client: FlaskClient, injected: str) -> None:
    """Quotes and wildcards select what is called so, which is nothing; afterwards everything is there."""
    for name in TEXTS:
        wanted = f"Kepler/{injected}" if name == "target" else injected
        page = Page[Summary].model_validate_json(got(client, f"reports?{urlencode({name: wanted})}"))
        assert page.items == ()
    history = urlencode({"kind": injected, "namespace": injected, "name": injected})
    assert Page[Change].model_validate_json(got(client, f"history?{history}")).items == ()
    for path in (f"reports/{quote(injected)}", f"traces/{quote(injected)}"):
        assert client.get(f"{API}/{path}").status_code == 404
    assert StoreState.model_validate_json(got(client, "state")).reports == 300


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("reports?limit=0", "`limit` is '0': Input should be greater than 0"),
        ("reports?limit=1001", "`limit` is '1001': Input should be less than or equal to 1000"),
        ("reports?since=yesterday", "`since` is 'yesterday': Input should be a valid datetime"),
        ("reports?since=2026-01-01T00:00:00", "`since` is '2026-01-01T00:00:00': Input should have timezone info"),
        ("reports?target=DaemonSet", "`target` is 'DaemonSet': write it as `<kind>/<name>`"),
        ("reports?before=x", "`before` is 'x'"),
        ("reports?generation=-1", "`generation` is '-1'"),
        ("reports?kindd=Kepler", "there is no parameter `kindd`: known are `kind`"),
        ("history?kind=Kepler&name=kepler", "`namespace` is missing: only a KeplerMachineConfig is in none"),
        ("history?kind=Kepler", "`name` is missing: known are `kind`, `namespace`, `name`"),
        ("history?kind=Kepler&namespace=a&name=a&before=7", "`before` is '7'"),
        ("changes?after=x", "`after` is 'x'"),
        ("state?x=1", "there is no parameter `x`: known are `namespace`"),
        ("traces/x?x=1", "there is no parameter `x`: there are none"),
    ],
)
def test_a_wrong_parameter_is_told(client: FlaskClient, path: str, detail: str) -> None:
    """As a problem document that names it, and what to send instead."""
    answer = client.get(f"{API}/{path}")
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert answer.json
    assert detail in answer.json["detail"]
    assert (answer.json["title"], answer.json["status"]) == ("Bad Request", 400)


@pytest.mark.parametrize("path", ["reports/none", f"traces/{'0' * 32}", "none", "reports/../state", "dead-letters/x/y"])
def test_what_is_not_there_is_a_problem(client: FlaskClient, path: str) -> None:
    """404, as a document."""
    answer = client.get(f"{API}/{path}")
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert answer.json
    assert answer.json["detail"]


@pytest.mark.parametrize("path", ["resources", "dead-letters"])
def test_an_api_server_that_is_away_is_503(client: FlaskClient, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was kept is shown all the same."""
    monkeypatch.setattr("audit.answers.live.RETRY_SECONDS", 0.1)
    answer = client.get(f"{API}/{path}")
    assert answer.status_code == 503
    assert answer.json
    assert answer.json["detail"] == "the API server did not answer; ask again in a moment"
    assert client.get(f"{API}/state").status_code == 200


def test_a_database_that_is_away_is_503() -> None:
    """Without its password."""
    away = Database("postgresql://audit:topsecret@127.0.0.1:1/reports")
    answer = application({"audit": served(away)}).test_client().get(f"{API}/state")
    assert answer.status_code == 503
    assert "does not answer" in answer.text
    assert "topsecret" not in answer.text
