"""What is kept: once, in one order, and found again. On SQLite and on PostgreSQL."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

import pytest
from sqlalchemy import Connection, func, insert, select

from audit.access.visibility import EVERYTHING, Visibility
from audit.answers import queries
from audit.answers.selection import ReportSelection
from audit.storage import edits
from audit.storage.database import Database
from audit.storage.retention import Retention
from audit.storage.store import Store
from audit.storage.tables import changes, ledger, reports, resyncs, sweeps, totals, written
from events.report import Report
from tests.audit_sample import RESOURCES, edited, fill, reports_of

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
KEPLER = RESOURCES[0]

Answer = TypeVar("Answer")


def read(store: Store, query: Callable[[Connection], Answer]) -> Answer:
    """In a transaction of its own."""
    with store.database.reading() as connection:
        return query(connection)


def page(store: Store, visibility: Visibility = EVERYTHING, **wanted: object) -> list[str]:
    """Ids of the reports selected so, newest first."""
    selected = ReportSelection.model_validate(wanted)
    return [item.id for item in read(store, lambda connection: queries.page(connection, selected, visibility)).items]


def test_a_report_that_comes_twice_is_kept_once(store: Store) -> None:
    """Also in one commit, and with other content: the first counts."""
    first, second = reports_of(2)
    store.commit([first, second, first])
    store.keep(replace(second, report="{}"))
    assert page(store) == [second.id, first.id]


def test_numbers_grow_in_the_order_in_which_readers_see_them(store: Store) -> None:
    """Whoever reads while others write sees no number appear below one that was seen."""
    made, seen, ended = reports_of(120), list[int](), threading.Event()

    def watch() -> None:
        known: set[int] = set()
        while not ended.is_set():
            now = set(read(store, lambda connection: connection.execute(select(reports.c.sequence)).scalars().all()))
            assert all(number > max(known, default=0) for number in now - known), (sorted(now - known), max(known))
            known = now
            seen.append(len(known))

    with ThreadPoolExecutor(1) as watcher, ThreadPoolExecutor(12) as writers:
        watching = watcher.submit(watch)
        list(writers.map(store.keep, made))
        ended.set()
        watching.result()
    assert len(set(page(store, limit=1000))) == 120
    assert len(set(seen)) > 3


def test_several_processes_share_one_order(store: Store, address: str) -> None:
    """Each with its own connections: nothing is lost, doubled, or given a number twice."""
    others = [Store(Database(address)) for _ in range(3)]
    made = reports_of(90)
    with ThreadPoolExecutor(9) as writers:
        list(writers.map(lambda at: others[at % 3].keep(made[at // 2]), range(180)))
    numbers = read(store, lambda connection: connection.execute(select(reports.c.sequence)).scalars().all())
    assert len(numbers) == len(set(numbers)) == 90
    for later in others:
        later.database.close()


def test_a_commit_that_fails_leaves_nothing(store: Store) -> None:
    """Neither a row nor a number."""
    first, broken = reports_of(2)
    with pytest.raises(AttributeError):
        store.commit([first, replace(broken, parsed=None)])  # type: ignore[arg-type]
    assert page(store) == []
    assert read(store, partial(queries.latest, visibility=EVERYTHING)) == 0
    store.keep(first)
    assert page(store) == [first.id]


def test_pages_go_on_where_the_last_one_ended(store: Store) -> None:
    """Whatever is kept meanwhile."""
    made = reports_of(25)
    store.commit(made[:20])
    seen, before = [], ""
    for late in made[20:]:
        wanted = ReportSelection.model_validate({"limit": 6, **({"before": before} if before else {})})
        got = read(store, partial(queries.page, wanted=wanted, visibility=EVERYTHING))
        seen += [item.id for item in got.items]
        before = got.next
        store.keep(late)
        if not before:
            break
    assert seen == [entry.id for entry in reversed(made[:20])]


TRACE = reports_of(10)[9].parsed.trace
# Parameters, and which of the reports they select.
SELECTED: tuple[tuple[dict[str, object], Callable[[Report], bool]], ...] = (
    ({"kind": "KeplerMachineConfig"}, lambda report: report.object.kind == "KeplerMachineConfig"),
    ({"namespace": "lab"}, lambda report: report.object.namespace == "lab"),
    (
        {"name": "kepler", "function": "collector"},
        lambda report: (report.object.name, report.function) == ("kepler", "collector"),
    ),
    ({"outcome": "rejected"}, lambda report: report.outcome == "rejected"),
    ({"uid": KEPLER.uid, "generation": 2}, lambda report: (report.object.uid, report.generation) == (KEPLER.uid, 2)),
    ({"trace": TRACE}, lambda report: report.trace == TRACE),
    (
        {"target": "DaemonSet/kepler-exporter"},
        lambda report: "DaemonSet" in [change.object.kind for change in report.changes],
    ),
    (
        {"target": "ConfigMap/kepler-cfm", "namespace": "lab", "function": "estimator"},
        lambda report: report.function == "estimator" and report.object.namespace == "lab" and len(report.changes) > 1,
    ),
    ({"target": "ConfigMap/other"}, lambda _: False),
    ({"until": "2020-01-01T00:00:00Z"}, lambda _: False),
    ({"since": "2020-01-01T00:00:00Z"}, lambda _: True),
    ({"since": "2100-01-01T00:00:00Z"}, lambda _: False),
)


def test_reports_are_selected_by_what_they_say(store: Store) -> None:
    """By each field, by time, and by what was written."""
    made = reports_of(60)
    store.commit(made)
    for wanted, chosen in SELECTED:
        assert page(store, EVERYTHING, **{"limit": 1000, **wanted}) == [
            entry.id for entry in reversed(made) if chosen(entry.parsed)
        ], wanted


def test_an_object_written_twice_is_one_of_its_report(store: Store) -> None:
    """A report of two rounds is on a page once."""
    entry = next(entry for entry in reports_of(10) if entry.parsed.function == "collector")
    twice = entry.parsed.model_copy(update={"changes": (*entry.parsed.changes, *entry.parsed.changes)})
    store.keep(replace(entry, parsed=twice))
    assert page(store, target="DaemonSet/kepler-exporter") == [entry.id]
    with store.database.reading() as connection:
        rows = connection.execute(select(written.c.kind, written.c.fields).order_by(written.c.position)).all()
    assert rows == [("DaemonSet", 6), ("Kepler", 2)]


def test_what_may_not_be_seen_is_on_no_page(store: Store) -> None:
    """Neither of another namespace, nor of the cluster."""
    made = reports_of(60)
    store.commit(made)
    for visibility, namespaces in (
        (Visibility(frozenset({"lab"}), cluster=False), {"lab"}),
        (Visibility(frozenset({"lab"}), cluster=True), {"lab", ""}),
        (Visibility(None, cluster=False), {"lab", "energy"}),
        (Visibility(frozenset(), cluster=False), set()),
    ):
        shown = [entry.id for entry in reversed(made) if entry.parsed.object.namespace in namespaces]
        assert page(store, visibility, limit=1000) == shown


def test_the_state_says_how_much_there_is(store: Store) -> None:
    """Reports, bytes, since when, and the last sweep; nothing where nothing is."""
    empty = read(store, partial(queries.state, visibility=EVERYTHING))
    assert (empty.reports, empty.oldest, empty.bytes, empty.sweep) == (0, None, 0, None)
    fill(store, 60)
    store_state = read(store, partial(queries.state, visibility=EVERYTHING))
    assert store_state.reports == 60
    assert store_state.oldest
    assert store_state.oldest < datetime.now(UTC) - timedelta(minutes=30)
    assert store_state.sweep
    assert store_state.sweep.resources == 3


def test_what_is_kept_about_each_namespace_is_known_without_counting(store: Store) -> None:
    """Its sums are those of the rows, whatever was added and forgotten."""
    fill(store, 120)
    for most in (1 << 40, 1 << 17):
        Retention(store.database, days=90, bytes=most).delete_old()
        assert read(store, _totals) == read(store, _counted)


def _totals(connection: Connection) -> dict[str, tuple[int, int, datetime | None]]:
    rows = connection.execute(select(totals)).all()
    return {row.namespace: (row.reports, row.bytes, row.oldest) for row in rows}


def _counted(connection: Connection) -> dict[str, tuple[int, int, datetime | None]]:
    """The same, from the rows of everything that is kept; sweeps are about no namespace."""
    manifest = {}
    for namespace in ("", "energy", "lab"):
        about = [connection.execute(select(reports).where(reports.c.namespace == namespace)).all()]
        about += [
            connection.execute(select(table).where(table.c.namespace == namespace)).all()
            for table in (changes, resyncs)
        ]
        about += [connection.execute(select(sweeps)).all()] if not namespace else []
        size = sum(row.bytes for rows in about for row in rows)
        if size:
            manifest[namespace] = len(about[0]), size, min((row.kept for row in about[0]), default=None)
    return manifest


def test_the_ledger_knows_the_size_of_everything(store: Store) -> None:
    """Its sum is that of the rows."""
    fill(store, 60)
    total = read(store, lambda connection: connection.execute(select(ledger.c.bytes)).scalar_one())
    sums = [select(func.sum(table.c.bytes)) for table in (reports, changes, sweeps, resyncs)]
    with store.database.reading() as connection:
        assert total == sum(connection.execute(sum_of_namespace).scalar_one() for sum_of_namespace in sums) > 0


def test_times_are_utc_in_every_database(store: Store) -> None:
    """Whatever zone they are given in."""
    shown = edits.edit_of_event(edited(KEPLER, 1, NOW))
    assert shown
    store.keep(replace(shown, time=NOW.astimezone(tz=None)))
    time = read(store, lambda connection: connection.execute(select(changes.c.time)).scalar_one())
    assert time == NOW
    assert time.tzinfo is UTC


def test_the_ledger_has_one_row(database: Database) -> None:
    """Nothing adds another."""
    with pytest.raises(Exception, match="ledger"), database.writing() as connection:
        connection.execute(insert(ledger), [{"id": 1, "sequence": 0, "bytes": 0}])
