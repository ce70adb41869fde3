"""Makes HTTP responses of the query API and the console: JSON or problem documents, uncached, with security headers."""

import logging
from collections.abc import Callable, Iterator, Sequence

from flask import Response, after_this_request, request
from pydantic import BaseModel
from werkzeug.exceptions import HTTPException

from audit.answers.cached_read import Age
from audit.problems import HttpProblem
from runtime.errors import ApiError, OperatorError

log = logging.getLogger("kepler.audit")

# The beginning of a page that is joined from the JSON of its items, and how many items are sent at a time.
BEGIN, AT_ONCE = b'{"items":[', 200

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# Seconds since the read of what is shown began, and until the next one can begin; both with milliseconds.
READ_AGE, NEXT_READ = "Read-Age", "Next-Read"


def unknown(path: str) -> Response:
    """Raise HttpProblem (404) for a path that the query API does not have."""
    raise HttpProblem(404, f"there is no '{path}': see the table in the documentation of the query API")


def with_security_headers(answer: Response) -> Response:
    """Add the headers that restrict what a browser does with the response."""
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    answer.headers.setdefault("Cache-Control", "no-store")
    if not answer.content_length:
        answer.headers.pop("Content-Type", None)
    return answer


def send_age(*ages: Age) -> None:
    """Have the response to this request say how old the oldest of these reads is, in `READ_AGE` and `NEXT_READ`."""

    def with_age(answer: Response) -> Response:
        answer.headers[READ_AGE] = f"{max(age.seconds for age in ages):.3f}"
        answer.headers[NEXT_READ] = f"{max(age.next for age in ages):.3f}"
        return answer

    after_this_request(with_age)


def problem(error: Exception) -> Response:
    """Return a problem document for any error."""
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


def json_page(items: Sequence[bytes], page: BaseModel) -> Response:
    """Return a page of items that are JSON already, streamed in parts, so that the whole is never in memory.

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


def as_view(answer: Callable[..., BaseModel | Response | None]) -> Callable[..., Response]:
    """Return a view that sends what `answer` returns; 204 if that is None."""

    def view(**path: str) -> Response:
        answered = answer(**path)
        if answered is None:
            return Response(status=204)
        if isinstance(answered, Response):
            return answered
        return Response(answered.model_dump_json(by_alias=True), mimetype="application/json")

    return view
