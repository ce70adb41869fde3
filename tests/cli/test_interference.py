"""`explain` and `diff` name the fields of children that others own: of real objects, changed by the real kubectl."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.workbench import Workbench, kepler

POD = "spec.template.spec"
TEMPLATE = {"spec": {"template": {"spec": {"priorityClassName": "x"}}}}


@pytest.fixture
def patched(workbench: Workbench) -> Workbench:
    """A Kepler whose DaemonSet somebody has given a priority class."""
    workbench.apply(kepler())
    workbench.settle()
    workbench.roll_out()
    workbench.stack.kubectl("-n", workbench.namespace, "patch", "daemonset/kepler-exporter", "-p", json.dumps(TEMPLATE))
    workbench.settle()
    workbench.roll_out()
    workbench.settle()
    return workbench


def written(workbench: Workbench) -> str:
    """When the priority class was set, as the sentences have it."""
    managed_fields = workbench.get("daemonset/kepler-exporter")["metadata"]["managedFields"]
    [at] = [
        entry["time"] for entry in managed_fields if entry["manager"] == "kubectl-patch" and "subresource" not in entry
    ]
    return f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M:%S}"


def sentence(workbench: Workbench) -> str:
    """What is told of it."""
    about = f"DaemonSet {workbench.namespace}/kepler-exporter: `{POD}.priorityClassName` is 'x'"
    return f"{about}, set by kubectl-patch, {written(workbench)}; no function sets this field, so it stays"


def test_explain_names_the_field_its_owner_and_the_time(patched: Workbench, terminal: Terminal) -> None:
    """Also of a Kepler that is Ready; the command that it suggests removes the field."""
    result = terminal("explain")
    assert result.code == 0
    assert f"also:\n  {sentence(patched)}\n" in result.out
    [command] = [line.partition(": ")[2] for line in result.out.splitlines() if "--type=json" in line]
    assert command.startswith(f"kubectl -n {patched.namespace} patch daemonsets.apps kepler-exporter --type=json -p ")

    pointer = command.partition("'")[2].rpartition("'")[0]
    namespace = ("-n", patched.namespace)
    patched.stack.kubectl(*namespace, "patch", "daemonsets.apps", "kepler-exporter", "--type=json", "-p", pointer)
    patched.settle()
    assert "priorityClassName" not in terminal("explain").out


def test_explain_of_the_child_itself(patched: Workbench, terminal: Terminal) -> None:
    """Ends with 1 while others own a field of it, with 0 if nobody does."""
    result = terminal("explain", "ds/kepler-exporter")
    belongs = f"DaemonSet {patched.namespace}/kepler-exporter belongs to Kepler {patched.namespace}/kepler"
    assert result.code == 1
    assert result.out.startswith(f"{belongs}, and others change it: {sentence(patched)}\n")
    assert "next:\n  if it should not be there: kubectl" in result.out

    well = terminal("explain", "svc/kepler-exporter")
    assert well.code == 0
    assert "and nobody else owns a field of it" in well.out


def test_explain_of_an_object_that_is_not_ours(workbench: Workbench, terminal: Terminal) -> None:
    """Nobody's child, and not there."""
    workbench.stack.kubectl("-n", workbench.namespace, "create", "configmap", "mine")
    assert "belongs to no Kepler" in terminal("explain", "cm/mine").err
    assert terminal("explain", "cm/none").code == 4


def test_diff_names_what_would_stay(patched: Workbench, terminal: Terminal, tmp_path: Path) -> None:
    """Nothing would be written, so it ends with 0; what a function would take over is not told."""
    file = tmp_path / "kepler.json"
    file.write_text(json.dumps(kepler()))
    result = terminal("diff", "-f", str(file))
    assert (result.code, result.out, result.err) == (0, f"{sentence(patched)}\n", "")
    data = terminal("diff", "-f", str(file), "-o", "json").data
    assert [(entry["path"], entry["value"], entry["by"]) for entry in data["foreign"]] == [
        (f"{POD}.priorityClassName", "x", "kubectl-patch")
    ]

    file.write_text(json.dumps(kepler(collector={"priority-class": "system-node-critical"})))
    taken = terminal("diff", "-f", str(file), "-o", "json")
    assert taken.code == 1
    assert taken.data["foreign"] == []


def test_a_secret_value_is_hidden(patched: Workbench, terminal: Terminal) -> None:
    """As everywhere: values of `env` are in no explanation."""
    patched.stack.kubectl("-n", patched.namespace, "set", "env", "daemonset/kepler-exporter", "TOKEN=swordfish-1234")
    result = terminal("explain", "ds/kepler-exporter")
    assert "env[name=TOKEN]" in result.out
    assert "swordfish" not in result.out + terminal("explain", "ds/kepler-exporter", "-o", "json").out
