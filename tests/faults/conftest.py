"""A control plane of their own: other tests' objects would make a sweep longer, and tell of things not done here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import Stack
from tests.faults.destinations import Form
from tests.faults.matrix import Verdict
from tests.faults.plane import plane
from tests.tally import note


@pytest.fixture(scope="package")
def faulty_plane(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything that a function may meet."""
    with plane(tmp_path_factory.mktemp("faults"), programs) as stack:
        yield stack


@pytest.fixture(scope="package")
def compact_plane(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A control plane with the one ServiceAccount, and the policies, of all functions in one process."""
    with plane(tmp_path_factory.mktemp("compact"), programs, Form.COMPACT) as stack:
        yield stack


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Iterator[list[Verdict]]:
    """Verdicts to be added up at the end of the test run."""
    verdicts: list[Verdict] = []
    yield verdicts
    for verdict in verdicts:
        note(request.node, "faults", verdict.tried, len(verdict.failed))
