"""A function's process: the time until it is ready, and its memory."""

import os
import subprocess
import sys
import time

import psutil
import urllib3

from local.layout import ROOT
from local.stack import Stack

PORT = 9301


def start(stack: Stack, function: str, runs: int = 5) -> dict[str, float]:
    """Return milliseconds from start to readiness, best of some runs, and the most MiB resident at that time."""
    account = f"kepler-{function.replace('_', '-')}"
    kubeconfig = stack.kubeconfig_for("kepler-operator", account)
    environment = {
        **os.environ,
        "FUNCTION": function,
        "KUBECONFIG": str(kubeconfig),
        "LISTEN_ADDRESS": f"127.0.0.1:{PORT}",
    }
    starts = [_start(environment) for _ in range(runs)]
    return {"ready_ms": round(min(ready for ready, _ in starts)), "rss_mib": round(max(rss for _, rss in starts), 1)}


def _start(environment: dict[str, str]) -> tuple[float, float]:
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "functions"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _ready():
            time.sleep(0.005)
        return (time.monotonic() - began) * 1000, psutil.Process(process.pid).memory_info().rss / 2**20
    finally:
        process.terminate()
        process.wait()


def _ready() -> bool:
    try:
        return urllib3.request("GET", f"http://127.0.0.1:{PORT}/health/readiness", retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False
