"""Each kubeconfig is answered as the real kubectl answers it: both reach the API server as the same user, or neither.

What is refused names the field or the file, and nothing that is secret.
"""

import base64
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.command_errors import Exit, Unreachable
from cli.connection.cluster import Cluster, ClusterTarget, connect
from cli.connection.console import console_client
from cli.connection.login import Impersonation
from local.stack import Stack
from runtime.client import ApiResponse, Request
from tests.cli.socks import SocksProxy
from tests.cli.terminal import Terminal

PLUGIN_API = "client.authentication.k8s.io/v1"
SECRET = "s3cr3t-t0ken-q1w2e3r4t5-zxcvbn"
REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
JUNK = base64.b64encode(b"x").decode()


def plugin(script: str, **fields: Any) -> dict[str, Any]:
    """A user whose plugin is this shell script."""
    called = {"apiVersion": PLUGIN_API, "command": "sh", "args": ["-c", script], "interactiveMode": "Never"}
    return {"token": None, "exec": {**called, **fields}}


def gives(status: str) -> str:
    """A script that answers with this status; `$TOKEN` is the administrator's token."""
    credential = f'{{"apiVersion": "{PLUGIN_API}", "kind": "ExecCredential", "status": {status}}}'
    return "TOKEN=$(cat tokens/good); echo '" + credential.replace("$TOKEN", "'$TOKEN'") + "'"


@dataclass(frozen=True)
class KubeconfigCase:
    """What the user, the cluster and the top of a kubeconfig have otherwise (None: not), flags, and who that is.

    `user` is the name that the API server knows, empty where nobody is asked; `says` is in our error then.
    """

    does: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    cluster: Mapping[str, Any] = field(default_factory=dict)
    top: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    user: str = ""
    says: str = ""


