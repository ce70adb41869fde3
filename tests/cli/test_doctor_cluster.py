"""`doctor` against a real API server with Knative's objects, whose status is written as Knative's controllers would.

Serving's kinds are open definitions here: of Serving this folder has no definitions, only of Eventing.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cli import kinds
from cli.command_errors import Exit
from cli.commands.doctor import diagnosis
from cli.connection.cluster import CONNECTIONS, Cluster, ClusterTarget, connect
from cli.doctor.knative_health import CHANNEL, EVENTING
from installation import tenants
from local import knative
from local.layout import ROOT
from local.ports import Ports
from local.stack import Stack
from runtime.client import path
from runtime.objects import DEPLOYMENT, Kind, Manifest, Ref
from runtime.settings import NAMESPACE
from tests.cli.terminal import Terminal
from tests.workbench import create_namespace, kepler

IMAGE = "registry.example/kepler-on-knative:0.1.0"
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
KNATIVES = (kinds.BROKER, kinds.CLOCK, kinds.EVENT_SOURCE, kinds.KNATIVE_SERVICE, kinds.TRIGGER)
Table = list[tuple[str, str, str, str]]


@pytest.fixture(scope="module")
def whole(programs: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All of `config/base` in a control plane with Knative's definitions; every object of Knative's is Ready."""
    with Stack(tmp_path_factory.mktemp("knative"), Ports.free(), programs=programs) as stack:
        stack.start_control_plane(bare=True)
        stack.kubectl.apply([*knative.crds(stack.layout), *serving()])
        stack.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        installed = stack.kubectl.render(ROOT / "config/base")
        stack.kubectl.apply(installed)
        stack.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        stack.kubectl("create", "namespace", EVENTING)
        for manifest in installed:
            kind = next(
                (kind for kind in KNATIVES if api_version_and_name(kind) == (manifest["apiVersion"], manifest["kind"])),
                None,
            )
            if kind is not None:
                report(stack, kind, manifest["metadata"]["name"], READY)
        yield stack


def api_version_and_name(kind: Kind) -> tuple[str, str]:
    """A kind as objects name it."""
    return kind.api_version, kind.name


def serving() -> Iterator[dict[str, Any]]:
    """Definitions of Serving's kinds that take anything."""
    for kind, singular in ((kinds.KNATIVE_SERVICE, "service"), (kinds.REVISION, "revision")):
        anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        version = {"name": kind.version, "served": True, "storage": True, "subresources": {"status": {}}}
        yield {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{kind.plural}.{kind.group}"},
            "spec": {
                "group": kind.group,
                "scope": "Namespaced",
                "names": {"kind": kind.name, "plural": kind.plural, "singular": singular},
                "versions": [{**version, "schema": {"openAPIV3Schema": anything}}],
            },
        }


def report(stack: Stack, kind: Kind, name: str, status: Manifest) -> None:
    """The status of an object, as its controller writes it."""
    body = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {"name": name}, "status": dict(status)}
    stack.api.apply(f"{path(kind, NAMESPACE, name)}/status", body)


@pytest.fixture
def doctor(whole: Stack, capsys: pytest.CaptureFixture[str]) -> Callable[..., Table]:
    """Runs `doctor` as the administrator, or as somebody else: area, level, what and what to do of each line."""
    terminal = Terminal(capsys, ())

    def run(*flags: str) -> Table:
        result = terminal("doctor", "-o", "json", *(flags or ("--kubeconfig", str(whole.admin))))
        assert result.code == (Exit.OK if result.data["healthy"] else Exit.NO)
        return [(check["area"], check["level"], check["says"], check.get("do", "")) for check in result.data["checks"]]

    return run


def test_what_the_api_server_makes_of_an_installation_is_as_generated(doctor: Callable[..., Table]) -> None:
    """Defaults of the API server in roles, policies and Triggers are no difference; only the query API is away."""
    assert [line for line in doctor() if line[1] != "ok"] == [
        (
            "sweep",
            "warn",
            "unknown: the query API is out of reach",
            "kubectl kepler history says why; --console names its URL",
        )
    ]


def test_the_offered_commands_put_back_what_somebody_has_edited(whole: Stack, doctor: Callable[..., Table]) -> None:
    """By force, since kubectl refuses over whoever has edited it; a binding to another role is deleted first."""
    whole.kubectl("patch", "clusterrole", "kepler-status", "--type=merge", "-p", '{"rules": []}')
    whole.kubectl("delete", "validatingadmissionpolicy", "kepler-privileged-fields")
    whole.kubectl("delete", "clusterrolebinding", "kepler-estimator")
    pair = ("--clusterrole=view", f"--serviceaccount={NAMESPACE}:kepler-estimator")
    whole.kubectl("create", "clusterrolebinding", "kepler-estimator", *pair)
    steps = {
        do.replace(" (or your overlay of it), of this version", "") for _, level, _, do in doctor() if level == "fail"
    }
    assert len(steps) == 2
    for command in (part for step in sorted(steps, key=len, reverse=True) for part in step.split(", then ")):
        whole.kubectl(*command.removeprefix("kubectl ").replace("config/", f"{ROOT}/config/").split())
    assert not [line for line in doctor() if line[1] == "fail"]


