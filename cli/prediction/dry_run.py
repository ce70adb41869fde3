"""Predicts a resource after `kubectl apply`: a dry run by the API server, client-side or server-side as the user does.

With client-side apply the object has the annotation `last-applied-configuration`, and a field that the user removes
from the file is found by comparing with it. With server-side apply such a field is found by its owner.
"""

import json
from collections.abc import Mapping
from typing import Any

from cli.connection.cluster import Cluster
from cli.prediction.applied import Writer, applied
from crds import openapi_schema
from crds.crd_files import RESOURCES
from runtime.client import APPLY
from runtime.errors import Invalid, Unavailable
from runtime.objects import Manifest, Ref, generation, metadata

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
NO_FIELD = "field not declared in schema"
MERGE = "application/merge-patch+json"
SERVER_SIDE, CLIENT_SIDE = "kubectl", "kubectl-client-side-apply"
# The uid of a resource that does not exist yet, in owner references: the API server would choose it.
UNKNOWN_UID = "00000000-0000-0000-0000-000000000000"


def dry_run_applied(
    cluster: Cluster, ref: Ref, wanted: Manifest, live: Manifest | None, *, manager: str = ""
) -> Manifest:
    """Return the resource as an apply would leave it, defaulted and validated. Raises ApiErrors as an apply would.

    `manager` is the field manager of a server-side apply, if it is not kubectl's own.
    """
    body = {**wanted, "metadata": {**metadata(wanted), **_address(ref)}}
    last = (metadata(live or {}).get("annotations") or {}).get(LAST_APPLIED)
    if live is not None and last is not None and not manager:
        patch = three_way(json.loads(last), body, _without_annotation(live))
        return cluster.dry_run_apply(ref, patch, manager=CLIENT_SIDE, content_type=MERGE)
    if live is not None:
        return _server_side_dry_run(cluster, ref, body, manager or SERVER_SIDE)
    made = (
        _server_side_dry_run(cluster, ref, body, manager)
        if manager
        else cluster.dry_run_create(ref, body, manager=CLIENT_SIDE)
    )
    return {**made, "metadata": {**metadata(made), "uid": UNKNOWN_UID}}


def _server_side_dry_run(cluster: Cluster, ref: Ref, body: Manifest, manager: str) -> Manifest:
    """Return the result of a server-side dry run.

    Raises Invalid for a field that the schema does not have, which the API server answers with an internal error.
    """
    try:
        return cluster.dry_run_apply(ref, body, manager=manager, content_type=APPLY)
    except Unavailable as error:
        if NO_FIELD in error.message:
            raise Invalid(error.message, status=error.status, reason=error.reason) from error
        raise


def applied_offline(ref: Ref, wanted: Manifest) -> Manifest:
    """Return the resource as if it were applied without an API server: no defaults, no validation."""
    described = {**metadata(wanted), **_address(ref), "uid": UNKNOWN_UID, "generation": 1}
    return {**wanted, "metadata": described, "spec": wanted.get("spec") or {}}


def applied_without_dry_run(ref: Ref, wanted: Manifest, live: Manifest | None) -> Manifest:
    """Return the resource after an apply without validation, for a user who may not make the dry run."""
    resource = next(model for model in RESOURCES.values() if model.names.kind == ref.kind.name)
    made: Manifest = defaulted(openapi_schema.of(resource), _in_memory(ref, wanted, live))
    return made


def _in_memory(ref: Ref, wanted: Manifest, live: Manifest | None) -> Manifest:
    if live is None:
        return applied_offline(ref, wanted)
    last = (metadata(live).get("annotations") or {}).get(LAST_APPLIED)
    body = {**wanted, "metadata": {**metadata(wanted), **_address(ref)}}
    if last is None:
        return applied(ref, {key: body[key] for key in body.keys() - {"apiVersion", "kind"}}, live, Writer(SERVER_SIDE))
    made = merged(live, three_way(json.loads(last), body, _without_annotation(live)))
    moved = made.get("spec") != live.get("spec")
    return {**made, "metadata": {**metadata(made), "generation": generation(live) + moved}}


def defaulted(node: Mapping[str, Any], value: Any) -> Any:
    """Return a value with the defaults of its schema in this version, in every object that exists."""
    if isinstance(value, list):
        return [defaulted(node.get("items") or {}, item) for item in value]
    if not isinstance(value, Mapping):
        return value
    properties = node.get("properties") or {}
    additional = node.get("additionalProperties")
    missing = {
        name: schema["default"]
        for name, schema in properties.items()
        if "default" in schema and value.get(name) is None
    }
    completed = {**value, **missing}
    below = additional if isinstance(additional, Mapping) else {}
    return {name: defaulted(properties.get(name, below), content) for name, content in completed.items()}


def merged(target: Manifest, patch: Manifest) -> dict[str, Any]:
    """Return an object after a JSON merge patch (RFC 7396)."""
    kept = {key: value for key, value in target.items() if key not in patch}
    for key, value in patch.items():
        there = target.get(key)
        if isinstance(value, Mapping):
            kept[key] = merged(there if isinstance(there, Mapping) else {}, value)
        elif value is not None:
            kept[key] = value
    return kept


def three_way(original: Manifest, modified: Manifest, current: Manifest) -> dict[str, Any]:
    """Return kubectl's JSON merge patch: what `modified` adds or changes, and null for what only `original` has.

    As k8s.io/apimachinery v0.35.4:pkg/util/jsonmergepatch/patch.go; lists are replaced as a whole.
    """
    patch: dict[str, Any] = {}
    for key, value in modified.items():
        there = current.get(key)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            before = original.get(key)
            if below := three_way(before if isinstance(before, Mapping) else {}, value, there):
                patch[key] = below
        elif there != value:
            patch[key] = value
    gone = {key: None for key in original if key not in modified and key in current}
    return patch | gone


def _address(ref: Ref) -> dict[str, str]:
    return {"name": ref.name, **({"namespace": ref.namespace} if ref.namespace else {})}


def _without_annotation(live: Manifest) -> Manifest:
    """Return the object without kubectl's annotation, which is not in the file and which kubectl does not compare."""
    described = metadata(live)
    kept = {key: value for key, value in (described.get("annotations") or {}).items() if key != LAST_APPLIED}
    return {**live, "metadata": {**described, "annotations": kept}}
