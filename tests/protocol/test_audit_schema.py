"""The tables as migrations make them: those that the code knows, made once, in both databases."""

import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, inspect, select, text

from audit.storage import schema_upgrade
from audit.storage.database import Database
from audit.storage.tables import SCHEMA, changes, ledger, metadata, totals
from local.layout import ROOT
from runtime.errors import Misconfigured


def test_migrations_make_the_tables_that_the_code_knows(database: Database) -> None:
    """Autogenerating another migration would find nothing to do."""
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        assert schema_upgrade.version(connection) == SCHEMA
        assert connection.execute(select(ledger.c.sequence, ledger.c.bytes)).all() == [(0, 0)]


def test_the_newest_migration_is_the_one_that_the_code_asks_for() -> None:
    """One line of descent, whose end `SCHEMA` names."""
    config = Config()
    config.set_main_option("script_location", str(schema_upgrade.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA]


def test_what_is_up_to_date_is_left_alone(database: Database) -> None:
    """A second start changes nothing, and loads no Alembic."""
    with database.writing() as connection:
        connection.execute(ledger.update().values(sequence=7))
    schema_upgrade.prepare(database)
    with database.reading() as connection:
        assert connection.execute(select(ledger.c.sequence)).scalar_one() == 7


def test_what_an_earlier_release_kept_is_there_after_a_migration(address: str) -> None:
    """Its edits count as told by events, and what there is of each namespace is summed up."""
    database = Database(address)
    with database.writing() as connection:
        _upgrade(connection, "0001")
        connection.execute(text(EDIT), {"time": NOW})
        connection.execute(text(SWEEP), {"time": NOW})
        connection.execute(text("UPDATE ledger SET sequence = 2, bytes = 12"))
    schema_upgrade.prepare(database)
    with database.reading() as connection:
        assert connection.execute(select(changes.c.verified)).scalars().all() == [False]
        rows = connection.execute(select(totals).order_by(totals.c.namespace)).all()
    assert [tuple(row) for row in rows] == [("", 0, 5, None, 2), ("a", 0, 7, None, 1)]
    database.close()


NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
EDIT = """
INSERT INTO changes (sequence, life, api_version, kind, namespace, name, uid, generation, trace, kept, bytes, time,
"by", deleted, traceparent, spec)
VALUES (1, 1, 'v1', 'Kepler', 'a', 'b', 'u', 1, 't', :time, 7, :time, 'c', false, '', '{}')
"""
SWEEP = """
INSERT INTO sweeps (sequence, id, kept, bytes, time, resources, diverging, calls, milliseconds)
VALUES (2, 's', :time, 5, :time, 1, 1, 1, 1)
"""


def _upgrade(connection: Connection, revision: str) -> None:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(schema_upgrade.MIGRATIONS))
    command.upgrade(config, revision)


def test_several_that_start_at_once_make_the_tables_once(address: str) -> None:
    """Whole processes, each of which finds them made or makes them."""
    program = (
        "import sys; from audit.storage import schema_upgrade; from audit.storage.database import Database; "
        "schema_upgrade.prepare(Database(sys.argv[1]))"
    )
    with ThreadPoolExecutor(4) as starters:
        command = [sys.executable, "-c", program, address]
        started = [
            starters.submit(subprocess.run, command, cwd=ROOT, capture_output=True, check=False) for _ in range(4)
        ]
    assert [future.result().stderr for future in started if future.result().returncode] == []
    with Database(address).reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM ledger")).scalar_one() == 1


def test_tables_of_a_newer_release_are_refused(database: Database) -> None:
    """An older one would write what the newer one does not expect."""
    with database.writing() as connection:
        connection.execute(text(f"UPDATE {schema_upgrade.VERSIONS} SET version_num = '9999'"))
    with pytest.raises(Misconfigured, match=r"has version '9999' of the tables.*upgrade the functions"):
        schema_upgrade.prepare(database)


def test_a_migration_that_fails_leaves_nothing(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next start begins from where it was."""
    database = Database(address)
    monkeypatch.setattr(schema_upgrade, "SCHEMA", "none")
    with pytest.raises(Exception, match="none"):
        schema_upgrade.prepare(database)
    monkeypatch.undo()
    with database.reading() as connection:
        assert "reports" not in inspect(connection).get_table_names()
    schema_upgrade.prepare(database)
    database.close()


def test_migrating_is_quiet(address: str, caplog: pytest.LogCaptureFixture) -> None:
    """Alembic says nothing on its own that a log would have to be told from."""
    with caplog.at_level(logging.INFO):
        schema_upgrade.prepare(Database(address))
    assert [record.message for record in caplog.records if record.levelno > logging.INFO] == []


def test_sqlite_writes_through_and_gives_back(tmp_path: Path) -> None:
    """What its settings are in the file and on each connection."""
    database = Database(f"sqlite:///{tmp_path}/audit.db")
    schema_upgrade.prepare(database)
    with database.reading() as connection:
        asked = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in WANTED}
    assert asked == WANTED
    with database.writing() as connection, pytest.raises(Exception, match="UNIQUE"):
        connection.execute(insert(ledger), [{"id": 1, "sequence": 0, "bytes": 0}])


# FULL is 2, INCREMENTAL is 2, MEMORY is 2.
WANTED = {"journal_mode": "wal", "synchronous": 2, "auto_vacuum": 2, "temp_store": 2}