def test_troubles_of_knative_are_told_with_what_to_do(whole: Stack, doctor: Callable[..., Table]) -> None:
    """A Trigger that waits, an image that cannot be pulled, a channel without CPU, a webhook without endpoints."""
    message = "address not set for Kind = Service, Namespace = kepler-operator, Name = kepler-estimator"
    waits = [
        {"type": kind, "status": "False", "reason": "Unable to get the Subscriber's URI", "message": message}
        for kind in ("Ready", "SubscriberResolved")
    ]
    report(whole, kinds.TRIGGER, "kepler-estimator", {"conditions": waits})
    no_revision = {"type": "Ready", "status": "False", "reason": "RevisionMissing", "message": "no ready Revision"}
    revision = {"conditions": [no_revision], "latestCreatedRevisionName": "kepler-status-00001"}
    report(whole, kinds.KNATIVE_SERVICE, "kepler-status", revision)
    whole.kubectl.apply([pod(), *(deployment(name) for name in CHANNEL), webhooks()])
    state = {"waiting": {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{IMAGE}"'}}
    container = {"name": "user-container", "image": IMAGE, "imageID": "", "ready": False, "restartCount": 0}
    report(whole, kinds.POD, "kepler-status-00001-x", {"containerStatuses": [{**container, "state": state}]})

    lines = doctor()

    failing = {area: (says, do) for area, level, says, do in lines if level == "fail"}
    assert "'kepler-estimator' is not Ready: Knative waits for its own back-off" in failing["triggers"][0]
    assert failing["triggers"][1].startswith("kubectl -n kepler-operator annotate trigger --all")
    assert f"'kepler-status' is not Ready: image '{IMAGE}' cannot be pulled" in failing["functions"][0]
    assert "webhook 'eventing-webhook' in namespace 'knative-eventing' has no ready endpoint" in failing["knative"][0]
    [starved] = [do for area, level, _, do in lines if (area, level) == ("knative", "warn")]
    whole.kubectl(*starved.removeprefix("kubectl ").split())
    whole.kubectl(*failing["triggers"][1].removeprefix("kubectl ").split())
    assert not [line for line in doctor() if line[:2] == ("knative", "warn")]


def test_requests_are_made_side_by_side(whole: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a line that takes its time, `doctor` takes a fraction of what its requests take one after another."""
    under_way, most, asked = 0, 0, 0
    counting = threading.Lock()
    get = Cluster.get

    def slow(self: Cluster, ref: Ref) -> Manifest | None:
        nonlocal under_way, most, asked
        with counting:
            under_way, asked = under_way + 1, asked + 1
            most = max(most, under_way)
        try:
            threading.Event().wait(0.01)
            return get(self, ref)
        finally:
            with counting:
                under_way -= 1

    monkeypatch.setattr(Cluster, "get", slow)
    diagnosis(connect(ClusterTarget(kubeconfig=str(whole.admin)), {}))
    assert asked > 100
    assert most == CONNECTIONS


def test_the_role_bindings_of_tenants_are_looked_for(whole: Stack, doctor: Callable[..., Table]) -> None:
    """In each namespace with a Kepler; the command that is offered writes them."""
    create_namespace(whole, "tenant")
    whole.kubectl("-n", "tenant", "apply", "-f", "-", stdin=json.dumps(kepler()))
    roles = "config/components/tenants/roles.yaml"
    whole.kubectl("apply", "-f", str(ROOT / roles))
    missing = [line for line in doctor() if "in namespace 'tenant' does not exist" in line[2]]
    assert len(missing) == len(tenants.FUNCTIONS)
    for _, _, _, cure in missing:
        whole.kubectl(*cure.removeprefix("kubectl ").replace("config/", f"{ROOT}/config/").split())
    assert not [line for line in doctor() if "in namespace 'tenant' does not exist" in line[2]]
    whole.kubectl("delete", "-f", str(ROOT / roles))
    whole.kubectl("delete", "namespace", "tenant", "--wait=false")


def test_what_may_not_be_read_is_told_as_such(whole: Stack, doctor: Callable[..., Table]) -> None:
    """Somebody without rights is told which to ask for, and nothing is taken for missing."""
    whole.kubectl("-n", NAMESPACE, "create", "serviceaccount", "nobody")
    lines = doctor("--kubeconfig", str(whole.kubeconfig_for(NAMESPACE, "nobody")))
    assert {level for _, level, _, _ in lines} == {"ok", "warn"}
    for area in ("definitions", "permissions", "policies", "knative", "events", "dead letters", "resources"):
        rows = [(says, do) for where, _, says, do in lines if where == area]
        assert rows, area
        unread = [re.search("you may not (read|list)", says) and do.startswith("ask for") for says, do in rows]
        assert all(unread), rows


def pod() -> dict[str, Any]:
    """A pod of function `status`."""
    container = {"name": "user-container", "image": IMAGE}
    meta = {
        "name": "kepler-status-00001-x",
        "namespace": NAMESPACE,
        "labels": {"serving.knative.dev/service": "kepler-status"},
    }
    hardened = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    spec = {"containers": [{**container, "securityContext": hardened}], "serviceAccountName": "kepler-status"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def deployment(name: str) -> dict[str, Any]:
    """A Deployment of the in-memory channel as the official manifest has it: without requests."""
    labels = {"role": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "dispatcher", "image": "dispatcher"}]}}
    return {
        "apiVersion": DEPLOYMENT.api_version,
        "kind": DEPLOYMENT.name,
        "metadata": {"name": name, "namespace": EVENTING},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }


def webhooks() -> dict[str, Any]:
    """A webhook of Knative's; it looks at what no test creates."""
    place = {"apiGroups": ["flows.knative.dev"], "apiVersions": ["*"]}
    hook = {
        "name": "validation.webhook.eventing.knative.dev",
        "clientConfig": {"service": {"namespace": EVENTING, "name": "eventing-webhook"}},
        "rules": [{**place, "operations": ["CREATE"], "resources": ["sequences"]}],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    kind = kinds.VALIDATING_WEBHOOKS
    return {
        "apiVersion": kind.api_version,
        "kind": kind.name,
        "metadata": {"name": "validation.webhook.eventing.knative.dev"},
        "webhooks": [hook],
    }
