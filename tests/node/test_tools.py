"""What a user looks with: `kubectl kepler`, and the console through a port-forward."""

import json
import re
import subprocess
import urllib.request

import pytest

from local.process import inherited
from tests.node.on_node import AUDIT, OPERATOR, OnNode


@pytest.fixture(autouse=True)
def ready(user: OnNode) -> None:
    """There is a Kepler to look at."""
    user.await_ready()


def test_doctor_finds_nothing_wrong(user: OnNode) -> None:
    """Every check of the installation, and of the resources, passes."""
    done = user.plugin("doctor")

    assert done.returncode == 0, done.stdout + done.stderr


def test_history_tells_what_was_written(user: OnNode) -> None:
    """The DaemonSet, by the function that wrote it: read from `audit` through the plugin's own port-forward."""
    done = user.plugin("history", "-n", user.namespace, "--target", "DaemonSet/kepler-exporter", "-o", "json")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "collector" in done.stdout
    assert json.loads(done.stdout)


def test_the_console_is_served_through_a_port_forward(user: OnNode) -> None:
    """Its page, and the program that the page names; the pod is chosen as docs/console.md does."""
    kubectl = user.node.kubectl
    selector = f"serving.knative.dev/service={AUDIT}"
    running = ("get", "pod", "-l", selector, "--field-selector=status.phase=Running", "-o", "name")
    pod = kubectl("-n", OPERATOR, *running).split()[0]
    command = [kubectl.program, f"--kubeconfig={kubectl.kubeconfig}", "-n", OPERATOR, "port-forward", pod, ":8080"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=inherited()) as forward:
        try:
            assert forward.stdout
            line = forward.stdout.readline()
            port = re.search(r"127\.0\.0\.1:(\d+)", line)
            assert port, line
            with urllib.request.urlopen(f"http://127.0.0.1:{port[1]}/", timeout=60) as answer:
                page = answer.read().decode()
            assert "<html" in page
            script = re.search(r'src="([^"]+\.js)"', page)
            assert script, page
            with urllib.request.urlopen(f"http://127.0.0.1:{port[1]}/{script[1].lstrip('/')}", timeout=60) as answer:
                assert answer.status == 200
        finally:
            forward.terminate()
