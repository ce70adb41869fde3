"""The test that is named for a field looks at what the field changes: without the field, it fails."""

import subprocess
import sys

import pytest

from crds.kepler import Kepler
from effects.field_cases import FIELDS, FieldCase
from local.layout import ROOT
from tests.shown_fields import ignored, without


@pytest.mark.timeout(300)
def test_every_named_test_fails_without_its_field() -> None:
    """Each is run once with the field taken out of what is validated, in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-m", "tests.shown_fields"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout or result.stderr


def test_a_field_is_taken_out_wherever_it_is() -> None:
    """Within lists and within maps by name; what is beside it stays."""
    manifest = {"spec": {"a": [{"b": 1, "c": 2}, {"b": 3}], "m": {"x": {"d": 4}, "y": {"d": 5, "e": 6}}}}
    without(manifest, ["spec", "a[]", "b"])
    without(manifest, ["spec", "m", "<name>", "d"])
    without(manifest, ["spec", "missing", "f"])
    assert manifest == {"spec": {"a": [{"c": 2}, {}], "m": {"x": {}, "y": {"e": 6}}}}


def test_a_field_is_ignored_for_its_kind_alone() -> None:
    """And only while it lasts."""
    field: FieldCase = next(field for field in FIELDS if field.path == "spec.collector.port")
    manifest = {"metadata": {"name": "k", "namespace": "n"}, "spec": {"collector": {"port": 9103}}}
    with ignored(field):
        assert Kepler.model_validate(manifest).spec.collector.port == 9102
    assert Kepler.model_validate(manifest).spec.collector.port == 9103
