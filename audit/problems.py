"""Errors of the query API as problem documents (RFC 9457); each `detail` says what to do."""

import json
from http import HTTPStatus

from flask import Response

PROBLEM = "application/problem+json"


class HttpProblem(Exception):  # the HTTP edge's own, below no tree: it never leaves it
    """An answer other than success."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail

    def response(self) -> Response:
        """Return the problem document; a 401 names the authentication scheme (RFC 6750)."""
        title = HTTPStatus(self.status).phrase
        body = {"type": "about:blank", "title": title, "status": self.status, "detail": self.detail}
        response = Response(json.dumps(body), status=self.status, mimetype=PROBLEM)
        if self.status == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = 'Bearer realm="kepler"'
        return response


class TooManyNamespaces(HttpProblem):
    """More namespaces than the API server is asked about for one user: the request has to name one."""
