"""The tables: what is kept of reports, edits, sweeps and requests, the same in SQLite and PostgreSQL.

Everything kept gets the next number of the one row of `ledger`, whose lock every writer holds until its commit is
seen: numbers grow in the order in which readers see them, so whoever asks for what is newer misses nothing. (Numbers
of a sequence or an identity column are handed out before the commit, and appear out of order.)

JSON is kept as text, as it was sent: it is read back as a whole, and PostgreSQL's `jsonb` takes no NUL in a string.
Changes of these tables need a migration; a test compares the two.
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

# The newest migration. Here, so that a process whose database is up to date need not load what migrates it.
SCHEMA = "0002"

# One row of any table.
Found = Row[*tuple[Any, ...]]


class Instant(TypeDecorator[datetime]):
    """A time, always UTC: SQLite keeps none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


# In SQLite only an INTEGER is the row's own number.
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


# One row: the newest number, and how many bytes all that is kept takes.
ledger = Table(
    "ledger",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
)

# What is kept about each namespace (empty: about none), so that nobody counts rows: `oldest` is when the oldest report
# was kept, `newest` is the newest number. Whoever may see a part of the namespaces is told of those rows only.
totals = Table(
    "totals",
    metadata,
    Column("namespace", Text, primary_key=True),
    Column("reports", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("oldest", Instant),
    Column("newest", BigInteger, nullable=False),
)

# `change` is the generation that a report is about; `summary` is what lists show, so that they read no whole reports.
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

# The objects that a report says were written, each once, under its report's number; `within` is the namespace of what
# the report is about. A page of reports about one of them follows an index, however many others there are.
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

# One generation of a resource: its edit (`time`, `by` and `spec`, with nothing secret in it), or only that a report is
# about it. `verified`: the edit was read from the API server; else an event told it. Objects of one name that came
# after each other have another `life`.
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

# Which object was to be looked at again, on whose word, and why.
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
