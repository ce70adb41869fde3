"""Which tests stay together when several processes share them, and how what they tried adds up."""

import re
from dataclasses import dataclass, field

import pytest

from local.layout import ROOT
from tests import tally
from tests.side_by_side import TOGETHER, together


@dataclass
class NotedReport:
    """A report of a test, as far as the tally reads it."""

    user_properties: list[tuple[str, list[int]]] = field(default_factory=list)


@pytest.mark.parametrize(
    ("test", "unit"),
    [
        ("tests/pure/test_edge.py::test_a[one::two]", "tests/pure/test_edge.py"),
        ("tests/protocol/test_many.py::test_a", "tests/protocol/test_many.py"),
        ("tests/faults/test_faults.py::test_a[life]", "tests/faults"),
        ("tests/e2e/test_life.py::test_a", "tests/e2e"),
    ],
)
def test_a_process_gets_whole_files_and_some_whole_folders(test: str, unit: str) -> None:
    """By the test's id, whatever its parameters are called."""
    assert together(test) == unit


def test_every_folder_with_a_stack_of_its_own_stays_together() -> None:
    """Two data planes at once would want the same ports, and each further control plane takes seconds."""
    conftests = [*(ROOT / "tests").glob("*/conftest.py")]
    sharing = {path.parent for path in conftests if re.search(r'scope="package"', path.read_text())}
    # A node is in no run of several processes.
    assert {f"tests/{folder.name}" for folder in sharing} - {"tests/node"} <= {*TOGETHER}


def test_what_was_tried_adds_up_over_all_reports() -> None:
    """A sentence for each subject that there is a number of, and no other."""
    reports = [
        NotedReport([("faults", [3, 1])]),
        NotedReport(),
        NotedReport([("faults", [4, 0]), ("another", [1, 1])]),
    ]
    assert [*tally.sentences(reports)] == [
        "faults: 7 tried, 1 not survived; `make faults` tries all there are",
    ]
