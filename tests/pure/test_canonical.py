"""Values of Kubernetes' own types as the API server keeps them: each case what is written, and what is kept."""

from dataclasses import dataclass
from typing import Any

import pytest

from crds.canonical import canonical


@dataclass(frozen=True)
class CanonicalCase:
    """A value of a type, by the last part of its name."""

    says: str
    type_name: str
    written: Any
    kept: Any


CASES = [
    CanonicalCase("an empty value of a variable is none", "EnvVar", {"name": "X", "value": ""}, {"name": "X"}),
    CanonicalCase(
        "a toleration of everything",
        "Toleration",
        {"key": "", "operator": "Exists", "effect": ""},
        {"operator": "Exists"},
    ),
    CanonicalCase(
        "an empty map", "ResourceRequirements", {"limits": {}, "requests": {"cpu": 1}}, {"requests": {"cpu": 1}}
    ),
    CanonicalCase(
        "an amount with a fraction is text",
        "ResourceRequirements",
        {"limits": {"cpu": 0.1, "memory": 1e16}, "requests": {"cpu": 1}},
        {"limits": {"cpu": "0.1", "memory": "1e+16"}, "requests": {"cpu": 1}},
    ),
    CanonicalCase("a required field stays", "EnvVar", {"name": ""}, {"name": ""}),
    CanonicalCase("zero and false are values", "Toleration", {"tolerationSeconds": 0}, {"tolerationSeconds": 0}),
    CanonicalCase(
        "an unknown field is the API server's to refuse",
        "EnvVar",
        {"name": "X", "other": ""},
        {"name": "X", "other": ""},
    ),
    CanonicalCase("what is no object, too", "EnvVar", "X", "X"),
    CanonicalCase(
        "an empty selector selects everything, and stays",
        "Affinity",
        {
            "podAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "k", "namespaceSelector": {}}]
            }
        },
        {
            "podAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "k", "namespaceSelector": {}}]
            }
        },
    ),
    CanonicalCase(
        "a label with an empty value stays",
        "Affinity",
        {
            "podAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": "k", "labelSelector": {"matchLabels": {"a": ""}, "matchExpressions": []}}
                ]
            }
        },
        {
            "podAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": "k", "labelSelector": {"matchLabels": {"a": ""}}}
                ]
            }
        },
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_a_value_is_as_the_api_server_keeps_it(case: CanonicalCase) -> None:
    assert canonical(case.written, f"io.k8s.api.core.v1.{case.type_name}") == case.kept


def test_an_update_strategy_without_settings_is_the_default() -> None:
    assert canonical({"type": "", "rollingUpdate": {}}, "io.k8s.api.apps.v1.DaemonSetUpdateStrategy") == {}
