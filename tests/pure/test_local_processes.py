"""Ports, records and processes of the local stack."""

import os
import socket
import sys
import threading
from pathlib import Path

import psutil
import pytest

from local import probe, process, supervise
from local.local_errors import AlreadyRunning, Interrupted, PartFailed, PortBusy
from local.owner import FolderOwner, owner
from local.ports import DISPATCHER, LOOPBACK, Port, Ports, check
from local.process import Process, ProcessRecord, ProcessSpec, Stage


def part(folder: Path, *code: str, stage: Stage = Stage.FUNCTION, name: str = "one") -> ProcessSpec:
    return ProcessSpec(name, stage, (sys.executable, "-c", *code), folder / f"{name}.log", lambda _: False)


def test_a_busy_port_says_who_needs_it_and_who_has_it() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        number = taken.getsockname()[1]

        with pytest.raises(PortBusy) as raised:
            check([Port(number, "ingress", "events")])

    message = str(raised.value)
    assert f"port {number} is taken" in message
    assert "ingress needs it (events)" in message
    assert f"(pid {os.getpid()})" in message


def test_all_busy_ports_are_named_at_once() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener, socket.create_server((LOOPBACK, 0)) as two:
        ports = [Port(server.getsockname()[1], "etcd", "clients") for server in (listener, two)]

        with pytest.raises(PortBusy) as raised:
            check(ports)

    assert all(str(port.number) in str(raised.value) for port in ports)


def test_free_ports_are_all_different() -> None:
    ports = Ports.free()

    numbers = [ports.etcd, ports.etcd_peer, ports.apiserver, ports.ingress, ports.filter, *ports.functions]
    assert len(set(numbers)) == len(numbers)
    assert DISPATCHER not in numbers


def test_a_part_that_ends_while_starting_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    started = Process.start(part(tmp_path, "print('no such flag'); raise SystemExit(2)"), tmp_path / "run")

    with pytest.raises(PartFailed, match=r"one ended while starting.*one\.log.*no such flag"):
        process.await_ready([started], 10, threading.Event())


def test_waiting_ends_as_soon_as_somebody_asks_to_stop(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    started = Process.start(part(tmp_path, "import time; time.sleep(60)"), tmp_path / "run")

    with pytest.raises(Interrupted):
        process.await_ready([started], 10, stop)

    assert process.stop_recorded(tmp_path / "run") == ["one"]


def test_parts_are_stopped_stage_after_stage_and_forgotten(tmp_path: Path) -> None:
    records = tmp_path / "run"
    sleeping = "import time; time.sleep(60)"
    for name, stage in (("etcd", Stage.ETCD), ("function", Stage.FUNCTION), ("ingress", Stage.INGRESS)):
        Process.start(part(tmp_path, sleeping, stage=stage, name=name), records)

    assert process.stop_recorded(records) == ["function", "ingress", "etcd"]
    assert process.recorded_processes(records) == []


def test_a_recorded_pid_that_is_now_another_process_is_left_alone(tmp_path: Path) -> None:
    me = psutil.Process()
    process.write(tmp_path, ProcessRecord("one", 0, me.pid, me.create_time() - 3600, (), "one.log"))

    assert process.stop_recorded(tmp_path) == []


def test_a_state_folder_has_one_owner_at_a_time(tmp_path: Path) -> None:
    first = FolderOwner(tmp_path)

    with pytest.raises(AlreadyRunning, match=rf"pid {os.getpid()}.*make down"):
        FolderOwner(tmp_path)

    first.release()
    assert owner(tmp_path) is None
    FolderOwner(tmp_path).release()


def test_a_part_that_keeps_ending_is_started_less_and_less_eagerly() -> None:
    delays = [supervise.delay(failures) for failures in range(1, 10)]

    assert delays[0] == 0
    assert delays == sorted(delays)
    assert delays[-1] == supervise.LONGEST_DELAY


def test_what_an_earlier_start_logged_does_not_make_the_next_one_ready(tmp_path: Path) -> None:
    log = tmp_path / "adapter.log"
    log.write_text("Caches populated\nCaches populated\n")
    ready = probe.logged(log, "Caches populated", count=2)
    restarted_at = log.stat().st_size

    assert ready(0)
    assert not ready(restarted_at)
