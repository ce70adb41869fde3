"""`kubectl port-forward`: connects a terminal to a server that listens only within the cluster.

It needs the permission `create pods/portforward` in that namespace, and lasts as long as the `with` around it.
"""

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue

from cli.command_errors import Unreachable
from cli.connection.cluster import Cluster

# Seconds until `kubectl port-forward` has to listen.
START_TIMEOUT = 15.0
LISTENS = re.compile(r"Forwarding from (127\.0\.0\.1:\d+)")


@contextmanager
def forwarded(cluster: Cluster, namespace: str, target: str, port: int) -> Iterator[str]:
    """Yield the local URL of `target` (`pod/NAME`, `svc/NAME`). Raises Unreachable with the output of kubectl."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise Unreachable("kubectl is not on your PATH, and `kubectl port-forward` is needed: install it")
    command = [
        kubectl,
        *cluster.place.kubectl,
        "-n",
        namespace,
        "port-forward",
        "--address=127.0.0.1",
        target,
        f":{port}",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield f"http://{_address(process, target, cluster)}"
    finally:
        process.terminate()
        process.wait()


def _address(process: "subprocess.Popen[str]", target: str, cluster: Cluster) -> str:
    """Return the address where kubectl listens, once it prints that.

    A thread reads its output to the end, so that kubectl never blocks on a full pipe.
    """
    lines_read: Queue[str | None] = Queue()
    threading.Thread(target=_read, args=(process, lines_read), daemon=True).start()
    lines: list[str] = []
    while True:
        try:
            line = lines_read.get(timeout=START_TIMEOUT)
        except Empty:
            line = None
        if line is None:
            sentence = " ".join(lines) or "kubectl said nothing"
            raise Unreachable(f"`kubectl port-forward {target}` did not come up: {cluster.without_token(sentence)}")
        if match := LISTENS.search(line):
            return match[1]
        lines.append(line)


def _read(process: "subprocess.Popen[str]", lines_read: "Queue[str | None]") -> None:
    for line in process.stdout or ():
        lines_read.put(line.strip())
    lines_read.put(None)
