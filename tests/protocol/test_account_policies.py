"""What a stolen token of a function can still do, tried with its own token: only what the function itself writes."""

import copy
import json
from dataclasses import dataclass
from typing import Any

import pytest

from local.stack import Stack
from operands import namespaces
from runtime.client import APPLY, ApiResponse, Request, Transport, path
from runtime.objects import (
    CLUSTER_ROLE_BINDING,
    CONFIG_MAP,
    DAEMON_SET,
    DEPLOYMENT,
    PERSISTENT_VOLUME_CLAIM,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
    Ref,
)
from runtime.settings import NAMESPACE
from runtime.transport import connect
from tests.protocol.stolen_writes import DAEMON_SETS, DEPLOYMENTS, ROOT, Change, adds, pod
from tests.protocol.test_model_server_applied import S3, STORAGES, storage
from tests.workbench import Workbench, create_namespace, kepler, transport

OPEN, CLOSED = "policies-open", "policies-closed"
EXPORTER = "kepler-exporter"
ADMIN = "admin"
ON = {"enabled": True}
# Storages beside which the other fields of the pods are blank; beside the rest they are set.
PLAIN = ("local", "nfs")
PROXIES = [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}, {"name": "NO_PROXY", "value": ".svc"}]
LIMITS = {"limits": {"cpu": "1", "memory": "1Gi"}}
DESCRIBED = {
    "pod-labels": {"team": "energy"},
    "pod-annotations": {"team": "energy"},
    "service-annotations": {"team": "energy"},
    "runtime-class": "runc",
}
BESIDE = {"env": PROXIES, "resources": LIMITS}
SERVERS = {
    "env": PROXIES,
    "resources": LIMITS,
    "node-selector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"key": "models", "operator": "Exists"}],
    "priority-class": "system-cluster-critical",
    "image-pull-secrets": [{"name": "registry"}],
    **DESCRIBED,
}


@dataclass(frozen=True)
class Thief:
    """Has the tokens of `collector` and `model_server`, and what these wrote for a Kepler with everything on."""

    stack: Stack
    written: dict[str, Any]
    sends: dict[str, Transport]

    def tries(
        self, kind: Kind, change: Change = lambda _: None, place: str = OPEN, storage: str = "", user: str = ""
    ) -> ApiResponse:
        """A dry run of what was written, changed: to create it in another namespace, or over what is there."""
        manager = user or ("kepler-model-server" if kind == DEPLOYMENT else "kepler-collector")
        body = copy.deepcopy(self.written[f"{kind.name}{storage}"])
        change(body)
        for lock in ("uid", "resourceVersion", "namespace"):
            body["metadata"].pop(lock, None)
        query = {"fieldManager": "kepler-collector", "force": "true", "dryRun": "All"}
        where = path(kind, place if kind.namespaced else "", body["metadata"]["name"])
        return self.sends[manager](Request("PATCH", where, query, body, APPLY))


@pytest.fixture(scope="module")
def thief(control_plane: Stack) -> Thief:
    """In a namespace where nothing is yet, so that everything is created."""
    create_namespace(control_plane, OPEN)
    create_namespace(control_plane, CLOSED, {namespaces.LABEL: "restricted"})
    written: dict[str, Any] = {}
    sends = {manager: transport(control_plane, manager) for manager in ("kepler-collector", "kepler-model-server")}
    sends[ADMIN] = connect({"KUBECONFIG": str(control_plane.admin)}, user_agent="tests")
    for kind in STORAGES:
        place = f"policies-{kind}"
        create_namespace(control_plane, place)
        bench = Workbench(control_plane, place)
        chosen = {} if kind in PLAIN else SERVERS
        trusted = {"external": {**S3, "ca": {"config-map": "authorities"}}} if kind == "external" else {}
        server = {**ON, "storage": storage(kind, **trusted), **chosen}
        beside, described = ({}, {}) if kind in PLAIN else (BESIDE, DESCRIBED)
        exporters = {**described, "redfish": {"secret": "bmcs"}, "machine-spec": "m5.metal"} if described else {}
        bench.apply(kepler(collector=exporters, estimator_sidecar={**ON, **beside}, model_server=server))
        bench.settle()
        for reconciled in ("CollectorReconciled", "ModelServerReconciled"):
            assert bench.conditions()[reconciled]["status"] == "True", bench.conditions()[reconciled]
        for function in ("model_server", "collector"):
            for request in bench.asked(function):
                if request.method == "PATCH" and request.body and not request.path.endswith("/status"):
                    written[request.body["kind"]] = written[f"{request.body['kind']}-{kind}"] = request.body
    return Thief(control_plane, written, sends)


