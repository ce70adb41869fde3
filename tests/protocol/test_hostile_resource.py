"""What a user writes into a resource costs its own reconcile little, and so nobody else anything."""

import json
import time

import pytest

from audit.storage.edits import edit_of_event
from runtime.redact import LONGEST
from tests.workbench import BY_NAME, Workbench, kepler, update

# Of CPU, for every function once, most of it for requests. It was 150 s for each function.
SECONDS = 10.0


@pytest.mark.parametrize("hostile", ["m" * 200_000, "token" * 40_000, "a://" * 50_000, 'token="' * 25_000])
def test_a_quarter_of_a_megabyte_of_annotations_costs_nothing(workbench: Workbench, hostile: str) -> None:
    """Neither the functions, nor `audit`, which keeps the edit; and the report says nothing of it."""
    annotated = kepler() | {"metadata": {"name": "kepler", "annotations": {"example.com/note": hostile}}}
    workbench.stack.kubectl("apply", "--server-side", "-n", workbench.namespace, "-f", "-", stdin=json.dumps(annotated))
    began = time.process_time()
    reports = [report for name in BY_NAME for report in workbench.resync(name).reports]
    kept = edit_of_event(update(workbench.kepler()))
    assert time.process_time() - began < SECONDS
    assert reports
    assert kept is not None
    assert hostile[:40] not in kept.spec + "".join(report.model_dump_json() for report in reports)


def test_a_long_value_that_somebody_wrote_is_cut_in_the_report(workbench: Workbench) -> None:
    """A key of ours in `kepler-cfm` is taken back; the report shows the beginning of what was there."""
    workbench.apply(kepler())
    workbench.settle()
    workbench.patch("configmaps/kepler-cfm", {"data": {"BIND_ADDRESS": "token" * 20_000}})
    began = time.process_time()
    (report,) = workbench.resync("collector").reports
    assert time.process_time() - began < SECONDS
    (field,) = [field for write in report.changes for field in write.fields if field.path == "data.BIND_ADDRESS"]
    assert str(field.before).endswith(" ... (cut, 100000 characters)")
    assert len(str(field.before)) < 2 * LONGEST
    assert field.after == ":9102"
