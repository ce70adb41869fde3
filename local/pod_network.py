"""Connects the API server to pods: an egress proxy (HTTP CONNECT) that maps the addresses of pods to this machine.

A pod of `local.exporter_node` with address `10.a.b.c` listens on `127.a.b.c`. The API server refuses to proxy to a
loopback address, but it can be configured to connect to pods and nodes through an egress proxy, as in a cluster with
konnectivity. With that, `/api/v1/namespaces/NAMESPACE/pods/NAME:PORT/proxy/` works as in any cluster.

The proxy connects to loopback addresses only. kwok's pods have made-up addresses, which other machines may have.
"""

import contextlib
import socket
import socketserver
import tempfile
import threading
from pathlib import Path

from local.ports import Ports

CONNECT_SECONDS = 5.0
MAX_REQUEST = 4096
CHUNK = 65536
MAX_PORT = 65535
NO_PROCESS = "no process listens for this pod"

CONFIGURATION = """\
apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    proxyProtocol: HTTPConnect
    transport: {{uds: {{udsName: "{socket}"}}}}
"""


def pod_address(ports: Ports, number: int) -> str:
    """Return the address of a pod of this stack. It contains the API server's port, so that stacks share none."""
    high, low = divmod(ports.apiserver, 256)
    return f"10.{high}.{low}.{number}"


def listen_host(address: str) -> str:
    """Return the loopback address at which the pod with this address listens."""
    return "127." + address.partition(".")[2]


class PodNetwork:
    """The egress proxy, which serves until `close`. It connects only to this stack's pods and to this machine."""

    def __init__(self, ports: Ports) -> None:
        own = pod_address(ports, 0).removesuffix("0")

        class Tunnel(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):  # the client has gone, or nothing listens for the pod
                    self._connect()

            def _connect(self) -> None:
                try:
                    host, port = _target(self.request)
                except ValueError as error:
                    self.request.sendall(f"HTTP/1.1 400 {error}\r\n\r\n".encode())
                    return
                where = listen_host(host) if host.startswith(own) else host
                if not where.startswith("127."):
                    self.request.sendall(f"HTTP/1.1 502 {NO_PROCESS}\r\n\r\n".encode())
                    return
                with socket.create_connection((where, port), CONNECT_SECONDS) as pod:
                    pod.settimeout(None)
                    self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    _copy_both_ways(self.request, pod)

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        # Not in the stack's folder: the path of a socket is limited to 107 bytes.
        self._folder = tempfile.TemporaryDirectory(prefix="kepler-")
        self._socket = Path(self._folder.name) / "pods.sock"
        self._server = Server(str(self._socket), Tunnel)
        threading.Thread(target=self._server.serve_forever, name="pod-network", daemon=True).start()

    def write_configuration(self, path: Path) -> Path:
        """Write the API server's configuration to reach pods and nodes through the proxy; return its path."""
        path.write_text(CONFIGURATION.format(socket=self._socket))
        return path

    def close(self) -> None:
        """Stop listening. Open connections last until one of their ends closes them."""
        self._server.shutdown()
        self._server.server_close()
        self._folder.cleanup()


def _target(client: socket.socket) -> tuple[str, int]:
    """Read `CONNECT host:port HTTP/1.1` and its headers, and return host and port. Raises ValueError if malformed."""
    request = b""
    while not request.endswith(b"\r\n\r\n") and len(request) < MAX_REQUEST:
        received = client.recv(1)
        if not received:
            break
        request += received
    method, _, rest = request.partition(b" ")
    host, _, port = rest.partition(b" ")[0].decode(errors="replace").rpartition(":")
    if method != b"CONNECT":
        raise ValueError(f"not a CONNECT: {request[:40]!r}")
    if not port.isascii() or not port.isdigit() or int(port) > MAX_PORT:
        raise ValueError(f"not a port: {port[:40]!a}")
    return host.strip("[]"), int(port)


def _copy_both_ways(client: socket.socket, pod: socket.socket) -> None:
    """Copy bytes between two connections, in both directions, until both have sent their last byte."""
    back = threading.Thread(target=_copy, args=(pod, client), daemon=True)
    back.start()
    _copy(client, pod)
    back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copy bytes from one connection to another until the end of the first, and signal that end to the other."""
    with contextlib.suppress(OSError):
        while received := source.recv(CHUNK):
            target.sendall(received)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
