"""What a function does while the conditions that it waits for are not all True."""

from typing import Any

import pytest

from functions import collector
from runtime.awaited import await_conditions, is_up_to_date
from runtime.objects import Manifest
from runtime.outcome import Outcome

OPERAND = "the exporter"


def kepler(**statuses: tuple[str, int]) -> Manifest:
    """A Kepler of generation 2 whose conditions have these statuses, each for a generation."""
    conditions = [
        {"type": name, "status": status, "observedGeneration": generation, "reason": "Any", "message": "any"}
        for name, (status, generation) in statuses.items()
    ]
    return {"metadata": {"name": "kepler", "generation": 2}, "status": {"conditions": conditions}}


def awaited(**others: tuple[str, int]) -> dict[str, Any]:
    """The conditions of those that `collector` waits for: True, but for these."""
    return dict.fromkeys(collector.FUNCTION.awaits, ("True", 2)) | others


def decided(manifest: Manifest) -> Outcome | None:
    """What `collector` is kept from, and why."""
    return await_conditions(collector.FUNCTION, manifest, OPERAND)


def test_all_true_keeps_nobody_waiting() -> None:
    """Then the function decides."""
    assert decided(kepler(**awaited())) is None


@pytest.mark.parametrize("reported", [("True", 1), ("Unknown", 2)], ids=["older generation", "Unknown"])
def test_a_report_that_is_about_to_come_is_awaited_without_a_write(reported: tuple[str, int]) -> None:
    """Its event wakes the function, whose own condition is not about this generation yet."""
    manifest = kepler(**awaited(EstimatorReconciled=reported), CollectorReconciled=("True", 1))
    outcome = decided(manifest)

    assert outcome is not None
    assert outcome.writes_nothing
    assert is_up_to_date(collector.FUNCTION, manifest, outcome)
    assert not is_up_to_date(collector.FUNCTION, kepler(**awaited(), CollectorReconciled=("True", 1)), None)


@pytest.mark.parametrize("reported", [("True", 1), ("Unknown", 2)], ids=["older generation", "Unknown"])
def test_a_true_condition_is_taken_back_where_it_would_hide_the_awaited_event(reported: tuple[str, int]) -> None:
    """A slow process has overwritten a condition with an older one: once it is True again, the function is woken."""
    manifest = kepler(**awaited(EstimatorReconciled=reported), CollectorReconciled=("True", 2))
    outcome = decided(manifest)

    assert outcome is not None
    assert (outcome.reason, outcome.writes_nothing) == ("Waiting", False)
    assert not is_up_to_date(collector.FUNCTION, manifest, outcome)
    assert not is_up_to_date(collector.FUNCTION, kepler(**awaited(), CollectorReconciled=("Unknown", 2)), None)
