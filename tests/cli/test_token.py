"""The token of a kubeconfig is in no error: whatever is wrong with the file, the token, or what answers."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.command_errors import CliError, Exit
from cli.connection.cluster import Cluster, ClusterTarget
from cli.connection.console import NO_TOKEN, ConsoleClient
from cli.connection.forward import forwarded
from runtime.client import ApiResponse
from runtime.settings import AUDIENCE
from tests.cli.terminal import Terminal

TOKEN = "s3cr3t-t0ken-q1w2e3r4t5-zxcvbn"
NOTHING_LISTENS = "http://127.0.0.1:1"


def kubeconfig(user: str, server: str = NOTHING_LISTENS) -> str:
    """A kubeconfig with this user."""
    return (
        f"apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{{name: a, cluster: {{server: '{server}'}}}}]\n"
        f"contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\nusers:\n- name: a\n  user:\n    {user}\n"
    )


def leaks(text: str) -> bool:
    """Whether any part of the token is in it."""
    return any(TOKEN[start : start + 6] in text for start in range(len(TOKEN) - 5))


@pytest.fixture
def echo() -> Iterator[str]:
    """Something that refuses every request and repeats what it was sent, as proxies do."""

    class Echo(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = f"refused: {self.headers.get('Authorization')}"
            content = json.dumps({"message": text, "detail": text}).encode()
            self.send_response(403)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("debug", ["", "1"])
@pytest.mark.parametrize(
    ("user", "code"),
    [
        (f"token: {TOKEN}", Exit.UNREACHABLE),
        (f'token: "{TOKEN[:15]}\\n{TOKEN[15:]}"', Exit.DENIED),
        (f'token: "{TOKEN[:15]}\\u20ac{TOKEN[15:]}"', Exit.DENIED),
        (f'token: "{TOKEN}": x', Exit.UNREACHABLE),
        (f"token: {TOKEN}\n\tx: y", Exit.UNREACHABLE),
        (f"token {TOKEN}", Exit.UNREACHABLE),
        (f"token: [{TOKEN}]", Exit.UNREACHABLE),
        (f"token: !!binary {TOKEN}", Exit.UNREACHABLE),
        (f"token: !x {TOKEN}", Exit.UNREACHABLE),
    ],
)
def test_a_kubeconfig_that_cannot_be_used(  # noqa: PLR0917
    alone: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: str, code: Exit, debug: str
) -> None:
    """The error names the file or the server, and quotes neither; nor does the traceback of KEPLER_DEBUG."""
    monkeypatch.setenv("KEPLER_DEBUG", debug)
    file = tmp_path / "config"
    file.write_text(kubeconfig(user))
    result = alone("status", "--kubeconfig", str(file))
    assert result.code == code
    assert str(file) in result.err or NOTHING_LISTENS in result.err
    assert not leaks(result.out + result.err)


def test_what_answers_repeats_the_token(alone: Terminal, tmp_path: Path, echo: str) -> None:
    """The API server's message is shown without it."""
    file = tmp_path / "config"
    file.write_text(kubeconfig(f"token: {TOKEN}", echo))
    result = alone("status", "--kubeconfig", str(file))
    assert (result.code, "refused: Bearer (hidden)" in result.err) == (Exit.DENIED, True)
    assert not leaks(result.err)


def test_the_query_api_repeats_the_token(echo: str) -> None:
    """Its sentence is shown without it; and so is an address with a password in it."""
    with pytest.raises(CliError) as refused:
        ConsoleClient(echo, TOKEN).state()
    assert refused.value.message == "the query API: refused: Bearer (hidden)"
    with pytest.raises(CliError) as unsent:
        ConsoleClient(echo, f"{TOKEN}\n").state()
    assert not leaks(unsent.value.message)
    with pytest.raises(CliError) as lost:
        ConsoleClient(f"http://me:{TOKEN}@127.0.0.1:1", "x").state()
    assert not leaks(lost.value.message)


def test_kubectl_repeats_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `kubectl port-forward` says is shown without it."""
    program = tmp_path / "kubectl"
    program.write_text(f"#!/bin/sh\necho 'error: {TOKEN} is no good'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    there = Cluster(lambda _: ApiResponse(404, {}), ClusterTarget(), "x", TOKEN)
    with pytest.raises(CliError) as raised, forwarded(there, "x", "pod/y", 8080):
        pass
    assert raised.value.message.endswith("did not come up: error: (hidden) is no good")


def test_a_token_is_made_for_our_audience() -> None:
    """A ServiceAccount's token that the console gets is of no use to anybody at the API server."""
    assert f"kubectl create token SERVICEACCOUNT --audience {AUDIENCE}" in NO_TOKEN
