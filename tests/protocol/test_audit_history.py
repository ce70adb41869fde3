"""The history of a resource and the trace of a change, out of entries that come in any order. On both databases."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from audit.access.visibility import EVERYTHING, Visibility
from audit.answer_models import Change
from audit.answers import queries, resource_history
from audit.answers.selection import HistorySelection
from audit.storage import edits, entries
from audit.storage.entries import ReportEntry
from audit.storage.store import Store
from events.report import ObjectName, Report
from runtime.event import Event
from runtime.objects import KEPLER as KEPLER_KIND
from tests.audit_sample import RESOURCES, STATE, SampleResource, deleted, edited, fill, reported
from tests.workbench import Workbench, kepler

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
KEPLER = RESOURCES[0]

Answer = TypeVar("Answer")


def read(store: Store, query: Callable[[Connection], Answer]) -> Answer:
    """In a transaction of its own."""
    with store.database.reading() as connection:
        return query(connection)


def history(store: Store, of: SampleResource = KEPLER) -> tuple[Change, ...]:
    """Of one of the sample's resources."""
    wanted = HistorySelection(kind=of.kind.name, namespace=of.namespace, name=of.name)
    return read(store, lambda connection: resource_history.history(connection, wanted)).items


def about(generation: int) -> ReportEntry:
    """A report on one generation of it."""
    return reported(edited(KEPLER, generation, NOW), STATE, NOW, KEPLER, generation)


def about_end(number: int, generation: int) -> ReportEntry:
    """A report that it is gone: it names neither uid nor generation, and its trace is that of the last one."""
    entry = about(generation)
    gone = entry.parsed.object.model_copy(update={"uid": ""})
    return replace(entry, id=f"end-{number}", parsed=entry.parsed.model_copy(update={"object": gone, "generation": 0}))


def keep(store: Store, *events: Event) -> None:
    """The edits that these events show."""
    for event in events:
        shown = edits.edit_of_event(event)
        assert shown
        store.keep(shown)


def test_a_history_has_each_generation_with_its_edit(store: Store) -> None:
    """Newest first; reports in the order in which reconciles began; fields against the generation before."""
    fill(store, 100)
    shown = history(store)
    assert [change.generation for change in shown] == list(range(len(shown), 0, -1))
    newest = shown[0]
    assert newest.edit
    assert [(field.path, field.before, field.after) for field in newest.edit.fields if "port" in field.path] == [
        ("collector.port", 9100 + (newest.generation - 1) % 7, 9100 + newest.generation % 7)
    ]
    assert [report.began for report in shown[1].reports] == sorted(report.began for report in shown[1].reports)
    assert len(shown[1].reports) == 7
    oldest = shown[-1].edit
    assert oldest
    assert oldest.first
    assert {field.path for field in oldest.fields} == {
        "scrape-interval",
        "collector.port",
        "collector.env[name=TOKEN].name",
        "collector.env[name=TOKEN].value",
    }


def test_a_report_before_its_edit_is_of_the_same_generation(store: Store) -> None:
    """Events come in any order; until it comes, there is no edit."""
    store.keep(about(4))
    (alone,) = history(store)
    assert (alone.generation, alone.edit) == (4, None)
    keep(store, edited(KEPLER, 4, NOW), edited(KEPLER, 4, LATER))
    (both,) = history(store)
    assert both.edit
    assert both.edit.time == NOW
    assert len(both.reports) == 1


def test_an_edit_of_hidden_values_only_is_told_as_that(store: Store) -> None:
    """One that is seen is none, and so is the first that is known: it has nothing to differ from."""
    lab = RESOURCES[1]
    keep(store, *(edited(lab, generation, NOW) for generation in (4, 5, 6)))
    changes = history(store, lab)
    assert [(bool(change.edit.fields), change.edit.hidden) for change in changes if change.edit] == [
        (True, False),
        (False, True),
        (True, False),
    ]


def test_the_end_of_a_resource_is_a_change_of_its_own(store: Store) -> None:
    """With what the functions did about it, though their reports name no generation, whichever came first."""
    keep(store, edited(KEPLER, 1, NOW), edited(KEPLER, 2, NOW))
    store.keep(about_end(1, 2))
    keep(store, deleted(KEPLER, 2, NOW))
    store.keep(about_end(2, 2))
    end, *earlier = history(store)
    assert end.edit
    assert (end.generation, end.edit.deleted, end.edit.fields, end.edit.by) == (3, True, (), "")
    assert not end.edit.hidden
    assert len(end.reports) == 2
    assert [change.generation for change in earlier] == [2, 1]


