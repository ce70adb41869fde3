"""What processes cost: CPU seconds, resident memory, and requests to the API server."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from local.stack import Stack

CONTROL_PLANE = ("etcd", "kube-apiserver")
CONTROLLERS = ("kube-controller-manager", "kube-scheduler", "kwok")
# Functions that no Kepler needs to become Ready.
BESIDE = ("kepler-audit", "kepler-sweep", "kepler-dead-letter")
# The groups of processes, as the table names them.
FUNCTIONS, RECORDS, DATA_PLANE, API_SERVER, OTHERS = (
    "functions",
    "audit, sweep, dead letters",
    "data plane",
    "API server and etcd",
    "controllers and kwok",
)


def group_of(name: str) -> str:
    """Return the group of a part of the local stack."""
    if name in CONTROL_PLANE:
        return API_SERVER
    if name in CONTROLLERS:
        return OTHERS
    if name in BESIDE:
        return RECORDS
    return FUNCTIONS if name.startswith(("kepler-", "kopf")) else DATA_PLANE


def cpu_seconds(stack: Stack) -> Counter[str]:
    """Return the CPU time that each group of processes has used."""
    used: Counter[str] = Counter()
    for name, process in stack.processes.items():
        times = psutil.Process(process.record.pid).cpu_times()
        used[group_of(name)] += times.user + times.system  # type: ignore[assignment]
    return used


def resident_mib(stack: Stack) -> dict[str, float]:
    """Return the resident memory of each group, in MiB; what processes share counts once for each."""
    resident: dict[str, float] = {}
    for name, process in stack.processes.items():
        group = group_of(name)
        resident[group] = resident.get(group, 0.0) + psutil.Process(process.record.pid).memory_info().rss / 2**20
    return {group: round(mib, 1) for group, mib in resident.items()}


class RequestLog:
    """The API server's audit log, read on from where it was read last."""

    def __init__(self, stack: Stack) -> None:
        self._path = stack.layout.log("audit")
        self._offset = self._path.stat().st_size

    def take(self) -> Counter[str]:
        """Return the requests since the last time by group, watches left out."""
        with self._path.open("rb") as log:
            log.seek(self._offset)
            lines = log.read()
            self._offset = log.tell()
        users: Counter[str] = Counter()
        for line in lines.splitlines():
            entry = json.loads(line)
            account = entry["user"].get("username", "").rpartition(":")[2]
            if entry["verb"] != "watch" and account.startswith(("kepler-", "kopf")):
                users[group_of(account)] += 1
        return users


@dataclass
class Cost:
    """What a span of time has cost: CPU seconds and requests by group."""

    cpu: Mapping[str, float]
    requests: Mapping[str, int]

    def per(self, count: int) -> dict[str, float]:
        """Return the figures for each of `count` resources: CPU in ms of each group, and of ours in all, and requests.

        Ours are the functions and the data plane that carries their events; `audit` and the sweep are not part of it.
        """
        cpu = {f"CPU of {group}, ms": round(seconds * 1000 / count, 1) for group, seconds in self.cpu.items()}
        ours = self.cpu.get(FUNCTIONS, 0.0) + self.cpu.get(DATA_PLANE, 0.0)
        requests = self.requests.get(FUNCTIONS, 0)
        return {"requests": round(requests / count, 1), "CPU of ours, ms": round(ours * 1000 / count, 1), **cpu}


class CostMeter:
    """Measures the cost of what happens between its beginning and `take`."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._log = RequestLog(stack)
        self._before = cpu_seconds(stack)

    def take(self) -> Cost:
        """Return the cost so far, and begin anew."""
        now = cpu_seconds(self._stack)
        spent = {group: now[group] - self._before[group] for group in now}
        self._before = now
        return Cost(spent, self._log.take())
