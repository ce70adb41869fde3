"""The console's pages over HTTP, and who gets at them, and at the query API, where `ACCESS` is `open`."""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from audit.answer_models import API
from audit.answers import pages
from audit.answers.responses import NEXT_READ, READ_AGE
from audit.storage.database import Database
from runtime.client import ApiResponse
from runtime.edge import application
from runtime.receive import Received
from tests.audit_serving import served

RESOURCE = "kind=Kepler&namespace=energy&name=kepler"
# What an API server without resources answers to any list.
EMPTY = ApiResponse(200, {"items": [], "metadata": {}})


@pytest.mark.parametrize(
    "path", ["/", "/app.js", f"{API}/state", f"{API}/none", "/none", f"{API}/changes?after=999999"]
)
def test_every_answer_tells_browsers_what_to_hold_to(client: FlaskClient, path: str) -> None:
    """Nothing of elsewhere is loaded, nothing is guessed, framed or told to others."""
    headers = client.get(path).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")
    assert (headers["Cross-Origin-Opener-Policy"], headers["Cross-Origin-Resource-Policy"]) == ("same-origin",) * 2
    assert headers["Cache-Control"] == ("no-cache" if path in ("/", "/app.js") else "no-store")


@pytest.mark.parametrize("path", ["resources", "dead-letters", "doctor", f"interference?{RESOURCE}"])
def test_an_answer_about_the_cluster_says_how_old_it_is(filled: Database, path: str) -> None:
    """And when a newer one can be had; what is read of the database is of now and says nothing."""
    client = application({"audit": served(filled, lambda _: EMPTY)}).test_client()
    for _ in range(2):
        headers = client.get(f"{API}/{path}").headers
        assert 0 <= float(headers[READ_AGE]) < 60
        assert 0 <= float(headers[NEXT_READ]) <= 60
    assert READ_AGE not in client.get(f"{API}/history?{RESOURCE}").headers


def test_pages_have_their_types(client: FlaskClient) -> None:
    """All there are: a browser runs no module of another type."""
    files = [path for path in pages.CONSOLE.rglob("*") if path.is_file()]
    assert {file.suffix for file in files} <= set(pages.TYPES)
    for file in files:
        answer = client.get(f"/{file.relative_to(pages.CONSOLE)}")
        assert answer.data == file.read_bytes()
        assert answer.content_type == pages.TYPES[file.suffix]
    assert client.get("/").data == (pages.CONSOLE / "index.html").read_bytes()


def test_a_page_that_has_not_changed_is_not_sent_again(client: FlaskClient) -> None:
    """By what is in it, not by when it was packed."""
    tag = client.get("/").headers["ETag"]
    again = client.get("/", headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert client.head("/").headers["ETag"] == tag


@pytest.mark.parametrize(
    "path", ["/../api.py", "/%2e%2e/api.py", "/..%2fapi.py", "//etc/passwd", "/vendor", "/\\..\\api.py"]
)
def test_nothing_but_the_console_is_served(client: FlaskClient, path: str) -> None:
    """Whatever a path looks like."""
    assert client.get(path).status_code == 404
    assert Path(pages.CONSOLE, "index.html").exists()


def test_beside_other_functions_it_is_below_its_own_path(filled: Database) -> None:
    """Where one process serves them all; events go where they did."""
    client = application({"audit": served(filled), "other": lambda _: Received()}).test_client()
    assert client.get("/audit").headers["Location"].endswith("/audit/")
    assert client.get("/audit/").content_type.startswith("text/html")
    assert client.get(f"/audit{API}/state").status_code == 200
    event = {"specversion": "1.0", "id": "1", "type": "a", "source": "/tests"}
    headers = {f"ce-{name}": value for name, value in event.items()}
    assert client.post("/audit", headers=headers).status_code == 204
    assert client.get("/").status_code == 400


@pytest.mark.parametrize("path", ["/none", f"{API}/reports", f"{API}/none", "/app.js"])
def test_an_event_is_never_answered_as_if_it_were_to_come_again(client: FlaskClient, path: str) -> None:
    """Knative tries 404 and 409 again (`runtime.edge`)."""
    assert client.post(path, data="{}").status_code == 400


FROM_HERE: dict[str, Any] = {"base_url": "http://localhost:9001", "content_type": "application/json"}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({}, 200),
        ({"base_url": "http://127.0.0.1:9001"}, 200),
        ({"base_url": "http://[::1]:9001"}, 200),
        ({"base_url": "http://console.example.com:9001"}, 403),
        ({"base_url": "http://localhost.example.com"}, 403),
        ({"environ_overrides": {"REMOTE_ADDR": "10.0.0.7"}}, 403),
        ({"environ_overrides": {"REMOTE_ADDR": ""}}, 403),
    ],
    ids=str,
)
def test_open_is_for_this_machine(client: FlaskClient, request_: dict[str, Any], status: int) -> None:
    """And under its own names, so that no page of elsewhere reaches it by a name of its own."""
    assert client.get(f"{API}/state", **{"base_url": "http://localhost:9001", **request_}).status_code == status


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"headers": {"Origin": "http://evil.example.com"}}, 403),
        ({"headers": {"Origin": "null"}}, 403),
        ({"headers": {"Origin": "http://localhost:8000"}}, 403),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
    ],
    ids=str,
)
@pytest.mark.parametrize("action", ["replay", "discard"])
def test_open_takes_requests_from_its_own_pages(
    client: FlaskClient, action: str, request_: dict[str, Any], status: int
) -> None:
    """What a page of elsewhere can send without being asked about is no JSON, and says where it is from."""
    answer = client.post(f"{API}/dead-letters/x/{action}", **{**FROM_HERE, "data": "{}", **request_})
    assert answer.status_code == status
