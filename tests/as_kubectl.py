"""What kubectl asks of the API server about one object: the same requests, without a process for each.

Only a request that succeeds is made here. What the API server refuses goes through the real kubectl once more, for its
sentence, and so does an apply over an object that exists, for kubectl's three-way merge.
"""

import functools
import json
from collections.abc import Mapping
from typing import Any

from local.stack import Stack
from runtime import objects
from runtime.client import JSON, Request, Transport, path
from runtime.objects import Kind, Manifest
from runtime.transport import connect

KINDS = tuple(kind for kind in vars(objects).values() if isinstance(kind, Kind))
# Kinds as kubectl takes them before the slash: the plural, with its group or without, or the singular.
NAMED = {name: kind for kind in KINDS for name in (kind.plural, kind.name.lower(), f"{kind.plural}.{kind.group}")}
MERGE = "application/merge-patch+json"
# What `kubectl apply` merges by later (k8s.io/api:core/v1/annotation_key_constants.go).
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# What Go's encoder escapes in JSON, and Python's does not (encoding/json: HTMLEscape).
ESCAPED = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


class KubectlRequests:
    """kubectl, as the administrator of a stack."""

    def __init__(self, stack: Stack) -> None:
        self._kubectl = stack.kubectl
        self._send = _administrator(stack)

    def apply(self, namespace: str, manifest: Manifest) -> None:
        """`kubectl apply` of one object. Raises CommandFailed with what kubectl says."""
        if not self._create(namespace, manifest):
            self._kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(manifest))

    def patch(self, namespace: str, what: str, change: Manifest, *, subresource: str = "") -> None:
        """`kubectl patch --type merge` of `resource/name`. Raises CommandFailed with what kubectl says."""
        where = _address(namespace, what, subresource)
        query = {"fieldManager": "kubectl-patch"}
        if not where or not self._done(Request("PATCH", where, query, change, MERGE)):
            asked = ["-n", namespace, "patch", what, "--type=merge", "--patch-file=/dev/stdin"]
            more = (f"--subresource={subresource}",) if subresource else ()
            self._kubectl(*asked, *more, stdin=json.dumps(change))

    def delete(self, namespace: str, what: str) -> None:
        """`kubectl delete --cascade=background --wait=false`. Raises CommandFailed with what kubectl says."""
        where, body = _address(namespace, what), {"propagationPolicy": "Background"}
        if not where or not self._done(Request("DELETE", where, body=body)):
            self._kubectl("-n", namespace, "delete", what, "--cascade=background", "--wait=false")

    def _create(self, namespace: str, manifest: Manifest) -> bool:
        """Creates the object as `kubectl apply` creates one; whether it was created."""
        kind = next((kind for kind in KINDS if _is(manifest, kind)), None)
        if kind is None:
            return False
        where = namespace if kind.namespaced else ""
        query = {"fieldManager": "kubectl-client-side-apply", "fieldValidation": "Strict"}
        return self._done(Request("POST", path(kind, where), query, _annotated(manifest, where), JSON))

    def _done(self, request: Request) -> bool:
        return 200 <= self._send(request).status < 300


@functools.cache
def _administrator(stack: Stack) -> Transport:
    return connect({"KUBECONFIG": str(stack.admin)}, user_agent="kubectl")


def _address(namespace: str, what: str, subresource: str = "") -> str:
    """The path of `resource/name`; empty for a resource that is not known here."""
    resource, _, name = what.partition("/")
    kind = NAMED.get(resource.lower())
    return path(kind, namespace if kind.namespaced else "", name, subresource) if kind and name else ""


def _is(manifest: Manifest, kind: Kind) -> bool:
    return (manifest["apiVersion"], manifest["kind"]) == (kind.api_version, kind.name)


def _annotated(manifest: Manifest, namespace: str) -> Manifest:
    """The object with its namespace and, in an annotation, itself as it was applied."""
    described: Mapping[str, Any] = {**manifest["metadata"], **({"namespace": namespace} if namespace else {})}
    annotations: Mapping[str, str] = described.get("annotations") or {}
    applied = {**manifest, "metadata": {**described, "annotations": annotations}}
    text = json.dumps(applied, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    return {
        **manifest,
        "metadata": {**described, "annotations": {**annotations, LAST_APPLIED: text.translate(ESCAPED)}},
    }
