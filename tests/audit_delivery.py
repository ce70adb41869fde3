"""`audit` as a process of its own, and events to it as Knative's dispatcher sends them: again, until they are taken."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import urllib3

from audit.storage.entries import ReportEntry
from local import probe
from local.layout import ROOT
from local.ports import Ports
from runtime.signature import event_hmac
from tests.signing_key import KEY, KeyServer

# As many as one pod is sent at once (`containerConcurrency`).
AT_ONCE = 16


@dataclass
class AuditProcess:
    """One process on a port that stays the same; leaving the `with` ends it."""

    database: str
    log: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=lambda: Ports.free().functions[0])
    _process: subprocess.Popen[bytes] | None = None
    _keys: KeyServer | None = None

    @property
    def url(self) -> str:
        """Where it takes events, and answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def rss(self) -> float:
        """MiB resident."""
        assert self._process
        return float(psutil.Process(self._process.pid).memory_info().rss) / 2**20

    def __enter__(self) -> "AuditProcess":
        if "KUBECONFIG" not in self.settings:
            self._keys = KeyServer(self.log.parent)
            self.settings = {**self.settings, "KUBECONFIG": str(self._keys.kubeconfig)}
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        if self._keys:
            self._keys.close()

    def start(self) -> None:
        """Returns when it is ready."""
        own = {"FUNCTION": "audit", "ACCESS": "open", "DATABASE": self.database, "LOG_LEVEL": "WARNING"}
        own |= {"TMPDIR": str(self.log.parent)}  # goes with the test, also where the process is killed
        given = {**os.environ, **own, "LISTEN_ADDRESS": f"127.0.0.1:{self.port}", **self.settings}
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "functions"]
            self._process = subprocess.Popen(command, cwd=ROOT, env=given, stdout=log, stderr=log)
        ready = probe.http(f"{self.url}/health/readiness")
        assert probe.wait_until(lambda: ready(0), 60, threading.Event()), self.log.read_text()

    def kill(self) -> None:
        """SIGKILL: whatever was under way is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def deliver(reports: Sequence[ReportEntry], url: str, at_once: int = AT_ONCE) -> int:
    """Each until it is acknowledged; the number of deliveries that were not."""
    pool = urllib3.PoolManager(maxsize=at_once, retries=False, timeout=urllib3.Timeout(30))
    with ThreadPoolExecutor(at_once) as senders:
        return sum(senders.map(lambda entry: _send(pool, url, entry), reports))


def _send(pool: urllib3.PoolManager, url: str, entry: ReportEntry) -> int:
    attributes = {"id": entry.id, "type": entry.type, "source": "/load"}
    signature = event_hmac(attributes, json.loads(entry.report), KEY)
    body = b'{"specversion":"1.0","id":"%s","type":"%s","source":"/load","signature":"%s","data":%s}'
    event = body % (entry.id.encode(), entry.type.encode(), signature.encode(), entry.report.encode())
    refused = 0
    while True:
        try:
            answer = pool.request("POST", url, body=event, headers={"Content-Type": "application/cloudevents+json"})
            if answer.status == 204:
                return refused
            assert answer.status == 503, answer.data
        except urllib3.exceptions.HTTPError:
            pass
        refused += 1
        time.sleep(0.05)


def kept(url: str) -> list[str]:
    """The ids of all reports that are shown, newest first."""
    seen: list[str] = []
    before = ""
    while True:
        answer = urllib3.request("GET", f"{url}/api/v1/reports?limit=1000{before}")
        assert answer.status == 200, answer.data
        page = json.loads(answer.data)
        seen += [item["id"] for item in page["items"]]
        if not page["next"]:
            return seen
        before = f"&before={page['next']}"
