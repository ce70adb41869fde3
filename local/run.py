"""`run`: builds, starts, applies the samples, reports what happened, and keeps everything running until stopped.

The report ends with the power of each pod, measured by the exporter that the samples configure.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from local import account, exporter_node, go_programs, keplers, watts
from local.admin_client import Object
from local.exporter_node import ExporterNode
from local.layout import ROOT
from local.local_errors import NotReady
from local.ports import EVERYWHERE
from local.probe import wait_until
from local.stack import Stack
from local.supervise import Supervisor

CONFIG = ROOT / "config" / "base"
SAMPLES = ROOT / "config" / "samples"
AUDIT = "kepler-audit"

READY_SECONDS = 60.0
# Reports arrive through the Broker, after the condition. After so long without another one, they count as complete.
QUIET_SECONDS = 0.3
REPORT_SECONDS = 3.0

# Characters of a line if the output is not a terminal; enough for the summary.
WIDTH = 140

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What to run. Without `samples` no resource is applied; with `once` it ends once they are ready or have failed."""

    config: Path = CONFIG
    samples: Path | None = SAMPLES
    once: bool = False


def stopping() -> threading.Event:
    """Return an event that Ctrl-C, SIGTERM and a closed terminal set, so that each step ends cleanly."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    return stop


def run(options: Options, say: Say) -> None:
    """Build, start, apply, report, and run until stopped. Stops every process at its end, also after an error."""
    go_programs.build(say=say)
    stop = stopping()
    began = time.monotonic()
    with Stack(stop=stop, pods=True) as stack:
        say("starting etcd, kube-apiserver, controllers, Knative Eventing and the functions")
        stack.start(options.config)
        took = time.monotonic() - began
        say(f"ready after {took:.1f} s: {len(stack.processes)} processes, logs in {stack.layout.state / 'logs'}")
        say(_open_ports(stack))
        supervisor = Supervisor(stack, say)
        with ExporterNode(stack) as node:
            applied = _apply_samples(stack, supervisor, options.samples, stop, say) if options.samples else []
            for namespace in {kepler.namespace for kepler in applied}:
                _show_power(node, namespace, stop, say)
            if not options.once:
                _show_next_steps(stack, applied, say)
                stack.announce_ready()
                supervisor.run(stop)
                say("stopping")


def _open_ports(stack: Stack) -> str:
    """Return a warning about the ports that are open to the network: Knative's programs bind to all interfaces."""
    ports = (port for process in stack.processes.values() for port in process.spec.ports if port.address == EVERYWHERE)
    numbers = ", ".join(str(number) for number in sorted({port.number for port in ports}))
    return f"Knative's own programs listen on all interfaces (ports {numbers}): run this behind a firewall"


def _apply_samples(
    stack: Stack, supervisor: Supervisor, folder: Path, stop: threading.Event, say: Say
) -> list[keplers.WatchedKepler]:
    """Apply the samples, print what the functions did until all are Ready, and return the Keplers.

    Raises NotReady.
    """
    began = time.monotonic()
    wanted = keplers.apply(stack.kubectl, folder)
    _await_ready(stack, supervisor, wanted, stop)
    took = time.monotonic() - began
    _await_reports(stack, stop)
    account.show(account.summary(account.reports(stack.layout.log(AUDIT))), _console())
    say(f"{len(wanted)} Kepler{'s' if len(wanted) != 1 else ''} Ready {took:.2f} s after `kubectl apply` began")
    return keplers.read(stack, wanted)


def _await_ready(stack: Stack, supervisor: Supervisor, wanted: list[Object], stop: threading.Event) -> None:
    def ready() -> bool:
        supervisor.step()
        return all(kepler.ready for kepler in keplers.read(stack, wanted))

    if not wait_until(ready, READY_SECONDS, stop):
        late = [kepler for kepler in keplers.read(stack, wanted) if not kepler.ready]
        conditions = "\n".join(kepler.conditions for kepler in late)
        raise NotReady(
            f"not Ready after {READY_SECONDS:.0f} s; logs are in {stack.layout.state / 'logs'}\n{conditions}"
        )


def _await_reports(stack: Stack, stop: threading.Event) -> None:
    """Return once no new report has come for `QUIET_SECONDS`, or after `REPORT_SECONDS`."""
    log = stack.layout.log(AUDIT)
    known, since = -1, time.monotonic()

    def is_complete() -> bool:
        nonlocal known, since
        count = len(account.reports(log))
        if count != known:
            known, since = count, time.monotonic()
        return time.monotonic() - since > QUIET_SECONDS

    wait_until(is_complete, REPORT_SECONDS, stop)


def _show_power(node: ExporterNode, namespace: str, stop: threading.Event, say: Say) -> None:
    """Print the watts of each pod, as the exporter of a namespace measures them over one sample period."""
    if exporter := node.exporter(namespace):
        metrics = f"{exporter.url}/metrics"
        say(f"\npower by pod, from the exporter of '{namespace}' at {metrics}")
        measured = watts.measure(metrics, stop)
        watts.show(measured, _console()) if measured else say("nothing is measured yet: the sample period is not over")
    else:
        say(f"\nno power by pod: '{namespace}' has no exporter on node '{exporter_node.NAME}'")


def _show_next_steps(stack: Stack, applied: list[keplers.WatchedKepler], say: Say) -> None:
    say(f"\nconsole:    {stack.url(AUDIT)}")
    say(f"kubeconfig: {stack.admin}\n")
    say("try:")
    say(f"  export KUBECONFIG={stack.admin} PATH={Path(stack.layout.program('kubectl')).parent}:{_plugin()}:$PATH")
    say("  kubectl get keplers -A")
    say("  kubectl kepler status -A")
    for manifest in applied[:1]:
        patch = '{"spec":{"collector":{"port":9103}}}'
        say(f"  kubectl -n {manifest.namespace} patch keplers {manifest.name} --type merge -p '{patch}'")
        say(f"  kubectl -n {manifest.namespace} delete daemonset kepler-exporter")
    say("\nCtrl-C, or `make down`, stops everything")


def _plugin() -> Path:
    """Return the folder of `kubectl kepler`: that of the Python that runs this."""
    return Path(sys.executable).parent


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)
