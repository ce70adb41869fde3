"""The whole stack once for all end-to-end tests: control plane, Knative's data plane, the functions as processes."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.layout import ROOT
from local.ports import Ports
from local.stack import Stack
from tests.e2e.stack_namespace import StackNamespace
from tests.faults.destinations import Form
from tests.workbench import create_namespace

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def form(request: pytest.FixtureRequest) -> Form:
    """How the functions are installed: `--form`."""
    return Form[str(request.config.getoption("form")).upper()]


@pytest.fixture(scope="package")
def stack(form: Form, programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything that `make run` starts, with free ports and a state folder of its own; gone when these tests are.

    With an etcd that keeps what it has confirmed: some tests kill it. And with sweeps as often as tests ask for one.
    """
    settings, folder = {"SWEEP_PAUSE": "0"}, tmp_path_factory.mktemp("stack")
    with Stack(folder, Ports.free(), programs=programs, durable=True, pods=True, settings=settings) as started:
        started.start(ROOT / "config" / form.value)
        yield started


@pytest.fixture
def apart(form: Form) -> None:
    """Skip the test where all functions are in one process: it takes one function away from the others."""
    if form is Form.COMPACT:
        pytest.skip("all functions are in one process")


@pytest.fixture
def cluster(stack: Stack) -> StackNamespace:
    """The stack, seen from a fresh namespace."""
    name = f"e2e-{next(_numbers)}"
    create_namespace(stack, name)
    return StackNamespace(stack, name)