def test_a_name_that_is_used_again_begins_anew(store: Store) -> None:
    """Generations count from one again, above all that were before; its first edit is compared with nothing.

    What is told late about the end of the one before is not told of the new one.
    """
    keep(store, edited(KEPLER, 1, NOW), edited(KEPLER, 2, NOW))
    again = edits.edit_of_event(edited(KEPLER, 1, NOW))
    assert again
    store.keep(replace(again, verified=True, trace="f" * 32, object=again.object.model_copy(update={"uid": "another"})))
    store.keep(about_end(1, 2))
    changes = history(store)
    expected = [("another", 1, 0), (KEPLER.uid, 3, 1), (KEPLER.uid, 2, 0), (KEPLER.uid, 1, 0)]
    assert [(change.object.uid, change.generation, len(change.reports)) for change in changes] == expected
    assert changes[0].edit
    assert changes[0].edit.first


def test_a_trace_has_its_reports_in_full(store: Store) -> None:
    """In the order in which they began, with the edit that set all of it going."""
    fill(store, 60)
    trace = history(store)[1].trace
    shown = read(store, lambda connection: queries.trace(connection, trace, EVERYTHING))
    assert shown
    assert shown.edit
    assert len(shown.reports) == 7
    assert all(isinstance(report.report, Report) and report.report.calls for report in shown.reports)
    assert [identity for episode in shown.episodes for identity in episode.reports] == [
        report.id for report in shown.reports
    ]
    assert read(store, lambda connection: queries.trace(connection, "0" * 32, EVERYTHING)) is None
    assert (
        read(store, lambda connection: queries.trace(connection, trace, Visibility(frozenset(), cluster=True))) is None
    )


def test_a_trace_and_a_history_hold_no_more_than_so_many_reports(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest; that there are more is told. A drift that somebody makes again and again has no end."""
    entry = about(4)
    later = [entry.parsed.model_copy(update={"began": NOW + timedelta(hours=number)}) for number in range(7)]
    for number, report in enumerate(later):
        store.keep(replace(entry, id=f"r{number}", parsed=report, report=report.model_dump_json(by_alias=True)))
    trace = entry.parsed.trace
    whole = read(store, lambda connection: queries.trace(connection, trace, EVERYTHING))
    assert whole
    assert (len(whole.reports), whole.more, history(store)[0].more) == (7, False, False)
    monkeypatch.setattr(queries, "MAX_REPORTS", 3)
    monkeypatch.setattr(resource_history, "MAX_REPORTS", 3)
    part = read(store, lambda connection: queries.trace(connection, trace, EVERYTHING))
    assert part
    assert ([report.id for report in part.reports], part.more) == (["r4", "r5", "r6"], True)
    (change,) = history(store)
    assert (len(change.reports), change.more) == (3, True)
    monkeypatch.setattr(queries, "MAX_BYTES", entry.bytes + 1)
    least = read(store, lambda connection: queries.trace(connection, trace, EVERYTHING))
    assert least
    assert ([report.id for report in least.reports], least.more) == (["r6"], True)


def test_a_history_tells_the_cause_of_each_episode(store: Store) -> None:
    """The first is the edit's; what came hours later is told by what woke the function."""
    keep(store, edited(KEPLER, 1, NOW))
    entry = about(1)
    store.keep(entry)
    child = ObjectName(api_version="apps/v1", kind="DaemonSet", namespace="energy", name="kepler-exporter")
    drifted = {"object": child, "by": "kubectl-patch", "sent": NOW + timedelta(hours=2)}
    woken = entry.parsed.cause.model_copy(update=drifted)
    report = entry.parsed.model_copy(update={"cause": woken, "began": NOW + timedelta(hours=2, seconds=1)})
    event = replace(edited(KEPLER, 1, NOW), id="drift", type=entry.type)
    store.keep(entries.report(event, report))
    (change,) = history(store)
    assert [(episode.cause.kind, episode.cause.by) for episode in change.episodes] == [
        ("edit", "argocd-controller"),
        ("object", "kubectl-patch"),
    ]
    assert [episode.reports for episode in change.episodes] == [(entry.id,), ("drift",)]


def test_an_edit_that_only_removes_fields_names_no_earlier_writer(store: Store, workbench: Workbench) -> None:
    """The API server records a writer only with a field of its own: it is said to be unknown, not the one before."""
    workbench.apply(kepler(**{"scrape-interval": "20s"}))
    seen = [workbench.get("kepler/kepler")]
    workbench.patch("kepler/kepler", {"spec": {"collector": {"priority-class": "high"}}})
    seen.append(workbench.get("kepler/kepler"))
    workbench.patch("kepler/kepler", {"spec": {"collector": {"priority-class": None}}})
    seen.append(workbench.get("kepler/kepler"))
    for manifest in seen:
        edit = edits.verified_edit(KEPLER_KIND, manifest)
        assert edit
        store.keep(edit)
    of = SampleResource(KEPLER_KIND, seen[0]["metadata"]["namespace"], "kepler")
    shown = [change.edit for change in history(store, of)]
    assert [(bool(edit.by), edit.time > NOW) for edit in shown if edit] == [(False, True), (True, True), (True, True)]
