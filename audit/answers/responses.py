"""How answers of the query API and of the console go out: as JSON, or as a problem; never kept, and guarded."""

import logging
from collections.abc import Callable, Iterator, Sequence

from flask import Response, request
from pydantic import BaseModel
from werkzeug.exceptions import HTTPException

from audit.problems import HttpProblem
from runtime.errors import ApiError, OperatorError

log = logging.getLogger("kepler.audit")

# A page of items that is joined from their JSON, and how many of them go out at once.
BEGIN, AT_ONCE = b'{"items":[', 200

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def unknown(path: str) -> Response:
    """What the query API does not have."""
    raise HttpProblem(404, f"there is no '{path}': see the table in the documentation of the query API")


def guarded(answer: Response) -> Response:
    """Add the headers that restrict what a browser does with the answer."""
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    answer.headers.setdefault("Cache-Control", "no-store")
    if not answer.content_length:
        answer.headers.pop("Content-Type", None)
    return answer


def problem(error: Exception) -> Response:
    """Any error as a problem document."""
    if isinstance(error, HttpProblem):
        return error.response()
    if isinstance(error, ApiError):
        log.warning("not answered", extra={"path": request.path, "reason": error.message})
        return HttpProblem(503, f"{error.message}; ask again in a moment").response()
    if isinstance(error, OperatorError):
        return HttpProblem(503, str(error)).response()
    if isinstance(error, HTTPException):
        return HttpProblem(error.code or 500, str(error.description)).response()
    log.error("defect", exc_info=error, extra={"path": request.path})
    return HttpProblem(500, f"{type(error).__name__}: the log of the function says more").response()


def joined(items: Sequence[bytes], page: BaseModel) -> Response:
    """Return a page of items that are JSON already, sent some at a time: the whole is never there at once.

    `page` is the same page without its items.
    """
    end = b"]," + page.model_dump_json(by_alias=True, exclude={"items"}).encode()[1:]
    answer = Response(_parts(items, end), mimetype="application/json")
    answer.content_length = sum(map(len, items)) + max(0, len(items) - 1) + len(BEGIN) + len(end)
    return answer


def _parts(items: Sequence[bytes], end: bytes) -> Iterator[bytes]:
    yield BEGIN
    for first in range(0, len(items), AT_ONCE):
        part = b",".join(items[first : first + AT_ONCE])
        yield b"," + part if first else part
    yield end


def answering(answer: Callable[..., BaseModel | Response | None]) -> Callable[..., Response]:
    """A view that answers with what this does; 204 where that is nothing."""

    def view(**path: str) -> Response:
        answered = answer(**path)
        if answered is None:
            return Response(status=204)
        if isinstance(answered, Response):
            return answered
        return Response(answered.model_dump_json(by_alias=True), mimetype="application/json")

    return view
