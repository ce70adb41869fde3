"""Server-side apply in memory, against what the API server makes of the same."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from cli.prediction.applied import Writer, applied, owners
from cli.prediction.dry_run import three_way
from cli.prediction.leaves import field_changes
from runtime.client import Client
from runtime.field_paths import Path
from runtime.objects import CONFIG_MAP, DAEMON_SET, Ref
from runtime.transport import connect
from tests.workbench import Workbench

ONE, OTHER = Writer("one"), Writer("other")
CFM = Ref(CONFIG_MAP, "ns", "cfm")


def data(**values: str) -> dict[str, Any]:
    """A ConfigMap with these keys."""
    return {"data": values}


@dataclass(frozen=True)
class AppliedCase:
    """What is applied in which order, and the keys and owners that are there then."""

    says: str
    steps: tuple[tuple[Writer, dict[str, Any]], ...]
    left: dict[str, str]
    owned: dict[str, set[str]]


CASES = [
    AppliedCase("what is applied is there", ((ONE, data(a="1")),), {"a": "1"}, {"one": {"a"}}),
    AppliedCase(
        "what is no longer applied goes", ((ONE, data(a="1", b="1")), (ONE, data(b="1"))), {"b": "1"}, {"one": {"b"}}
    ),
    AppliedCase(
        "what another owns stays",
        ((ONE, data(a="1", b="1")), (OTHER, data(b="1")), (ONE, data(a="1"))),
        {"a": "1", "b": "1"},
        {"one": {"a"}, "other": {"b"}},
    ),
    AppliedCase(
        "a value that is changed is taken", ((ONE, data(a="1")), (OTHER, data(a="2"))), {"a": "2"}, {"other": {"a"}}
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_an_apply_in_memory(case: AppliedCase) -> None:
    """Values and owners."""
    manifest = None
    for writer, intent in case.steps:
        manifest = applied(CFM, intent, manifest, writer)
    assert manifest is not None
    assert manifest["data"] == case.left
    owned = {
        writer.manager: {path[-1].removeprefix("f:") for path in paths} for writer, paths in owners(manifest).items()
    }
    assert owned == case.owned


def daemon_set(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A DaemonSet's intent."""
    labels = {"app": "x"}
    pod = {"containers": list(containers), **spec}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return {"spec": {"selector": {"matchLabels": labels}, "template": template}}


def container(name: str, **more: Any) -> dict[str, Any]:
    """One container."""
    return {"name": name, "image": "registry.example/x:1", **more}


VOLUMES = [{"name": "v"}]
STEPS = [
    daemon_set(container("a", env=[{"name": "X", "value": "1"}])),
    daemon_set(container("a", env=[{"name": "Y", "value": "2"}], ports=[{"containerPort": 1, "protocol": "TCP"}])),
    daemon_set(
        container("a"), container("b", volumeMounts=[{"name": "v", "mountPath": "/v"}]), volumes=[{"name": "v"}]
    ),
    daemon_set(container("a"), nodeSelector={"disk": "gold"}, tolerations=[{"operator": "Exists"}]),
    daemon_set(container("a"), nodeSelector={"zone": "east"}, tolerations=[{"key": "x", "operator": "Exists"}]),
    daemon_set(container("c", args=["-x"])),
]


def whole(mine: Iterable[Path], theirs: Iterable[Path]) -> set[Path]:
    """My paths, cut where the API server takes a map for one value: a selector, for instance."""
    atoms = {*theirs}
    cuts = {path: next((path[:end] for end in range(len(path)) if path[:end] in atoms), path) for path in mine}
    return {path if path[-1].startswith("k:") else cuts[path] if not _item(cuts[path]) else path for path in mine}


def _item(path: Path) -> bool:
    return bool(path) and path[-1].startswith("k:")


def test_memory_and_api_server_agree(workbench: Workbench) -> None:
    """Over a chain of applies: the same object and the same owners after each, server's defaults included."""
    kubeconfig = {"KUBECONFIG": str(workbench.stack.admin)}
    client = Client(connect(kubeconfig, user_agent="test"), manager="one")
    ref = Ref(DAEMON_SET, workbench.namespace, "x")
    there = client.apply(ref, STEPS[0], over=None)
    for step in STEPS[1:]:
        mine = applied(ref, step, there, ONE)
        there = client.apply(ref, step, over=there)
        defaulted = {change.path.rpartition(".")[2] for change in field_changes(mine, there)}
        assert defaulted <= {
            "terminationMessagePath",
            "terminationMessagePolicy",
            "imagePullPolicy",
            "resources",
            "emptyDir",
            "deprecated.daemonset.template.generation",
            "generation",
            "protocol",
        }
        assert whole(owners(mine)[ONE], owners(there)[ONE]) == owners(there)[ONE]
        assert mine["metadata"]["generation"] == there["metadata"]["generation"]


@dataclass(frozen=True)
class Merge:
    """kubectl's three sides, and the patch."""

    says: str
    original: dict[str, Any]
    modified: dict[str, Any]
    current: dict[str, Any]
    patch: dict[str, Any]


TAKEN_OUT = {"a": None, "b": {"c": None}}
MERGES = [
    Merge("nothing", {"a": 1}, {"a": 1}, {"a": 1, "b": 2}, {}),
    Merge("changed", {"a": 1}, {"a": 2}, {"a": 1}, {"a": 2}),
    Merge(
        "taken out", {"a": 1, "b": {"c": 1}}, {"b": {}}, {"a": 1, "b": {"c": 1, "d": 1}}, {"a": None, "b": {"c": None}}
    ),
    Merge("somebody else's stays", {"a": 1}, {"a": 1}, {"a": 1, "z": 9}, {}),
    Merge("put back", {"a": 1}, {"a": 1}, {"a": 5}, {"a": 1}),
    Merge("lists are one", {"a": [1]}, {"a": [1, 2]}, {"a": [1]}, {"a": [1, 2]}),
    Merge("gone already", {"a": 1}, {}, {}, {}),
]


@pytest.mark.parametrize("case", MERGES, ids=lambda case: case.says)
def test_kubectls_three_way_patch(case: Merge) -> None:
    """What is added or changed, and null for what only the last apply had."""
    assert three_way(case.original, case.modified, case.current) == case.patch
    assert json.dumps(case.patch)
