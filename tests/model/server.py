"""A model of the API server, as far as the protocol leans on it: locks, exclusive creation, incarnations, generations
and field ownership.

`carried_out` is pure: a request and the object that it names go in, the answer and the object afterwards come out.
It says what was measured on Kubernetes 1.35; `tests/protocol/test_model_agrees.py` asks both the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runtime.client import ApiResponse, Request
from runtime.objects import Manifest, metadata, resource_version, uid
from tests.model.apply import apply, fields, leaves, paths, tree

STATUS = "status"
REASONS = {404: "NotFound", 405: "MethodNotAllowed", 409: "Conflict", 422: "Invalid"}


@dataclass(frozen=True)
class Fresh:
    """What the next write is given: a version, and an identity if it creates."""

    uid: str
    version: str


@dataclass(frozen=True)
class Address:
    """What a URL path names: an object, or without a `name` a collection."""

    collection: str
    name: str = ""
    subresource: str = ""

    @property
    def object(self) -> str:
        """The object's own path."""
        return f"{self.collection}/{self.name}"


def address(path: str) -> Address:
    """Takes apart `/api/v1/namespaces/x/configmaps/y` and the like."""
    parts = path.split("/")
    root = 3 if parts[1] == "api" else 4
    plural = root + 2 if len(parts) > root + 2 and parts[root] == "namespaces" else root
    name, subresource = (*parts[plural + 1 :], "", "")[:2]
    return Address("/".join(parts[: plural + 1]), name, subresource)


def carried_out(request: Request, actual: Manifest | None, fresh: Fresh) -> tuple[ApiResponse, Manifest | None]:
    """The answer to a request about one object, and that object as it is then: as it was, after a dry run."""
    answer, after = _answered(request, actual, fresh)
    return answer, actual if _is_dry_run(request) else after


def _is_dry_run(request: Request) -> bool:
    """Of a deletion the API server reads its options from the body, if it has one, and not from the query."""
    return bool((request.body or {}).get("dryRun")) if request.method == "DELETE" else "dryRun" in request.query


def _answered(request: Request, actual: Manifest | None, fresh: Fresh) -> tuple[ApiResponse, Manifest | None]:
    match request.method:
        case "GET":
            return (ApiResponse(200, actual) if actual else failure(404)), actual
        case "DELETE":
            return _deleted(request, actual)
        case "PATCH":
            return _applied(request, actual, fresh)
    return failure(405), actual


def failure(status: int) -> ApiResponse:
    """A refusal, as a Status object."""
    reason = REASONS[status]
    return ApiResponse(
        status, {"kind": "Status", "reason": reason, "message": f"the model says {reason}", "code": status}
    )


def _deleted(request: Request, actual: Manifest | None) -> tuple[ApiResponse, Manifest | None]:
    if actual is None:
        return failure(404), None
    wanted = (request.body or {}).get("preconditions") or {}
    if any(metadata(actual)[name] != wanted[name] for name in wanted):
        return failure(409), actual
    return ApiResponse(200, {"kind": "Status", "status": "Success"}), None


def _applied(request: Request, actual: Manifest | None, fresh: Fresh) -> tuple[ApiResponse, Manifest | None]:
    intent: Manifest = request.body or {}
    where = address(request.path)
    if actual is None:
        if where.subresource:
            return failure(404), None
        if uid(intent):  # a lock on an incarnation; a version alone does not keep an absent object from being created
            return failure(409), None
    elif refused := _refused(intent, actual, where.subresource):
        return failure(refused), actual
    after = _merged(intent, actual, (request.query["fieldManager"], where.subresource), fresh)
    return ApiResponse(200 if actual else 201, after), after


def _refused(intent: Manifest, actual: Manifest, subresource: str) -> int:
    """Why an existing object is not written: another version, or another identity under this one; 0 if it is.

    The version "0" locks nothing where writes without a version are allowed, which they are not to custom resources.
    """
    version = resource_version(intent)
    if version not in ("", "0", resource_version(actual)):
        return 409
    another = uid(intent) not in ("", uid(actual)) and not subresource
    return 422 if another or (version == "0" and has_status(intent)) else 0


def _merged(intent: Manifest, actual: Manifest | None, writer: tuple[str, str], fresh: Fresh) -> Manifest:
    """The object after the apply: the very same where it changes nothing, not even who owns what."""
    part = {path: value for path, value in leaves(intent).items() if _in(path[0], writer[1])}
    before = leaves(actual) if actual else {}
    owned = {
        (entry["manager"], entry.get("subresource", "")): frozenset(paths(entry["fieldsV1"]))
        for entry in (metadata(actual).get("managedFields") or () if actual else ())
    }
    after = apply(before, owned, writer, part)
    if actual and after.leaves == before and after.owned == owned:
        return actual
    content = tree(after.leaves)
    described = {**_envelope(intent, actual, fresh), **(content.pop("metadata", None) or {})}
    if has_status(intent):
        moved = actual is None or any(
            after.leaves.get(path) != before.get(path) for path in {*before, *after.leaves} if path[0] == "f:spec"
        )
        described["generation"] = (metadata(actual)["generation"] if actual else 0) + moved
    described["managedFields"] = [_entry(intent, one, pair) for one, pair in sorted(after.owned.items())]
    return {"apiVersion": intent["apiVersion"], "kind": intent["kind"], "metadata": described, **content}


def _in(token: str, subresource: str) -> bool:
    """Whether a top-level field is written through this subresource."""
    return (token == f"f:{STATUS}") == (subresource == STATUS)


def has_status(manifest: Manifest) -> bool:
    """Whether objects of this kind have a generation and a `/status`; of the kinds here, all but ConfigMaps."""
    return bool(manifest["kind"] != "ConfigMap")


def _envelope(intent: Manifest, actual: Manifest | None, fresh: Fresh) -> dict[str, Any]:
    named = {key: value for key, value in metadata(intent).items() if key in ("name", "namespace")}
    return {**named, "uid": uid(actual) if actual else fresh.uid, "resourceVersion": fresh.version}


def _entry(intent: Manifest, writer: tuple[str, str], objects_found: frozenset[tuple[str, ...]]) -> Manifest:
    manager, subresource = writer
    return {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": intent["apiVersion"],
        "fieldsType": "FieldsV1",
        "fieldsV1": fields(objects_found),
        **({"subresource": subresource} if subresource else {}),
    }


@dataclass
class ModelApiServer:
    """The model as a transport: objects by path, versions counted up from where `NEVER` cannot match."""

    objects: dict[str, Manifest] = field(default_factory=dict)
    writes: int = 100

    def __call__(self, request: Request) -> ApiResponse:
        """What an API server would answer."""
        where = address(request.path)
        if not where.name:
            return ApiResponse(200, listed(self.objects, where.collection))
        self.writes += 1
        fresh = Fresh(f"uid-{self.writes}", str(self.writes))
        answer, after = carried_out(request, self.objects.get(where.object), fresh)
        if after is None:
            self.objects.pop(where.object, None)
        else:
            self.objects[where.object] = after
        return answer


def listed(objects: Mapping[str, Manifest], collection: str) -> Manifest:
    """A collection's objects, by name."""
    objects_found = [objects[path] for path in sorted(objects) if address(path).collection == collection]
    return {"kind": "List", "items": objects_found, "metadata": {}}
