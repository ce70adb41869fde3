"""`diff` before an apply says exactly what the functions then write, object by object; after it, nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cli.prediction.predicted_changes import YOU
from events.report import Report
from functions.function_catalogue import FUNCTIONS
from runtime.objects import KEPLER
from tests.cli.terminal import Terminal
from tests.workbench import BY_NAME, Workbench, kepler

ON: dict[str, Any] = {"enabled": True}
POWER = {**kepler("power", levels=["node", "pod"], idle_power=True), "kind": "KeplerExportedPower"}
SOURCES = {**kepler("sources", sources={"irq": {"enabled": False}}), "kind": "KeplerCollectedMetric"}

# By object and path: what it was at first, and what it is at last.
Net = dict[tuple[str, str, str], tuple[Any, Any]]


@dataclass(frozen=True)
class PredictedCase:
    """What is there before, and what is applied then."""

    says: str
    before: tuple[Mapping[str, Any], ...]
    applied: tuple[Mapping[str, Any], ...]
    stopped: frozenset[str] = field(default_factory=frozenset)


PLAIN = (kepler(),)
CASES = [
    PredictedCase("the first one", (), PLAIN),
    PredictedCase("nothing else", PLAIN, PLAIN),
    PredictedCase("another port", PLAIN, (kepler(collector={"port": 9103}),)),
    PredictedCase("the port back to its default", (kepler(collector={"port": 9103}),), PLAIN),
    PredictedCase("the estimator on", PLAIN, (kepler(estimator_sidecar=ON),)),
    PredictedCase("the estimator off", (kepler(estimator_sidecar=ON),), PLAIN),
    PredictedCase("the model server on", PLAIN, (kepler(model_server=ON),)),
    PredictedCase("the model server off", (kepler(model_server=ON),), PLAIN),
    PredictedCase(
        "everything at once", PLAIN, (kepler(collector={"log-level": 5}, estimator_sidecar=ON, model_server=ON),)
    ),
    PredictedCase("a claim", PLAIN, (kepler(model_server={**ON, "storage": {"type": "claim"}}),)),
    PredictedCase("another line", PLAIN, (kepler(collector={"release": "v0.11"}),)),
    PredictedCase("the line back", (kepler(collector={"release": "v0.11"}),), PLAIN),
    PredictedCase("levels of power", PLAIN, (POWER, kepler(exported_power="power"))),
    PredictedCase("sources", PLAIN, (SOURCES, kepler(collected_metric="sources"))),
    PredictedCase(
        "only what a Kepler names", (SOURCES, kepler(collected_metric="sources")), ({**SOURCES, "spec": {}},)
    ),
    PredictedCase(
        "pods of another kind",
        PLAIN,
        (
            kepler(
                collector={
                    "tolerations": [{"operator": "Exists"}],
                    "node-selector": {"disk": "gold"},
                    "resources": {"limits": {"memory": "1Gi"}},
                    "env": [{"name": "CPU_ARCH_OVERRIDE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
                    "image-pull-secrets": [{"name": "registry"}],
                    "update-strategy": {"type": "OnDelete"},
                }
            ),
        ),
    ),
    PredictedCase(
        "other nodes",
        (kepler(collector={"node-selector": {"disk": "gold"}, "tolerations": []}),),
        (kepler(collector={"node-selector": {"zone": "east"}, "tolerations": [{"operator": "Exists"}]}),),
    ),
    PredictedCase(
        "a reference to nothing",
        PLAIN,
        (kepler(collected_metric="mine", collector={"port": 9103}),),
        frozenset({"collected_metric", "collector", "monitoring"}),
    ),
    PredictedCase(
        "training, which no release can do",
        PLAIN,
        (kepler(model_server={**ON, "storage": {"type": "claim"}, "training": {"online": True}}),),
        frozenset({"model_server", "collector"}),
    ),
    PredictedCase(
        "a release that reads nothing",
        PLAIN,
        (kepler(collector={"image": "quay.io/sustainable_computing_io/kepler:v0.10.0", "release": "v0.7"}),),
        frozenset({"collector"}),
    ),
]
EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)


def reported(reports: list[Report]) -> Net:
    """What the functions wrote, status aside, as their reports have it."""
    net: Net = {}
    for change in (change for report in reports for change in report.changes if change.action != "reported"):
        where = (change.object.kind, change.object.name)
        for changed in change.fields:
            first = net.pop((*where, changed.path), None)
            if first is None or first[0] != changed.after:
                net[*where, changed.path] = (first[0] if first else changed.before, changed.after)
        if change.action == "deleted":
            net[*where, ""] = ("there", None)
    return net


def predicted(answer: Any) -> Net:
    """What `diff` says that the functions would write."""
    net: Net = {}
    for touched in answer["objects"]:
        where = (touched["object"]["kind"], touched["object"]["name"])
        for changed in touched["fields"]:
            if changed["by"] != YOU:
                net[*where, changed["path"]] = (changed["before"], changed["after"])
        if touched["action"] == "deleted":
            net[*where, ""] = ("there", None)
    return net


def settled(workbench: Workbench) -> list[Report]:
    """Every function in turn until none writes; all that they reported."""
    reports: list[Report] = []
    for _ in range(10):
        turn = [report for name in BY_NAME for report in workbench.resync(name).reports]
        reports += turn
        if not any(report.changes for report in turn):
            return reports
    raise AssertionError("the functions do not come to rest")


def rows(net: Net) -> list[list[Any]]:
    """As JSON has them."""
    rows_of_net: list[list[Any]] = json.loads(json.dumps([[*key, *value] for key, value in net.items()]))
    return sorted(rows_of_net, key=str)


@pytest.mark.parametrize("how", [(), ("--server-side",)], ids=["client-side", "server-side"])
@EACH
def test_what_is_predicted_is_what_is_written(
    case: PredictedCase, how: tuple[str, ...], workbench: Workbench, terminal: Terminal, tmp_path: Path
) -> None:
    """The same objects, fields and values; the functions that would stop do; afterwards nothing differs."""

    def apply(*objects: Mapping[str, Any]) -> None:
        for entry in objects:
            workbench.stack.kubectl("apply", *how, "-n", workbench.namespace, "-f", "-", stdin=json.dumps(entry))

    file = tmp_path / "resources.yaml"
    file.write_text("\n---\n".join(json.dumps(entry) for entry in case.applied))
    apply(*case.before)
    settled(workbench)

    before = terminal("diff", "-f", str(file), "-o", "json")
    apply(*case.applied)
    written = reported(settled(workbench))
    after = terminal("diff", "-f", str(file), "-o", "json")

    uid = workbench.kepler()["metadata"]["uid"]
    answer = json.loads(before.out.replace("00000000-0000-0000-0000-000000000000", uid))
    assert rows(predicted(answer)) == rows(written)
    assert before.code == (1 if answer["objects"] else 0)
    assert {entry["function"] for entry in answer["stopped"]} == case.stopped
    assert (after.code, after.data["objects"], after.err) == (0, [], "")
    assert after.data["stopped"] == answer["stopped"]


def test_every_function_that_has_a_kepler_is_asked() -> None:
    """Those of the simulation are those of the catalogue."""
    assert {function.name for function in FUNCTIONS if function.parent == KEPLER} == set(BY_NAME)
