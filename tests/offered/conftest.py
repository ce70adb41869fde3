"""A control plane with the kinds of Prometheus, OpenShift and Knative, and one node; each test has a namespace."""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cli.kinds import BROKER, TRIGGER
from functions.function_catalogue import FUNCTIONS
from installation import contents
from local import knative
from local.stack import Stack
from runtime.client import Transport, path
from runtime.objects import CRD, KEPLER, MACHINE_CONFIG
from runtime.settings import NAMESPACE
from tests.faults.plane import plane
from tests.offered.broker_ingress import BrokerIngress
from tests.offered.node_manifests import add_node
from tests.offered.operated_namespace import OperatedNamespace
from tests.workbench import create_namespace, transport

_numbers = itertools.count(1)
READY = [{"type": "Ready", "status": "True"}]


@pytest.fixture(scope="package")
def broker() -> Iterator[BrokerIngress]:
    """Where requests of `kubectl kepler` go."""
    with BrokerIngress() as ingress:
        yield ingress


@pytest.fixture(scope="package")
def offered_plane(programs: Path, broker: BrokerIngress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One for all cases, since they change what a whole cluster shares."""
    with plane(tmp_path_factory.mktemp("offered"), programs) as stack:
        for crd in knative.crds(stack.layout):
            stack.api.apply(path(CRD, "", crd["metadata"]["name"]), crd)
        stack.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        install_eventing(stack, broker.url)
        add_node(stack, "node-1")
        yield stack


def install_eventing(stack: Stack, url: str) -> None:
    """The Broker and the Triggers, in order as Knative says, all of them at one address."""
    for files in contents.base().values():
        for manifest in files:
            for kind, status in ((BROKER, {"address": {"url": url}}), (TRIGGER, {"subscriberUri": url})):
                if (manifest["apiVersion"], manifest["kind"]) == (kind.api_version, kind.name):
                    where = path(kind, NAMESPACE, manifest["metadata"]["name"])
                    stack.api.apply(where, manifest)
                    identity = {key: manifest[key] for key in ("apiVersion", "kind")}
                    named = {"metadata": {"name": manifest["metadata"]["name"]}}
                    stack.api.apply(f"{where}/status", {**identity, **named, "status": {**status, "conditions": READY}})


@pytest.fixture(scope="package")
def ways(offered_plane: Stack) -> Mapping[str, Transport]:
    """The functions' own ways to the API server, by manager."""
    return {function.manager: transport(offered_plane, function.manager) for function in FUNCTIONS}


@pytest.fixture
def operated(offered_plane: Stack, ways: Mapping[str, Transport], broker: BrokerIngress) -> Iterator[OperatedNamespace]:
    """A fresh namespace that allows privileged pods; afterwards nothing of it concerns anybody."""
    name = f"offered-{next(_numbers)}"
    create_namespace(offered_plane, name)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    offered_plane.api.create(f"/api/v1/namespaces/{name}/serviceaccounts", account)
    operated_namespace = OperatedNamespace(offered_plane, name, ways, broker)
    yield operated_namespace
    operated_namespace.obstacles.close()
    for kind in (KEPLER, MACHINE_CONFIG):
        for manifest in offered_plane.api.items(path(kind, name if kind.namespaced else "")):
            offered_plane.api.delete(path(kind, name if kind.namespaced else "", manifest["metadata"]["name"]))
    operated_namespace.follow()
