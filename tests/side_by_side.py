"""The tests in several processes beside each other, `pytest --numprocesses=2`: which stay together, and how they end.

A process gets whole files; of the folders whose tests share a running stack of their own, everything, so that each of
these stacks is started once. Only one of them may have a data plane: its dispatcher's ports are constants.
"""

import contextlib
import threading
from collections.abc import Sequence

import psutil
import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

from local.probe import wait_until

TOGETHER = ("tests/browser", "tests/campaign", "tests/e2e", "tests/faults", "tests/offered")
# Seconds in which a process stops its control plane, or everything that `make run` starts, on a busy machine.
PATIENCE = 60.0


class FilesAndFolders(LoadScopeScheduling):
    """Gives each process the next file or folder, in the order of their names, when it is about to run out of tests."""

    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)


def together(nodeid: str) -> str:
    """The folder or the file whose tests run in one process with this test."""
    file = nodeid.partition("::")[0]
    folder = file.rpartition("/")[0]
    return folder if folder in TOGETHER else file


def shares(config: pytest.Config) -> bool:
    """Whether this process only hands tests out to others, and starts nothing but these."""
    return bool(config.getoption("numprocesses", None))


def end_tests() -> None:
    """Ends the tests in the other processes, and returns when these have stopped what they started.

    pytest-xdist alone would kill them after ten seconds, and leave their control planes running.
    """
    for process in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    await_end()


def await_end() -> bool:
    """Whether the other processes, which have been told to end, stop in time what they started."""
    processes = psutil.Process().children()
    return wait_until(lambda: not _started_by(processes), PATIENCE, threading.Event())


def _started_by(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """What these processes have started that still runs."""
    started: list[psutil.Process] = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            started += process.children()
    return started
