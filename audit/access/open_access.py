"""`ACCESS=open`: whoever is on this machine sees everything. For the embedded default only.

A web page of somebody else's that runs in a browser here is not let in: it may make a name of its own resolve to this
machine (DNS rebinding), but then `Host` has that name; and what it can send without being asked about is no JSON.
"""

from urllib.parse import urlsplit

from flask import Request

from audit.access.viewer import Anybody
from audit.problems import HttpProblem
from runtime.loopback import hostname, is_loopback


def nearby(request: Request) -> Anybody:
    """Raises HttpProblem for any other."""
    if not is_loopback(request.remote_addr or "") or not is_loopback(hostname(f"//{request.host}")):
        raise HttpProblem(
            403, "this answers on this machine only, under 'localhost' or '127.0.0.1': set `ACCESS` to 'token'"
        )
    if request.method == "POST":
        origin = request.headers.get("Origin", "")
        if origin and urlsplit(origin).netloc != request.host:
            raise HttpProblem(403, f"this takes nothing from a page of '{origin}': use the console here")
        if request.mimetype != "application/json":
            raise HttpProblem(415, "send `Content-Type: application/json`")
    return Anybody()