ADMIN = "admin"
CA_DATA = "certificate-authority-data"
NO_CA = {CA_DATA: None}
CASES = [
    KubeconfigCase("as it is", user=ADMIN),
    KubeconfigCase("a token file that ends with a newline", {"token": None, "tokenFile": "tokens/good"}, user=ADMIN),
    KubeconfigCase("a token file counts before a token", {"token": SECRET, "tokenFile": "tokens/good"}, user=ADMIN),
    KubeconfigCase(
        "no token file", {"token": None, "tokenFile": "tokens/none"}, says="tokens/none' cannot be read: No such"
    ),
    KubeconfigCase("an impersonated user", {"as": "someone"}, user="someone"),
    KubeconfigCase("one with groups", {"as": "someone", "as-groups": ["a", "b"], "as-uid": "7"}, user="someone 7 a,b"),
    KubeconfigCase("one by a flag", flags=("--as", "someone"), user="someone"),
    KubeconfigCase(
        "with groups by flags", flags=("--as=me", "--as-group=a", "--as-group=b", "--as-uid=7"), user="me 7 a,b"
    ),
    KubeconfigCase("a flag before the kubeconfig", {"as": "someone"}, flags=("--as", "another"), user="another"),
    KubeconfigCase("with more", {"as": "me", "as-user-extra": {"Reason/x": ["a", "b"]}}, user="me reason/x=a,b"),
    KubeconfigCase("a group without a user", {"as-groups": ["a"]}, says="without a user"),
    KubeconfigCase("a group by a flag without a user", flags=("--as-group", "a"), says="without a user"),
    KubeconfigCase("a plugin that gives a token", plugin(gives('{"token": "$TOKEN"}')), user=ADMIN),
    KubeconfigCase(
        "a plugin that fails", plugin(f"echo token={SECRET} >&2; exit 255"), says="the plugin 'sh' gave no credentials"
    ),
    KubeconfigCase("a plugin that gives nothing", plugin(gives("{}")), says="answered without a token"),
    KubeconfigCase("a plugin that says no JSON", plugin(f"echo {SECRET}"), says="the plugin 'sh' gave no credentials"),
    KubeconfigCase(
        "a plugin that is not there",
        plugin("", command="nosuch", installHint="get it"),
        says="'nosuch' is not there: get it",
    ),
    KubeconfigCase("a plugin beside a token", {**plugin("exit 1"), "token": "$TOKEN"}, user=ADMIN),
    KubeconfigCase("a plugin named by a path", plugin("", command="./plugin", args=[]), user=ADMIN),
    KubeconfigCase("a token and a password", {"username": "a", "password": SECRET}, says="only one way to log in"),
    KubeconfigCase(
        "a certificate without its key",
        {"client-certificate-data": JUNK},
        says="has `client-certificate` and no `client-key`",
    ),
    KubeconfigCase("a key without a certificate", {"client-key-data": JUNK}, user=ADMIN),
    KubeconfigCase(
        "data that is no base64",
        {"client-certificate-data": JUNK, "client-key-data": "%%"},
        says="`client-key-data` is no base64",
    ),
    KubeconfigCase(
        "what is no certificate", {"client-certificate-data": JUNK, "client-key-data": JUNK}, says="do not fit together"
    ),
    KubeconfigCase(
        "no certificate file", {"client-certificate": "no.pem", "client-key": "no.pem"}, says="no.pem' cannot be read"
    ),
    KubeconfigCase(
        "an authority in a file beside it", cluster={**NO_CA, "certificate-authority": "ca.pem"}, user=ADMIN
    ),
    KubeconfigCase("a file beside empty data", cluster={CA_DATA: "", "certificate-authority": "ca.pem"}, user=ADMIN),
    KubeconfigCase(
        "no such authority file", cluster={**NO_CA, "certificate-authority": "no.pem"}, says="no.pem' cannot be read"
    ),
    KubeconfigCase("an authority that is no base64", cluster={"certificate-authority-data": "%%"}, says="is no base64"),
    KubeconfigCase("an authority that is none", cluster={"certificate-authority-data": JUNK}, says="is no certificate"),
    KubeconfigCase(
        "an unknown authority", cluster=NO_CA, says="cannot be trusted (certificate verify failed: unable to get local"
    ),
    KubeconfigCase("no verification", cluster={**NO_CA, "insecure-skip-tls-verify": True}, user=ADMIN),
    KubeconfigCase(
        "no verification by an authority", cluster={"insecure-skip-tls-verify": True}, says="remove one of them"
    ),
    KubeconfigCase("another server name", cluster={"tls-server-name": "kubernetes.default.svc"}, user=ADMIN),
    KubeconfigCase(
        "a wrong server name", cluster={"tls-server-name": "wrong.example"}, says="is not valid for 'wrong.example'"
    ),
    KubeconfigCase("a proxy of no known sort", cluster={"proxy-url": "ftp://127.0.0.1:1"}, says="scheme 'ftp'"),
    KubeconfigCase("a SOCKS proxy that is away", cluster={"proxy-url": "socks5://127.0.0.1:1"}, says="does not answer"),
    KubeconfigCase("an HTTP proxy that is away", cluster={"proxy-url": "http://127.0.0.1:1"}, says="does not answer"),
    KubeconfigCase("no server", cluster={"server": ""}, says="has no `server`"),
    KubeconfigCase("another context", top={"current-context": "nope"}, says="has no usable context 'nope'"),
    KubeconfigCase("no current context", top={"current-context": ""}, says="names no cluster"),
    KubeconfigCase("no such user", top={"users": []}, says="its user 'admin' is not there"),
    KubeconfigCase("no such cluster", top={"clusters": []}, says="its cluster 'kepler-local' is not there"),
]


@pytest.fixture
def folder(control_plane: Stack, tmp_path: Path) -> Path:
    """Where a kubeconfig and the files that it names are; both programs are called from elsewhere."""
    made = tmp_path / "kube"
    (made / "tokens").mkdir(parents=True)
    admin = yaml.safe_load(control_plane.admin.read_text())
    (made / "tokens/good").write_text(f"{admin['users'][0]['user']['token']}\n")
    (made / "ca.pem").write_bytes(control_plane.keys.ca.read_bytes())
    (made / "plugin").write_text("#!/bin/sh\n" + gives('{"token": "$TOKEN"}'))
    (made / "plugin").chmod(0o755)
    (tmp_path / "tokens").symlink_to(made / "tokens")
    return made


