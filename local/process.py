"""A part of the stack as a process: started, watched until it is ready, recorded, and stopped in order.

Every process leads its own session, so that Ctrl-C in the terminal reaches only this process, which decides the order.
Running processes are recorded by pid and creation time, since a pid alone may be reused.
"""

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from pathlib import Path

import psutil

from local.local_errors import PartFailed
from local.ports import Port
from local.probe import Ready, wait_until


class Stage(IntEnum):
    """The order of stopping: senders before receivers, writers before storage."""

    FUNCTION = 0
    SOURCE = 1
    INGRESS = 2
    FILTER = 3
    DISPATCHER = 4
    NODE = 5
    CONTROLLER = 6
    APISERVER = 7
    ETCD = 8


# Seconds. Knative's receivers would drain for up to 45 s, although no destination is left by then.
GRACE = {Stage.INGRESS: 2.0, Stage.FILTER: 2.0, Stage.DISPATCHER: 2.0}
DEFAULT_GRACE = 5.0

# Variables that processes do not inherit: each gets its own kubeconfig, and loopback needs no proxy.
NOT_INHERITED = {"KUBECONFIG", "PYTHONDONTWRITEBYTECODE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}


@dataclass(frozen=True)
class ProcessSpec:
    """What to start, and a check of its readiness. `environment` is added to the inherited variables."""

    name: str
    stage: Stage
    command: tuple[str, ...]
    log: Path
    ready: Ready
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    directory: Path | None = None


@dataclass(frozen=True)
class ProcessRecord:
    """A started process as written to disk, for `status`, `down` and the next start."""

    name: str
    stage: int
    pid: int
    created: float
    ports: tuple[int, ...]
    log: str

    def process(self) -> psutil.Process | None:
        """Return the process, if it still runs and is the one that was recorded."""
        return living(self.pid, self.created)


def living(pid: int, created: float) -> psutil.Process | None:
    """Return the process of that pid, unless it is gone, a zombie, or was not created at `created`."""
    try:
        process = psutil.Process(pid)
        # The system's boot time, from which this is computed, may change by a second between two reads.
        same = abs(process.create_time() - created) < 2
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


class Process:
    """A started part of the stack; `spec` says how it is started again."""

    def __init__(self, spec: ProcessSpec, popen: "subprocess.Popen[bytes]", record: ProcessRecord, began: int) -> None:
        self.spec = spec
        self.record = record
        self._popen = popen
        self._began = began

    @classmethod
    def start(cls, spec: ProcessSpec, records: Path, *, append: bool = False) -> "Process":
        """Start the part and record it. Its log is truncated, unless `append`."""
        spec.log.parent.mkdir(parents=True, exist_ok=True)
        with spec.log.open("ab" if append else "wb") as log:
            began = log.tell()
            popen = subprocess.Popen(
                spec.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=spec.directory,
                env=inherited() | dict(spec.environment),
                start_new_session=True,
            )
        created = psutil.Process(popen.pid).create_time()
        ports = tuple(port.number for port in spec.ports)
        record = ProcessRecord(spec.name, int(spec.stage), popen.pid, created, ports, str(spec.log))
        write(records, record)
        return cls(spec, popen, record, began)

    @property
    def name(self) -> str:
        """The name of the part."""
        return self.spec.name

    @property
    def alive(self) -> bool:
        """Whether the process runs; also reaps it if it has ended."""
        return self._popen.poll() is None

    @property
    def ready(self) -> bool:
        """Whether the part is ready, since this start."""
        return self.spec.ready(self._began)

    def kill(self) -> None:
        """Send SIGKILL to the process group, as if its machine were lost, and wait for its end."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()

    def terminate(self) -> None:
        """Send SIGTERM to the process group, and do not wait for its end."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGTERM)

    def forget(self, records: Path) -> None:
        """Remove the record of a process that has ended and is not started again under this name."""
        (records / f"{self.name}.json").unlink(missing_ok=True)

    def failure(self, problem: str) -> PartFailed:
        """Return the error about a part that failed, in one line."""
        return PartFailed(f"{self.name} {problem}; its log is {self.spec.log}, and ends: {last_line(self.spec.log)}")


def inherited() -> dict[str, str]:
    """Return this process's environment without `NOT_INHERITED`."""
    return {key: value for key, value in os.environ.items() if key.upper() not in NOT_INHERITED}


def last_line(log: Path) -> str:
    """Return the last line of a log that is not blank."""
    with contextlib.suppress(OSError):
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines()[-50:]]
        return next((line[:300] for line in reversed(lines) if line), "(nothing)")
    return "(nothing)"


def await_ready(processes: Iterable[Process], seconds: float, stop: threading.Event) -> None:
    """Return when all are ready. Raises PartFailed for the first that ended, or is not ready in time."""
    pending = list(processes)

    def check() -> bool:
        for process in list(pending):
            if not process.alive:
                raise process.failure("ended while starting")
            if process.ready:
                pending.remove(process)
        return not pending

    if not wait_until(check, seconds, stop):
        raise pending[0].failure(f"was not ready after {seconds:.0f} s")


def write(records: Path, record: ProcessRecord) -> None:
    """Write the record of a started process, atomically."""
    records.mkdir(parents=True, exist_ok=True)
    draft = records / f".{record.name}.tmp"
    draft.write_text(json.dumps(asdict(record)))
    draft.replace(records / f"{record.name}.json")


def recorded_processes(records: Path) -> list[ProcessRecord]:
    """Return all recorded processes of this state folder, in the order of stopping."""
    contents = [json.loads(file.read_text()) for file in sorted(records.glob("*.json"))]
    return sorted(
        (ProcessRecord(**(content | {"ports": tuple(content["ports"])})) for content in contents),
        key=lambda content: content.stage,
    )


def stop_recorded(records: Path) -> list[str]:
    """Stop, stage by stage, the recorded processes that still run; return their names."""
    stopped = []
    everything = recorded_processes(records)
    for stage in sorted({record.stage for record in everything}):
        of_stage = [record for record in everything if record.stage == stage]
        stopped += _stop(of_stage, GRACE.get(Stage(stage), DEFAULT_GRACE))
        for record in of_stage:
            (records / f"{record.name}.json").unlink(missing_ok=True)
    return stopped


def _stop(records: list[ProcessRecord], grace: float) -> list[str]:
    running = {record.name: process for record in records if (process := record.process())}
    for process in running.values():
        _signal(process, signal.SIGTERM)
    _, stubborn = psutil.wait_procs(list(running.values()), timeout=grace)
    for process in stubborn:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=DEFAULT_GRACE)
    return list(running)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
