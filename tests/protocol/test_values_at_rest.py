"""What of Kubernetes' own types a resource embeds is compared as the API server keeps it, however it was written.

Each example is a Kepler with values that are empty or spelt in another way. Its DaemonSet is applied by a real API
server (as a dry run), and what comes back must be what was intended: else every sweep would write it again.
"""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cli.connection.cluster import Cluster, ClusterTarget, connect
from crds.core import Schema
from local.stack import Stack
from operands import exporter, model_pod
from runtime.client import APPLY
from runtime.differences import differences
from runtime.errors import Refused
from runtime.objects import KEPLER
from runtime.outcome import Intent
from tests.campaign.values import places
from tests.pure.test_exporter import KEY, parent

MANAGER = "kepler-collector"
EXAMPLES = settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much]
)

SPELLINGS = ("0", "1", "1000m", "0.5", ".5", "500m", "1.5", "1e3", "1E3", "2e-1", "1n", "1u", "0.0001")
SIZES = ("1Ki", "1024", "0.1Gi", "1.5Gi", "1024Mi", "3P", "100M")
QUANTITIES = st.sampled_from([*SPELLINGS, *SIZES, 0, 1, 2, 0.5, 0.1, 1.5])
NAMES = st.sampled_from(["a", "b"])


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


REFERENCES = st.one_of(
    st.fixed_dictionaries(
        {
            "fieldRef": st.fixed_dictionaries(
                {"fieldPath": st.just("spec.nodeName")}, optional={"apiVersion": st.sampled_from(["", "v1"])}
            )
        }
    ),
    st.fixed_dictionaries(
        {
            "resourceFieldRef": st.fixed_dictionaries(
                {"resource": st.just("limits.cpu")},
                optional={
                    "containerName": st.sampled_from(["", "kepler-exporter"]),
                    "divisor": st.sampled_from(["", "0", "1", "1000m", "1m", 1]),
                },
            )
        }
    ),
    *(
        st.fixed_dictionaries(
            {
                kind: st.fixed_dictionaries(
                    {"key": NAMES}, optional={"name": st.sampled_from(["", "a"]), "optional": st.booleans()}
                )
            }
        )
        for kind in ("secretKeyRef", "configMapKeyRef")
    ),
)
ENV = st.lists(
    st.one_of(
        st.fixed_dictionaries({"name": NAMES}, optional={"value": st.sampled_from(["", "x"])}),
        st.fixed_dictionaries({"name": NAMES, "valueFrom": REFERENCES}, optional={"value": st.just("")}),
    ),
    max_size=2,
    unique_by=lambda variable: variable["name"],
)
EMPTY = st.just("")
TOLERATIONS = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"operator": st.just("Exists")}, optional={"key": EMPTY, "effect": EMPTY, "value": EMPTY}
        ),
        st.fixed_dictionaries(
            {"key": NAMES, "effect": st.sampled_from(["NoExecute"])},
            optional={
                "operator": st.sampled_from(["", "Equal"]),
                "value": st.sampled_from(["", "x"]),
                "tolerationSeconds": st.sampled_from([0, 1]),
            },
        ),
        st.fixed_dictionaries(
            {"key": NAMES, "operator": st.just("Exists")}, optional={"effect": EMPTY, "value": EMPTY}
        ),
    ),
    max_size=2,
)
AMOUNTS = st.dictionaries(st.sampled_from(["cpu", "memory", "ephemeral-storage"]), QUANTITIES, max_size=2)
RESOURCES = optional(limits=AMOUNTS, requests=AMOUNTS, claims=st.just([]))
EXPRESSIONS: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"key": NAMES, "operator": st.sampled_from(["Exists", "DoesNotExist"])}, optional={"values": st.just([])}
        ),
        st.fixed_dictionaries({"key": NAMES, "operator": st.just("In"), "values": st.sampled_from([["a"], ["a", ""]])}),
    ),
    max_size=2,
)
SELECTORS = optional(
    matchLabels=st.dictionaries(NAMES, st.sampled_from(["", "x"]), max_size=1), matchExpressions=EXPRESSIONS
)
NODE_TERMS = optional(matchExpressions=EXPRESSIONS, matchFields=st.just([]))
POD_TERMS = st.fixed_dictionaries(
    {"topologyKey": st.just("kubernetes.io/hostname")},
    optional={
        "labelSelector": SELECTORS,
        "namespaceSelector": SELECTORS,
        "namespaces": st.sampled_from([[], ["a"]]),
        "matchLabelKeys": st.just([]),
        "mismatchLabelKeys": st.just([]),
    },
)
WEIGHTS = st.sampled_from([1, 100])
POD_AFFINITY = optional(
    requiredDuringSchedulingIgnoredDuringExecution=st.lists(POD_TERMS, max_size=1),
    preferredDuringSchedulingIgnoredDuringExecution=st.lists(
        st.fixed_dictionaries({"weight": WEIGHTS, "podAffinityTerm": POD_TERMS}), max_size=1
    ),
)
AFFINITY = optional(
    nodeAffinity=optional(
        requiredDuringSchedulingIgnoredDuringExecution=st.fixed_dictionaries(
            {"nodeSelectorTerms": st.lists(NODE_TERMS, min_size=1, max_size=2)}
        ),
        preferredDuringSchedulingIgnoredDuringExecution=st.lists(
            st.fixed_dictionaries({"weight": WEIGHTS, "preference": NODE_TERMS}), max_size=1
        ),
    ),
    podAffinity=POD_AFFINITY,
    podAntiAffinity=POD_AFFINITY,
)
AT_ONCE = st.sampled_from([0, 1, "0%", "10%"])
STRATEGIES = optional(
    type=st.sampled_from(["", "RollingUpdate", "OnDelete"]),
    rollingUpdate=optional(maxUnavailable=AT_ONCE, maxSurge=AT_ONCE),
)
PULL_SECRETS = st.lists(optional(name=st.sampled_from(["a", "b"])), max_size=1)
NODE_LABELS = st.dictionaries(NAMES, st.sampled_from(["", "x"]), max_size=2)
OWN_LABELS = st.dictionaries(st.sampled_from(["a", "example.com/b"]), st.sampled_from(["", "x"]), max_size=2)
EMBEDDED = {
    "collector.env": ENV,
    "collector.tolerations": TOLERATIONS,
    "collector.resources": RESOURCES,
    "collector.affinity": AFFINITY,
    "collector.update-strategy": STRATEGIES,
    "collector.image-pull-secrets": PULL_SECRETS,
    "collector.node-selector": NODE_LABELS,
    "collector.pod-labels": OWN_LABELS,
    "collector.pod-annotations": OWN_LABELS,
    "collector.service-annotations": OWN_LABELS,
    "estimator-sidecar.env": ENV,
    "estimator-sidecar.resources": RESOURCES,
    "model-server.env": ENV,
    "model-server.tolerations": TOLERATIONS,
    "model-server.resources": RESOURCES,
    "model-server.image-pull-secrets": PULL_SECRETS,
    "model-server.node-selector": NODE_LABELS,
    "model-server.pod-labels": OWN_LABELS,
    "model-server.pod-annotations": OWN_LABELS,
    "model-server.service-annotations": OWN_LABELS,
}


