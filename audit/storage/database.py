"""Connects to the database: SQLite by default, PostgreSQL by URL.

In SQLite a commit returns only when it is on disk (`synchronous=FULL`; with `NORMAL` a power cut loses the last
commits, and an event that was acknowledged is not delivered again). If the database cannot be reached, Unavailable is
raised, so that the event is delivered again. No message contains a password.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.pool import ConnectionPoolEntry

from runtime.errors import Misconfigured, Unavailable

SQLITE, POSTGRES = "sqlite", "postgresql"
EXAMPLES = "'sqlite:////var/lib/kepler-audit/audit.db' or 'postgresql://user:password@host/database'"
# Size of the connection pool: one for each thread, and a few for retention.
CONNECTIONS = 20
# Seconds to wait for a lock in SQLite, and for a connection.
BUSY, CONNECT = 10.0, 5
# Time limits of a PostgreSQL statement and of its wait for a lock, in milliseconds; later the event is redelivered.
LIMITS = "-c statement_timeout=15000 -c lock_timeout=8000 -c timezone=UTC"
# Pages that SQLite frees at a time, while other writers wait.
PAGES = 2000
PRAGMAS = (
    "PRAGMA auto_vacuum=INCREMENTAL",  # has no effect after the first table was created
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA temp_store=MEMORY",  # so that no other folder has to be writable
)


class Database:
    """One database, for reading and for writing in short transactions."""

    def __init__(self, address: str) -> None:
        """Connect to nothing yet. Raises Misconfigured if the address is invalid."""
        self.url = url(address)
        self.engine = engine(self.url)
        self._writer = self.engine.execution_options(writes=True)

    @property
    def file(self) -> Path | None:
        """Return the path of the SQLite file; None for PostgreSQL."""
        return Path(self.url.database or "") if self.is_sqlite else None

    @property
    def is_sqlite(self) -> bool:
        """Return whether the database is an SQLite file."""
        return self.url.get_backend_name() == SQLITE

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection in a transaction that only reads. Raises Unavailable if the database cannot be reached."""
        with self._reached(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection in a transaction that is on disk at the end. Raises Unavailable if it may not be."""
        with self._reached(), self._writer.begin() as connection:
            yield connection

    def vacuum(self) -> None:
        """Free unused pages of SQLite's file to the file system, some at a time; PostgreSQL does this by itself.

        Uses `executescript`: with `execute`, Python's driver takes a single step of a statement without columns, and
        that frees one page.
        """
        if not self.is_sqlite:
            return
        with self._reached(), closing(self.engine.raw_connection()) as connection:
            driver: Any = connection.driver_connection
            free, left = -1, -2
            while left not in (0, free):
                free = left
                driver.executescript(f"PRAGMA incremental_vacuum({PAGES})")
                (left,) = driver.execute("PRAGMA freelist_count").fetchone()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, InterfaceError, NoneFree, sqlite3.Error) as lost:  # `_prepare` raises sqlite3.Error
            raise Unavailable(f"the database {self} does not answer: {self.cause(lost)}") from None
        except DBAPIError as lost:
            if not lost.connection_invalidated:
                raise
            raise Unavailable(f"the database {self} does not answer: {self.cause(lost)}") from None

    def cause(self, error: Exception) -> str:
        """Return the driver's message in one line, without the password."""
        cause = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        secret = str(self.url.password or "")
        return cause.replace(secret, "***") if secret else cause

    def __str__(self) -> str:
        return f"'{self.url.render_as_string(hide_password=True)}'"


def url(address: str) -> URL:
    """Return the parsed URL of a database. Raises Misconfigured; the message does not repeat the address."""
    try:
        url = make_url(address.strip())
        backend = url.get_backend_name()
    except (ArgumentError, ValueError):
        raise Misconfigured(f"`DATABASE` is not a URL: set it to one like {EXAMPLES}") from None
    if backend == SQLITE:
        return _file(url.set(drivername="sqlite+pysqlite"))
    if backend in (POSTGRES, "postgres"):
        return url.set(drivername="postgresql+psycopg")
    raise Misconfigured(f"`DATABASE` is for '{backend}', which is not known here: set it to one like {EXAMPLES}")


def _file(url: URL) -> URL:
    if not url.database or url.database == ":memory:":
        raise Misconfigured(f"`DATABASE` names no file: set it to one like {EXAMPLES}")
    path = Path(url.database)
    if not path.parent.is_dir():
        raise Misconfigured(f"`DATABASE` is in '{path.parent}', which is not a folder: create it, or name another one")
    writable = os.access(path, os.R_OK | os.W_OK) if path.exists() else True
    if not (writable and os.access(path.parent, os.R_OK | os.W_OK | os.X_OK)):
        raise Misconfigured(
            f"`DATABASE` is '{path}', where this process (user {os.getuid()}) may not write: give it the right to, or "
            "name another file"
        )
    return url


def engine(url: URL) -> Engine:
    """Return an engine with a connection pool, without an open connection."""
    shared = {"hide_parameters": True, "pool_size": CONNECTIONS, "max_overflow": 0, "pool_timeout": BUSY}
    if url.get_backend_name() == SQLITE:
        made = create_engine(url, connect_args={"timeout": BUSY, "check_same_thread": False}, **shared)
        event.listen(made, "connect", _prepare)
        event.listen(made, "begin", _begin)
        return made
    given = {"connect_timeout": CONNECT, "options": LIMITS, "application_name": "kepler-audit"}
    arguments = {name: value for name, value in given.items() if name not in url.query}
    return create_engine(url, connect_args=arguments, pool_pre_ping=True, pool_recycle=1800, **shared)


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Set up a new SQLite connection: transactions begin where the engine says so, not where Python's driver would."""
    assert isinstance(connection, sqlite3.Connection)  # noqa: S101 (for the type checker)
    connection.isolation_level = None
    for pragma in PRAGMAS:
        connection.execute(pragma)


def _begin(connection: Connection) -> None:
    """Begin a transaction; one that writes takes the lock at once.

    A transaction that reads first and writes later may find the lock taken.
    """
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
