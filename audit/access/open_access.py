"""`ACCESS=open`: every user of this machine sees everything. For the embedded default only.

Web pages of other sites that run in a browser on this machine get no access. Such a page can make its own host name
resolve to this machine (DNS rebinding), but then `Host` has that name. And a POST that a browser sends to another site
without a preflight request cannot have the content type `application/json`.
"""

from urllib.parse import urlsplit

from flask import Request

from audit.access.viewer import LocalViewer
from audit.problems import HttpProblem
from runtime.loopback import hostname, is_loopback


def local_viewer(request: Request) -> LocalViewer:
    """Return the viewer of a request from this machine. Raises HttpProblem for any other request."""
    if not is_loopback(request.remote_addr or "") or not is_loopback(hostname(f"//{request.host}")):
        raise HttpProblem(
            403, "this answers on this machine only, under 'localhost' or '127.0.0.1': set `ACCESS` to 'token'"
        )
    if request.method == "POST":
        origin = request.headers.get("Origin", "")
        if origin and urlsplit(origin).netloc != request.host:
            raise HttpProblem(403, f"requests from pages of '{origin}' are refused: use the console here")
        if request.mimetype != "application/json":
            raise HttpProblem(415, "send `Content-Type: application/json`")
    return LocalViewer()
