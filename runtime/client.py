"""The only access to the API server: five verbs over untyped objects, each with a timeout, each recorded.

Request, transport and answer are separate steps; the transport is the seam where tests inject faults between a function
and a real API server. Transient errors (no connection, 429, 5xx) are retried with jitter within the reconcile's
deadline, and not before the API server's `Retry-After`. Every verb here can be repeated safely: reads, locked applies
and preconditioned deletes. No call waits longer than what is left of the deadline.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from tenacity import RetryCallState, Retrying, retry_if_exception_type
from tenacity.wait import wait_random_exponential

from runtime.deadlines import CONNECT, READ, RECONCILE, Deadline
from runtime.errors import ApiError, Conflict, Forbidden, Invalid, NotFound, Unavailable
from runtime.objects import Collection, Kind, Manifest, Ref, resource_version, uid

# An apply with a resourceVersion that never matches creates an absent object (201), and is a 409 for an existing one:
# an exclusive create that leaves one clean Apply entry in managedFields. Measured on Kubernetes 1.35.
NEVER = "1"
APPLY = "application/apply-patch+yaml"
JSON = "application/json"
# A list of objects with their `metadata` only (k8s.io/apimachinery:pkg/apis/meta/v1, PartialObjectMetadataList).
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
PAGE = 500

# Pauses between two tries of one request, in seconds: about the first value at first, at most the second.
PAUSE, LONGEST_PAUSE = 0.05, 2.0


@dataclass(frozen=True)
class Request:
    """One HTTP request to the API server; `connect` and `read` are its timeouts in seconds."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Manifest | None = None
    content_type: str = JSON
    accept: str = JSON
    connect: float = CONNECT
    read: float = READ

    @property
    def writes(self) -> bool:
        """Return whether the API server keeps the result of this request: an apply or a deletion, and not a dry run."""
        return self.method != "GET" and "dryRun" not in self.query


@dataclass(frozen=True)
class ApiResponse:
    """The API server's answer; `status` is 0 if there was none.

    `retry_after` is the answer's `Retry-After` header in seconds; 0 if it has none.
    """

    status: int
    body: Manifest
    retry_after: float = 0.0


Transport = Callable[[Request], ApiResponse]


@dataclass(frozen=True)
class Call:
    """One request, for the report. `began` counts from the reconcile's start; both times are in milliseconds."""

    verb: str
    path: str
    status: int
    began: float
    milliseconds: float


