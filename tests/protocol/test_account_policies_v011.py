"""What a stolen token of `collector` can do with an exporter of Kepler v0.11: only what the function itself writes."""

import copy
import json
from typing import Any

import pytest

from local.stack import Stack
from runtime.client import APPLY, ApiResponse, Request, Transport, path
from runtime.objects import CONFIG_MAP, DAEMON_SET
from tests.protocol.stolen_writes import ROOT, STOLEN, Change, adds, exporter, pod, sets
from tests.workbench import Workbench, create_namespace, kepler, transport

PLACE = "policies-v011"
COLLECTOR = "kepler-collector"
FIELDS = {"release": "v0.11", "redfish": {"secret": "bmcs"}, "web-config": {"secret": "tls"}}


def files(body: Any) -> Any:
    """The volume with the web configuration."""
    return next(volume for volume in pod(body)["volumes"] if volume["name"] == "web-config")["secret"]


def capabilities(body: Any) -> Any:
    """What of root's rights the exporter has."""
    return exporter(body)["securityContext"]["capabilities"]


CHANGES: dict[str, Change] = {
    "privileged": lambda body: exporter(body)["securityContext"].update(privileged=True, allowPrivilegeEscalation=True),
    "gains privileges": lambda body: exporter(body)["securityContext"].pop("allowPrivilegeEscalation"),
    "another capability": adds(capabilities, "add", "SYS_ADMIN"),
    "a directory of the host": adds(pod, "volumes", ROOT),
    "another Secret": adds(pod, "volumes", STOLEN),
    "another key of the Secret": adds(files, "items", {"key": "password", "path": "password"}),
    "all keys of the Secret": lambda body: files(body).pop("items"),
    "another command": sets(exporter, command=["sh"]),
    "another argument": adds(exporter, "args", "--kube.config=/host/proc/1/root/etc/kubernetes/admin.conf"),
    "another file": lambda body: exporter(body)["args"].__setitem__(0, "--config.file=/host/proc/1/root/x"),
    "a library": adds(exporter, "env", {"name": "LD_PRELOAD", "value": "/host/proc/1/root/tmp/x.so"}),
    "libraries from elsewhere": lambda body: exporter(body)["env"][1].update(value="/host/proc/1/root/tmp"),
    "a hook": sets(exporter, lifecycle={"postStart": {"exec": {"command": ["sh"]}}}),
}


@pytest.fixture(scope="module")
def written(control_plane: Stack) -> dict[str, Any]:
    """The DaemonSet that `collector` wrote, under its own account."""
    create_namespace(control_plane, PLACE)
    bench = Workbench(control_plane, PLACE)
    bench.apply(kepler(collector=FIELDS))
    bench.settle()
    assert bench.conditions()["CollectorReconciled"]["status"] == "True", bench.conditions()
    (body,) = [
        request.body
        for request in bench.asked("collector")
        if request.method == "PATCH" and request.body and request.body["kind"] == DAEMON_SET.name
    ][-1:]
    return dict(body)


@pytest.fixture(scope="module")
def send(control_plane: Stack) -> Transport:
    """The stolen token."""
    return transport(control_plane, COLLECTOR)


def tries(send: Transport, body: dict[str, Any], change: Change) -> ApiResponse:
    """A dry run of what was written, changed."""
    changed = copy.deepcopy(body)
    change(changed)
    for lock in ("uid", "resourceVersion", "namespace"):
        changed["metadata"].pop(lock, None)
    query = {"fieldManager": COLLECTOR, "force": "true", "dryRun": "All"}
    return send(Request("PATCH", path(DAEMON_SET, PLACE, changed["metadata"]["name"]), query, changed, APPLY))


@pytest.mark.parametrize("change", CHANGES)
def test_collectors_token_writes_no_other_exporter(written: dict[str, Any], send: Transport, change: str) -> None:
    """The DaemonSet that `collector` renders is accepted; each change of it is refused."""
    assert tries(send, written, lambda _: None).status == 200
    answer = tries(send, written, CHANGES[change])
    assert answer.status == 403, answer.body
    assert "ServiceAccount 'kepler-collector' writes only what it renders: " in answer.body["message"]


def test_collectors_token_deletes_no_config_map_of_others(control_plane: Stack, send: Transport) -> None:
    """Of the two ConfigMaps that its role may delete, it deletes only those that a Kepler controls."""
    create_namespace(control_plane, f"{PLACE}-others")
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kepler-config"}, "data": {"a": "b"}}
    control_plane.kubectl("apply", "-n", f"{PLACE}-others", "-f", "-", stdin=json.dumps(manifest))
    answer = send(Request("DELETE", path(CONFIG_MAP, f"{PLACE}-others", "kepler-config")))
    assert answer.status == 403, answer.body
