"""No report is lost or doubled: many at once over HTTP, to a process that is killed again and again. On both databases.

`make bench` does the same with ten thousand.
"""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.audit_delivery import AuditProcess, deliver, kept
from tests.audit_sample import reports_of

REPORTS = 1200
KILLS = 4


def test_what_is_acknowledged_is_kept_once_whenever_the_process_dies(address: str, tmp_path: Path) -> None:
    """And what is not is delivered again, as brokers do."""
    reports = reports_of(REPORTS)
    chance = random.Random(7)
    with AuditProcess(address, tmp_path / "log") as process, ThreadPoolExecutor(1) as broker:
        delivery = broker.submit(deliver, reports, process.url)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.1, 0.5))
            process.kill()
            process.start()
        assert delivery.result() > 0
        assert sorted(kept(process.url)) == sorted(report.id for report in reports)
        process.kill()
        process.start()
        assert len(kept(process.url)) == REPORTS


def test_what_is_delivered_twice_is_kept_once(address: str, tmp_path: Path) -> None:
    """Also by two processes at once, where the database is one for both."""
    reports = reports_of(200)
    with (
        AuditProcess(address, tmp_path / "one") as audit_process,
        AuditProcess(address, tmp_path / "other") as audit_process,
    ):
        others = threading.Thread(target=deliver, args=(reports[::-1], audit_process.url))
        others.start()
        deliver(reports, audit_process.url)
        others.join()
        assert (
            sorted(kept(audit_process.url))
            == sorted(kept(audit_process.url))
            == sorted(report.id for report in reports)
        )
