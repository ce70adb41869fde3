"""Creates or migrates the tables to the version of this code, when a process starts.

If several processes start at once, a file lock (SQLite) or an advisory lock (PostgreSQL) lets one of them migrate. In
both, the whole upgrade is one transaction.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from audit.storage.database import Database
from audit.storage.tables import SCHEMA
from runtime.errors import Misconfigured, Unavailable

MIGRATIONS = Path(__file__).parent / "migrations"
VERSIONS = "alembic_version"
# The number of our advisory lock in PostgreSQL; no other software in the database may use it.
LOCK = 0x6B65706C6572


def prepare(database: Database) -> None:
    """Create or migrate the tables. Raises Misconfigured that says what to do."""
    try:
        with _alone(database), database.writing() as connection:
            if not database.is_sqlite:
                connection.execute(text("SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = 0"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            stored = version(connection)
            if stored != SCHEMA:
                _migrate(connection, database, stored)
    except Unavailable as away:
        raise Misconfigured(
            f"{away.message}: set `DATABASE` to one that can be reached, with a user who may log in"
        ) from None
    except OSError as wrong:
        raise Misconfigured(
            f"no file can be created in the folder of `DATABASE` ({wrong}): choose another folder"
        ) from None
    except SQLAlchemyError as wrong:
        cause = database.cause(wrong)
        step = "give its user the permission to create tables, or set `DATABASE` to another one"
        raise Misconfigured(f"the database {database} cannot be used ({cause}): {step}") from None


def version(connection: Connection) -> str:
    """Return the newest migration of the database; empty if there is none."""
    if not inspect(connection).has_table(VERSIONS):
        return ""
    return connection.execute(select(text("version_num")).select_from(text(VERSIONS))).scalar() or ""


def _migrate(connection: Connection, database: Database, stored: str) -> None:
    from alembic import command  # noqa: PLC0415 - half of what this process would hold, and rarely needed
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if stored and stored not in known:
        raise Misconfigured(
            f"the database {database} has version '{stored}' of the tables, and this release knows up to '{SCHEMA}': "
            "upgrade the functions, or set `DATABASE` to another one"
        )
    command.upgrade(config, SCHEMA)


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Hold a file lock: while one process turns a new file into a database, another would find it locked at once."""
    if database.file is None:
        yield
        return
    with Path(f"{database.file}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
