"""Runs a Knative Service of the configuration as a local process: same environment and ServiceAccount, no container."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local import probe
from local.admin_client import Object
from local.layout import ROOT, Layout
from local.local_errors import ConfigUnusable
from local.ports import LOOPBACK, Port, Ports
from local.process import ProcessSpec, Stage
from local.topology import SERVING, Addresses

COMMAND = (sys.executable, "-m", "functions")
READINESS = "/health/readiness"

# Settings of `audit.audit_settings` with other values than in a cluster: the database is in the folder of this run,
# and every user of this machine may read it.
DATABASE, ACCESS = "DATABASE", "ACCESS"

# The address of the Broker's ingress in a cluster, before `/<namespace>/<broker>`.
INGRESS_IN_CLUSTER = "http://broker-ingress.knative-eventing.svc"


@dataclass(frozen=True)
class LocalService:
    """The part of a Knative Service that matters without Knative Serving."""

    name: str
    namespace: str
    account: str
    environment: dict[str, str]
    port: int
    sink: Object | None = None

    @property
    def url(self) -> str:
        """Return the URL at which it receives events."""
        return f"http://{LOOPBACK}:{self.port}"


def functions(objects: Sequence[Object], ports: Ports) -> list[LocalService]:
    """Return the Knative Services among some objects, each with a port of its own."""
    manifests = [manifest for manifest in objects if is_service(manifest)]
    if len(manifests) > len(ports.functions):
        raise ConfigUnusable(
            f"{len(manifests)} Knative Services, but only {len(ports.functions)} ports are set aside for them"
        )
    bound = {_subject(manifest): manifest["spec"]["sink"] for manifest in objects if manifest["kind"] == "SinkBinding"}
    return [_function(service, port, bound) for service, port in zip(manifests, ports.functions, strict=False)]


def is_service(manifest: Object) -> bool:
    """Return whether an object is a Knative Service (the other kind of Service is core/v1)."""
    return bool(manifest["apiVersion"].startswith(SERVING) and manifest["kind"] == "Service")


def _function(service: Object, port: int, bound: Mapping[tuple[str, str], Object]) -> LocalService:
    meta, spec = service["metadata"], service["spec"]["template"]["spec"]
    environment = {variable["name"]: _value(variable, meta) for variable in spec["containers"][0].get("env", [])}
    account = spec.get("serviceAccountName") or "default"
    sink = bound.get((meta["namespace"], meta["name"]))
    return LocalService(meta["name"], meta["namespace"], account, environment, port, sink)


def _subject(binding: Object) -> tuple[str, str]:
    """Return namespace and name of the Knative Service that a SinkBinding gives its sink to."""
    return binding["metadata"]["namespace"], binding["spec"]["subject"]["name"]


def _value(variable: Object, meta: Object) -> str:
    """Return a variable's value; of references, only those to the Service's own name and namespace are supported."""
    path = variable.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath", "")
    if path in ("metadata.namespace", "metadata.name"):
        return str(meta[path.removeprefix("metadata.")])
    if "valueFrom" in variable:
        raise ConfigUnusable(
            f"`valueFrom` of `{variable['name']}` of Knative Service '{meta['name']}' is not supported locally"
        )
    return str(variable.get("value", ""))


def part(  # noqa: PLR0913 (one for each thing that is the stack's)
    function: LocalService,
    *,
    kubeconfig: Path,
    layout: Layout,
    addresses: Addresses,
    command: tuple[str, ...],
    settings: Mapping[str, str],
) -> ProcessSpec:
    """Return the process of a function. Addresses of the Broker in its environment become the local ones."""
    ingress = f"http://{LOOPBACK}:{addresses.ports.ingress}"
    environment = {key: value.replace(INGRESS_IN_CLUSTER, ingress) for key, value in function.environment.items()}
    kept = (
        {DATABASE: f"sqlite:///{layout.databases / function.name}.db", ACCESS: "open"}
        if DATABASE in environment
        else {}
    )
    own = {
        **kept,
        "K_SERVICE": function.name,
        "KUBECONFIG": str(kubeconfig),
        "LISTEN_ADDRESS": f"{LOOPBACK}:{function.port}",
        "PYTHONUNBUFFERED": "1",
        "LOOPBACK_ONLY": "true",
        **({"K_SINK": addresses.resolve(function.sink, function.namespace)} if function.sink else {}),
    }
    return ProcessSpec(
        function.name,
        Stage.FUNCTION,
        command,
        layout.log(function.name),
        probe.http(function.url + READINESS),
        environment | dict(settings) | own,
        (Port(function.port, function.name, "events"),),
        ROOT,
    )
