"""What is old, or too much, is forgotten: the oldest first, and nothing that is still needed."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from audit.access.visibility import EVERYTHING
from audit.answers import queries, resource_history
from audit.answers.selection import HistorySelection, ReportSelection
from audit.storage import edits, retention, schema_upgrade
from audit.storage.database import Database
from audit.storage.retention import Retention
from audit.storage.store import Store
from audit.storage.tables import changes, ledger, reports, resyncs, sweeps, written
from local import probe
from tests.audit_sample import RESOURCES, deleted, edited, fill, reports_of

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
KEPLER = RESOURCES[0]
OF_IT = HistorySelection(kind="Kepler", namespace=KEPLER.namespace, name=KEPLER.name)


def count(database: Database) -> dict[str, int]:
    """Rows by table."""
    with database.reading() as connection:
        tables = (reports, written, changes, sweeps, resyncs)
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables
        }


def size(database: Database) -> int:
    """What the ledger says."""
    with database.reading() as connection:
        return int(connection.execute(select(ledger.c.bytes)).scalar_one())


def rows(database: Database) -> int:
    """What the rows say."""
    with database.reading() as connection:
        sums = [select(func.coalesce(func.sum(table.c.bytes), 0)) for table in (reports, changes, sweeps, resyncs)]
        return sum(int(connection.execute(sum_of_namespace).scalar_one()) for sum_of_namespace in sums)


def test_what_is_old_is_forgotten(store: Store) -> None:
    """Reports, what they wrote, sweeps and requests; generations that nothing refers to any more."""
    old, new = reports_of(80)[:60], reports_of(80)[60:]
    replace(store, clock=lambda: LONG_AGO).commit(old)
    store.commit(new)
    gone = Retention(store.database, days=90, bytes=1 << 40).delete_old()
    assert gone > 60
    with store.database.reading() as connection:
        left = queries.page(connection, ReportSelection(limit=1000), EVERYTHING)
    assert [item.id for item in left.items] == [entry.id for entry in reversed(new)]
    counted = count(store.database)
    assert counted["written"] == sum(len(entry.parsed.changes) for entry in new)
    assert size(store.database) == rows(store.database)


def test_what_is_too_much_is_forgotten_oldest_first(store: Store) -> None:
    """Down to a little below the limit."""
    fill(store, 1500)
    limit = size(store.database) // 2
    Retention(store.database, days=90, bytes=limit).delete_old()
    assert limit * 0.5 < size(store.database) <= limit
    assert size(store.database) == rows(store.database)
    with store.database.reading() as connection:
        left = connection.execute(select(func.min(reports.c.sequence), func.max(reports.c.sequence))).one()
        newest = connection.execute(select(ledger.c.sequence)).scalar_one()
    assert 0 < left[0] < left[1] <= newest
    store.keep(replace(reports_of(1)[0], id="after"))
    assert Retention(store.database, days=90, bytes=limit).delete_old() == 0


def test_a_generation_stays_as_long_as_one_is_compared_with_it(store: Store) -> None:
    """However old: the next edit is told by how it differs from the last one. An end goes with what it ended."""
    ago = replace(store, clock=lambda: LONG_AGO)
    for generation in (1, 2, 3):
        shown = edits.edit_of_event(edited(KEPLER, generation, LONG_AGO))
        assert shown
        ago.keep(shown)
    delete_old = Retention(store.database, days=90, bytes=1 << 40).delete_old
    delete_old()
    with store.database.reading() as connection:
        assert [item.generation for item in resource_history.history(connection, OF_IT).items] == [3]
    ending = edits.edit_of_event(deleted(KEPLER, 3, LONG_AGO))
    assert ending
    ago.keep(ending)
    delete_old()
    assert count(store.database)["changes"] == 0
    assert size(store.database) == 0


def test_numbers_never_come_again(store: Store) -> None:
    """Not even where everything is forgotten: whoever waits for what is newer still hears of it."""
    fill(store, 20)
    with store.database.reading() as connection:
        before = queries.latest(connection, EVERYTHING)
    Retention(store.database, days=90, bytes=1).delete_old()
    assert count(store.database)["reports"] == 0
    store.keep(replace(reports_of(1)[0], id="after"))
    with store.database.reading() as connection:
        assert queries.latest(connection, EVERYTHING) > before


def test_reports_are_taken_while_others_are_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """In small steps, between which there is room."""
    monkeypatch.setattr(retention, "BATCH", 20)
    fill(store, 1000)
    waiting = iter(reports_of(200))
    taken: list[str] = []

    def rest(seconds: float) -> None:
        assert seconds > 0
        entry = next(waiting)
        store.keep(replace(entry, id=f"meanwhile-{entry.id}"))
        taken.append(entry.id)

    Retention(store.database, days=90, bytes=1 << 20, rest=rest).delete_old()
    assert len(taken) > 3


def test_it_looks_by_itself(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as a commit says that there is too much."""
    monkeypatch.setattr(retention, "PERIOD", 3600.0)
    keeper = Retention(store.database, days=90, bytes=200_000)
    keeper.begin()
    fill(replace(store, full=keeper.note_size), 300)
    assert probe.wait_until(lambda: size(store.database) <= 200_000, 20, threading.Event())


def test_sqlite_gives_back_what_is_free(tmp_path: Path) -> None:
    """The file shrinks; without that, it is filled again before it grows."""
    path = tmp_path / "audit.db"
    database = Database(f"sqlite:///{path}")
    schema_upgrade.prepare(database)
    fill(Store(database), 1000)
    database.close()
    before = path.stat().st_size
    Retention(database, days=90, bytes=size(database) // 4).delete_old()
    database.close()
    assert path.stat().st_size < before / 2


def test_the_size_is_about_that_of_the_file(tmp_path: Path) -> None:
    """`KEEP_MEGABYTES` is a promise about a volume."""
    path = tmp_path / "audit.db"
    database = Database(f"sqlite:///{path}")
    schema_upgrade.prepare(database)
    fill(Store(database), 2000)
    number = size(database)
    database.close()
    assert 0.7 < path.stat().st_size / number < 1.1


def test_an_age_is_in_days(store: Store) -> None:
    """Of one day less, nothing goes."""
    before = replace(store, clock=lambda: datetime.now(UTC) - timedelta(days=5))
    before.commit(reports_of(10))
    assert Retention(store.database, days=6, bytes=1 << 40).delete_old() == 0
    assert Retention(store.database, days=4, bytes=1 << 40).delete_old() >= 10
