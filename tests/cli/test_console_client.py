"""The query API as the commands reach it: addresses, answers, and what each failure says."""

import http.server
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from cli.command_errors import CliError, Denied, Exit, Missing, RequestRefused, Unreachable
from cli.connection.broker import send
from cli.connection.cluster import Cluster, ClusterTarget
from cli.connection.console import ConsoleClient, console_client
from cli.connection.forward import forwarded
from runtime.client import ApiResponse, Request
from runtime.objects import KEPLER, Ref
from runtime.requests import resync
from tests.cli.report_samples import COLLECTOR, change, trace
from tests.cli.terminal import Terminal
from tests.workbench import Workbench, kepler

KEY = Ref(KEPLER, "energy", "kepler")


@dataclass
class Served:
    """Answers with what it is told to, and remembers who asked for what."""

    url: str = ""
    status: int = 200
    body: Any = None
    asked: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def served() -> Iterator[Served]:
    """Something that listens."""
    served = Served()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append((self.path, self.headers.get("Authorization", "")))
            content = served.body if isinstance(served.body, bytes) else json.dumps(served.body).encode()
            self.send_response(served.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.headers["Authorization"] = self.headers.get("ce-type", "")
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        served.url = f"http://127.0.0.1:{server.server_port}"
        yield served
        server.shutdown()


def dumped(model: Any) -> Any:
    """As the API writes it."""
    return model.model_dump(mode="json", by_alias=True)


def test_a_page_is_asked_for_as_the_api_has_it(served: Served) -> None:
    """Path, parameters, token; and the answer is understood."""
    served.body = {"items": [dumped(change(COLLECTOR))], "next": "7.1"}
    page = ConsoleClient(served.url, "secret").history(KEY, before="9.3", limit=5)
    assert (page.items[0].reports[0].function, page.next) == ("collector", "7.1")
    ((path, token),) = served.asked
    assert path == "/api/v1/history?kind=Kepler&namespace=energy&name=kepler&before=9.3&limit=5"
    assert token == "Bearer secret"


def test_a_newer_one_may_say_more(served: Served) -> None:
    """Fields are only ever added: what an older plugin does not know is passed over, however deep."""
    answer = dumped(change(COLLECTOR))
    served.body = {"items": [{**answer, "edit": {**answer["edit"], "why": "?"}, "more": 1}], "more": []}
    (changes,) = ConsoleClient(served.url).history(KEY).items
    assert changes.edit == change(COLLECTOR).edit


def test_nobody_is_told_a_token_that_there_is_not(served: Served) -> None:
    """No header at all."""
    served.body = dumped(trace(COLLECTOR))
    assert ConsoleClient(served.url).trace("1").reports[0].report.function == "collector"
    assert served.asked == [("/api/v1/traces/1", "")]


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        (401, {"detail": "send a token"}, Denied, "send a token; a client certificate is no bearer token"),
        (403, {"detail": "you are not allowed to read this"}, Denied, "you are not allowed to read this"),
        (404, {"detail": "nothing is kept"}, Missing, "nothing is kept"),
        (400, {"detail": "`since` is wrong"}, RequestRefused, "`since` is wrong"),
        (503, {"detail": "ask again"}, Unreachable, "ask again"),
        (502, b"<html>", Unreachable, "it answered 502"),
        (200, {"items": [{"unknown": 1}]}, RequestRefused, "is not this version's query API"),
        (200, b"<html>", RequestRefused, "is not this version's query API"),
    ],
)
def test_what_a_failure_says(served: Served, status: int, body: Any, error: type[CliError], says: str) -> None:
    """The API's own sentence, and what to do."""
    served.status, served.body = status, body
    with pytest.raises(error) as raised:
        ConsoleClient(served.url).history(KEY)
    assert says in raised.value.message


def test_nothing_listens() -> None:
    """With the address."""
    with pytest.raises(Unreachable, match=r"the query API at http://127\.0\.0\.1:1 does not answer"):
        ConsoleClient("http://127.0.0.1:1").state()


def cluster(**objects: Any) -> Cluster:
    """One that knows these objects, by the last part of their paths."""

    def answer(request: Request) -> ApiResponse:
        changes = objects.get(request.path.rpartition("/")[2].replace("-", "_"))
        return ApiResponse(200, changes) if changes else ApiResponse(404, {"message": "not found"})

    return Cluster(answer, ClusterTarget(context="there"), "energy", token="mine")


