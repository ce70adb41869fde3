"""Commands with functions in another namespace than `kepler-operator`."""

import json

import pytest

from cli.command_errors import Exit
from cli.doctor.expected import objects
from cli.explanation.function_parts import Installation, delivery_problem
from local.stack import Stack
from runtime.settings import NAMESPACE
from tests.cli.terminal import Terminal
from tests.dead_letter_samples import given_up, store
from tests.workbench import create_namespace

ELSEWHERE = "energy-operator"
OPTION = ("--operator-namespace", ELSEWHERE)


@pytest.fixture(scope="module")
def letter(control_plane: Stack) -> str:
    """The name of a dead letter that is kept in the other namespace, and nowhere else."""
    create_namespace(control_plane, ELSEWHERE)
    before = names(control_plane)
    store(control_plane)(given_up(id="elsewhere"))
    [name] = names(control_plane) - before
    config_map = json.loads(control_plane.kubectl("-n", NAMESPACE, "get", "configmap", name, "-o", "json"))
    config_map["metadata"] = {key: config_map["metadata"][key] for key in ("name", "labels", "annotations")}
    control_plane.kubectl("-n", ELSEWHERE, "create", "-f", "-", stdin=json.dumps(config_map))
    control_plane.kubectl("-n", NAMESPACE, "delete", "configmap", name)
    return name


def names(stack: Stack) -> set[str]:
    """ConfigMaps in namespace `kepler-operator`."""
    return {*stack.kubectl("-n", NAMESPACE, "get", "configmaps", "-o", "name").replace("configmap/", "").split()}


def test_dead_letters_are_found_and_discarded_where_the_functions_are(
    terminal: Terminal, letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the option or the environment variable; by neither in `kepler-operator`. A message names the namespace."""
    assert letter in terminal("dead-letters", *OPTION).out
    assert letter not in terminal("dead-letters").out
    assert terminal("dead-letters", "show", letter).code == Exit.MISSING
    monkeypatch.setenv("KEPLER_OPERATOR_NAMESPACE", ELSEWHERE)
    assert "given up once" in terminal("dead-letters", "show", letter).out
    replayed = terminal("dead-letters", "replay", letter)
    assert replayed.code in (Exit.DENIED, Exit.MISSING)
    assert f"in namespace '{ELSEWHERE}'" in replayed.err
    assert letter not in terminal("dead-letters", "--operator-namespace", NAMESPACE).out
    assert terminal("dead-letters", "discard", letter).out == "1 letter discarded\n"
    assert terminal("dead-letters", "-o", "json").data == []


def test_doctor_says_where_the_functions_are(terminal: Terminal, letter: str) -> None:
    """Instead of every object that is not in the namespace that was looked at."""
    assert letter
    result = terminal("doctor", *OPTION, "-o", "json")
    assert result.code == Exit.NO
    [line] = result.data["checks"]
    assert line["says"] == f"the functions are in namespace '{NAMESPACE}', and '{ELSEWHERE}' was checked"
    assert line["do"].startswith(f"add --operator-namespace {NAMESPACE}, or set KEPLER_OPERATOR_NAMESPACE=")


def test_explain_names_the_namespace_without_functions() -> None:
    """Instead of the one Trigger that it needs."""
    text = delivery_problem(Installation(namespace=ELSEWHERE), "kepler-collector")
    assert text.startswith(f"no function is in namespace '{ELSEWHERE}': apply `config/`, or name the functions'")


def test_what_is_expected_in_another_namespace_names_only_that() -> None:
    """In URIs and in expressions of admission policies, too."""
    elsewhere = json.dumps(objects(ELSEWHERE, ()))
    assert NAMESPACE not in elsewhere
    assert elsewhere.replace(ELSEWHERE, NAMESPACE) == json.dumps(objects(NAMESPACE, ()))
