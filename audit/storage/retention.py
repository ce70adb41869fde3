"""Deletes rows that are too old or too many, the oldest first.

A thread runs once a minute, and when a commit reports that the size limit is exceeded. It deletes in small batches,
each under the lock that writers take: a report waits for milliseconds, and several processes do not disturb each other.
Size is that of the stored texts, and an allowance for each row and its indexes (`audit.storage.entries`), the same for
SQLite and PostgreSQL. Afterwards SQLite returns free pages to the file system; PostgreSQL reuses them.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, literal, or_, select, true, update

from audit.storage.database import Database
from audit.storage.tables import TableRow, changes, ledger, reports, resyncs, sweeps, written
from audit.storage.totals import DeletedAmounts
from runtime.errors import ApiError

log = logging.getLogger("kepler.audit")

# Seconds between two runs, and how many sequence numbers one transaction covers.
PERIOD = 60.0
BATCH = 200
# Seconds between two batches. SQLite's lock has no queue: a writer that takes it again at once shuts out the others.
PAUSE = 0.05
# Above the size limit, rows are deleted down to this share of it, so that there is room for new ones.
TARGET_SHARE = 0.95


@dataclass
class Retention:
    """Keeps a database below an age in days and a size in bytes.

    `rest` waits between two batches; tests replace it.
    """

    database: Database
    days: int
    bytes: int
    rest: Callable[[float], None] = time.sleep
    _due: threading.Event = field(default_factory=threading.Event)

    def note_size(self, size: int) -> None:
        """Note how many bytes are stored now, and start a run if that is above the limit."""
        if size > self.bytes:
            self._due.set()

    def begin(self) -> None:
        """Start the thread that deletes, for as long as the process runs."""
        threading.Thread(target=self._run, name="retention", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                self.delete_old()
            except ApiError as error:
                log.warning("old rows not deleted", extra={"reason": error.message})
            except Exception:
                log.exception("defect")
            self._due.wait(PERIOD)
            self._due.clear()

    def delete_old(self) -> int:
        """Delete everything above the limits, and return the number of rows deleted."""
        deleted = self._delete_in_batches(before=datetime.now(UTC) - timedelta(days=self.days))
        with self.database.reading() as connection:
            is_full = connection.execute(select(ledger.c.bytes)).scalar_one() > self.bytes
        if is_full:
            deleted += self._delete_in_batches(above=int(self.bytes * TARGET_SHARE))
        if deleted:
            log.info("old rows deleted", extra={"rows": deleted})
            self.database.vacuum()
        return deleted

    def _delete_in_batches(self, *, before: datetime | None = None, above: int = -1) -> int:
        """Delete batch after batch until no row is left to delete, and return the number of rows."""
        deleted = 0
        while deleted_now := self._batch(before, above):
            deleted += deleted_now
            self.rest(PAUSE)
        return deleted

    def _batch(self, before: datetime | None, above: int) -> int:
        """Delete one batch of the oldest rows, and return their number.

        If `before` is given, only rows that were stored earlier are deleted. If at most `above` bytes are stored, none
        are deleted.
        """
        with self.database.writing() as connection:
            size = connection.execute(select(ledger.c.bytes).with_for_update()).scalar_one()
            first = _oldest(connection)
            if size <= above or first is None:
                return 0
            deleted = _delete(connection, first + BATCH - 1, before)
            connection.execute(update(ledger).values(bytes=max(0, size - deleted.bytes)))
            deleted.write(connection)
            return deleted.rows


def _oldest(connection: Connection) -> int | None:
    """Return the lowest sequence number of all rows that may be deleted, or None."""
    numbers = [
        select(table.c.sequence).where(true() if table is not changes else _deletable()).order_by(table.c.sequence)
        for table in NUMBERED
    ]
    lowest = [connection.execute(query.limit(1)).scalar() for query in numbers]
    return min((number for number in lowest if number is not None), default=None)


def _delete(connection: Connection, cut: int, before: datetime | None) -> DeletedAmounts:
    """Delete the rows up to the number `cut`; of those only the ones stored before `before`, if that is given."""
    deleted = DeletedAmounts()
    for table in NUMBERED:
        old = [table.c.sequence <= cut, *([table.c.kept < before] if before else [])]
        old += [_deletable()] if table is changes else []
        namespace = literal("") if table is sweeps else table.c.namespace
        returned = (table.c.sequence, table.c.bytes, namespace.label("namespace"))
        rows: Sequence[TableRow] = connection.execute(delete(table).where(*old).returning(*returned)).all()
        if table is reports and rows:
            connection.execute(delete(written).where(written.c.sequence.in_([row.sequence for row in rows])))
        for row in rows:
            deleted.note(row.namespace, row.bytes, is_report=table is reports)
    return deleted


def _deletable() -> ColumnElement[bool]:
    """Return the condition for a generation without reports, which is a deletion or has a later generation.

    A later edit is compared with the generation before it, so the latest one is kept.
    """
    later = changes.alias()
    follows = and_(
        later.c.kind == changes.c.kind,
        later.c.namespace == changes.c.namespace,
        later.c.name == changes.c.name,
        or_(
            later.c.life > changes.c.life,
            and_(later.c.life == changes.c.life, later.c.generation > changes.c.generation),
        ),
    )
    has_reports = exists().where(reports.c.change == changes.c.sequence)
    return and_(~has_reports, or_(changes.c.deleted, exists().where(follows)))


# In the order of deletion: reports before the generations that they are about.
NUMBERED: tuple[Table, ...] = (reports, resyncs, sweeps, changes)
