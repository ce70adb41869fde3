"""The node's own directory in each cgroup hierarchy of this machine, version 1 or 2.

All processes of the node are below it, pods in `kubepods` and the rest in `host`. It gets a large share of the CPU: a
directory with the default share counts as one process among all others of this machine.
"""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
NAME = "kepler-node"
HOST = "host"

# A busy process outside gets 1024 in version 1, and 100 in version 2.
SHARES = 8192
WEIGHT = 800
REMOVAL_SECONDS = 10.0


def unified(mount: Path = MOUNT) -> bool:
    """Return whether this machine has cgroup version 2 only."""
    return (mount / "cgroup.controllers").exists()


def hierarchies(mount: Path = MOUNT) -> list[Path]:
    """Return the root directory of each hierarchy: the mount in version 2, else one for each set of controllers."""
    if unified(mount):
        return [mount]
    return sorted(
        folder for folder in mount.glob("*") if (folder / "cgroup.procs").exists() and not folder.is_symlink()
    )


def create(mount: Path = MOUNT) -> list[Path]:
    """Create the node's directories and return the `cgroup.procs` files that a process of the node has to be in."""
    joined = []
    for root in hierarchies(mount):
        node = root / NAME
        for folder in (node, node / HOST):
            folder.mkdir(exist_ok=True)
            _inherit_cpus(folder)
        _write(node / "cpu.shares", str(SHARES))
        _write(node / "cpu.weight", str(WEIGHT))
        joined.append(node / HOST / "cgroup.procs")
    return joined


def remove(mount: Path = MOUNT) -> list[Path]:
    """Remove the node's directories, innermost first; return those that still have a process and cannot be removed."""
    deadline = time.monotonic() + REMOVAL_SECONDS
    while True:
        left = [folder for root in hierarchies(mount) for folder in _remove(root / NAME)]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def processes(mount: Path = MOUNT) -> set[int]:
    """Return the pids of all processes in the node's directories."""
    return {pid for root in hierarchies(mount) for folder in _below(root / NAME) for pid in _pids(folder)}


def _remove(node: Path) -> Iterator[Path]:
    for folder in _below(node):
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            yield folder


def _below(node: Path) -> Iterable[Path]:
    """Return a directory and all directories in it, innermost first; empty if it does not exist."""
    return [Path(folder) for folder, _, _ in os.walk(node, topdown=False)]


def _pids(folder: Path) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(line) for line in (folder / "cgroup.procs").read_text().split()]
    return []


def _inherit_cpus(folder: Path) -> None:
    """Copy the parent's CPUs and memory nodes to a new directory of version 1's cpuset, which has none.

    It accepts no process before.
    """
    for name in ("cpuset.cpus", "cpuset.mems"):
        parent = folder.parent / name
        if parent.exists() and not unified(MOUNT):
            _write(folder / name, parent.read_text().strip())


def _write(file: Path, value: str) -> None:
    if file.exists() and value:
        file.write_text(value)
