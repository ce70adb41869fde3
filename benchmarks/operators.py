"""The operators that are measured side by side, each on a local stack of its own with the same programs and nodes."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.object_watch import ObjectWatch
from local import probe
from local.layout import DEFAULT, ROOT
from local.ports import Ports
from local.process import ProcessSpec, Stage
from local.stack import Stack

KEPLERS = "/apis/sustainable-computing.io/v1alpha1/keplers"
DAEMON_SETS = "/apis/apps/v1/daemonsets"
EXPORTER = "metadata.name=kepler-exporter"


@dataclass(frozen=True)
class Operator:
    """One operator; `config` is what is installed for it, and `has_ready` whether it reports `Ready`."""

    name: str
    config: str
    has_ready: bool = True


COMPACT = Operator("compact", "config/overlays/compact")
BASE = Operator("one Service a function", "config/base")
KOPF = Operator("kopf", "config/base", has_ready=False)


@dataclass(frozen=True)
class RunningOperator:
    """An operator on its stack, with watches on what it makes."""

    operator: Operator
    stack: Stack
    daemon_sets: ObjectWatch
    keplers: ObjectWatch


@contextmanager
def running(operator: Operator) -> Iterator[RunningOperator]:
    """Start a stack with this operator; stop everything at the end."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder), Ports.free(), programs=DEFAULT, audit=True) as stack,
    ):
        if operator is KOPF:
            _start_kopf(stack)
        else:
            stack.start(ROOT / operator.config)
        daemon_sets = ObjectWatch(stack, DAEMON_SETS, {"exists": lambda _: True}, selector=EXPORTER)
        keplers = ObjectWatch(stack, KEPLERS, {"own": _reports_own, "ready": _is_ready})
        yield RunningOperator(operator, stack, daemon_sets, keplers)


def _start_kopf(stack: Stack) -> None:
    """Start the control plane with its controllers, the CRDs, and kopf with the rights of an administrator."""
    stack.start_control_plane()
    stack.install_bare(ROOT / KOPF.config)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "kopf", "namespace": "default"}}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    binding = {
        "apiVersion": role["apiGroup"] + "/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "kopf"},
        "roleRef": role,
        "subjects": [{"kind": "ServiceAccount", "name": "kopf", "namespace": "default"}],
    }
    stack.kubectl.apply([account, binding])
    port = Ports.free().functions[0]
    command = (
        *(sys.executable, "-m", "kopf", "run", "-m", "benchmarks.kopf_operator", "--all-namespaces", "--standalone"),
        *("--quiet", f"--liveness=http://127.0.0.1:{port}/healthz"),
    )
    environment = {"KUBECONFIG": str(stack.kubeconfig_for("default", "kopf"))}
    ready = probe.http(f"http://127.0.0.1:{port}/healthz")
    stack.run(ProcessSpec("kopf", Stage.FUNCTION, command, stack.layout.log("kopf"), ready, environment, (), ROOT))


def _conditions(kepler: Any) -> dict[str, str]:
    conditions = (kepler.get("status") or {}).get("conditions") or []
    return {
        condition["type"]: condition["status"]
        for condition in conditions
        if condition["observedGeneration"] == kepler["metadata"]["generation"]
    }


def _reports_own(kepler: Any) -> bool:
    """Return whether the exporter's objects are reported as written: by `collector`, or by kopf."""
    conditions = _conditions(kepler)
    return "True" in (conditions.get("CollectorReconciled"), conditions.get("Deployed"))


def _is_ready(kepler: Any) -> bool:
    return _conditions(kepler).get("Ready") == "True"
