"""The node's own directory in each cgroup hierarchy of this machine, version 1 or 2.

All processes of the node are below it, pods in `kubepods` and the rest in `host`. It gets a large share of the CPU: a
directory without one counts as a single process beside whatever else this machine runs.
"""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
NAME = "kepler-node"
HOST = "host"

# 1024 is what one busy process outside gets in version 1, 100 in version 2.
SHARES = 8192
WEIGHT = 800
REMOVAL_SECONDS = 10.0


def unified(mount: Path = MOUNT) -> bool:
    """Whether this machine has cgroup version 2 only, as `stat -f` of the mount would say."""
    return (mount / "cgroup.controllers").exists()


def hierarchies(mount: Path = MOUNT) -> list[Path]:
    """The root directory of every hierarchy: the mount itself in version 2, else one for each set of controllers."""
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
    """Remove the node's directories, innermost first; return those that could not be, because a process is in them."""
    deadline = time.monotonic() + REMOVAL_SECONDS
    while True:
        left = [folder for root in hierarchies(mount) for folder in _remove(root / NAME)]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def processes(mount: Path = MOUNT) -> set[int]:
    """The pids of everything in the node's directories."""
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
    """A directory and all in it, innermost first; empty where there is none."""
    return [Path(folder) for folder, _, _ in os.walk(node, topdown=False)]


def _pids(folder: Path) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(line) for line in (folder / "cgroup.procs").read_text().split()]
    return []


def _inherit_cpus(folder: Path) -> None:
    """A new directory of version 1's cpuset has no CPU, and takes no process until it has."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        parent = folder.parent / name
        if parent.exists() and not unified(MOUNT):
            _write(folder / name, parent.read_text().strip())


def _write(file: Path, value: str) -> None:
    if file.exists() and value:
        file.write_text(value)
