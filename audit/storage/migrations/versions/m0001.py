"""Creates the first tables: reports and what they wrote, generations and edits, sweeps, requests, and the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create all tables, and the one row of the ledger."""
    _changes()
    _ledger()
    _reports()
    _resyncs()
    _sweeps()
    _written()
    op.execute("INSERT INTO ledger (id, sequence, bytes) VALUES (1, 0, 0)")


def _changes() -> None:
    op.create_table(
        "changes",
        sa.Column("sequence", NUMBER, nullable=False, autoincrement=False),
        sa.Column("life", sa.BigInteger(), nullable=False),
        sa.Column("api_version", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("kept", INSTANT, nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("time", INSTANT, nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_changes"),
        sa.UniqueConstraint(
            "kind", "namespace", "name", "uid", "generation", name="uq_changes_kind_namespace_name_uid_generation"
        ),
    )
    op.create_index(
        "ix_changes_kind_namespace_name_life_generation", "changes", ["kind", "namespace", "name", "life", "generation"]
    )
    op.create_index("ix_changes_trace", "changes", ["trace"])


def _ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("id", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger"),
    )


def _reports() -> None:
    op.create_table(
        "reports",
        sa.Column("sequence", NUMBER, nullable=False, autoincrement=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("kept", INSTANT, nullable=False),
        sa.Column("function", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("began", INSTANT, nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_reports"),
        sa.UniqueConstraint("id", name="uq_reports_id"),
    )
    op.create_index("ix_reports_change", "reports", ["change"])
    op.create_index("ix_reports_function_sequence", "reports", ["function", "sequence"])
    op.create_index("ix_reports_kept_sequence", "reports", ["kept", "sequence"])
    op.create_index("ix_reports_kind_namespace_name_sequence", "reports", ["kind", "namespace", "name", "sequence"])
    op.create_index("ix_reports_kind_sequence", "reports", ["kind", "sequence"])
    op.create_index("ix_reports_namespace_sequence", "reports", ["namespace", "sequence"])
    op.create_index("ix_reports_outcome_sequence", "reports", ["outcome", "sequence"])
    op.create_index("ix_reports_trace_sequence", "reports", ["trace", "sequence"])
    op.create_index("ix_reports_uid_generation_sequence", "reports", ["uid", "generation", "sequence"])


def _resyncs() -> None:
    op.create_table(
        "resyncs",
        sa.Column("sequence", NUMBER, nullable=False, autoincrement=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kept", INSTANT, nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("diverges", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_resyncs"),
        sa.UniqueConstraint("id", name="uq_resyncs_id"),
    )
    op.create_index("ix_resyncs_kind_namespace_name_sequence", "resyncs", ["kind", "namespace", "name", "sequence"])


def _sweeps() -> None:
    op.create_table(
        "sweeps",
        sa.Column("sequence", NUMBER, nullable=False, autoincrement=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kept", INSTANT, nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("time", INSTANT, nullable=False),
        sa.Column("resources", sa.Integer(), nullable=False),
        sa.Column("diverging", sa.Integer(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("milliseconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_sweeps"),
        sa.UniqueConstraint("id", name="uq_sweeps_id"),
    )


def _written() -> None:
    op.create_table(
        "written",
        sa.Column("sequence", NUMBER, nullable=False, autoincrement=False),
        sa.Column("position", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("within", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("fields", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", "position", name="pk_written"),
    )
    op.create_index("ix_written_kind_name_sequence", "written", ["kind", "name", "sequence"])
    op.create_index("ix_written_kind_name_within_sequence", "written", ["kind", "name", "within", "sequence"])
