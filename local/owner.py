"""Ownership of a state folder: one live process at a time.

The kernel holds the lock, and releases it however its process ends. The record beside it names the owner, for `status`
and `down`.
"""

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from local.local_errors import AlreadyRunning
from local.process import living


@dataclass(frozen=True)
class OwnerRecord:
    """The owner as written to disk. `ready` is set once all processes were ready."""

    pid: int
    created: float
    ready: bool = False

    def process(self) -> psutil.Process | None:
        """Return the owner's process, if it is alive."""
        return living(self.pid, self.created)


class FolderOwner:
    """This process's ownership of a state folder."""

    def __init__(self, state: Path) -> None:
        """Take the folder. Raises AlreadyRunning, naming the owner, if another process has it."""
        state.mkdir(parents=True, exist_ok=True)
        state.chmod(0o700)  # databases, logs and keys of this run are in it
        self._file = state / "owner.json"
        self._lock = (state / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            raise AlreadyRunning(_sentence(state)) from error
        self._record = OwnerRecord(os.getpid(), psutil.Process().create_time())
        self._write()

    def ready(self) -> None:
        """Record that everything runs."""
        self._record = OwnerRecord(self._record.pid, self._record.created, ready=True)
        self._write()

    def release(self) -> None:
        """Release the folder."""
        self._file.unlink(missing_ok=True)
        self._lock.close()

    def _write(self) -> None:
        draft = self._file.with_suffix(".tmp")
        draft.write_text(json.dumps(asdict(self._record)))
        draft.replace(self._file)


def owner(state: Path) -> OwnerRecord | None:
    """Return the live owner of a state folder, if there is one."""
    try:
        record = OwnerRecord(**json.loads((state / "owner.json").read_text()))
    except FileNotFoundError:
        return None
    return record if record.process() else None


def _sentence(state: Path) -> str:
    record = owner(state)
    if not record:
        return "another run is starting or stopping: try again in a moment"
    since = time.strftime("%H:%M:%S", time.localtime(record.created))
    return f"a stack is running already (pid {record.pid}, since {since}): `make down` stops it"