@pytest.fixture
def kubectl(tmp_path: Path, served: Served, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubectl whose port-forward leads to what is served here, and that notes how it was called."""
    program = tmp_path / "kubectl"
    port = served.url.rpartition(":")[2]
    program.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/called\necho "Forwarding from 127.0.0.1:{port} -> 80"\nexec sleep 60\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path / "called"


def test_an_address_by_hand_wins(served: Served) -> None:
    """The cluster is not asked where it is; a token by hand wins as well."""
    with console_client(cluster(), url=served.url) as console:
        assert console == ConsoleClient(served.url, "mine")
    with console_client(cluster(), url=served.url, token="other") as console:
        assert console == ConsoleClient(served.url, "other")


def test_on_this_machine_it_is_asked_directly(served: Served) -> None:
    """Where Knative sends the function's events."""
    with console_client(cluster(kepler_audit={"status": {"subscriberUri": served.url}})) as console:
        assert console.url == served.url


ELSEWHERE = {"status": {"subscriberUri": "http://kepler-audit.kepler-operator.svc.cluster.local"}}


def test_in_a_cluster_it_is_reached_by_a_port_forward(served: Served, kubectl: Path) -> None:
    """To a pod of the function that runs, in the same context; it ends with the command."""
    served.body = {"reports": 1, "oldest": None, "bytes": 1, "sweep": None, "version": "0.1.0"}
    pods = [
        {"metadata": {"name": name}, "status": {"phase": phase}} for name, phase in (("a", "Failed"), ("b", "Running"))
    ]
    with console_client(cluster(kepler_audit=ELSEWHERE, pods={"items": pods})) as console:
        assert console.state().reports == 1
    called = kubectl.read_text()
    assert called == "--context=there -n kepler-operator port-forward --address=127.0.0.1 pod/b :8080\n"
    assert served.asked == [("/api/v1/state", "Bearer mine")]


def test_a_function_that_has_no_pod() -> None:
    """It is said where to look."""
    nothing = cluster(kepler_audit=ELSEWHERE, pods={"items": []})
    with pytest.raises(Unreachable, match="no pod of 'kepler-audit' runs"), console_client(nothing):
        pass


def test_an_event_goes_through_the_ingress(served: Served, kubectl: Path) -> None:
    """Of the Broker's address the Service is forwarded, and the path kept."""
    address = "http://broker-ingress.knative-eventing.svc.cluster.local/kepler-operator/default"
    served.status = 202
    send(cluster(default={"status": {"address": {"url": address}}}), [resync(KEY, by="cli")])
    assert "-n knative-eventing port-forward --address=127.0.0.1 svc/broker-ingress :80" in kubectl.read_text()
    assert served.asked == [("/kepler-operator/default", "io.sustainable-computing.kepler.resync.requested.v1")]


def test_a_broker_that_takes_nothing(served: Served) -> None:
    """With its answer."""
    served.status, served.body = 404, "no such broker"
    there = cluster(default={"status": {"address": {"url": served.url}}})
    with pytest.raises(RequestRefused, match='answered 404: "no such broker"'):
        send(there, [resync(KEY, by="cli")])


def test_history_over_several_pages(served: Served, terminal: Terminal) -> None:
    """As far back as is asked for."""
    served.body = {"items": [dumped(change(COLLECTOR))], "next": "1.1"}
    result = terminal("history", "kepler", "--console", served.url, "--limit", "3")
    assert (result.code, result.out.count("generation 2 of Kepler energy/kepler")) == (Exit.OK, 3)
    assert len(served.asked) == 3


def test_a_cluster_without_audit_says_where_to_look(terminal: Terminal) -> None:
    """The control plane alone has no Triggers."""
    result = terminal("history", "kepler")
    assert (result.code, "there is no Trigger 'kepler-audit' in namespace 'kepler-operator'" in result.err) == (
        Exit.MISSING,
        True,
    )


def test_a_forward_that_does_not_come_up_says_why(tmp_path_factory: pytest.TempPathFactory) -> None:
    """In kubectl's words."""
    nowhere = tmp_path_factory.mktemp("kube") / "config"
    nowhere.write_text("{}")
    there = replace(cluster(), place=ClusterTarget(kubeconfig=str(nowhere)))
    with pytest.raises(Unreachable, match="kubectl"), forwarded(there, "x", "pod/y", 8080):
        pass


def test_nothing_is_sent_without_a_broker(workbench: Workbench, terminal: Terminal) -> None:
    """And it is said what is missing."""
    workbench.apply(kepler())
    result = terminal("resync")
    assert (result.code, "there is no Broker 'default'" in result.err) == (Exit.MISSING, True)
    assert terminal("resync", "kepler", "--all").code == Exit.USAGE
