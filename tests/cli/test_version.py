"""`version`: of the program, the operator and the API server, and what to do where they differ."""

import json

import pytest

from cli.command_errors import Exit
from cli.doctor.expected import objects
from cli.doctor.knative_services import OF_VERSION
from cli.versions import versions
from runtime.settings import NAMESPACE, VERSION
from tests.cli.terminal import Terminal
from tests.workbench import Workbench


@pytest.mark.parametrize(
    ("operator", "unread", "says"),
    [
        (["1.2", "1.2"], (), ""),
        (["1.3"], (), "is of version 1.2 and the operator of 1.3: install `kubectl kepler` of version 1.3"),
        (["1.2", "1.1"], (), "the functions are of versions 1.1, 1.2: an upgrade is under way, or did not end"),
        ([], (), "no function was found; `kubectl kepler doctor` says more"),
        ([], ("services",), "you may not list services"),
    ],
)
def test_a_word_on_skew(operator: list[str], unread: tuple[str, ...], says: str) -> None:
    """What differs and what to do; nothing where all is of one version."""
    known = versions("1.2", operator, "v1.35.0", unread)
    assert says in known.skew
    assert bool(known.skew) is bool(says)


def test_a_cluster_without_functions(terminal: Terminal) -> None:
    """The program's own version and the API server's are told all the same."""
    result = terminal("version")
    program, operator, server = (line.split()[-1] for line in result.out.splitlines())
    assert (result.code, program, operator) == (Exit.OK, VERSION, "unknown")
    assert server.startswith("v1.")
    assert "the operator's version is unknown: no function was found" in result.err
    answer = json.loads(terminal("version", "-o", "json").out)
    assert (answer["client"], answer["operator"], answer["server"]) == (VERSION, [], server)


def test_somebody_who_may_not_list_the_functions(workbench: Workbench, terminal: Terminal) -> None:
    """Is told so, and gets the rest."""
    stack, place = workbench.stack, workbench.namespace
    stack.kubectl("-n", place, "create", "serviceaccount", "user")
    result = terminal("version", flags=("--kubeconfig", str(stack.kubeconfig_for(place, "user")), "-n", place))
    assert (result.code, f"kubectl kepler   {VERSION}" in result.out) == (Exit.OK, True)
    assert "you may not list services in namespace 'kepler-operator'" in result.err


def test_the_label_is_the_one_that_functions_carry() -> None:
    """So that what is installed says which version it is."""
    services = [entry for entry in objects(NAMESPACE, ()) if entry["kind"] == "Service"]
    assert {service["metadata"]["labels"][OF_VERSION] for service in services} == {VERSION}
