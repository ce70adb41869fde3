"""A function's process: the CPU time and the time until it is ready, and its memory."""

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
    """Return CPU and wall milliseconds from start to readiness, best of some runs, and the most MiB resident then."""
    account = f"kepler-{function.replace('_', '-')}"
    kubeconfig = stack.kubeconfig_for("kepler-operator", account)
    environment = {
        **os.environ,
        "FUNCTION": function,
        "KUBECONFIG": str(kubeconfig),
        "LISTEN_ADDRESS": f"127.0.0.1:{PORT}",
    }
    starts = [_start(environment) for _ in range(runs)]
    return {
        "CPU to ready, ms": round(min(cpu for _, cpu, _ in starts)),
        "to ready, ms": round(min(ready for ready, _, _ in starts)),
        "resident, MiB": round(max(resident for _, _, resident in starts), 1),
    }


def _start(environment: dict[str, str]) -> tuple[float, float, float]:
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
        took = (time.monotonic() - began) * 1000
        started = psutil.Process(process.pid)
        used = started.cpu_times()
        return took, (used.user + used.system) * 1000, started.memory_info().rss / 2**20
    finally:
        process.terminate()
        process.wait()


def _ready() -> bool:
    try:
        return urllib3.request("GET", f"http://127.0.0.1:{PORT}/health/readiness", retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False
