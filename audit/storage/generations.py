"""Finds the row of table `changes`, one for each generation of a resource, that an entry belongs to, or inserts it.

A report on a deleted object has neither uid nor generation. It belongs to the object with the report's trace, or else
to the latest object of that name: to the row of its deletion, or if there is none yet, to a new row after its last
known generation.

Data read from the API server replaces data from events, and never the other way round.
"""

from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, bindparam, case, func, insert, select, update

from audit.storage.entries import ROW, EditEntry
from audit.storage.tables import TableRow, changes
from events.report import Report, Subject

# Statements are built once, at import: building one costs more than running it.
_SAME_NAME = tuple(changes.c[name] == bindparam(name) for name in ("kind", "namespace", "name"))
_SAME_OBJECT = (*_SAME_NAME, changes.c.uid == bindparam("uid"))
FIND = select(changes.c.sequence, changes.c.time, changes.c.verified, changes.c.bytes).where(
    *_SAME_OBJECT, changes.c.generation == bindparam("generation")
)
ENDS = select(changes.c.generation, changes.c.deleted).where(*_SAME_OBJECT).order_by(changes.c.deleted.desc()).limit(2)
LIFE = select(func.min(changes.c.life)).where(*_SAME_OBJECT)
LAST = (
    select(changes.c.sequence, changes.c.uid, changes.c.generation, changes.c.deleted)
    .where(*_SAME_NAME)
    .order_by(
        case((changes.c.trace == bindparam("trace"), 0), else_=1), changes.c.life.desc(), changes.c.generation.desc()
    )
    .limit(1)
)


class WriteTransaction(Protocol):
    """An open write transaction; `kept` is the time at which its entries are stored."""

    connection: Connection
    kept: datetime

    def next(self, namespace: str, size: int) -> int:
        """Return the next sequence number, and add `size` bytes to what is stored about the namespace."""


def reported(transaction: WriteTransaction, report: Report) -> int:
    """Return the `sequence` of the row that the report belongs to; inserts the row if there is none."""
    subject, generation = report.object, report.generation
    if not subject.uid and (last := _last(transaction, subject, report.trace)) is not None:
        if last.deleted:
            return int(last.sequence)
        subject, generation = subject.model_copy(update={"uid": last.uid}), last.generation + 1
    kept = _find(transaction, subject, generation)
    return int(kept.sequence) if kept else _insert(transaction, subject, generation, report.trace, {})


def note_edit(transaction: WriteTransaction, entry: EditEntry) -> None:
    """Store who made a generation, and its spec, unless that is stored; a verified edit replaces an unverified one."""
    edit = {
        "time": entry.time,
        "by": entry.by,
        "deleted": entry.deleted,
        "traceparent": entry.traceparent,
        "spec": entry.spec,
        "verified": entry.verified,
    }
    kept = _find(transaction, entry.object, entry.generation)
    if kept is None:
        _insert(transaction, entry.object, entry.generation, entry.trace, edit)
    elif kept.time is None or (entry.verified and not kept.verified):
        size = ROW + len(entry.spec)
        transaction.next(entry.object.namespace, size - kept.bytes)
        known = {**edit, "bytes": size, **({"trace": entry.trace} if entry.verified else {})}
        transaction.connection.execute(update(changes).where(changes.c.sequence == kept.sequence).values(known))


def deletion_objection(connection: Connection, end: EditEntry) -> str:
    """Return why a deletion known only from an event is not stored; empty if it is to be stored.

    An object is deleted once, and its deletion is stored only if a report on it or an edit of it is. So forged events
    cannot fill the database with deletions of objects that never existed.
    """
    known = connection.execute(ENDS, end.object.model_dump()).all()
    if not known:
        return "no report on this object and no edit of it is stored"
    if any(row.deleted and row.generation != end.generation for row in known):
        return "its deletion is stored already"
    return ""


def _find(transaction: WriteTransaction, subject: Subject, generation: int) -> TableRow | None:
    return transaction.connection.execute(FIND, {**subject.model_dump(), "generation": generation}).first()


def _life(transaction: WriteTransaction, subject: Subject) -> int | None:
    """Return the `life` of the object: the `sequence` of the first row with its uid; None if it has no row."""
    return transaction.connection.execute(LIFE, subject.model_dump()).scalar()


def _last(transaction: WriteTransaction, subject: Subject, trace: str) -> TableRow | None:
    """Return the row of this name's newest generation: of the object with this trace, else of the latest object."""
    return transaction.connection.execute(LAST, {**subject.model_dump(), "trace": trace}).first()


def _insert(transaction: WriteTransaction, subject: Subject, generation: int, trace: str, edit: dict[str, Any]) -> int:
    """Insert the row of a generation, and return its `sequence`."""
    size = ROW + len(edit.get("spec", ""))
    number = transaction.next(subject.namespace, size)
    defaults = {"time": None, "by": "", "deleted": False, "traceparent": "", "spec": "", "verified": False}
    row = {
        "sequence": number,
        "life": _life(transaction, subject) or number,
        **subject.model_dump(),
        "generation": generation,
        "trace": trace,
        "kept": transaction.kept,
        "bytes": size,
        **defaults,
        **edit,
    }
    transaction.connection.execute(insert(changes), [row])
    return number