class Client:
    """The API server, for one function during one reconcile.

    `manager` is the function's field manager; `calls` are the requests so far. All calls together take at most
    `seconds`; within that, one request is retried for at most `patience` seconds. Raises `ApiError`s only.
    """

    def __init__(
        self, transport: Transport, *, manager: str, seconds: float = RECONCILE, patience: float | None = None
    ) -> None:
        self._transport = transport
        self.manager = manager
        self._deadline = Deadline(seconds)
        self._patience = seconds if patience is None else patience
        self.calls: list[Call] = []

    def get(self, ref: Ref) -> Manifest | None:
        """Return the object as it is now (a linearizable read), or None if it does not exist."""
        try:
            return self._ask(Request("GET", path(ref.kind, ref.namespace, ref.name)))
        except NotFound:
            return None

    def list(
        self,
        collection: Collection,
        *,
        named: str = "",
        labelled: str = "",
        page: int = PAGE,
        metadata_only: bool = False,
    ) -> Iterator[Manifest]:
        """Yield every object of the collection, page by page from one snapshot, sorted by namespace and name.

        With `named`, only objects of that name; RBAC that limits `list` to a name allows just this. With `labelled`,
        only objects that the label selector matches. With `metadata_only`, each object has only its `metadata`.
        """
        name = f"metadata.name={named}" if named else ""
        fields = ",".join(part for part in (name, collection.fields) if part)
        chosen = {"fieldSelector": fields, "labelSelector": labelled}
        query = {"limit": str(page), **{key: value for key, value in chosen.items() if value}}
        first, left = query, collection.most or None
        while True:
            accept = METADATA_LIST if metadata_only else JSON
            answer = self._ask(Request("GET", path(collection.kind, collection.namespace), query, accept=accept))
            kind = {"apiVersion": collection.kind.api_version, "kind": collection.kind.name}
            items = (answer.get("items") or ())[:left]
            yield from ({**item, **kind} for item in items)
            left = None if left is None else left - len(items)
            token = (answer.get("metadata") or {}).get("continue")
            if not token or left == 0:
                return
            query = {**first, "continue": token}

    def apply(self, ref: Ref, body: Manifest, *, over: Manifest | None, dry_run: bool = False) -> Manifest:
        """Apply the whole intent server-side, over exactly the version that was read, or as an exclusive create.

        With `dry_run` the API server validates and admits it, and keeps nothing.
        Raises Conflict if the object is no longer `over`, or if it exists and `over` is None.
        """
        lock = {"uid": uid(over), "resourceVersion": resource_version(over)} if over else {"resourceVersion": NEVER}
        request = self._apply(ref, body, lock)
        return self._ask(replace(request, query={**request.query, **DRY_RUN}) if dry_run else request)

    def apply_status(self, ref: Ref, status: Manifest) -> Manifest:
        """Apply this manager's part of the status server-side; no lock, since several managers share the status."""
        return self._ask(self._apply(ref, {"status": status}, {}, subresource="status"))

    def delete(self, ref: Ref, *, over: Manifest, dry_run: bool = False) -> None:
        """Delete exactly the version that was read; dependents are deleted in the background. Absence is success.

        With `dry_run` the API server admits it, and keeps the object.
        """
        conditions = {"uid": uid(over), "resourceVersion": resource_version(over)}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": conditions}
        # The query alone would delete: the API server ignores it if the body has DeleteOptions.
        query, tried = (DRY_RUN, {"dryRun": ["All"]}) if dry_run else ({}, {})
        options = {**body, **BACKGROUND, **tried}
        request = Request("DELETE", path(ref.kind, ref.namespace, ref.name), query, body=options)
        try:
            self._ask(request)
        except NotFound:
            return

    def _apply(self, ref: Ref, body: Manifest, lock: Mapping[str, str], *, subresource: str = "") -> Request:
        address = {"name": ref.name, **({"namespace": ref.namespace} if ref.namespace else {})}
        metadata = {**(body.get("metadata") or {}), **address, **lock}
        intent = {**body, "apiVersion": ref.kind.api_version, "kind": ref.kind.name, "metadata": metadata}
        query = {"fieldManager": self.manager, "force": "true", "fieldValidation": "Strict"}
        return Request("PATCH", path(ref.kind, ref.namespace, ref.name, subresource), query, intent, APPLY)

    def _ask(self, request: Request) -> Manifest:
        retrying = Retrying(
            retry=retry_if_exception_type(Unavailable), wait=self._pause, stop=self._is_too_late, reraise=True
        )
        return retrying(self._once, request)

    def _pause(self, state: RetryCallState) -> float:
        """Return the seconds until the next try: at random, and not before the API server asked for it."""
        jitter = wait_random_exponential(multiplier=PAUSE, max=LONGEST_PAUSE)(state)
        return max(jitter, _retry_after(state))

    def _is_too_late(self, state: RetryCallState) -> bool:
        """Return whether another try, after its pause, would miss the deadline: then the last error is raised."""
        tried = state.seconds_since_start or 0.0
        return tried + state.upcoming_sleep >= self._patience or state.upcoming_sleep >= self._deadline.left

    def _once(self, request: Request) -> Manifest:
        left, began = self._deadline.left, time.monotonic()
        if not left:
            raise Unavailable(
                f"{request.method} {request.path} was not sent: {self._deadline.seconds:.0f} s, which a reconcile may "
                "take, are over; the event is retried"
            )
        answer = self._transport(replace(request, connect=min(request.connect, left), read=min(request.read, left)))
        ended = time.monotonic()
        self.calls.append(
            Call(
                verb=request.method,
                path=request.path,
                status=answer.status,
                began=(began - self._deadline.began) * 1000,
                milliseconds=(ended - began) * 1000,
            )
        )
        return checked_body(request, answer)


def _retry_after(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return error.retry_after if isinstance(error, Unavailable) else 0.0


BACKGROUND = {"propagationPolicy": "Background"}
DRY_RUN = {"dryRun": "All"}


def path(kind: Kind, namespace: str, name: str = "", subresource: str = "") -> str:
    """Return the URL path of an object or, without a name, of a collection."""
    root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.api_version}"
    scope = f"/namespaces/{namespace}" if namespace else ""
    return "/".join(part for part in (f"{root}{scope}/{kind.plural}", name, subresource) if part)


def checked_body(request: Request, answer: ApiResponse) -> Manifest:
    """Return the body of a successful answer; else raise the error that the answer means.

    The message of a Status body is passed on, since it names the field.
    """
    if 200 <= answer.status < 300:
        return answer.body
    message = str(answer.body.get("message") or f"{request.method} {request.path}: status {answer.status}")
    error = _error(answer)(message, status=answer.status, reason=_reason(answer.body))
    if isinstance(error, Unavailable):
        error.retry_after = answer.retry_after
    raise error


def _reason(body: Manifest) -> str:
    details = body.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    reasons = [cause.get("reason") for cause in causes or () if isinstance(cause, dict)]
    terminating = "NamespaceTerminating" in reasons
    return "NamespaceTerminating" if terminating else str(body.get("reason") or "")


def _error(answer: ApiResponse) -> type[ApiError]:
    known: dict[int, type[ApiError]] = {
        400: Invalid,
        403: Forbidden,
        404: NotFound,
        409: Conflict,
        410: Conflict,
        413: Invalid,
        422: Invalid,
    }
    return known.get(answer.status, Unavailable)
