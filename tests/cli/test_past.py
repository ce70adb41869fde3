"""History and waterfall: what happened, in lines."""

from datetime import UTC, datetime, timedelta

import pytest

from cli import history
from cli.errors import Usage
from cli.waterfall import lines
from tests.cli.reports import (
    COLLECTOR,
    DAEMON_SET,
    EDIT,
    ESTIMATOR,
    LAST,
    cause,
    change,
    report,
    trace,
)

HOURS = 2 * 3600 * 1000
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_change_is_told_with_its_edit_and_what_everybody_did() -> None:
    """Who, which field from what to what; then each function, after how long, what it wrote, and what woke it."""
    told = "\n".join(history.changes([change(ESTIMATOR, COLLECTOR, LAST)]))
    assert "generation 2 of Kepler energy/kepler, edited by kubectl-patch" in told
    assert "    collector.port: 9102 -> 9103" in told
    assert "+0.06s  collector converged: DaemonSet kepler-exporter changed (1 field); 2 calls, 100 ms" in told
    assert "status converged: wrote nothing" in told
    assert "; woken by DaemonSet energy/kepler-exporter, which kube-controller-manager changed" in told


def test_who_waits_says_for_what() -> None:
    """In the words of the condition."""
    told = "\n".join(history.changes([change(report("collector", 10, 5, outcome="waiting"))]))
    assert "collector waiting: wrote nothing" in told
    assert "as it is said (Because)" in told


def test_an_edit_that_nobody_saw_and_a_deletion() -> None:
    """Neither is passed over."""
    assert "of an edit that was not seen" in "\n".join(history.changes([change(edit=None)]))
    deleted = EDIT.model_copy(update={"deleted": True, "fields": (), "by": ""})
    told = "\n".join(history.changes([change(edit=deleted)]))
    assert "generation 2 of Kepler energy/kepler: deleted" in told
    assert "hidden" not in told


def test_an_edit_of_a_hidden_value_says_so() -> None:
    """It is an edit all the same, in the history and in its trace."""
    secret = EDIT.model_copy(update={"fields": (), "hidden": True})
    said = "  only values that are hidden here are others than before"
    assert said in "\n".join(history.changes([change(edit=secret)]))
    assert said in "\n".join(lines(trace(edit=secret), 100))


def test_what_was_written_to_one_object_and_why() -> None:
    """The fields, the function, the event, and the edit behind it."""
    kept = trace(ESTIMATOR, COLLECTOR).reports
    found = [one for each in kept for one in history.changed(each, "DaemonSet/kepler-exporter", EDIT)]
    told = "\n".join(history.writes(found))
    assert [one.function for one in found] == ["collector"]
    assert "DaemonSet energy/kepler-exporter changed by collector" in told
    assert "because of an event (update) about Kepler energy/kepler, changed by kepler-estimator" in told
    assert "edit: generation 2 of Kepler energy/kepler, edited by kubectl-patch" in told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("24h", NOW - timedelta(hours=24)),
        ("1d12h", NOW - timedelta(hours=36)),
        ("2026-01-01T00:00:00+00:00", datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_since(text: str, expected: datetime | None) -> None:
    """A span, or a time."""
    assert history.since(text, NOW) == expected


@pytest.mark.parametrize("text", ["yesterday", "3x", "h", "24"])
def test_since_what(text: str) -> None:
    """Anything else is refused with what to write."""
    with pytest.raises(Usage, match="write a span such as '24h'"):
        history.since(text, NOW)


@pytest.mark.parametrize("text", ["DaemonSet/x", "daemonset/x", "daemonsets/x"])
def test_a_target_in_any_spelling(text: str) -> None:
    """As kubectl takes it."""
    assert history.target(text) == "DaemonSet/x"


def test_what_happens_later_is_an_episode_of_its_own() -> None:
    """A sweep two hours later does not squeeze the first second into nothing."""
    later = report("collector", HOURS, 20, cause=cause(HOURS - 5, DAEMON_SET))
    assert "then, 1:59:59 later:" in "\n".join(lines(trace(ESTIMATOR, later), 100))


@pytest.mark.parametrize("width", [80, 120, 300])
def test_bars_fit_and_are_in_their_places(width: int) -> None:
    """No line is wider than the terminal, and who began later stands further right."""
    told = [line for line in lines(trace(ESTIMATOR, COLLECTOR, LAST), width) if "ms" in line]
    assert all(len(line) <= max(width, 100) for line in told)
    where = {line.split()[1 if line.startswith("*") else 0]: line.index("=") for line in told if "=" in line}
    assert where["estimator"] < where["collector"] < where["status"]
    assert [line.startswith("*") for line in told if "=" in line] == [True, True, True]


def test_calls_are_shown_when_asked_for() -> None:
    """Each in its place."""
    told = "\n".join(lines(trace(COLLECTOR), 120, calls=True))
    assert "PATCH daemonsets/kepler-exporter" in told
    assert "PATCH kepler/status" in told
