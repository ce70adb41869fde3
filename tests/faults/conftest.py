"""A control plane of their own: other tests' objects would make a sweep longer, and tell of things not done here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import Stack
from tests.faults.matrix import Verdict
from tests.faults.plane import plane

TRIED = pytest.StashKey[list[Verdict]]()


@pytest.fixture(scope="package")
def faulty_plane(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything that a function may meet."""
    with plane(tmp_path_factory.mktemp("faults"), programs) as stack:
        yield stack


@pytest.fixture
def tried(pytestconfig: pytest.Config) -> list[Verdict]:
    """Verdicts to be added up at the end of the test run."""
    return pytestconfig.stash.setdefault(TRIED, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """How many faults were tried, and how many failed."""
    verdicts = config.stash.get(TRIED, [])
    if verdicts:
        count, failed = sum(one.tried for one in verdicts), sum(len(one.failed) for one in verdicts)
        terminalreporter.write_line(f"faults: {count} tried, {failed} not survived; `make faults` tries all there are")