@pytest.fixture(scope="module")
def administrator(control_plane: Stack) -> Cluster:
    """The cluster, to somebody who may do anything."""
    return connect(ClusterTarget(kubeconfig=str(control_plane.admin)), {})


def test_every_field_that_holds_objects_is_tried() -> None:
    """A new field of Kubernetes' own types, or a map, is to be given values here."""
    leaves = [place for place in places(KEPLER.name) if place.known]
    there = {place.path.removeprefix("spec.") for place in leaves if _holds_objects(place.node)}
    assert there - {"monitoring.labels"} == set(EMBEDDED)  # labels of an object, which are kept as they are


def _holds_objects(node: Schema) -> bool:
    """Whether a value, or each item of a list, is an object."""
    items = node.get("items")
    return "object" in (node.get("type"), items.get("type") if isinstance(items, dict) else None)


@pytest.mark.parametrize("field", EMBEDDED)
def test_what_comes_back_is_what_was_intended(administrator: Cluster, field: str) -> None:
    """Of every type that a Kepler embeds, with empty values and every spelling of an amount."""
    taken = 0

    @EXAMPLES
    @given(EMBEDDED[field])
    def example(value: Any) -> None:
        nonlocal taken
        intent = child(field, value)
        try:
            stored = rehearsed(administrator, intent)
        except Refused:
            assume(False)  # noqa: FBT003
        taken += 1
        assert differences(intent.body, stored, manager=MANAGER) == ()

    example()
    assert taken > 1


def child(field: str, value: Any) -> Intent:
    """The workload or Service that a field of a Kepler is handed on to, with this value."""
    block, _, name = field.partition(".")
    kepler = parent()
    kepler["spec"] = {block: {name: value}}
    if name == "service-annotations":
        service = model_pod.service if block == "model-server" else exporter.service
        return service(kepler, KEY)
    if block == "model-server":
        return model_pod.deployment(kepler, KEY, ("x/y:1", "x/z:1"), "digest")
    estimator = "x/z:1" if block == "estimator-sidecar" else None
    return exporter.daemon_set(kepler, KEY, exporter.PodInputs("x/y:1", {"KEY": "value"}, "digest", estimator))


def rehearsed(cluster: Cluster, intent: Intent) -> Any:
    """The object as the API server would keep it."""
    ref, body = replace(intent.ref, namespace="default"), intent.body
    named = {"apiVersion": ref.kind.api_version, "kind": ref.kind.name}
    described = {**body.get("metadata", {}), "name": ref.name, "namespace": ref.namespace}
    return cluster.dry_run_apply(ref, {**body, **named, "metadata": described}, manager=MANAGER, content_type=APPLY)
