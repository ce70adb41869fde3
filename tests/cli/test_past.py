"""History and waterfall: what happened, in lines."""

from datetime import UTC, datetime, timedelta

import pytest

from cli.command_errors import UsageError
from cli.kinds import TARGETS, target
from cli.timeline import history_lines
from cli.timeline.waterfall import lines
from events.report import Write
from events.types import RESOURCE_DELETE
from runtime.objects import Ref
from tests.cli.report_samples import (
    COLLECTOR,
    DAEMON_SET,
    EDIT,
    ESTIMATOR,
    LAST,
    PORT,
    cause,
    change,
    report,
    trace,
)

HOURS = 2 * 3600 * 1000
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_change_is_told_with_its_edit_and_what_everybody_did() -> None:
    """Who, which field from what to what; then each function, after how long, what it wrote, and what woke it."""
    text = "\n".join(history_lines.changes([change(ESTIMATOR, COLLECTOR, LAST)]))
    assert "generation 2 of Kepler energy/kepler, edited by kubectl-patch" in text
    assert "    collector.port: 9102 -> 9103" in text
    assert "+0.06s  collector converged: DaemonSet kepler-exporter changed (1 field); 2 calls, 100 ms" in text
    assert "status converged: wrote nothing" in text
    assert "; woken by DaemonSet energy/kepler-exporter, which kube-controller-manager changed" in text


def test_nobody_is_named_for_the_deletion_that_woke_a_function() -> None:
    """The event shows who had changed the object last, not who deleted it."""
    deletion = cause(5, DAEMON_SET).model_copy(update={"type": RESOURCE_DELETE})
    text = "\n".join(history_lines.changes([change(report("collector", 10, 20, cause=deletion))]))
    assert "; woken by DaemonSet energy/kepler-exporter, which was deleted\n" in text


def test_who_waits_says_for_what() -> None:
    """In the words of the condition."""
    text = "\n".join(history_lines.changes([change(report("collector", 10, 5, outcome="waiting"))]))
    assert "collector waiting: wrote nothing" in text
    assert "as it is said (Because)" in text


def test_an_edit_that_nobody_saw_and_a_deletion() -> None:
    """Neither is passed over."""
    assert "of an edit that was not seen" in "\n".join(history_lines.changes([change(edit=None)]))
    deleted = EDIT.model_copy(update={"deleted": True, "fields": (), "by": ""})
    text = "\n".join(history_lines.changes([change(edit=deleted)]))
    assert "generation 2 of Kepler energy/kepler, deleted (Kubernetes does not record by whom)\n" in text
    assert "hidden" not in text
    heading = [*lines(trace(edit=deleted), 100)]
    assert heading[1].startswith("deleted (Kubernetes does not record by whom), 2026-01-02 ")
    assert heading[2] == "No function has reported on this generation."


def test_an_edit_that_only_an_event_told_is_marked() -> None:
    """In the history, in its trace, and where it is behind a write."""
    unverified = EDIT.model_copy(update={"verified": False})
    author = "edited by kubectl-patch, according to an event"
    assert f"generation 2 of Kepler energy/kepler, {author}\n" in "\n".join(
        history_lines.changes([change(edit=unverified)])
    )
    assert f"\n{author}, 2026-01-02 " in "\n".join(lines(trace(edit=unverified), 100))
    (kept,) = trace(COLLECTOR).reports
    written = history_lines.writes(history_lines.changed(kept, "DaemonSet/kepler-exporter", unverified))
    assert any(line.endswith(f"Kepler energy/kepler, {author}") for line in written)


DRIFT = report(
    "collector",
    HOURS,
    20,
    cause=cause(HOURS - 5, DAEMON_SET),
    changes=(Write(object=DAEMON_SET, action="changed", fields=(PORT,)),),
)


def test_a_drift_is_headed_by_its_own_cause() -> None:
    """What was changed by whom, and what was put back; the episode before it by the edit above both."""
    was_changed = "DaemonSet energy/kepler-exporter was changed by kubectl-patch, 2026-01-02 "
    put_back = ", according to an event; put back: collector.port."
    for printed in ([*history_lines.changes([change(COLLECTOR, DRIFT)])], [*lines(trace(COLLECTOR, DRIFT), 100)]):
        (place,) = [place for place, line in enumerate(printed) if line.strip().startswith(was_changed)]
        assert printed[place].endswith(put_back)
        assert any("collector" in line for line in printed[:place])
        assert any("collector" in line for line in printed[place + 1 :])


def test_a_report_is_timed_from_the_beginning_of_its_episode() -> None:
    """A drift that is mended in a moment did not take two hours."""
    printed = "\n".join(history_lines.changes([change(COLLECTOR, DRIFT)]))
    assert printed.count("+0.01s  collector") == 2


def test_a_history_of_an_older_query_api_has_episodes_as_well() -> None:
    """Its answer leaves them out."""
    whole = change(COLLECTOR, DRIFT)
    without = whole.model_copy(update={"episodes": ()})
    assert [*history_lines.changes([without])] == [*history_lines.changes([whole])]


def test_what_is_cut_says_so() -> None:
    """The newest reports are there, and earlier ones are not."""
    sentence = "Only the newest 1 report of it: there are more."
    assert sentence in "\n".join(history_lines.changes([change(COLLECTOR, more=True)]))
    assert sentence in "\n".join(lines(trace(COLLECTOR, more=True), 100))
    assert "newest" not in "\n".join([*history_lines.changes([change(COLLECTOR)]), *lines(trace(COLLECTOR), 100)])


