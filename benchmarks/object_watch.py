"""Records when each object of a kind first looked as expected, by one watch of the API server."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import urllib3

from local.stack import Stack

# Seconds: on a slow machine a burst of a hundred takes two minutes, and what waits for a sweep takes five more.
TIMEOUT = 600.0
Check = Callable[[Any], bool]


class ObjectWatch:
    """A watch on all objects of a collection, which runs until the API server stops.

    `checks` are what is looked for, by name. Objects are known by their namespace: there is one of a kind in each.
    """

    def __init__(self, stack: Stack, path: str, checks: dict[str, Check], *, selector: str = "") -> None:
        pool = urllib3.PoolManager(ca_certs=str(stack.layout.pki / "ca.crt"), retries=False)
        token = (stack.layout.pki / "tokens.csv").read_text().split(",", 1)[0]
        query = {"watch": "true", "timeoutSeconds": "3600", **({"fieldSelector": selector} if selector else {})}
        headers = {"Authorization": f"Bearer {token}"}

        def watched() -> urllib3.BaseHTTPResponse:
            return pool.request("GET", stack.api.server + path, fields=query, headers=headers, preload_content=False)

        self._stream = watched()
        deadline = time.monotonic() + TIMEOUT
        while self._stream.status != 200 and time.monotonic() < deadline:  # a kind that was defined just now
            time.sleep(0.2)
            self._stream = watched()
        self._checks = checks
        self._seen: dict[tuple[str, str], float] = {}
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def at(self, check: str, namespace: str, after: float = 0.0) -> float:
        """Return when (monotonic seconds) the namespace's object first passed the check; waits for it."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._seen.get((check, namespace), -1.0) >= after, TIMEOUT):
                raise TimeoutError(f"'{check}' in namespace '{namespace}' did not come in {TIMEOUT:.0f} s")
            return self._seen[check, namespace]

    def forget(self, namespace: str) -> None:
        """Forget what was seen in a namespace: the next object that passes a check counts as the first."""
        with self._changed:
            for check in self._checks:
                self._seen.pop((check, namespace), None)

    def _read(self) -> None:
        pending = b""
        try:
            for chunk in self._stream.stream(65536):
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    self._record(json.loads(line)["object"], time.monotonic())
        except (urllib3.exceptions.HTTPError, ValueError, OSError, AttributeError):
            return  # the API server is gone

    def _record(self, manifest: Any, now: float) -> None:
        passed = [name for name, check in self._checks.items() if check(manifest)]
        with self._changed:
            for name in passed:
                self._seen.setdefault((name, manifest["metadata"]["namespace"]), now)
            self._changed.notify_all()
