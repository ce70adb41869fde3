"""A function as the process that Knative runs: settings, health, draining, and the layout that `func` asks for."""

import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import psutil
import pytest
import urllib3
import yaml

from functions.function_catalogue import NAMES
from local import probe
from local.layout import ROOT
from local.ports import Ports
from local.stack import Stack
from runtime.settings import NAMESPACE
from tests.workbench import BY_NAME, Workbench, kepler


def environment(**settings: str) -> dict[str, str]:
    """Ours, without what would decide for the process, and with these settings."""
    kept = {key: value for key, value in os.environ.items() if key not in ("FUNCTION", "KUBECONFIG")}
    return {**kept, **settings}


@contextmanager
def running(stack: Stack, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process of `python -m functions` that is ready, and where it listens."""
    address = f"127.0.0.1:{Ports.free().functions[0]}"
    own = {"KUBECONFIG": str(stack.admin), "LISTEN_ADDRESS": address, "K_SINK": "http://127.0.0.1:9"}
    given = environment(**{**own, **settings})
    process = subprocess.Popen(
        [sys.executable, "-m", "functions"], cwd=ROOT, env=given, stdout=subprocess.PIPE, text=True
    )
    try:
        ready = probe.http(f"http://{address}/health/readiness")
        assert wait(lambda: ready(0)), process.poll()
        yield process, f"http://{address}"
    finally:
        process.kill()
        process.wait()


def wait(true: Callable[[], bool]) -> bool:
    """Polls for half a minute."""
    return probe.wait_until(true, 30, Event())


def resync(namespace: str) -> Mapping[str, str]:
    """The headers of a `resync.requested` in binary mode."""
    attributes = {
        "specversion": "1.0",
        "id": "1",
        "type": "io.sustainable-computing.kepler.resync.requested.v1",
        "source": "/tests",
        "apiversion": "sustainable-computing.io/v1alpha1",
        "kind": "Kepler",
        "namespace": namespace,
        "name": "kepler",
    }
    return {f"ce-{name}": value for name, value in attributes.items()}


def test_one_process_can_serve_every_function(control_plane: Stack, workbench: Workbench) -> None:
    """By path, for small clusters."""
    workbench.apply(kepler())
    with running(control_plane, FUNCTION="all", K_SINK="http://127.0.0.1:9") as (_, url):
        sent = resync(workbench.namespace)
        answers = {name: urllib3.request("POST", f"{url}/{name}", headers=sent).status for name in NAMES}
    assert answers == {name: 200 if name in BY_NAME else 204 for name in NAMES}
    assert workbench.get("daemonset/kepler-exporter")


def test_what_is_under_way_is_finished_before_the_end(control_plane: Stack, workbench: Workbench) -> None:
    """SIGTERM while the API server is slow: the event is answered, then the process ends with 0."""
    workbench.apply(kepler())
    api_server = psutil.Process(control_plane.processes["kube-apiserver"].record.pid)
    with running(control_plane, FUNCTION="collected_metric") as (process, url), ThreadPoolExecutor(1) as sender:
        api_server.suspend()
        try:
            sent = sender.submit(
                urllib3.request, "POST", url, headers=resync(workbench.namespace), retries=False, timeout=60
            )
            assert wait(lambda: asks(process.pid, control_plane.ports.apiserver))
            process.send_signal(signal.SIGTERM)
        finally:
            api_server.resume()
        assert sent.result().status == 200
        assert process.wait(30) == 0


def asks(pid: int, port: int) -> bool:
    """Whether the process is connected to that port."""
    connections = psutil.Process(pid).net_connections("tcp")
    return any(bool(connection.raddr) and connection.raddr.port == port for connection in connections)


def test_an_api_server_that_is_away_is_503(control_plane: Stack, tmp_path: Path) -> None:
    """Nothing listens there: the broker will deliver again."""
    config = yaml.safe_load(control_plane.admin.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    away = tmp_path / "kubeconfig"
    away.write_text(yaml.safe_dump(config))
    with running(control_plane, FUNCTION="collected_metric", KUBECONFIG=str(away)) as (_, url):
        answer = urllib3.request("POST", url, headers=resync("x"), retries=False, timeout=60)
    assert answer.status == 503
    assert answer.data.startswith(b"the API server did not answer GET /api")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, f"`FUNCTION` is '': set it to one of {', '.join(NAMES)}, to 'compact' for all that reconcile"),
        ({"FUNCTION": "collector", "KUBECONFIG": "/nowhere"}, "set `KUBECONFIG` to a readable file"),
    ],
)
def test_a_wrong_setting_ends_the_process_with_one_line(settings: dict[str, str], said: str) -> None:
    """What is wrong, and what to set."""
    done = subprocess.run(
        [sys.executable, "-m", "functions"],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_project_is_a_function(tmp_path: Path) -> None:
    """`func` installs the root under the name `function` and takes `new` from a top-level module of that name."""
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)],
        check=True,
        cwd=tmp_path,
    )
    wheel = next(tmp_path.glob("function-*.whl"))
    names = zipfile.ZipFile(wheel).namelist()
    assert "function.py" in names
    assert {"crds/kepler.py", "events/report.py", "runtime/protocol.py", "functions/collector.py"} <= set(names)
    with zipfile.ZipFile(wheel) as packed:
        assert b"def new()" in packed.read("function.py")


def test_func_yaml_says_what_func_needs() -> None:
    """Schema version 0.36.0; `http`, since func's own decoding would leave Flask without a body."""
    declared = yaml.safe_load((ROOT / "func.yaml").read_text())
    assert (declared["specVersion"], declared["runtime"], declared["invoke"]) == ("0.36.0", "python", "http")
    assert declared["deploy"]["namespace"] == NAMESPACE
