"""How fast `audit` stores reports, also while its process is killed, and how fast it finds them."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import urllib3

from audit.storage import schema_upgrade
from audit.storage.database import Database
from audit.storage.store import Store
from tests import postgres
from tests.audit_delivery import AuditProcess, deliver, kept
from tests.audit_sample import fill, reports_of

# The number of reports that are delivered.
DELIVERED = 10_000
# How often the process is killed during delivery, and the minimum seconds between two kills.
KILLS, KILL_INTERVAL = 5, 2.0
# The number of stored reports during queries.
SIZES = (10_000, 100_000)
# How often each query is made.
QUERY_COUNT = 20

KEPLER = "kind=Kepler&namespace=lab&name=kepler-lab"
# The console's queries: its pages, and the query for changes.
QUERIES = {
    "changes": "changes?after=0",
    "state": "state",
    "reports page": "reports?limit=50",
    "reports of a namespace": "reports?namespace=lab&limit=50",
    "reports rejected": "reports?outcome=rejected&limit=50",
    "reports by target": "reports?target=DaemonSet/kepler-exporter&namespace=lab&limit=50",
    "history page": f"history?{KEPLER}&limit=20",
    "trace": "traces/{trace}",
}


def measure() -> dict[str, dict[str, float]]:
    """Return all figures, by name, for both databases."""
    figures: dict[str, dict[str, float]] = {}
    for sort in ("sqlite", "postgresql"):
        with database(sort) as (address, folder):
            figures[f"audit {sort}, in"] = measure_intake(address, folder)
        for size in SIZES:
            with database(sort) as (address, folder):
                figures[f"audit {sort}, {size}, ms"] = measure_queries(address, folder, size)
    return figures


@contextmanager
def database(sort: str) -> Iterator[tuple[str, Path]]:
    """Yield the URL of an empty database, and a folder."""
    with tempfile.TemporaryDirectory() as folder:
        if sort == "sqlite":
            yield f"sqlite:///{folder}/audit.db", Path(folder)
        else:
            with postgres.server() as server:
                yield server.create("bench"), Path(folder)


def measure_intake(address: str, folder: Path) -> dict[str, float]:
    """Return the reports stored per second without kills, and figures with kills; none may be lost or stored twice."""
    reports = reports_of(DELIVERED)
    half = DELIVERED // 2
    with AuditProcess(address, folder / "log") as process, ThreadPoolExecutor(1) as broker:
        began = time.monotonic()
        deliver(reports[:half], process.url)
        undisturbed = time.monotonic() - began
        rss = process.rss
        delivery = broker.submit(deliver, reports[half:], process.url)
        for _ in range(KILLS):
            time.sleep(KILL_INTERVAL)
            process.kill()
            process.start()
        again = delivery.result()
        shown = kept(process.url)
        assert sorted(shown) == sorted(report.id for report in reports), (len(shown), len(set(shown)))
    return {
        "reports_per_second": round(half / undisturbed, 1),
        "killed": KILLS,
        "delivered_again": again,
        "lost_or_doubled": 0,
        "rss_mib": round(rss, 1),
    }


def measure_queries(address: str, folder: Path, size: int) -> dict[str, float]:
    """Return the median milliseconds of each query over HTTP."""
    database_of_run = Database(address)
    schema_upgrade.prepare(database_of_run)
    fill(Store(database_of_run), size)
    database_of_run.close()
    with AuditProcess(address, folder / "log") as process:
        history = urllib3.request("GET", f"{process.url}/api/v1/history?{KEPLER}&limit=1").json()
        trace = history["items"][0]["trace"]
        return {name: _median(f"{process.url}/api/v1/{path.format(trace=trace)}") for name, path in QUERIES.items()}


def _median(url: str) -> float:
    pool = urllib3.PoolManager()
    took = []
    for _ in range(QUERY_COUNT):
        began = time.monotonic()
        answer = pool.request("GET", url)
        took.append((time.monotonic() - began) * 1000)
        assert answer.status == 200, answer.data
    return round(statistics.median(took), 1)
