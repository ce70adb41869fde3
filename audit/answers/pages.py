"""Serves the console's files from `audit/console`; a browser revalidates them on each request."""

import hashlib
from pathlib import Path

from flask import Response, request
from werkzeug.security import safe_join

from audit.problems import HttpProblem

CONSOLE = Path(__file__).parent.parent / "console"
INDEX = "index.html"
# Not `mimetypes`, since its table depends on the machine; a browser runs no module that has a wrong type.
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


def page(name: str = INDEX) -> Response:
    """Return one file. Raises HttpProblem if there is no file of this name."""
    joined = safe_join(str(CONSOLE), name)
    path = Path(joined) if joined else None
    if path is None or path.suffix not in TYPES or not path.is_file():
        raise HttpProblem(404, "there is no such page: the console is at the address without a path")
    content = path.read_bytes()
    answer = Response(content, content_type=TYPES[path.suffix])
    answer.set_etag(hashlib.sha256(content).hexdigest()[:32])
    answer.headers["Cache-Control"] = "no-cache"
    answer.make_conditional(request)
    answer.headers.pop("Date", None)  # the server's to set
    return answer
