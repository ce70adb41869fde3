"""A control plane of their own: what is in the cluster is part of what is compared."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaign.ground import Ground
from tests.faults.matrix import Verdict
from tests.faults.plane import plane

TRIED = pytest.StashKey[list[Verdict]]()


@pytest.fixture(scope="package")
def ground(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Everything that a function may meet, and one namespace to drive resources in."""
    with plane(tmp_path_factory.mktemp("campaign"), programs) as stack:
        yield Ground(stack)


@pytest.fixture
def verdict(pytestconfig: pytest.Config) -> Verdict:
    """To be added up with the others at the end of the test run."""
    fresh = Verdict()
    pytestconfig.stash.setdefault(TRIED, []).append(fresh)
    return fresh


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """How many changes were tried, and how many ended otherwise than they should."""
    verdicts = config.stash.get(TRIED, [])
    if verdicts:
        count, failed = sum(one.tried for one in verdicts), sum(len(one.failed) for one in verdicts)
        told = f"campaign: {count} changes tried, {failed} ended wrong; `python -m tests.campaign` tries all there are"
        terminalreporter.write_line(told)
