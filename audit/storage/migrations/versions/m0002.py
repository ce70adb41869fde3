"""Records which edits were read from the API server, and how much is stored about each namespace.

Existing edits were taken from events, so none of them is verified.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)

FILL = """
INSERT INTO totals (namespace, reports, bytes, oldest, newest)
SELECT namespace, sum(reports), sum(bytes), min(oldest), max(sequence) FROM (
    SELECT namespace, 1 AS reports, bytes, kept AS oldest, sequence FROM reports
    UNION ALL SELECT namespace, 0, bytes, NULL, sequence FROM changes
    UNION ALL SELECT namespace, 0, bytes, NULL, sequence FROM resyncs
    UNION ALL SELECT '', 0, bytes, NULL, sequence FROM sweeps
) AS kept_rows GROUP BY namespace
"""


def upgrade() -> None:
    """Add column `changes.verified` and table `totals`, filled with the sums over the existing rows."""
    op.add_column("changes", sa.Column("verified", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "totals",
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("reports", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("oldest", INSTANT, nullable=True),
        sa.Column("newest", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("namespace", name="pk_totals"),
    )
    op.execute(FILL)
