"""A Kepler that is being deleted and held by a finalizer, on a real API server: no condition says it, all else does."""

from collections.abc import Iterator

import pytest

from cli.command_errors import Exit
from tests.cli.terminal import Terminal
from tests.workbench import Workbench, kepler

HELD = "it is being deleted, and held by finalizer 'example.com/hold'"


@pytest.fixture
def held(workbench: Workbench) -> Iterator[Workbench]:
    """A Kepler that was ready, whose DaemonSet is gone as in a namespace that is being deleted."""
    workbench.apply(kepler() | {"metadata": {"name": "kepler", "finalizers": ["example.com/hold"]}})
    workbench.settle()
    workbench.roll_out()
    workbench.settle()
    assert workbench.conditions()["Ready"]["status"] == "True"
    workbench.delete("kepler/kepler")
    workbench.delete("daemonset/kepler-exporter")
    yield workbench
    workbench.patch("kepler/kepler", {"metadata": {"finalizers": None}})


def test_kubectl_get_says_that_it_is_deleted(held: Workbench) -> None:
    """In a column of its own: the functions treat it as gone, and leave its conditions as they were."""
    before = held.conditions()
    held.settle()
    assert held.conditions() == before
    heading, row = held.stack.kubectl("-n", held.namespace, "get", "keplers").splitlines()
    column = heading.index("DELETED")
    assert row[column].isdigit()
    held.apply(kepler("other"))
    rows = {line.split()[0]: line for line in held.stack.kubectl("-n", held.namespace, "get", "keplers").splitlines()}
    assert rows["other"][rows["NAME"].index("DELETED")] == " "


@pytest.mark.usefixtures("held")
def test_status_and_explain_name_the_finalizer(terminal: Terminal) -> None:
    """And no function, no pod and no resync; a resync says why it sends nothing."""
    [row] = terminal("status", "-o", "json").data["resources"]
    assert (row["ready"], row["reason"], row["why"]) == ("Unknown", "Deleting", HELD)
    explained = terminal("explain", "kepler", "-o", "json").data
    assert (explained["ready"], explained["because"], explained["running"]) == (False, [HELD], [])
    assert explained["next"] == ["find out why the controller that set the finalizer does not remove it"]
    asked = terminal("resync", "kepler", "--wait")
    assert (asked.code, HELD in asked.err) == (Exit.NO, True)
