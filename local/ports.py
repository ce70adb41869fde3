"""The ports of each part, and whether they are free."""

import contextlib
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field

import psutil

from local.local_errors import PortBusy

FUNCTIONS = 32

# The channel dispatcher's own constants (knative eventing v0.50.0, pkg/reconciler/inmemorychannel/dispatcher).
DISPATCHER = 8080
DISPATCHER_HTTPS = 8443

LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - only to probe: Knative's listeners cannot be told to bind less


@dataclass(frozen=True)
class Port:
    """A port that a part needs; `part` and `purpose` are for the message if it is taken."""

    number: int
    part: str
    purpose: str
    address: str = LOOPBACK


@dataclass(frozen=True)
class Ports:
    """All ports of one stack. The defaults are those of `run` and `up`; the dispatcher's two never change."""

    etcd: int = 2379
    etcd_peer: int = 2380
    etcd_health: int = 2381
    apiserver: int = 6443
    controller_manager: int = 10257
    scheduler: int = 10259
    kwok: int = 10247
    ingress: int = 8081
    ingress_https: int = 8543
    filter: int = 8082
    filter_https: int = 8643
    adapter_profiling: int = 18008
    dispatcher_profiling: int = 18010
    mtping_profiling: int = 18012
    functions: tuple[int, ...] = field(default=tuple(range(9001, 9001 + FUNCTIONS)), kw_only=True)

    @classmethod
    def fixed(cls) -> "Ports":
        """Return the default ports, which users can rely on."""
        return cls()

    @classmethod
    def free(cls) -> "Ports":
        """Return free ports, so that tests do not collide with a running stack, except with its dispatcher."""
        names = [name for name in cls.__dataclass_fields__ if name != "functions"]
        numbers = _free(len(names) + FUNCTIONS)
        return cls(*numbers[: len(names)], functions=tuple(numbers[len(names) :]))


def _free(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for listener in sockets:
            listener.bind((LOOPBACK, 0))
        return [int(listener.getsockname()[1]) for listener in sockets]


def check(ports: Iterable[Port]) -> None:
    """Raise PortBusy with one line for each port that is taken."""
    busy = [port for port in ports if not _bindable(port)]
    if busy:
        raise PortBusy("\n".join(_sentence(port) for port in busy))


def _bindable(port: Port) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.address, port.number))
        except OSError:
            return False
    return True


def _sentence(port: Port) -> str:
    who = holder(port.number)
    by = f" by {who}" if who else ""
    return f"port {port.number} is taken{by}, but {port.part} needs it ({port.purpose}): stop what listens there"


def holder(number: int) -> str:
    """Return the process that listens on a port, as `name (pid)`; empty if the system does not say."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr
                and connection.laddr.port == number
                and connection.pid
            ):
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""