@pytest.mark.parametrize("over", [False, True], ids=["created", "changed"])
@pytest.mark.parametrize("change", DAEMON_SETS)
def test_collectors_token_writes_no_other_daemon_set(thief: Thief, change: str, over: bool) -> None:  # noqa: FBT001
    """Neither a new one nor over the one that is there."""
    place = "policies-external" if over else OPEN
    assert thief.tries(DAEMON_SET, DAEMON_SETS[change], place, user=ADMIN).status in (200, 201)
    answer = thief.tries(DAEMON_SET, DAEMON_SETS[change], place)
    assert answer.status == 403, answer.body
    assert "ServiceAccount 'kepler-collector' writes only what it renders: " in answer.body["message"]


@pytest.mark.parametrize("change", DEPLOYMENTS)
def test_model_servers_token_writes_no_other_deployment(thief: Thief, change: str) -> None:
    """In a namespace that is open to privileged pods."""
    kind, alter = DEPLOYMENTS[change]
    assert thief.tries(DEPLOYMENT, alter, storage=f"-{kind}", user=ADMIN).status == 201
    answer = thief.tries(DEPLOYMENT, alter, storage=f"-{kind}")
    assert answer.status == 403, answer.body
    assert "ServiceAccount 'kepler-model-server' writes only what it renders: " in answer.body["message"]


def test_a_copy_to_the_host_is_refused_in_two_steps_as_well(thief: Thief) -> None:
    """Over a server that has a directory of the host already."""
    host = {"name": "mnt", "hostPath": {"path": "/var/lib/kepler", "type": "DirectoryOrCreate"}}
    there = thief.written["Deployment-hostpath"]["metadata"]

    def change(body: Any) -> None:
        body["metadata"] = {**there}
        pod(body)["volumes"][1] = host

    assert host in pod(thief.written["Deployment-hostpath"])["volumes"]
    answer = thief.tries(DEPLOYMENT, change, "policies-hostpath", "-external")
    assert answer.status == 403
    assert "it copies nothing to the host" in answer.body["message"]


@pytest.mark.parametrize("kind", [DAEMON_SET, SERVICE, SERVICE_ACCOUNT, DEPLOYMENT], ids=lambda kind: kind.name)
def test_a_closed_namespace_is_closed_to_stolen_tokens(thief: Thief, kind: Kind) -> None:
    """The very objects that are taken elsewhere."""
    assert thief.tries(kind).status == 201
    answer = thief.tries(kind, place=CLOSED)
    assert answer.status == 403
    assert "the namespace has the label 'pod-security.kubernetes.io/enforce: privileged'" in answer.body["message"]


@pytest.mark.parametrize("storage", STORAGES)
def test_what_is_rendered_is_taken(thief: Thief, storage: str) -> None:
    """Every storage; with the estimator; under tags, digests and Docker's short names."""
    assert thief.tries(DEPLOYMENT, storage=f"-{storage}").status == 201
    assert thief.tries(DAEMON_SET, storage=f"-{storage}").status == 201


@pytest.mark.parametrize(
    "image",
    [
        "rclone/rclone",
        "rclone/rclone:2",
        "docker.io/rclone/rclone:1.71",
        "index.docker.io/rclone/rclone:1",
        f"rclone/rclone:1.71@sha256:{'0' * 64}",
        "quay.io/sustainable_computing_io/kepler_model_server:v0.7.11",
    ],
)
def test_the_names_of_a_repository_are_one(thief: Thief, image: str) -> None:
    """As `operands.repositories` reads them."""
    answer = thief.tries(
        DEPLOYMENT, lambda body: pod(body)["initContainers"][0].update(image=image), storage="-external"
    )
    assert answer.status == 201, answer.body


