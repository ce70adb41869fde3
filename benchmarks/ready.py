"""Time from the API server's answer to a create until `Ready`, and API calls, on the whole local stack."""

import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable

from benchmarks.ready_watch import ReadyWatch
from local.admin_client import Object
from local.stack import Stack
from tests.workbench import create_namespace

API = "/apis/sustainable-computing.io/v1alpha1"


def one_by_one(stack: Stack, watch: ReadyWatch, count: int) -> dict[str, float]:
    """Return milliseconds to `Ready`; each Kepler is created once the one before is Ready."""
    return _quantiles(_create(stack, f"one-{number}", watch)() for number in range(count))


def at_once(stack: Stack, watch: ReadyWatch, count: int, prefix: str = "burst") -> dict[str, float]:
    """Return milliseconds to `Ready`; all Keplers are created as fast as the API server accepts them."""
    began = time.monotonic()
    pending = [_create(stack, f"{prefix}-{number}", watch) for number in range(count)]
    quantiles = _quantiles(wait() for wait in pending)
    return quantiles | {"resources_per_second": round(count / (time.monotonic() - began), 1)}


def _create(stack: Stack, namespace: str, watch: ReadyWatch) -> Callable[[], float]:
    """Create a Kepler, and return a function that waits until it is Ready and returns the milliseconds."""
    create_namespace(stack, namespace)
    kepler: Object = {"apiVersion": "sustainable-computing.io/v1alpha1", "kind": "Kepler"}
    stack.api.create(f"{API}/namespaces/{namespace}/keplers", kepler | {"metadata": {"name": "kepler"}, "spec": {}})
    created = time.monotonic()
    return lambda: (watch.at(namespace) - created) * 1000


def _quantiles(milliseconds: Iterable[float]) -> dict[str, float]:
    ordered = sorted(milliseconds)
    p95 = statistics.quantiles(ordered, n=20)[-1] if len(ordered) > 1 else ordered[0]
    return {"p50_ms": round(statistics.median(ordered), 1), "p95_ms": round(p95, 1), "max_ms": round(ordered[-1], 1)}


def calls(stack: Stack, namespaces: str) -> dict[str, float]:
    """Return API calls by function for each Kepler of these namespaces, from the API server's audit log."""
    users: Counter[str] = Counter()
    keplers = set()
    for line in stack.layout.log("audit").read_text().splitlines():
        entry = json.loads(line)
        where = (entry.get("objectRef") or {}).get("namespace", "")
        account = entry["user"].get("username", "").rpartition(":")[2]
        if where.startswith(namespaces) and account.startswith("kepler-"):
            keplers.add(where)
            users[account] += 1
    return {account: round(count / max(1, len(keplers)), 1) for account, count in sorted(users.items())}
