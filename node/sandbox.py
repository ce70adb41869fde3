"""The namespaces of the node: its own network, mounts, processes, hostname and IPC.

The first process is a program that only reaps orphans. When it is killed, the kernel ends all processes in the
namespace, and removes its mounts and devices. Things that the kernel does not remove are recorded in `sandbox.json`
before they are made: cgroup directories, kernel settings, and empty folders of this machine used as mount points.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from local.local_errors import AlreadyRunning, PartFailed
from local.probe import wait_until
from local.process import living
from node import cgroups, kernel_settings

# The node's own network, which only this machine can reach, by its end of the pair of devices.
NODE_ADDRESS = "10.200.0.1"
MACHINE_ADDRESS = "10.200.0.254"
PREFIX = 24
DEVICE = "node0"
MACHINE_DEVICE = "kepler-node"
HOSTNAME = "kepler-node"

# Folders that a node's programs use regardless of settings. A tmpfs, or a folder of the node's state, is mounted over
# each, so that this machine's own folders are unchanged. A folder that does not exist is created while the node is up.
TMPFS_FOLDERS = ("/run", "/var/log/containers")
MOUNTED_FOLDERS = {"/var/lib/cni": "cni", "/var/lib/kubelet": "kubelet", "/var/log/pods": "pods"}
# Folders that the exporter mounts with type DirectoryOrCreate.
EXPORTER_FOLDERS = ("/lib/modules",)

READY_SECONDS = 60.0
KILL_SECONDS = 30.0

# The first process: `$1` is the file that it creates once it is ready, `$2` the program that it then becomes.
SCRIPT = """set -e
for procs in {procs}; do echo 0 > $procs; done
mount --make-rprivate /
for folder in {folders}; do mount -t tmpfs tmpfs "$folder"; done
{binds}
mount --make-rshared /
hostname {hostname}
touch "$1"
exec "$2"
"""


@dataclass(frozen=True)
class SandboxRecord:
    """What `down` has to undo: the first process, settings to restore, and folders created on this machine."""

    pid: int
    created: float
    settings: dict[str, str]
    folders: list[str]

    def process(self) -> psutil.Process | None:
        """Return the first process, if it is alive."""
        return living(self.pid, self.created)


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox. `procs` are the files by which a process joins the node's cgroups."""

    pid: int
    procs: tuple[Path, ...]

    def command(self, *command: str) -> tuple[str, ...]:
        """Return a command line that runs `command` in the sandbox and in its cgroups."""
        join = " ".join(str(file) for file in self.procs)
        script = f'for procs in {join}; do echo $$ > $procs; done; exec "$@"'
        enter = ("nsenter", "-t", str(self.pid), "-n", "-m", "-p", "-u", "-i", "--")
        return ("/bin/sh", "-c", script, "sandbox", *enter, *command)

    def run(self, *command: str, seconds: float = 120.0) -> str:
        """Run a command in the sandbox and return its standard output. Raises PartFailed with its error output."""
        return _run(*self.command(*command), seconds=seconds)


def up(state: Path, pause: Path) -> Sandbox:
    """Create the sandbox; `pause` is the program that becomes its first process.

    Raises AlreadyRunning if another checkout has a node, and PartFailed after removing everything again.
    """
    if cgroups.processes():
        raise AlreadyRunning("another node is up on this machine: `python -m node down` in its checkout removes it")
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o700)  # keys, tokens and the cluster's Secrets are in it
    folders = [folder for folder in (*TMPFS_FOLDERS, *MOUNTED_FOLDERS, *EXPORTER_FOLDERS) if not Path(folder).exists()]
    record = SandboxRecord(0, 0.0, kernel_settings.read(), folders)
    _write(state, record)
    try:
        return _up(state, pause, record)
    except BaseException:
        down(state)
        raise


def down(state: Path) -> list[str]:
    """Remove the sandbox recorded in `state`, if there is one; return sentences on what could not be removed."""
    record = recorded_sandbox(state)
    if not record:
        return []
    if process := record.process():
        process.kill()
        with contextlib.suppress(psutil.TimeoutExpired, psutil.NoSuchProcess):
            process.wait(KILL_SECONDS)
    _await_empty()
    _disconnect()
    left = [f"cgroup {folder}" for folder in cgroups.remove()]
    kernel_settings.restore(record.settings)
    for folder in record.folders:
        with contextlib.suppress(OSError):
            Path(folder).rmdir()
    if not left:
        _file(state).unlink(missing_ok=True)
    return left