def test_what_somebody_added_is_passed_on(thief: Thief) -> None:
    """A mount, a container and a variable of an administrator's stay when `collector` writes again."""
    place = "policies-nfs"
    bench = Workbench(thief.stack, place)
    machine = {"name": "machine-spec", "configMap": {"name": "kepler-machine-spec", "optional": True}}
    extra = {
        "name": "debug",
        "image": "busybox:1",
        "command": ["sleep", "9"],
        "envFrom": [{"secretRef": {"name": "s"}}],
    }
    named = {"name": "kepler-exporter", "env": [{"name": "GOMAXPROCS", "value": "1"}]}
    spec = {"volumes": [machine, ROOT], "containers": [extra, named]}
    change = json.dumps({"spec": {"template": {"spec": spec}}})
    thief.stack.kubectl("-n", place, "patch", "daemonset", EXPORTER, "--patch", change)

    bench.patch("kepler/kepler", {"spec": {"collector": {"port": 9107}}})
    bench.settle()

    assert bench.conditions()["CollectorReconciled"]["status"] == "True"
    pod_spec = pod(bench.get(f"daemonset/{EXPORTER}"))
    assert {"debug", EXPORTER} == {container["name"] for container in pod_spec["containers"]}
    assert {"machine-spec", "root"} <= {volume["name"] for volume in pod_spec["volumes"]}


SUBJECTS = {
    "everybody": {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:authenticated"},
    "a user": {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "kepler"},
    "another account": {"kind": "ServiceAccount", "name": "default", "namespace": OPEN},
}


@pytest.mark.parametrize("subject", SUBJECTS)
def test_collectors_token_binds_no_other_subject(thief: Thief, subject: str) -> None:
    """Only ServiceAccounts of the exporters' name; one that is there already stays."""
    answer = thief.tries(CLUSTER_ROLE_BINDING, adds(lambda it: it, "subjects", SUBJECTS[subject]))
    assert answer.status == 403
    assert "its subjects are ServiceAccounts 'kepler'" in answer.body["message"]
    assert thief.tries(CLUSTER_ROLE_BINDING).status == 200


def test_a_binding_of_ten_thousand_namespaces_is_taken(thief: Thief) -> None:
    """What the policy may cost is enough for as many as there can be; and for one among them that is not ours."""
    many = [{"kind": "ServiceAccount", "name": "kepler", "namespace": f"n-{number}"} for number in range(10_000)]
    change: Change = lambda body: body["subjects"].extend(many)  # noqa: E731
    assert thief.tries(CLUSTER_ROLE_BINDING, change).status == 200
    assert (
        thief.tries(CLUSTER_ROLE_BINDING, lambda it: it["subjects"].extend([*many, SUBJECTS["a user"]])).status == 403
    )


@pytest.mark.parametrize("owned", [False, True], ids=["somebody's", "a Kepler's"])
def test_model_servers_token_deletes_what_a_kepler_controls(thief: Thief, owned: bool) -> None:  # noqa: FBT001
    """A claim of its name that somebody made by hand stays."""
    place = "policies-owned" if owned else "policies-theirs"
    create_namespace(thief.stack, place)
    owner = {"apiVersion": "sustainable-computing.io/v1alpha1", "kind": "Kepler", "name": "k", "uid": "u"}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "kepler-model-server-pvc",
            "ownerReferences": [{**owner, "controller": True}] if owned else [],
        },
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    thief.stack.api.create(path(PERSISTENT_VOLUME_CLAIM, place), claim)
    ref = Ref(PERSISTENT_VOLUME_CLAIM, place, "kepler-model-server-pvc")
    request = Request("DELETE", path(ref.kind, place, ref.name), {"dryRun": "All"})
    assert thief.sends["kepler-model-server"](request).status == (200 if owned else 403)


@pytest.mark.parametrize("manager", ["kepler-dead-letter", "kepler-collector"])
def test_no_function_says_which_images_are_allowed(control_plane: Stack, manager: str) -> None:
    """Not the one that may write ConfigMaps there: it keeps letters, and only those."""
    send = transport(control_plane, manager)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kepler-images"}, "data": {"X": "evil"}}
    query = {"fieldManager": manager, "force": "true", "dryRun": "All"}
    where = path(CONFIG_MAP, NAMESPACE, "kepler-images")
    answers = [
        send(Request("PATCH", where, query, body, APPLY)),
        send(Request("DELETE", where, {"dryRun": "All"})),
    ]
    assert [answer.status for answer in answers] == [403, 403]
    if manager == "kepler-dead-letter":
        assert all("no function changes it" in answer.body["message"] for answer in answers)
        letter = {**body, "metadata": {"name": "a-letter"}}
        assert send(Request("PATCH", path(CONFIG_MAP, NAMESPACE, "a-letter"), query, letter, APPLY)).status == 201
