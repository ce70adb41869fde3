"""A whole node with the official Knative and the operator, once for all tests of this folder: `make e2e`.

The modules tell one story and run in the order below. `NODE_KEEP=1` uses a node that is up already, and leaves it up;
`COMPACT=1` installs all functions in one Service.
"""

import os
from collections.abc import Iterator

import pytest

from local.layout import DEFAULT
from local.local_errors import LocalError
from node import pinned, prerequisites, sandbox, usage, user_install
from node.machine import STATE, Node
from node.official import ScaleToZero
from tests.node import measured
from tests.node.on_node import OnNode

# Knative's own are 60 and 30 seconds.
SCALING = ScaleToZero(window=6, grace=6)
KEEP = "NODE_KEEP"
COMPACT = "COMPACT"
# What needs no function at zero comes between what does: meanwhile they go there. The operator is removed right after a
# sweep, whose pod may take longest to end.
ORDER = (
    "first_kepler",
    "applied_again",
    "edits",
    "tools",
    "drift",
    "deletion",
    "upgrade",
    "kills",
    "zero",
    "lost_event",
    "unforced",
    "operator_removal",
    "node_removal",
)
NAMESPACE = "energy"
# An exporter is privileged: whoever may label the namespace opens it.
OPENED = "pod-security.kubernetes.io/enforce=privileged"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The story's order, and time enough for a busy machine."""
    ours = [item for item in items if "tests/node/" in item.path.as_posix()]
    for item in ours:
        item.add_marker(pytest.mark.timeout(1200))
    names = [f"test_{name}" for name in ORDER]
    ours.sort(key=lambda item: names.index(item.path.stem))
    items[:] = [item for item in items if item not in ours] + ours


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of what was measured."""
    for line in measured.table():
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """The node with the operator on it. Skips where this machine cannot have one, and says why."""
    missing = prerequisites.examine().sentences()
    if missing:
        pytest.skip("; ".join(missing))
    pinned.build_all(DEFAULT)
    node = Node(STATE, config=user_install.COMPACT if os.environ.get(COMPACT) else user_install.BASE)
    if os.environ.get(KEEP) and sandbox.running(STATE):
        yield node
        return
    try:
        node.up(SCALING, operator=True)
    except LocalError as error:
        pytest.fail(str(error), pytrace=False)
    try:
        yield node
    finally:
        if not os.environ.get(KEEP):
            node.down()


@pytest.fixture(scope="session")
def user(node: Node) -> OnNode:
    """A user with a namespace that is opened to exporters, at an operator whose functions are at zero."""
    user = OnNode(node, NAMESPACE)
    if not node.kubectl("get", "namespace", NAMESPACE, "--ignore-not-found"):
        node.kubectl("create", "namespace", NAMESPACE)
        node.kubectl("label", "namespace", NAMESPACE, OPENED)
    user.kubectl("delete", "keplers.sustainable-computing.io", "--all")
    return user


@pytest.fixture
def at_zero(user: OnNode) -> OnNode:
    """The same, with all functions at zero."""
    user.await_zero()
    return user


@pytest.fixture
def usage_of(node: Node, request: pytest.FixtureRequest) -> Iterator[None]:
    """Measures what is used while a test runs."""
    before = usage.by_part(node.api, node.layout.records)
    yield
    after = usage.by_part(node.api, node.layout.records)
    measured.used(request.node.name.removeprefix("test_").replace("_", " "), usage.since(before, after))


@pytest.fixture(scope="session")
def version() -> str:
    """The operator's version, as `config/base` names it."""
    return user_install.version()
