"""Cost of a sweep over thousands of converged Keplers: time, memory, API calls, and events, which should be none.

The functions reconcile one Kepler completely. The others are copies of it, written into etcd as the API server stores
them, under names of the same length. So each is as converged as the first one, at a thousandth of the cost.
"""

import base64
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import urllib3

from events.types import RESYNC_REQUESTED
from local.layout import ROOT
from local.ports import Ports
from local.stack import Stack
from operands import cfm, children
from runtime.client import Client, path
from runtime.objects import KEPLER, Manifest, Ref
from runtime.settings import NAMESPACE
from tests.workbench import Workbench, create_namespace, kepler, transport

FIRST = "sweep-00000"
# etcd accepts at most 128 operations in one transaction.
MAX_OPERATIONS = 120


def create_converged(stack: Stack, count: int) -> None:
    """Create this many converged Keplers, one in each namespace."""
    create_namespace(stack, FIRST)
    stack.api.create(path(KEPLER, FIRST), kepler())
    Workbench(stack, FIRST).settle()
    subjects = [{"kind": "ServiceAccount", "name": children.ACCOUNT, "namespace": name} for name in _names(count)]
    _copy(stack, count)
    _bind(stack, subjects)


def measure(stack: Stack, count: int) -> dict[str, float]:
    """Return the figures of one sweep, which a new process makes at its start."""
    with _sink() as (address, received):
        process = _process(stack, address)
        result = _first_sweep(process)
        process.terminate()
        _, _, usage = os.wait4(process.pid, 0)
    assert result["resources"] == count, result
    return {
        "resources": result["resources"],
        "diverging": result["diverging"],
        "events_sent": len(received),
        "calls": result["calls"],
        "seconds": round(result["milliseconds"] / 1000, 1),
        "peak_mib": round(usage.ru_maxrss / 1024, 1),
    }


def _names(count: int) -> list[str]:
    """Return the names of the namespaces, all of the same length."""
    return [f"sweep-{number:05}" for number in range(count)]


def _copy(stack: Stack, count: int) -> None:
    """Copy the stored objects of the first namespace to all others."""
    certificate, key, ca = str(stack.keys.etcd_certificate), str(stack.keys.etcd_key), str(stack.keys.ca)
    address = f"https://127.0.0.1:{stack.ports.etcd}"
    etcd = urllib3.connection_from_url(address, cert_file=certificate, key_file=key, ca_certs=ca)
    stored = [*_stored(etcd)]
    config = stack.api.get(f"/api/v1/namespaces/{FIRST}/configmaps/{children.CFM}")
    others, batch = _names(count)[1:], max(1, MAX_OPERATIONS // len(stored))
    for names in (others[first : first + batch] for first in range(0, len(others), batch)):
        puts = [_put(key, value, name, config) for name in names for key, value in stored]
        answer = etcd.request("POST", "/v3/kv/txn", json={"success": [{"requestPut": put} for put in puts]})
        assert answer.status == 200, answer.data[:300]


def _stored(etcd: urllib3.HTTPConnectionPool) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values of the first namespace and everything in it."""
    everything = {"key": _encoded(b"/registry/"), "range_end": _encoded(b"/registry0")}
    stored = etcd.request("POST", "/v3/kv/range", json=everything).json()
    for entry in stored["kvs"]:
        key, value = base64.b64decode(entry["key"]), base64.b64decode(entry["value"])
        if f"/{FIRST}/".encode() in key or key.endswith(f"/namespaces/{FIRST}".encode()):
            yield key, value


def _put(key: bytes, value: bytes, name: str, config: Manifest) -> dict[str, str]:
    """Return a stored object under another namespace. Its name has the same length, since lengths are stored, too."""
    before = cfm.configuration_hash(config, {})
    after = cfm.configuration_hash(json.loads(json.dumps(config).replace(FIRST, name)), {})
    renamed = value.replace(FIRST.encode(), name.encode()).replace(before.encode(), after.encode())
    return {"key": _encoded(key.replace(FIRST.encode(), name.encode())), "value": _encoded(renamed)}


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bind(stack: Stack, subjects: Sequence[Manifest]) -> None:
    """Add a subject for every Kepler to the binding, with the field manager of `collector`."""
    client = Client(transport(stack, "kepler-collector"), manager="kepler-collector")
    ref = children.binding(Ref(KEPLER, FIRST, "kepler"))
    client.apply(ref, {"subjects": subjects}, over=client.get(ref))


def _process(stack: Stack, sink: str) -> "subprocess.Popen[str]":
    """Start the process of function `sweep`, with its own ServiceAccount and this sink."""
    kubeconfig = stack.kubeconfig_for(NAMESPACE, "kepler-sweep")
    address = f"127.0.0.1:{Ports.free().functions[0]}"
    settings = {"FUNCTION": "sweep", "KUBECONFIG": str(kubeconfig), "LISTEN_ADDRESS": address, "K_SINK": sink}
    return subprocess.Popen(
        [sys.executable, "-m", "functions"],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        text=True,
    )


def _first_sweep(process: "subprocess.Popen[str]") -> dict[str, float]:
    """Return the result of the sweep that the process makes at its start, from its log."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{") and (record := json.loads(line)).get("message") == "swept":
            return {key: record[key] for key in ("resources", "diverging", "calls", "milliseconds")}
    raise AssertionError("the sweep has not ended")


@contextmanager
def _sink() -> Iterator[tuple[str, list[str]]]:
    """Yield the address of a receiver of events, and the types of received events that request a reconcile."""
    received: list[str] = []

    class ResyncReceiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.headers["ce-type"] == RESYNC_REQUESTED:
                received.append(self.headers["ce-type"])
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing: this is a measurement."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ResyncReceiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
