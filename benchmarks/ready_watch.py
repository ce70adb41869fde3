"""Records when each Kepler becomes Ready, by one watch of the API server."""

import json
import threading
import time

import urllib3

from local.stack import Stack

PATH = "/apis/sustainable-computing.io/v1alpha1/keplers"
READY_TIMEOUT = 60.0


class ReadyWatch:
    """A watch on all Keplers, which runs until the API server stops."""

    def __init__(self, stack: Stack) -> None:
        pool = urllib3.PoolManager(ca_certs=str(stack.layout.pki / "ca.crt"), retries=False)
        headers = {"Authorization": f"Bearer {_token(stack)}"}
        query = {"watch": "true", "timeoutSeconds": "600"}
        self._stream = pool.request(
            "GET", stack.api.server + PATH, fields=query, headers=headers, preload_content=False
        )
        self._seen: dict[str, float] = {}
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def at(self, namespace: str) -> float:
        """Return the time (monotonic seconds) at which the namespace's Kepler was first seen Ready; waits for it."""
        with self._changed:
            if not self._changed.wait_for(lambda: namespace in self._seen, READY_TIMEOUT):
                raise TimeoutError(f"the Kepler of namespace '{namespace}' is not Ready")
            return self._seen[namespace]

    def _read(self) -> None:
        pending = b""
        try:
            for chunk in self._stream.stream(65536):
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    self._record(json.loads(line)["object"], time.monotonic())
        except (urllib3.exceptions.HTTPError, ValueError, OSError, AttributeError):
            return  # the API server is gone

    def _record(self, kepler: dict[str, dict[str, object]], now: float) -> None:
        """Record the time if the Kepler is Ready for the first time, and wake those who wait for it."""
        conditions = (kepler.get("status") or {}).get("conditions") or []
        if any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions):  # type: ignore[attr-defined]
            with self._changed:
                self._seen.setdefault(str(kepler["metadata"]["namespace"]), now)
                self._changed.notify_all()


def _token(stack: Stack) -> str:
    return str((stack.layout.pki / "tokens.csv").read_text().split(",", 1)[0])
