"""The tables for reports, edits, sweeps and requests, the same in SQLite and PostgreSQL.

Each row gets the next sequence number from the single row of `ledger`. A writer holds the lock of that row until its
commit is visible, so numbers grow in the order in which readers see them: a reader that asks for rows after a cursor
misses none. (Numbers of a sequence or an identity column are assigned before the commit, and appear out of order.)

JSON is stored as text, as it was sent: it is read back as a whole, and PostgreSQL's `jsonb` accepts no NUL in a string.
A change of these tables needs a migration; a test compares the two.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    Row,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)

# The newest migration. It is here so that a process with an up-to-date database does not have to load Alembic.
SCHEMA = "0002"

# One row of any table.
TableRow = Row[*tuple[Any, ...]]


class Instant(TypeDecorator[datetime]):
    """A time in UTC. SQLite stores no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


# In SQLite only a primary key of type INTEGER is the rowid itself.
Number = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _number() -> Column[int]:
    return Column("sequence", Number, primary_key=True, autoincrement=False)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


# A single row: the highest sequence number, and the size of everything that is stored, in bytes.
ledger = Table(
    "ledger",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
)

# How much is stored about each namespace (empty: cluster-scoped), so that no query counts rows: `oldest` is when the
# oldest report was stored, `newest` the highest sequence number. A user sees only the rows of visible namespaces.
totals = Table(
    "totals",
    metadata,
    Column("namespace", Text, primary_key=True),
    Column("reports", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("oldest", Instant),
    Column("newest", BigInteger, nullable=False),
)

# `change` is the row of the generation that a report is about; lists read `summary` instead of the whole report.
reports = Table(
    "reports",
    metadata,
    _number(),
    Column("id", Text, nullable=False, unique=True),
    Column("change", BigInteger, nullable=False, index=True),
    _text("type"),
    Column("kept", Instant, nullable=False),
    _text("function"),
    _text("outcome"),
    _text("kind"),
    _text("namespace"),
    _text("name"),
    _text("uid"),
    Column("generation", BigInteger, nullable=False),
    _text("trace"),
    Column("began", Instant, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    _text("summary"),
    _text("report"),
    Index(None, "kind", "namespace", "name", "sequence"),
    Index(None, "kind", "sequence"),
    Index(None, "namespace", "sequence"),
    Index(None, "uid", "generation", "sequence"),
    Index(None, "function", "sequence"),
    Index(None, "outcome", "sequence"),
    Index(None, "trace", "sequence"),
    Index(None, "kept", "sequence"),
)

# The objects that a report lists as written, each once, with the report's number; `within` is the namespace of the
# report's own object. So a page of the reports that wrote one object is read along an index.
written = Table(
    "written",
    metadata,
    _number(),
    Column("position", Integer, primary_key=True, autoincrement=False),
    _text("kind"),
    _text("namespace"),
    _text("name"),
    _text("within"),
    _text("action"),
    Column("fields", Integer, nullable=False),
    Index(None, "kind", "name", "sequence"),
    Index(None, "kind", "name", "within", "sequence"),
)

# One generation of a resource: its edit (`time`, `by` and the redacted `spec`), or without these, if only a report on
# it is stored. `verified`: the edit was read from the API server, not taken from an event. Successive objects with the
# same name differ in `life`.
changes = Table(
    "changes",
    metadata,
    _number(),
    Column("life", BigInteger, nullable=False),
    _text("api_version"),
    _text("kind"),
    _text("namespace"),
    _text("name"),
    _text("uid"),
    Column("generation", BigInteger, nullable=False),
    _text("trace"),
    Column("kept", Instant, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("time", Instant),
    _text("by"),
    Column("deleted", Boolean, nullable=False),
    _text("traceparent"),
    _text("spec"),
    Column("verified", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("kind", "namespace", "name", "uid", "generation"),
    Index(None, "kind", "namespace", "name", "life", "generation"),
    Index(None, "trace"),
)

sweeps = Table(
    "sweeps",
    metadata,
    _number(),
    Column("id", Text, nullable=False, unique=True),
    Column("kept", Instant, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("time", Instant, nullable=False),
    Column("resources", Integer, nullable=False),
    Column("diverging", Integer, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("milliseconds", Float, nullable=False),
)

# Requests to reconcile an object again: the object, who sent the request (`source`), and why (`diverges`).
resyncs = Table(
    "resyncs",
    metadata,
    _number(),
    Column("id", Text, nullable=False, unique=True),
    Column("kept", Instant, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    _text("source"),
    _text("kind"),
    _text("namespace"),
    _text("name"),
    _text("diverges"),
    Index(None, "kind", "namespace", "name", "sequence"),
)