def recorded_sandbox(state: Path) -> SandboxRecord | None:
    """Return the record that an earlier `up` wrote and no `down` removed, if there is one."""
    try:
        return SandboxRecord(**json.loads(_file(state).read_text()))
    except FileNotFoundError:
        return None


def running(state: Path) -> Sandbox | None:
    """Return the sandbox recorded in `state`, if it runs."""
    record = recorded_sandbox(state)
    if not record or not record.process():
        return None
    procs = [root / cgroups.NAME / cgroups.HOST / "cgroup.procs" for root in cgroups.hierarchies()]
    return Sandbox(record.pid, tuple(procs))


def _up(state: Path, pause: Path, record: SandboxRecord) -> Sandbox:
    """Create cgroups, folders and the first process, and connect the sandbox's network. Raises PartFailed."""
    procs = cgroups.create()
    for folder in record.folders:
        Path(folder).mkdir(parents=True, exist_ok=True)
    marker = state / "sandbox.ready"
    marker.unlink(missing_ok=True)
    script = SCRIPT.format(
        procs=" ".join(str(file) for file in procs),
        folders=" ".join(TMPFS_FOLDERS),
        binds="\n".join(
            f"mount --bind '{_new_folder(state, name)}' {folder}" for folder, name in MOUNTED_FOLDERS.items()
        ),
        hostname=HOSTNAME,
    )
    spaces = ("--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--mount-proc", "--kill-child")
    command = ("unshare", *spaces, "/bin/sh", "-c", script, "init", str(marker), str(pause))
    log = state / "logs" / "sandbox.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
    if not wait_until(lambda: marker.exists() or popen.poll() is not None, READY_SECONDS, threading.Event()):
        os.killpg(popen.pid, signal.SIGKILL)
    if not marker.exists():
        raise PartFailed(f"the node's namespaces cannot be set up: {log.read_text(errors='replace').strip()[-300:]}")
    first = psutil.Process(popen.pid).children()[0]
    _write(state, SandboxRecord(first.pid, first.create_time(), record.settings, record.folders))
    sandbox = Sandbox(first.pid, tuple(procs))
    _connect(sandbox)
    return sandbox


def _new_folder(state: Path, name: str) -> Path:
    """Create an empty folder in the node's state, and return it."""
    folder = state / "mounted" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _connect(sandbox: Sandbox) -> None:
    """Connect the sandbox to this machine by a pair of devices; the sandbox forwards the pods' traffic."""
    _run("ip", "link", "add", MACHINE_DEVICE, "type", "veth", "peer", "name", DEVICE, "netns", str(sandbox.pid))
    _run("ip", "address", "add", f"{MACHINE_ADDRESS}/{PREFIX}", "dev", MACHINE_DEVICE)
    _run("ip", "link", "set", MACHINE_DEVICE, "up")
    sandbox.run("ip", "link", "set", "lo", "up")
    sandbox.run("ip", "address", "add", f"{NODE_ADDRESS}/{PREFIX}", "dev", DEVICE)
    sandbox.run("ip", "link", "set", DEVICE, "up")
    sandbox.run("ip", "route", "add", "default", "via", MACHINE_ADDRESS)
    sandbox.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")


def _disconnect() -> None:
    """Remove the pair of devices, which would block the next sandbox.

    The kernel removes it by itself only some time after the namespace.
    """
    if Path(f"/sys/class/net/{MACHINE_DEVICE}").exists():
        with contextlib.suppress(PartFailed):  # the kernel has removed it meanwhile
            _run("ip", "link", "delete", MACHINE_DEVICE)


def _await_empty() -> None:
    """Wait until no process is in the node's cgroups; kill those that an interrupted `up` did not record."""
    deadline = time.monotonic() + KILL_SECONDS
    while (left := cgroups.processes()) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _run(*command: str, seconds: float = 120.0) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PartFailed(f"{command[0]}: {error}") from error
    if done.returncode:
        words = done.stderr.strip() or done.stdout.strip()
        raise PartFailed(f"`{' '.join(command[-6:])}` failed: {words[-300:]}")
    return done.stdout


def _file(state: Path) -> Path:
    return state / "sandbox.json"


def _write(state: Path, record: SandboxRecord) -> None:
    draft = _file(state).with_suffix(".tmp")
    draft.write_text(json.dumps(asdict(record)))
    draft.replace(_file(state))
