"""CPU time and memory by part, from the node's cgroups and from its processes outside pods.

Memory is anonymous memory: pages of files, which can be shared or dropped, do not count.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from local.admin_client import AdminClient, Object
from local.process import recorded_processes
from node import cgroups

USEC = 1_000_000
NSEC = 1_000_000_000
OPERATOR = "kepler-operator"
# Includes every pod that has ended, since only functions end in large numbers.
FUNCTIONS = "functions"


@dataclass(frozen=True)
class ResourceUsage:
    """CPU seconds since the start, and MiB of anonymous memory now."""

    cpu: float
    memory: float

    def __add__(self, other: "ResourceUsage") -> "ResourceUsage":
        return ResourceUsage(self.cpu + other.cpu, self.memory + other.memory)


def by_part(api: AdminClient, records: Path, mount: Path = cgroups.MOUNT) -> dict[str, ResourceUsage]:
    """Return the usage of each part of the node: processes by name, pods by namespace and purpose."""
    processes = {record.name: _processes(record.pid) for record in recorded_processes(records)}
    pods = {pod["metadata"]["uid"]: pod for pod in api.items("/api/v1/pods")}
    functions = ResourceUsage(_cpu(mount, Path("kubepods")), 0.0)
    for folder in _pods(mount):
        uid = folder.name.removeprefix("pod")
        used = ResourceUsage(_cpu(mount, folder), _memory(mount, folder))
        part = _part(pods[uid]) if uid in pods else FUNCTIONS
        if part == FUNCTIONS:
            functions += ResourceUsage(0.0, used.memory)
        else:
            processes[part] = processes.get(part, ResourceUsage(0.0, 0.0)) + used
            functions += ResourceUsage(-used.cpu, 0.0)
    return processes | {FUNCTIONS: functions}


def since(before: Mapping[str, ResourceUsage], after: Mapping[str, ResourceUsage]) -> dict[str, ResourceUsage]:
    """Return the CPU seconds between two samples, with the memory of the later one."""
    nothing = ResourceUsage(0.0, 0.0)
    return {part: ResourceUsage(used.cpu - before.get(part, nothing).cpu, used.memory) for part, used in after.items()}


def _part(pod: Object) -> str:
    meta = pod["metadata"]
    service = meta.get("labels", {}).get("serving.knative.dev/service", "")
    if service:
        return "kepler-audit" if service == "kepler-audit" else FUNCTIONS
    if meta["namespace"] == OPERATOR:
        return "event source's adapter"
    return "exporters" if meta["name"].startswith("kepler-exporter") else str(meta["namespace"])


def _processes(pid: int) -> ResourceUsage:
    """Return the usage of a process and its descendants.

    The part itself is a descendant of the process that entered the sandbox.
    """
    used = ResourceUsage(0.0, 0.0)
    try:
        first = psutil.Process(pid)
        for process in (first, *first.children(recursive=True)):
            times, memory = process.cpu_times(), process.memory_info()
            used += ResourceUsage(times.user + times.system, (memory.rss - memory.shared) / 2**20)
    except psutil.Error:
        return used
    return used


def _pods(mount: Path) -> list[Path]:
    """Return the directories of pods, relative to the node's."""
    root = _root(mount, "cpuacct")
    return [folder.relative_to(root) for folder in root.glob("kubepods/**/pod*") if folder.is_dir()]


def _root(mount: Path, controller: str) -> Path:
    if cgroups.unified(mount):
        return mount / cgroups.NAME
    # Version 1 mounts cpuacct with cpu, under either name or both.
    names = (controller, f"cpu,{controller}", f"{controller},cpu")
    return next((mount / name for name in names if (mount / name).exists()), mount / controller) / cgroups.NAME


def _cpu(mount: Path, folder: Path) -> float:
    directory = _root(mount, "cpuacct") / folder
    try:
        if cgroups.unified(mount):
            return _field(directory / "cpu.stat", "usage_usec") / USEC
        return int((directory / "cpuacct.usage").read_text()) / NSEC
    except OSError:
        return 0.0


def _memory(mount: Path, folder: Path) -> float:
    name = "anon" if cgroups.unified(mount) else "total_rss"
    try:
        return _field(_root(mount, "memory") / folder / "memory.stat", name) / 2**20
    except OSError:
        return 0.0


def _field(file: Path, name: str) -> int:
    fields = dict(line.split(maxsplit=1) for line in file.read_text().splitlines())
    return int(fields.get(name, 0))
