"""A control plane of their own: what is in the cluster is part of what is compared."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.campaign.ground import Ground
from tests.faults.matrix import Verdict
from tests.faults.plane import plane
from tests.tally import note


@pytest.fixture(scope="package")
def ground(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Everything that a function may meet, and one namespace to drive resources in."""
    with plane(tmp_path_factory.mktemp("campaign"), programs) as stack:
        yield Ground(stack)


@pytest.fixture
def verdict(request: pytest.FixtureRequest) -> Iterator[Verdict]:
    """To be added up with the others at the end of the test run."""
    fresh = Verdict()
    yield fresh
    note(request.node, "campaign", fresh.tried, len(fresh.failed))