def test_an_edit_of_a_hidden_value_says_so() -> None:
    """It is an edit all the same, in the history and in its trace."""
    secret = EDIT.model_copy(update={"fields": (), "hidden": True})
    message = "  only values that are hidden here are others than before"
    assert message in "\n".join(history_lines.changes([change(edit=secret)]))
    assert message in "\n".join(lines(trace(edit=secret), 100))


def test_what_was_written_to_one_object_and_why() -> None:
    """The fields, the function, the event, and the edit behind it."""
    kept = trace(ESTIMATOR, COLLECTOR).reports
    edits = [edit for report in kept for edit in history_lines.changed(report, "DaemonSet/kepler-exporter", EDIT)]
    text = "\n".join(history_lines.writes(edits))
    assert [edit.function for edit in edits] == ["collector"]
    assert "DaemonSet energy/kepler-exporter changed by collector" in text
    assert "because Kepler energy/kepler was changed by kepler-estimator" in text
    assert "edit: generation 2 of Kepler energy/kepler, edited by kubectl-patch" in text


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
    assert history_lines.since(text, NOW) == expected


@pytest.mark.parametrize("text", ["yesterday", "3x", "h", "24"])
def test_since_what(text: str) -> None:
    """Anything else is refused with what to write."""
    with pytest.raises(UsageError, match="write a span such as '24h'"):
        history_lines.since(text, NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(
            (f"{word}/x", "DaemonSet")
            for word in ("DaemonSet", "daemonset", "daemonsets", "ds", "DS", "daemonsets.apps")
        ),
        ("svc/x", "Service"),
        ("deploy/x", "Deployment"),
        ("cm/x", "ConfigMap"),
        ("pvc/x", "PersistentVolumeClaim"),
        ("sa/x", "ServiceAccount"),
        ("smon/x", "ServiceMonitor"),
        ("kcm/x", "KeplerCollectedMetric"),
        ("kpl/x", "Kepler"),
    ],
)
def test_a_target_in_any_spelling(text: str, expected: str) -> None:
    """As kubectl takes it."""
    assert target(text, "energy") == Ref(TARGETS[expected.lower()], "energy", "x")
    assert TARGETS[expected.lower()].name == expected


def test_a_target_of_the_cluster_has_no_namespace() -> None:
    """The shared binding is in none."""
    assert target("clusterrolebinding/kepler-exporter", "energy").namespace == ""


@pytest.mark.parametrize("text", ["pods/x", "daemonsetss/x", "dss/x"])
def test_an_unknown_kind_is_an_error_that_lists_those_that_are_known(text: str) -> None:
    """Else the answer would be that nothing was ever written there."""
    with pytest.raises(UsageError, match=r"kinds are ClusterRoleBinding, ConfigMap \(cm\), DaemonSet \(ds\), "):
        target(text, "energy")


@pytest.mark.parametrize("text", ["kepler-exporter", "ds/", "/x", ""])
def test_a_target_is_a_kind_and_a_name(text: str) -> None:
    """What is neither is refused with what to write."""
    with pytest.raises(
        UsageError, match="write KIND/NAME, such as 'DaemonSet/kepler-exporter' or 'ds/kepler-exporter'"
    ):
        target(text, "energy")


def test_a_deleted_object_has_no_edit_as_its_cause() -> None:
    """The function created it again because it was deleted, long after the edit of its generation."""
    deletion = cause(HOURS - 5, DAEMON_SET, by="").model_copy(update={"type": RESOURCE_DELETE})
    created = Write(object=DAEMON_SET, action="created", fields=(PORT,))
    shown = trace(ESTIMATOR, COLLECTOR, report("collector", HOURS, 20, cause=deletion, changes=(created,)))
    written = [
        edit
        for kept in shown.reports
        for edit in history_lines.changed(
            kept, "DaemonSet/kepler-exporter", history_lines.edit_of_report(shown, kept.id)
        )
    ]
    assert [(edit.action, edit.edit) for edit in written] == [("changed", EDIT), ("created", None)]
    again = "\n".join(history_lines.writes(written)).partition("created")[2]
    assert "because DaemonSet energy/kepler-exporter was deleted\n" in again
    assert "for: generation 2 of Kepler energy/kepler\n" in again
    assert "edit" not in again


def test_what_happens_later_is_an_episode_of_its_own() -> None:
    """A sweep two hours later does not squeeze the first second into nothing."""
    later = report("collector", HOURS, 20, cause=cause(HOURS - 5, DAEMON_SET))
    assert "then, 1:59:59 later:" in "\n".join(lines(trace(ESTIMATOR, later), 100))


@pytest.mark.parametrize("width", [80, 120, 300])
def test_bars_fit_and_are_in_their_places(width: int) -> None:
    """No line is wider than the terminal, and who began later stands further right."""
    drawn = [line for line in lines(trace(ESTIMATOR, COLLECTOR, LAST), width) if "ms" in line]
    assert all(len(line) <= max(width, 100) for line in drawn)
    where = {line.split()[1 if line.startswith("*") else 0]: line.index("=") for line in drawn if "=" in line}
    assert where["estimator"] < where["collector"] < where["status"]
    assert [line.startswith("*") for line in drawn if "=" in line] == [True, True, True]


def test_calls_are_shown_when_asked_for() -> None:
    """Each in its place."""
    text = "\n".join(lines(trace(COLLECTOR), 120, calls=True))
    assert "PATCH daemonsets/kepler-exporter" in text
    assert "PATCH kepler/status" in text
