"""Readiness over HTTP, and waiting for it without fixed sleeps."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import urllib3

from local.local_errors import Interrupted

INTERVAL = 0.025

# Returns whether a part is ready; the argument is the offset in its log at which its latest start begins.
Ready = Callable[[int], bool]

# Knative's drainer answers health checks only with this user agent.
KUBELET = {"User-Agent": "kube-probe/1.35"}


def http(url: str, *, ca: Path | None = None, headers: Mapping[str, str] | None = None) -> Ready:
    """Return a check that is true once `url` answers 2xx."""
    pool = urllib3.PoolManager(ca_certs=str(ca) if ca else None, timeout=1.0, retries=False)

    def check(_: int) -> bool:
        try:
            return pool.request("GET", url, headers=headers).status // 100 == 2
        except urllib3.exceptions.HTTPError:
            return False

    return check


def logged(log: Path, text: str, *, count: int = 1) -> Ready:
    """Return a check that is true once `text` is `count` times in a part's log since its latest start."""

    def check(began: int) -> bool:
        with log.open("rb") as file:
            file.seek(began)
            return file.read().count(text.encode()) >= count

    return check


def wait_until(check: Callable[[], bool], seconds: float, stop: threading.Event) -> bool:
    """Return whether `check` became true in time. Raises Interrupted as soon as `stop` is set."""
    deadline = time.monotonic() + seconds
    while not check():
        if stop.wait(INTERVAL):
            raise Interrupted("stopped while starting")
        if time.monotonic() > deadline:
            return False
    return True
