"""A client of the API server with the administrator's token: a few verbs on plain objects.

It only prepares the cluster; users' actions go through the real kubectl (`local.kubectl`).
"""

import json
from pathlib import Path
from typing import Any, TypeAlias

import urllib3

from local.local_errors import CommandFailed

# A Kubernetes object as JSON; unknown kinds are passed on unchanged.
Object: TypeAlias = dict[str, Any]

FIELD_MANAGER = "kepler-local"
APPLY = "application/apply-patch+yaml"
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class AdminClient:
    """Makes calls as the administrator. A refusal raises CommandFailed with the server's own message."""

    def __init__(self, server: str, ca: Path, token: str) -> None:
        self.server = server
        headers = {"Authorization": f"Bearer {token}", "User-Agent": FIELD_MANAGER}
        self._pool = urllib3.PoolManager(ca_certs=str(ca), headers=headers, timeout=30.0, retries=False, maxsize=4)

    def get(self, path: str) -> Object:
        """Return one object, or a list of objects."""
        return self._call("GET", path)

    def items(self, path: str) -> list[Object]:
        """Return the objects of a list; empty if the kind is not installed."""
        try:
            return [dict(item) for item in self.get(path)["items"]]
        except ObjectNotFound:
            return []

    def create(self, path: str, body: Object) -> Object:
        """Create an object, or a subresource such as a token."""
        return self._call("POST", path, body, "application/json")

    def apply(self, path: str, body: Object) -> Object:
        """Apply an object server-side, and create it if it does not exist."""
        return self._call("PATCH", f"{path}?fieldManager={FIELD_MANAGER}&force=true", body, APPLY)

    def delete(self, path: str) -> None:
        """Delete an object; absence is success."""
        try:
            self._call("DELETE", path)
        except ObjectNotFound:
            return

    def kinds(self) -> set[tuple[str, str]]:
        """Return all kinds of all groups as (apiVersion, kind), as kubectl discovers them."""
        groups = self._call("GET", "/apis", accept=DISCOVERY)["items"]
        return {
            (f"{group['metadata']['name']}/{version['version']}", resource["responseKind"]["kind"])
            for group in groups
            for version in group["versions"]
            for resource in version.get("resources", [])
        }

    def _call(self, method: str, path: str, body: Object | None = None, content: str = "", accept: str = "") -> Object:
        data = json.dumps(body).encode() if body is not None else None
        own = {"Content-Type": content, "Accept": accept}
        headers = dict(self._pool.headers) | {name: value for name, value in own.items() if value}
        try:
            answer = self._pool.request(method, self.server + path, body=data, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise CommandFailed(f"{method} {path}: the API server did not answer: {error}") from error
        if answer.status // 100 != 2:
            refusal = ObjectNotFound if answer.status == 404 else CommandFailed
            raise refusal(f"{method} {path}: {answer.status} {_message(answer.data)}")
        return dict(json.loads(answer.data))


class ObjectNotFound(CommandFailed):
    """404: no such object, or no such kind."""


def _message(data: bytes) -> str:
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        return data.decode(errors="replace")[:200]
