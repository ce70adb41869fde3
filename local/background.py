"""`up`, `down` and `status`: the stack without a terminal."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from local import build, run
from local.errors import Interrupted, PartFailed
from local.layout import DEFAULT, ROOT
from local.owner import Owner, owner
from local.probe import until
from local.process import recorded, stop_recorded

START_SECONDS = 180.0
STOP_SECONDS = 60.0

Say = Callable[[str], None]


def up(options: run.Options, say: Say, state: Path = DEFAULT) -> None:
    """Starts a supervisor that outlives us; returns when the stack is ready. Raises with its last words if it is not."""
    build.build(say=say)
    Owner(state).release()  # raises where another run owns the folder
    stop = run.stopping()
    log = state / "supervisor.log"
    command = [sys.executable, "-m", "local", "supervise", "--config", str(options.config)]
    with log.open("wb") as out:
        child = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )

    def ready() -> bool:
        if child.poll() is not None:
            raise PartFailed(log.read_text(errors="replace").strip() or f"the supervisor ended; see {log}")
        found = owner(state)
        return bool(found and found.pid == child.pid and found.ready)

    try:
        if not until(ready, START_SECONDS, stop):
            raise PartFailed(f"the stack was not ready after {START_SECONDS:.0f} s; see {log}")
    except (Interrupted, PartFailed):
        child.terminate()
        child.wait()
        raise
    say(f"ready: {len(recorded(state / 'run'))} processes; `export KUBECONFIG={state / 'kubeconfig'}`")


def down(say: Say, state: Path = DEFAULT) -> None:
    """Stops whatever runs in this state folder, and what a killed run left behind. Only ever touches what is recorded."""
    found = owner(state)
    if found and (process := found.process()):
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
    elif not recorded(state / "run"):
        say("nothing is running")
        return
    claim = Owner(state)
    left = stop_recorded(state / "run")
    claim.release()
    say(f"stopped what a run left behind: {', '.join(left)}" if left else "stopped")


def status(state: Path = DEFAULT) -> bool:
    """Prints a line per part; true only when all of them run, and somebody sees to it."""
    records = recorded(state / "run")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("part", "pid", "runs", "ports", "log"):
        table.add_column(name, overflow="fold")
    for one in records:
        ports = ",".join(str(port) for port in one.ports)
        table.add_row(one.name, str(one.pid), "yes" if one.process() else "no", ports, one.log)
    console = Console()
    console = console if console.is_terminal else Console(width=run.WIDTH)
    found = owner(state)
    if records:
        console.print(table)
    console.print(_state(found is not None, found is not None and found.ready, bool(records)))
    return bool(found and found.ready and records and all(one.process() for one in records))


def _state(owned: bool, ready: bool, parts: bool) -> str:
    if ready:
        return "running"
    if owned:
        return "starting or stopping"
    return "nobody watches these processes: `python -m local down` stops them" if parts else "nothing is running"
