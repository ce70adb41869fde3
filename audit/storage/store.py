"""Stores each entry once, in one order, and returns when it is on disk.

Callers that come during a commit share the next one. So a burst costs few commits, and takes the lock of the `ledger`
(`audit.storage.tables`) once for each. If the database cannot be reached, Unavailable is raised for all callers that
share a commit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select, update

from audit.storage import generations
from audit.storage.database import Database
from audit.storage.entries import ROW, EditEntry, Entry, ReportEntry, ResyncEntry, SweepEntry
from audit.storage.tables import ledger, reports, resyncs, sweeps, written
from audit.storage.totals import AddedAmounts
from events.report import Report
from runtime.singleflight import SingleFlight

Row = dict[str, Any]
TABLES: tuple[Table, ...] = (reports, written, sweeps, resyncs)

# Statements are built once, at import: building one costs more than running it.
LOCK = select(ledger.c.sequence, ledger.c.bytes).with_for_update()
KNOWN = {table.name: select(table.c.id).where(table.c.id == bindparam("id")) for table in (reports, sweeps, resyncs)}
NOTE = update(ledger).values(sequence=bindparam("newest"), bytes=bindparam("size"))


@dataclass
class Store:
    """Stores entries. `full` is called after each commit with the number of bytes stored; `clock` returns the time."""

    database: Database
    full: Callable[[int], None] = lambda _bytes: None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _turns: SingleFlight[Sequence[Entry], None] = field(default_factory=SingleFlight)

    def keep(self, *entries: Entry) -> None:
        """Store the entries that are not stored yet; return when all are on disk. Raises Unavailable."""
        self._turns.take("commit", entries, self._commit_all)

    def _commit_all(self, kept_together: Sequence[Sequence[Entry]]) -> None:
        self.commit([entry for entries in kept_together for entry in entries])

    def commit(self, entries: Sequence[Entry]) -> None:
        """Store all entries in one transaction."""
        with self.database.writing() as connection:
            batch = Batch.begin(connection, self.clock)
            for entry in entries:
                batch.add(entry)
            batch.write()
        self.full(batch.bytes)


@dataclass
class Batch:
    """The rows that one transaction adds; it holds the ledger's lock from `begin` on."""

    connection: Connection
    sequence: int
    bytes: int
    kept: datetime
    known: set[str] = field(default_factory=set)
    rows: dict[str, list[Row]] = field(default_factory=lambda: {table.name: [] for table in TABLES})
    added: AddedAmounts = field(default_factory=AddedAmounts)

    @classmethod
    def begin(cls, connection: Connection, clock: Callable[[], datetime]) -> "Batch":
        """Take the ledger's lock, and return an empty batch; waits for other writers."""
        state = connection.execute(LOCK).one()
        return cls(connection, state.sequence, state.bytes, clock())

    def add(self, entry: Entry) -> None:
        """Add one entry, unless it is stored already."""
        match entry:
            case ReportEntry():
                self._report(entry)
            case EditEntry():
                self._edit(entry)
            case SweepEntry():
                self._sweep(entry)
            case ResyncEntry():
                self._resync(entry)

    def write(self) -> None:
        """Write all new rows, the ledger and the totals."""
        for table in TABLES:
            if rows := self.rows[table.name]:
                self.connection.execute(insert(table), rows)
        self.connection.execute(NOTE, {"newest": self.sequence, "size": self.bytes})
        self.added.write(self.connection, self.kept)

    def next(self, namespace: str, size: int) -> int:
        """Return the next sequence number, and add `size` bytes to what is stored about the namespace."""
        self.sequence += 1
        self.bytes += size
        self.added.note(namespace, self.sequence, size)
        return self.sequence

    def _report(self, entry: ReportEntry) -> None:
        if self._is_known(reports, entry.id):
            return
        content = entry.parsed
        change = generations.reported(self, content)
        number = self.next(content.object.namespace, entry.bytes)
        self.added.note_report(content.object.namespace)
        self.rows[reports.name].append(
            {
                "sequence": number,
                "id": entry.id,
                "change": change,
                "type": entry.type,
                "kept": self.kept,
                "function": content.function,
                "outcome": content.outcome,
                "kind": content.object.kind,
                "namespace": content.object.namespace,
                "name": content.object.name,
                "uid": content.object.uid,
                "generation": content.generation,
                "trace": content.trace,
                "began": content.began,
                "bytes": entry.bytes,
                "summary": entry.summary,
                "report": entry.report,
            }
        )
        self.rows[written.name] += _rows_of_written(number, content)

    def _edit(self, entry: EditEntry) -> None:
        generations.note_edit(self, entry)

    def _sweep(self, entry: SweepEntry) -> None:
        if not self._is_known(sweeps, entry.id):
            row = {"sequence": self.next("", ROW), "id": entry.id, "kept": self.kept, "bytes": ROW, "time": entry.time}
            self.rows[sweeps.name].append(row | entry.swept.model_dump())

    def _resync(self, entry: ResyncEntry) -> None:
        if not self._is_known(resyncs, entry.id):
            size = len(entry.diverges) + ROW
            number = self.next(entry.object.namespace, size)
            row = {"sequence": number, "id": entry.id, "kept": self.kept, "bytes": size}
            named = entry.object.model_dump(include={"kind", "namespace", "name"})
            self.rows[resyncs.name].append(row | named | {"source": entry.source, "diverges": entry.diverges})

    def _is_known(self, table: Table, identity: str) -> bool:
        key = f"{table.name}/{identity}"
        exists = key in self.known or self.connection.execute(KNOWN[table.name], {"id": identity}).first()
        self.known.add(key)
        return bool(exists)


def _rows_of_written(number: int, report: Report) -> list[Row]:
    """Return one row for each object that was written, even if it was written in several rounds."""
    rows: dict[tuple[str, str, str], Row] = {}
    for change in report.changes:
        named = change.object.model_dump(include={"kind", "namespace", "name"})
        row = rows.setdefault(tuple(named.values()), {**named, "fields": 0})
        row |= {"action": change.action, "fields": row["fields"] + len(change.fields)}
    about = {"sequence": number, "within": report.object.namespace}
    return [{**row, **about, "position": position} for position, row in enumerate(rows.values())]