def write(stack: Stack, file: Path, case: KubeconfigCase) -> Path:
    """The administrator's kubeconfig with what a case changes."""
    document = yaml.safe_load(stack.admin.read_text())
    [user], [cluster] = document["users"], document["clusters"]
    token = user["user"]["token"]
    for place, changes in ((user["user"], case.fields), (cluster["cluster"], case.cluster)):
        place.update({key: token if value == "$TOKEN" else value for key, value in changes.items()})
        for key in [key for key, value in place.items() if value is None]:
            del place[key]
    file.write_text(yaml.safe_dump({**document, **case.top}))
    return file


def kubectls(stack: Stack, cwd: Path, *flags: str, environment: Mapping[str, str] | None = None) -> str:
    """As whom the real kubectl asks, as `whoami` tells it; empty where it does not."""
    command = [stack.kubectl.program, f"--cache-dir={cwd}/cache", *flags, "auth", "whoami", "-o", "json"]
    asked = {**os.environ, **(environment or {})}
    done = subprocess.run(
        command, cwd=cwd, env=asked, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )
    return whoami(json.loads(done.stdout)) if done.returncode == 0 else ""


def whoami(review: Mapping[str, Any]) -> str:
    """The user of a SelfSubjectReview: name, uid if there is one, groups and further values."""
    user = review["status"]["userInfo"]
    groups = ",".join(group for group in user.get("groups") or () if not group.startswith("system:"))
    extra = (f"{key}={','.join(values)}" for key, values in (user.get("extra") or {}).items())
    return " ".join(filter(None, (user["username"], user.get("uid"), groups, *extra)))


@pytest.fixture
def asked(alone: Terminal, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, str]]:
    """Runs `status`, and returns as whom it asks, or else its error, which has no token in it."""
    clusters: list[Cluster] = []

    def keep(place: ClusterTarget, environment: Mapping[str, str]) -> Cluster:
        clusters.append(connect(place, environment))
        return clusters[-1]

    monkeypatch.setattr("cli.options.connect", keep)

    def run(*flags: str) -> tuple[str, str]:
        clusters.clear()
        result = alone("status", *flags)
        assert not leaks(result.out + result.err)
        if result.code == Exit.UNREACHABLE:
            return "", result.err
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        return whoami(clusters[0].transport(Request("POST", REVIEWS, body=review)).body), ""

    return run


def leaks(text: str) -> bool:
    """Whether a part of the secret is in it."""
    return any(SECRET[start : start + 6] in text for start in range(len(SECRET) - 5))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.does)
