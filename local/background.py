"""`up`, `down` and `status`: the stack in the background. `up` starts a `run`, so both behave alike."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from local import go_programs, run
from local.layout import DEFAULT, ROOT
from local.local_errors import PartFailed
from local.owner import FolderOwner, OwnerRecord, owner
from local.probe import wait_until
from local.process import ProcessRecord, recorded_processes, stop_recorded

START_SECONDS = 180.0
STOP_SECONDS = 60.0

Say = Callable[[str], None]


def up(options: run.Options, say: Say, state: Path = DEFAULT) -> None:
    """Start `run` as a process that outlives this one. Return when all is ready, with its output printed.

    Raises PartFailed if `run` ends before all is ready, with its output, or if it is not ready in time.
    """
    go_programs.build(say=say)
    FolderOwner(state).release()  # raises if another run owns the folder
    stop = run.stopping()
    log = state / "up.log"
    samples = ["--samples", str(options.samples)] if options.samples else ["--no-samples"]
    command = [sys.executable, "-m", "local", "run", "--config", str(options.config), *samples]
    with log.open("wb") as out:
        child = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )

    def ready() -> bool:
        if child.poll() is not None:
            raise PartFailed(log.read_text(errors="replace").strip() or "it ended without output")
        record = owner(state)
        return bool(record and record.pid == child.pid and record.ready)

    in_time = False
    try:
        in_time = wait_until(ready, START_SECONDS, stop)
    finally:
        if not in_time:
            child.terminate()
            child.wait()
    if not in_time:
        raise PartFailed(f"the stack was not ready after {START_SECONDS:.0f} s; see {log}")
    say(log.read_text(errors="replace").strip())


def down(say: Say, state: Path = DEFAULT) -> None:
    """Stop the run of this state folder, and processes that a killed run left behind, but only recorded ones."""
    record = owner(state)
    if record and (process := record.process()):
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
    elif not recorded_processes(state / "run"):
        say("nothing is running")
        return
    claim = FolderOwner(state)
    left = stop_recorded(state / "run")
    claim.release()
    say(f"stopped what a run left behind: {', '.join(left)}" if left else "stopped")


def status(state: Path = DEFAULT) -> bool:
    """Print a line for each part; return true only if all of them run and their owner is ready."""
    records = recorded_processes(state / "run")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("part", "pid", "runs", "ports", "log"):
        table.add_column(name, overflow="fold")
    for process in records:
        ports = ",".join(str(port) for port in process.ports)
        table.add_row(process.name, str(process.pid), "yes" if process.process() else "no", ports, process.log)
    console = Console()
    console = console if console.is_terminal else Console(width=run.WIDTH)
    record = owner(state)
    if records:
        console.print(table)
    console.print(_state(record, records))
    return bool(record and record.ready and records and all(process.process() for process in records))


def _state(record: OwnerRecord | None, records: list[ProcessRecord]) -> str:
    if record:
        return "running" if record.ready else "starting or stopping"
    return "no `run` supervises these processes: `make down` stops them" if records else "nothing is running"
