"""Every component turned on, changed and off again on the running stack, in several orders."""

import copy
import itertools
import random
from typing import Any

import pytest

from operands import model_server_state
from tests.e2e.stack_namespace import StackNamespace
from tests.masks import masked
from tests.workbench import kepler

Spec = dict[str, Any]

ESTIMATOR: Spec = {"estimator-sidecar": {"enabled": True}}
MODEL_SERVER: Spec = {"model-server": {"enabled": True}}
STORED: Spec = {
    "model-server": {"enabled": True, "storage": {"type": "hostpath", "hostpath": {"path": "/var/lib/kepler"}}}
}
PORT: Spec = {"collector": {"port": 9105}}
COLLECTED: Spec = {"collected-metric": "mine"}
EXPORTED: Spec = {"exported-power": "mine"}
COMPONENTS = (ESTIMATOR, STORED, PORT, COLLECTED, EXPORTED)
# Of the hundred and twenty orders of five, so many, by chance.
ORDERS = 6
OFF: Spec = {"estimator-sidecar": {"enabled": False}, "model-server": {"enabled": False}}

# What is compared: everything that a Kepler may have in its namespace.
KINDS = "configmaps,services,serviceaccounts,daemonsets,deployments,persistentvolumeclaims"
SERVER_MADE = {"kube-root-ca.crt", "default"}
VOLATILE = {"status", "clusterIPs", "clusterIP", "deployment.kubernetes.io/revision"}


def state(cluster: StackNamespace) -> dict[str, Any]:
    """All objects in the namespace but the cluster's own, with nothing in them that differs from run to run."""
    listed = cluster.items(KINDS)
    kept = {
        f"{manifest['kind']}/{manifest['metadata']['name']}": manifest
        for manifest in listed
        if manifest["metadata"]["name"] not in SERVER_MADE
    }
    return {name: stripped(masked(manifest, cluster.namespace)) for name, manifest in sorted(kept.items())}


def stripped(value: Any) -> Any:
    """Without what controllers and the API server write."""
    if isinstance(value, dict):
        return {key: stripped(below) for key, below in value.items() if key not in VOLATILE and below not in ({}, [])}
    return [stripped(manifest) for manifest in value] if isinstance(value, list) else value


def specs(steps: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """The spec after each step: a step replaces the parts it names."""
    spec: dict[str, Any] = {}
    return [copy.deepcopy(spec := {**spec, **step}) for step in steps]


def walk(cluster: StackNamespace, steps: tuple[dict[str, Any], ...]) -> None:
    """Applies one step after the other, each to its end."""
    for spec in specs(steps):
        cluster.apply({**kepler(), "spec": spec})
        cluster.await_ready()


def beside(cluster: StackNamespace, name: str) -> StackNamespace:
    """A namespace with the two resources that a Kepler may refer to."""
    there = cluster.beside(name)
    there.apply({**kepler("mine", sources={"irq": {"enabled": False}}), "kind": "KeplerCollectedMetric"})
    there.apply({**kepler("mine", levels=["node", "container"]), "kind": "KeplerExportedPower"})
    return there


@pytest.mark.timeout(400)
def test_what_is_left_does_not_depend_on_the_way(cluster: StackNamespace) -> None:
    """Five components on in many orders, then off: each end equals a fresh apply of the same spec."""
    orders = random.Random(1).sample(list(itertools.permutations(COMPONENTS)), ORDERS)
    everything = {name: part for component in COMPONENTS for name, part in component.items()}
    fresh, plain = beside(cluster, "fresh"), beside(cluster, "plain")
    walk(fresh, (everything,))
    walk(plain, (PORT,))
    for number, order in enumerate(orders):
        there = beside(cluster, f"way-{number}")
        walk(there, order)
        assert state(there) == state(fresh), order

        there.apply({**kepler(), "spec": {**OFF, **PORT}})
        there.await_ready()
        there.eventually(lambda here=there: state(here) == state(plain), lambda here=there: state(here))  # type: ignore[misc]


def test_machines_are_described_and_are_not(cluster: StackNamespace) -> None:
    """For the whole cluster: the ConfigMap beside a Kepler comes, follows, and goes; no machine is changed here."""
    cluster.apply(kepler())
    cluster.await_ready()
    spec = {"m5": {"cores": 96}}
    machines = {**kepler("machines", machine_spec=spec, kernel_devel=True), "kind": "KeplerMachineConfig"}
    described = "configmap/kepler-machine-spec"
    try:
        cluster.apply(machines)
        cluster.eventually(lambda: cluster.get(described))
        reason = "jsonpath={.status.conditions[?(@.type=='Ready')].reason}"
        cluster.eventually(lambda: cluster.kubectl("get", "kmc/machines", "-o", reason) == "NotApplicable")
        cluster.patch("kmc/machines", {"spec": {"machine-spec": {"m5": {"cores": 48}}}})
        cluster.eventually(lambda: "48" in cluster.get(described)["data"]["spec.json"])
        cluster.patch("kmc/machines", {"spec": {"machine-spec": None}})
        cluster.eventually(lambda: cluster.get(described) is None)
    finally:
        cluster.kubectl("delete", "kmc/machines", "--ignore-not-found")


def test_one_edit_of_everything_is_one_rollout(cluster: StackNamespace) -> None:
    """Estimator, model server and port in one edit: one generation, and one more if the server is available later.

    The KeplerCollectedMetric: one more.
    """
    metrics = {**kepler("default", sources={}), "kind": "KeplerCollectedMetric"}
    cluster.apply(metrics, kepler(collected_metric="default"))
    cluster.await_ready()
    assert cluster.generation() == 1

    cluster.apply({**kepler(), "spec": {"collected-metric": "default", **ESTIMATOR, **MODEL_SERVER, **PORT}})
    cluster.eventually(lambda: exporters_know_the_server(cluster), lambda: cluster.get("daemonset/kepler-exporter"))
    cluster.await_ready()
    generation = cluster.generation()
    assert generation in {2, 3}

    cluster.patch("kcm/default", {"spec": {"sources": {"irq": {"enabled": False}}}})
    cluster.eventually(lambda: cluster.generation() > generation)
    cluster.await_ready()
    assert cluster.generation() == generation + 1


def exporters_know_the_server(cluster: StackNamespace) -> bool:
    """Return whether exporters were started for the configuration with which the model server is available."""
    available = model_server_state.state(cluster.get("deployment/kepler-model-server"), "")
    return available != "" and model_server_state.noted(cluster.get("daemonset/kepler-exporter")) == available


def test_a_deleted_model_server_comes_back(cluster: StackNamespace) -> None:
    """Deployment, Service and its ConfigMap."""
    cluster.apply({**kepler(), "spec": MODEL_SERVER})
    cluster.await_ready()
    for child in ("deployment/kepler-model-server", "service/kepler-model-server", "configmap/kepler-model-server-cfm"):
        before = cluster.get(child)["metadata"]["uid"]
        cluster.kubectl("delete", child)
        cluster.eventually(lambda one=child, uid=before: cluster.uid(one) not in ("", uid), lambda one=child: one)  # type: ignore[misc]


def test_a_deleted_kepler_takes_its_model_server_along(cluster: StackNamespace) -> None:
    """Nothing but the cluster's own objects is left."""
    cluster.apply({**kepler(), "spec": {**ESTIMATOR, **MODEL_SERVER}})
    cluster.await_ready()
    cluster.kubectl("delete", "keplers/kepler")
    cluster.eventually(lambda: not state(cluster), lambda: sorted(state(cluster)))