def test_it_is_answered_as_kubectl_does(
    control_plane: Stack,
    folder: Path,
    asked: Callable[..., tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    case: KubeconfigCase,
) -> None:
    """By the same user, or by nobody; then our exit code says that the API server cannot be reached, and why."""
    monkeypatch.chdir(folder.parent)
    flags = ("--kubeconfig", str(write(control_plane, folder / "config", case)), *case.flags)
    administrator = kubectls(control_plane, folder.parent, "--kubeconfig", str(control_plane.admin))
    user, error = asked(*flags)
    assert user == kubectls(control_plane, folder.parent, *flags) == case.user.replace(ADMIN, administrator)
    assert case.says in error
    assert bool(case.says) != bool(user)
    assert error.count("\n") == (0 if user else 1)


@dataclass(frozen=True)
class KubeconfigFiles:
    """Current contexts of the files in KUBECONFIG, in order (None: no such file), and the namespace that is current."""

    does: str
    contexts: tuple[str | None, ...]
    namespace: str


@pytest.mark.parametrize(
    "case",
    [
        KubeconfigFiles("the first current context counts", ("one", "two"), "one"),
        KubeconfigFiles("one without a current context", ("", "two"), "two"),
        KubeconfigFiles("one that is not there", (None, "two"), "two"),
        KubeconfigFiles("one that is empty", ("empty", "two"), "two"),
    ],
    ids=lambda case: case.does,
)
def test_several_files_are_one(
    control_plane: Stack, folder: Path, monkeypatch: pytest.MonkeyPatch, case: KubeconfigFiles
) -> None:
    """Of what they name in the same way, the first counts; each path is relative to its own file."""
    paths = []
    for at, current in enumerate(case.contexts):
        paths.append(file := folder / f"{at}" / "config")
        if current is None:
            continue
        file.parent.mkdir()
        (file.parent / "token").write_text((folder / "tokens/good").read_text())
        contexts = [
            {"name": name, "context": {"cluster": "kepler-local", "user": "admin", "namespace": name}}
            for name in ("one", "two")
        ]
        user = {"token": None, "tokenFile": "token"}
        write(control_plane, file, KubeconfigCase("", user, top={"current-context": current, "contexts": contexts}))
        if current == "empty":
            file.write_text("")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, paths)))
    cluster = connect(ClusterTarget(), os.environ)
    viewed = subprocess.run(
        [control_plane.kubectl.program, "config", "view", "--minify", "-o", "jsonpath={..namespace}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert cluster.namespace == viewed.stdout == case.namespace
    assert cluster.version()


def test_a_socks_proxy_is_used_and_resolves_names(
    control_plane: Stack, folder: Path, asked: Callable[..., tuple[str, str]]
) -> None:
    """As kubectl uses it: the proxy gets the name, not an address that this machine took it for."""
    with SocksProxy() as proxy:
        port = control_plane.ports.apiserver
        cluster = {"proxy-url": proxy.url, "server": f"https://localhost:{port}"}
        file = str(write(control_plane, folder / "config", KubeconfigCase("", cluster=cluster)))
        user, error = asked("--kubeconfig", file)
        ours, proxy.asked = proxy.asked, []
        assert user == kubectls(control_plane, folder, "--kubeconfig", file), error
        assert {*ours} == {*proxy.asked} == {(3, "localhost", port)}


def test_what_is_forwarded_is_forwarded_as_the_same_user() -> None:
    """`kubectl port-forward` gets the flags."""
    acting = Impersonation("me", ("a", "b"), "7")
    place = ClusterTarget(kubeconfig="k", impersonation=acting)
    assert place.kubectl == ("--kubeconfig=k", "--as=me", "--as-group=a", "--as-group=b", "--as-uid=7")


def test_the_query_api_gets_no_token_of_who_acts_for_another() -> None:
    """It knows no impersonation: with that token it would show what the user may see, not the other."""
    for acts_for, token in (("", "mine"), ("me", "")):
        cluster = Cluster(lambda _: ApiResponse(404, {}), ClusterTarget(), "x", "mine", acts_for)
        with console_client(cluster, url="http://127.0.0.1:1") as console:
            assert console.token == token


def test_without_a_kubeconfig_the_default_counts_also_in_a_pod(
    control_plane: Stack, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with kubectl, which is its pod's ServiceAccount only if no file says anything."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(folder))
    (folder / ".kube").mkdir()
    write(control_plane, folder / ".kube/config", KubeconfigCase("", {"token": None, "tokenFile": "../tokens/good"}))
    assert connect(ClusterTarget(), {**os.environ, "KUBERNETES_SERVICE_HOST": "127.0.0.1"}).version()


@pytest.mark.parametrize(
    ("pod", "says"), [({}, "names no cluster"), ({"KUBERNETES_SERVICE_HOST": ""}, "ServiceAccount")]
)
def test_without_anything_it_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pod: dict[str, str], says: str
) -> None:
    """Not localhost, which kubectl would ask."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(Unreachable, match=says):
        connect(ClusterTarget(), pod)
    with pytest.raises(Unreachable, match="nope' does not exist"):
        connect(ClusterTarget(kubeconfig=str(tmp_path / "nope")), pod)
