"""The way of the API server to pods: an HTTP proxy that it asks for a connection to a pod's address.

A pod `10.a.b.c` of `local.exporter_node` listens on `127.a.b.c`. The API server proxies to no loopback address, but it
asks an egress proxy for its connections to pods and nodes, as in a cluster with konnectivity. So
`/api/v1/namespaces/NAMESPACE/pods/NAME:PORT/proxy/` works as anywhere.

Nothing leaves this machine: the addresses of kwok's pods are made up, and may be those of somebody else's machines.
"""

import contextlib
import socket
import socketserver
import tempfile
import threading
from pathlib import Path

from local.ports import Ports

CONNECT_SECONDS = 5.0
LONGEST_REQUEST = 4096
CHUNK = 65536
NOBODY = "no process listens for this pod"

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
    """Return an address of this stack's pods: those of another stack differ by its API server's port."""
    high, low = divmod(ports.apiserver, 256)
    return f"10.{high}.{low}.{number}"


def listen_host(address: str) -> str:
    """Return where the pod of an address listens on this machine."""
    return "127." + address.partition(".")[2]


class PodNetwork:
    """The proxy, from its making until `close`. It connects to this stack's pods and to this machine, nowhere else."""

    def __init__(self, ports: Ports) -> None:
        own = pod_address(ports, 0).removesuffix("0")

        class Tunnel(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                host, port = _target(self.request)
                where = listen_host(host) if host.startswith(own) else host
                if not where.startswith("127."):
                    self.request.sendall(f"HTTP/1.1 502 {NOBODY}\r\n\r\n".encode())
                    return
                with contextlib.suppress(OSError), socket.create_connection((where, port), CONNECT_SECONDS) as pod:
                    pod.settimeout(None)
                    self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    _join(self.request, pod)

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        # Not in the stack's folder: the path of a socket is limited to 107 bytes.
        self._folder = tempfile.TemporaryDirectory(prefix="kepler-")
        self._socket = Path(self._folder.name) / "pods.sock"
        self._server = Server(str(self._socket), Tunnel)
        threading.Thread(target=self._server.serve_forever, name="pod-network", daemon=True).start()

    def write_configuration(self, path: Path) -> Path:
        """Write the API server's egress configuration, to pods and nodes by way of the proxy; return its path."""
        path.write_text(CONFIGURATION.format(socket=self._socket))
        return path

    def close(self) -> None:
        """Stop listening; connections end with their peers."""
        self._server.shutdown()
        self._server.server_close()
        self._folder.cleanup()


def _target(client: socket.socket) -> tuple[str, int]:
    """Read `CONNECT host:port HTTP/1.1` and its headers. Raises ValueError for anything else."""
    request = b""
    while not request.endswith(b"\r\n\r\n") and len(request) < LONGEST_REQUEST:
        received = client.recv(1)
        if not received:
            break
        request += received
    method, _, rest = request.partition(b" ")
    host, _, port = rest.partition(b" ")[0].decode().rpartition(":")
    if method != b"CONNECT":
        raise ValueError(f"not a CONNECT: {request[:40]!r}")
    return host.strip("[]"), int(port)


def _join(client: socket.socket, pod: socket.socket) -> None:
    """Carry bytes both ways until both sides have ended."""
    back = threading.Thread(target=_carry, args=(pod, client), daemon=True)
    back.start()
    _carry(client, pod)
    back.join()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while received := source.recv(CHUNK):
            target.sendall(received)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
