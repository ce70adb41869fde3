"""The requests that tests make in kubectl's place leave what the real kubectl leaves."""

import json
from typing import Any

import pytest

from local.local_errors import CommandFailed
from local.stack import Stack
from runtime.client import path
from runtime.objects import CONFIG_MAP, KEPLER, Kind, Manifest
from tests.as_kubectl import KubectlRequests
from tests.workbench import create_namespace, kepler

SETTINGS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kepler"}, "data": {"a": "ü 🚫 <b> & \u2028"}}
CHANGES: dict[str, Manifest] = {
    "Kepler": {"spec": {"collector": {"port": 9103}}},
    "ConfigMap": {"data": {"a": None, "b": "2"}},
}


def left(stack: Stack, kind: Kind, namespace: str) -> dict[str, Any]:
    """The object with its annotations and the owners of its fields, without what differs from one to the next."""
    manifest = stack.api.get(path(kind, namespace, "kepler"))
    described = manifest["metadata"]
    for name in ("uid", "resourceVersion", "creationTimestamp"):
        del described[name]
    for owner in described["managedFields"]:
        del owner["time"]
    answers: dict[str, Any] = json.loads(json.dumps(manifest).replace(namespace, "place"))
    return answers


@pytest.mark.parametrize(
    ("kind", "manifest"), [(KEPLER, kepler()), (CONFIG_MAP, SETTINGS)], ids=["Kepler", "ConfigMap"]
)
def test_an_object_that_is_created_and_patched_is_as_kubectl_leaves_it(
    control_plane: Stack, namespace: str, kind: Kind, manifest: Manifest
) -> None:
    """The same spec, the same annotation for the next merge, the same owners of each field; and then it is deleted."""
    beside, requests, change = f"{namespace}-by-kubectl", KubectlRequests(control_plane), CHANGES[kind.name]
    create_namespace(control_plane, beside)
    kubectl, text, what = control_plane.kubectl, json.dumps(manifest), f"{kind.plural}/kepler"

    requests.apply(namespace, manifest)
    kubectl("-n", beside, "apply", "-f", "-", stdin=text)
    assert left(control_plane, kind, namespace) == left(control_plane, kind, beside)

    requests.patch(namespace, what, change)
    kubectl("-n", beside, "patch", what, "--type=merge", "-p", json.dumps(change))
    assert left(control_plane, kind, namespace) == left(control_plane, kind, beside)

    requests.delete(namespace, what)
    assert control_plane.kubectl("-n", namespace, "get", what, "--ignore-not-found") == ""


def test_a_refusal_is_told_in_kubectls_words(control_plane: Stack, namespace: str) -> None:
    """What the API server refuses, and what it does not know."""
    requests = KubectlRequests(control_plane)
    with pytest.raises(CommandFailed, match=r"kubectl apply.*The Kepler \"kepler\" is invalid: spec.collector.port"):
        requests.apply(namespace, kepler(collector={"port": 0}))
    with pytest.raises(CommandFailed, match=r"kubectl .*not found"):
        requests.patch(namespace, "keplers/kepler", {"spec": {}})
    with pytest.raises(CommandFailed, match=r"kubectl .*not found"):
        requests.delete(namespace, "keplers/kepler")
