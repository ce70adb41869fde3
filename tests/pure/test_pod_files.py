"""A pod's files, environment and arguments, as a kubelet makes them."""

import base64
from pathlib import Path
from typing import Any

import pytest

from local.admin_client import AdminClient, Object, ObjectNotFound
from local.pod_files import PodFiles, arguments, expanded

OBJECTS = {
    "/api/v1/namespaces/energy/configmaps/settings": {"data": {"a": "1", "b": "2"}},
    "/api/v1/namespaces/energy/secrets/keys": {"data": {"key": base64.b64encode(b"hidden").decode()}},
}


class FewObjects(AdminClient):
    """An API server with two objects, and a token for every account."""

    def __init__(self) -> None:
        self.asked: list[Object] = []

    def get(self, path: str) -> Object:
        if path not in OBJECTS:
            raise ObjectNotFound(path)
        return OBJECTS[path]

    def create(self, path: str, body: Object) -> Object:
        self.asked.append({"path": path, **body["spec"]})
        return {"status": {"token": "signed"}}


def pod(volume: Object, **container: Any) -> Object:
    """Return a pod with one container that mounts one volume at /data."""
    mounted = {"name": "c", "volumeMounts": [{"name": "v", "mountPath": "/data"}], **container}
    return {
        "metadata": {"name": "p", "namespace": "energy", "uid": "u", "annotations": {"x/y": "noted"}},
        "spec": {
            "serviceAccountName": "kepler",
            "nodeName": "n",
            "containers": [mounted],
            "volumes": [{"name": "v", **volume}],
        },
    }


@pytest.mark.parametrize(
    ("volume", "files"),
    [
        ({"configMap": {"name": "settings"}}, {"a": "1", "b": "2"}),
        ({"configMap": {"name": "settings", "items": [{"key": "b", "path": "of/b"}]}}, {"of/b": "2"}),
        ({"configMap": {"name": "none", "optional": True}}, {}),
        ({"secret": {"secretName": "keys"}}, {"key": "hidden"}),
        ({"hostPath": {"path": "/proc"}}, {}),
        (
            {"downwardAPI": {"items": [{"path": "f", "fieldRef": {"fieldPath": "metadata.annotations['x/y']"}}]}},
            {"f": "noted"},
        ),
        ({"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}, {"token": "signed"}),
    ],
)
def test_a_volume_becomes_files(volume: Object, files: dict[str, str], tmp_path: Path) -> None:
    """Below the root, at the mount path."""
    content = pod(volume)
    PodFiles(FewObjects(), content).write(content["spec"]["containers"][0], tmp_path)

    written = {path for path in (tmp_path / "data").rglob("*") if path.is_file()}
    assert {str(path.relative_to(tmp_path / "data")): path.read_text() for path in written} == files


def test_a_token_is_of_the_pods_account_and_ends_with_the_pod(tmp_path: Path) -> None:
    """As the TokenRequest asks for it."""
    api, content = FewObjects(), pod({"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}})
    PodFiles(api, content).write(content["spec"]["containers"][0], tmp_path)

    assert api.asked[0]["path"] == "/api/v1/namespaces/energy/serviceaccounts/kepler/token"
    assert api.asked[0]["boundObjectRef"] == {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}


def test_a_config_map_that_is_missing_is_waited_for(tmp_path: Path) -> None:
    """The error says which."""
    content = pod({"configMap": {"name": "none"}})
    with pytest.raises(ObjectNotFound, match="none"):
        PodFiles(FewObjects(), content).write(content["spec"]["containers"][0], tmp_path)


def test_environment_comes_from_values_fields_and_keys() -> None:
    """And arguments refer to it."""
    variables = [
        {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "key"}}},
        {"name": "BOTH", "value": "$(NODE_NAME)/$(KEY)"},
    ]
    content = pod({"emptyDir": {}}, env=variables, args=["-name=$(NODE_NAME)", "$(OTHER)"])
    container = content["spec"]["containers"][0]
    environment = PodFiles(FewObjects(), content).environment(container)

    assert environment == {"NODE_NAME": "n", "KEY": "hidden", "BOTH": "n/hidden"}
    assert arguments(container, environment) == ("-name=n", "$(OTHER)")


def test_two_dollars_are_one() -> None:
    """An escaped reference is none."""
    assert expanded("$$(A) $(A)", {"A": "1"}) == "$(A) 1"
