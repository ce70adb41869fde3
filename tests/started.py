"""One function as a process: a port for it, a kubeconfig that leads nowhere, and the wait until it is ready."""

import socket
import subprocess
import time

import urllib3

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: test, user: {token: test}}]
"""
# Seconds for a process to become ready, on a busy machine.
LONGEST = 30


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def settings(function: str, address: str, kubeconfig: str) -> dict[str, str]:
    """Return the environment of one function that starts without a cluster; `audit` keeps its file in `/kept`."""
    return {
        "FUNCTION": function,
        "KUBECONFIG": kubeconfig,
        "K_SINK": "http://127.0.0.1:1",
        "LISTEN_ADDRESS": address,
        "DATABASE": "sqlite:////kept/audit.db",
    }


def ready(process: subprocess.Popen[str], port: int) -> bool:
    """Wait until the process says that it is ready; False if it ends before, or takes too long."""
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return urllib3.request("GET", f"http://127.0.0.1:{port}/health/readiness", retries=False).status == 200
        except urllib3.exceptions.HTTPError:
            time.sleep(0.02)
    return False
