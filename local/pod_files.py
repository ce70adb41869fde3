"""Writes a pod's volumes as files below a directory, and computes environment and arguments, as a kubelet does.

The directory is the pod's root: the program is told to look there for the files that it reads at absolute paths in a
container. `hostPath` volumes are left out, since a process of this machine reads the host's files anyway.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from local.admin_client import AdminClient, Object, ObjectNotFound
from local.local_errors import ConfigUnusable

# The mount path at which clients of the API server look for their token (k8s.io/client-go:rest/config.go).
TOKEN_PATH = "var/run/secrets/kubernetes.io/serviceaccount"

ANNOTATED = re.compile(r"metadata\.(annotations|labels)\['(.+)'\]")
REFERENCE = re.compile(r"\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)")


class PodFiles:
    """Files and environment of a pod's containers, from the pod, ConfigMaps, Secrets and tokens of its ServiceAccount.

    Raises ObjectNotFound if an object does not exist that is not `optional`; a kubelet tries again until it exists.
    """

    def __init__(self, api: AdminClient, pod: Object) -> None:
        self._api = api
        self._pod = pod
        self._namespace = f"/api/v1/namespaces/{pod['metadata']['namespace']}"

    def write(self, container: Object, root: Path) -> None:
        """Write every volume that the container mounts to its mount path below `root`."""
        volumes = {volume["name"]: volume for volume in self._pod["spec"].get("volumes") or []}
        for mount in container.get("volumeMounts") or []:
            directory = root / mount["mountPath"].lstrip("/")
            directory.mkdir(parents=True, exist_ok=True)
            for name, content in self._volume(volumes[mount["name"]]).items():
                file = directory / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch(mode=0o600)
                file.write_bytes(content)

    def environment(self, container: Object) -> dict[str, str]:
        """Return the container's environment; a value may refer to variables before it."""
        variables: dict[str, str] = {}
        for variable in container.get("env") or []:
            source = variable.get("valueFrom")
            variables[variable["name"]] = (
                self._from(source) if source else expanded(variable.get("value", ""), variables)
            )
        return variables

    def _from(self, source: Object) -> str:
        """Return the value that `valueFrom` refers to. Raises ConfigUnusable for a kind of source that is unknown."""
        if "fieldRef" in source:
            return field(self._pod, source["fieldRef"]["fieldPath"])
        for kind, read in (("configMapKeyRef", self._config_map), ("secretKeyRef", self._secret)):
            if kind in source:
                reference = source[kind]
                return read(reference["name"], reference).get(reference["key"], b"").decode()
        pod = self._pod["metadata"]["name"]
        raise ConfigUnusable(f"`valueFrom.{', '.join(source)}` of a variable of pod '{pod}' is not supported locally")

    def _volume(self, volume: Object) -> dict[str, bytes]:
        """Return the content of a volume's files by their paths in it; empty for a directory of the host."""
        if "projected" in volume:
            sources = volume["projected"].get("sources") or []
            return {name: content for source in sources for name, content in self._source(source).items()}
        if "secret" in volume:
            return self._source({"secret": {"name": volume["secret"]["secretName"], **volume["secret"]}})
        return self._source(volume)

    def _source(self, source: Object) -> dict[str, bytes]:
        """Return the files of one source of a projected volume, or of a volume with only one source."""
        if "configMap" in source:
            return dict(_items(self._config_map(source["configMap"]["name"], source["configMap"]), source["configMap"]))
        if "secret" in source:
            return dict(_items(self._secret(source["secret"]["name"], source["secret"]), source["secret"]))
        if "downwardAPI" in source:
            items = source["downwardAPI"].get("items") or []
            return {item["path"]: field(self._pod, item["fieldRef"]["fieldPath"]).encode() for item in items}
        if "serviceAccountToken" in source:
            return {source["serviceAccountToken"]["path"]: self._token(source["serviceAccountToken"])}
        return {}

    def _config_map(self, name: str, reference: Object) -> dict[str, bytes]:
        content = self._get(f"configmaps/{name}", reference)
        return {key: value.encode() for key, value in (content.get("data") or {}).items()}

    def _secret(self, name: str, reference: Object) -> dict[str, bytes]:
        content = self._get(f"secrets/{name}", reference)
        return {key: base64.b64decode(value) for key, value in (content.get("data") or {}).items()}

    def _get(self, path: str, reference: Object) -> Object:
        try:
            return self._api.get(f"{self._namespace}/{path}")
        except ObjectNotFound:
            if reference.get("optional"):
                return {}
            raise

    def _token(self, projection: Object) -> bytes:
        """Return a new token of the pod's ServiceAccount, bound to the pod: it is invalid once the pod is deleted."""
        meta = self._pod["metadata"]
        bound = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
        audiences = {"audiences": [projection["audience"]]} if projection.get("audience") else {}
        spec = {"expirationSeconds": projection.get("expirationSeconds", 3600), "boundObjectRef": bound, **audiences}
        path = f"{self._namespace}/serviceaccounts/{self._pod['spec']['serviceAccountName']}/token"
        return str(self._api.create(path, {"spec": spec})["status"]["token"]).encode()


def _items(content: Mapping[str, bytes], volume: Object) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the keys in a volume: all keys of the object, or those that its `items` name."""
    chosen = volume.get("items")
    paths = {item["key"]: item["path"] for item in chosen} if chosen else {key: key for key in content}
    for key, path in paths.items():
        if key in content:
            yield path, content[key]
        elif not volume.get("optional"):
            raise ObjectNotFound(f"there is no key '{key}' in '{volume.get('name', '')}'")


def field(pod: Object, path: str) -> str:
    """Return a field of a pod as the downward API does; empty if the pod does not have it."""
    if match := ANNOTATED.fullmatch(path):
        return str((pod["metadata"].get(match[1]) or {}).get(match[2], ""))
    value: object = pod
    for name in path.split("."):
        value = value.get(name, "") if isinstance(value, dict) else ""
    return str(value)


def arguments(container: Object, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the container's arguments, with references to variables replaced by their values."""
    return tuple(expanded(argument, environment) for argument in container.get("args") or [])


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """Return the text with the values of variables for `$(NAME)`; unknown references stay, and `$$` becomes `$`."""

    def value(match: re.Match[str]) -> str:
        return environment.get(match[1], match[0]) if match[1] else "$"

    return REFERENCE.sub(value, text)
