"""One real control plane for all tests of a session; each test has a namespace of its own."""

import itertools
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright
from xdist.remote import Producer

from local.go_programs import build
from local.layout import DEFAULT, ROOT
from local.ports import Ports
from local.stack import Stack
from tests import browsing, policies, tally
from tests.faults.destinations import Form
from tests.side_by_side import FilesAndFolders, await_end, end_tests, shares
from tests.workbench import Workbench, create_namespace

_numbers = itertools.count(1)

# A machine may be busy, and what is tried is the same in every run.
settings.register_profile("reproducible", deadline=None, derandomize=True)
settings.load_profile("reproducible")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--form` chooses what the end-to-end tests install: one Service a function, or all functions in one."""
    parser.addoption("--form", choices=[form.name.lower() for form in Form], default=Form.BASE.name.lower())


def pytest_configure(config: pytest.Config) -> None:
    """SIGTERM ends a run as Ctrl-C does: with everything stopped that it started."""

    def end(*_: object) -> None:
        if shares(config):
            end_tests()
        pytest.exit("terminated", returncode=143)

    signal.signal(signal.SIGTERM, end)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Ctrl-C reaches all processes of a run, and each takes its time to stop what it started."""
    if shares(session.config) and exitstatus == pytest.ExitCode.INTERRUPTED and not await_end():
        end_tests()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesAndFolders:
    """What runs beside what, where there are several processes."""
    config.option.loadscopereorder = False
    return FilesAndFolders(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many faults and changes were tried, and how many ended otherwise than they should."""
    for sentence in tally.sentences(itertools.chain.from_iterable(terminalreporter.stats.values())):
        terminalreporter.write_line(sentence)


@pytest.fixture(scope="session")
def programs() -> Path:
    """The pinned programs, built once."""
    build()
    return DEFAULT


@pytest.fixture(scope="session")
def control_plane(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """etcd and a kube-apiserver with RBAC and an audit log, our CRDs, Roles and ServiceAccounts; no controllers."""
    with Stack(tmp_path_factory.mktemp("bare"), Ports.free(), programs=programs, audit=True) as stack:
        stack.start_control_plane(bare=True)
        stack.install_bare(ROOT / "config/base")
        policies.await_force(stack)
        yield stack


@pytest.fixture
def namespace(control_plane: Stack, request: pytest.FixtureRequest) -> str:
    """A fresh namespace, named after nothing but a number, that allows privileged pods."""
    name = f"test-{next(_numbers)}"
    create_namespace(control_plane, name, annotations={"test": request.node.name})
    return name


@pytest.fixture
def workbench(control_plane: Stack, namespace: str) -> Workbench:
    """The functions in this process, each with its own ServiceAccount's token, against the real API server."""
    return Workbench(control_plane, namespace)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of the console; each opens a window of its own."""
    with sync_playwright() as playwright:
        opened = browsing.launch(playwright)
        yield opened
        opened.close()
