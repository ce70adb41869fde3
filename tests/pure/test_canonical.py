"""Values of Kubernetes' own types as the API server keeps them: each case what is written, and what is kept."""

from dataclasses import dataclass
from typing import Any

import pytest

from crds.canonical import canonical


@dataclass(frozen=True)
class Case:
    """A value of a type, by the last part of its name."""

    says: str
    type_name: str
    written: Any
    kept: Any


CASES = [
    Case("an empty value of a variable is none", "EnvVar", {"name": "X", "value": ""}, {"name": "X"}),
    Case(
        "a toleration of everything",
        "Toleration",
        {"key": "", "operator": "Exists", "effect": ""},
        {"operator": "Exists"},
    ),
    Case("an empty map", "ResourceRequirements", {"limits": {}, "requests": {"cpu": 1}}, {"requests": {"cpu": 1}}),
    Case(
        "an amount with a fraction is text",
        "ResourceRequirements",
        {"limits": {"cpu": 0.1, "memory": 1e16}, "requests": {"cpu": 1}},
        {"limits": {"cpu": "0.1", "memory": "1e+16"}, "requests": {"cpu": 1}},
    ),
    Case("a required field stays", "EnvVar", {"name": ""}, {"name": ""}),
    Case("zero and false are values", "Toleration", {"tolerationSeconds": 0}, {"tolerationSeconds": 0}),
    Case(
        "an unknown field is the API server's to refuse",
        "EnvVar",
        {"name": "X", "other": ""},
        {"name": "X", "other": ""},
    ),
    Case("what is no object, too", "EnvVar", "X", "X"),
    Case(
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
    Case(
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
def test_a_value_is_as_the_api_server_keeps_it(case: Case) -> None:
    assert canonical(case.written, f"io.k8s.api.core.v1.{case.type_name}") == case.kept


def test_an_update_strategy_without_settings_is_the_default() -> None:
    assert canonical({"type": "", "rollingUpdate": {}}, "io.k8s.api.apps.v1.DaemonSetUpdateStrategy") == {}
