"""A SOCKS5 proxy (RFC 1928) without a login, which keeps the addresses that it was asked for."""

import socket
import socketserver
import struct
import threading
from types import TracebackType
from typing import Self

NAME = 3
GRANTED = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"


class SocksProxy(socketserver.ThreadingTCPServer):
    """Listens on a port of this machine while it is entered. `asked` has type, address and port of each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), SocksConnection)
        self.asked: list[tuple[int, str, int]] = []

    @property
    def url(self) -> str:
        """As a kubeconfig names it."""
        return f"socks5://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()


class SocksConnection(socketserver.StreamRequestHandler):
    """One client: its greeting, its request, then bytes in both directions."""

    server: SocksProxy

    def handle(self) -> None:
        _, methods = self.rfile.read(2)
        self.rfile.read(methods)
        self.wfile.write(b"\x05\x00")
        kind = self.rfile.read(4)[3]
        length = self.rfile.read(1)[0] if kind == NAME else 4
        raw = self.rfile.read(length)
        host = raw.decode() if kind == NAME else socket.inet_ntoa(raw)
        (port,) = struct.unpack("!H", self.rfile.read(2))
        self.server.asked.append((kind, host, port))
        with socket.create_connection((host, port)) as there:
            self.wfile.write(GRANTED)
            threading.Thread(target=carry, args=(there, self.connection), daemon=True).start()
            carry(self.connection, there)


def carry(source: socket.socket, target: socket.socket) -> None:
    """Carry bytes until one side ends."""
    try:
        while content := source.recv(65536):
            target.sendall(content)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return
