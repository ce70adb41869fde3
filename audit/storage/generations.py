"""Which generation of which resource an entry belongs to: found, or made when the entry is the first about it.

A report on an object that is gone names neither uid nor generation. It belongs to the end of the object that its trace
is of, or else of whoever had that name last: the generation after the last one that is known.

What was read from the API server replaces what an event told, and never the other way round.
"""

from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, bindparam, case, func, insert, select, update

from audit.storage.entries import ROW, EditEntry
from audit.storage.tables import Found, changes
from events.report import Report, Subject

# Statements are made once: making one costs more than running it.
_NAMED = tuple(changes.c[name] == bindparam(name) for name in ("kind", "namespace", "name"))
_OF_ONE = (*_NAMED, changes.c.uid == bindparam("uid"))
FIND = select(changes.c.sequence, changes.c.time, changes.c.verified, changes.c.bytes).where(
    *_OF_ONE, changes.c.generation == bindparam("generation")
)
ENDS = select(changes.c.generation, changes.c.deleted).where(*_OF_ONE).order_by(changes.c.deleted.desc()).limit(2)
LIFE = select(func.min(changes.c.life)).where(*_OF_ONE)
LAST = (
    select(changes.c.sequence, changes.c.uid, changes.c.generation, changes.c.deleted)
    .where(*_NAMED)
    .order_by(
        case((changes.c.trace == bindparam("trace"), 0), else_=1), changes.c.life.desc(), changes.c.generation.desc()
    )
    .limit(1)
)


class Adding(Protocol):
    """The transaction that adds something."""

    connection: Connection
    kept: datetime

    def next(self, namespace: str, size: int) -> int:
        """Return the number of one more thing about this namespace, which takes so many bytes."""


def reported(to: Adding, report: Report) -> int:
    """Return the number of the generation that a report is about."""
    subject, generation = report.object, report.generation
    if not subject.uid and (last := _last(to, subject, report.trace)) is not None:
        if last.deleted:
            return int(last.sequence)
        subject, generation = subject.model_copy(update={"uid": last.uid}), last.generation + 1
    kept = _find(to, subject, generation)
    return int(kept.sequence) if kept else _make(to, subject, generation, report.trace, {})


def note_edit(to: Adding, entry: EditEntry) -> None:
    """Note who made a generation and of which spec it is, unless that is known as well or better."""
    edit = {
        "time": entry.time,
        "by": entry.by,
        "deleted": entry.deleted,
        "traceparent": entry.traceparent,
        "spec": entry.spec,
        "verified": entry.verified,
    }
    kept = _find(to, entry.object, entry.generation)
    if kept is None:
        _make(to, entry.object, entry.generation, entry.trace, edit)
    elif kept.time is None or (entry.verified and not kept.verified):
        size = ROW + len(entry.spec)
        to.next(entry.object.namespace, size - kept.bytes)
        known = {**edit, "bytes": size, **({"trace": entry.trace} if entry.verified else {})}
        to.connection.execute(update(changes).where(changes.c.sequence == kept.sequence).values(known))


def doubts(connection: Connection, end: EditEntry) -> str:
    """Return why the end of an object is not believed that only an event tells; empty where it is.

    An object has one end, and only those have one of which something is kept: a report, or what was read. So nobody
    can fill the database with the ends of objects that never were.
    """
    known = connection.execute(ENDS, end.object.model_dump()).all()
    if not known:
        return "nothing is kept of such an object"
    if any(row.deleted and row.generation != end.generation for row in known):
        return "its end is kept already"
    return ""


def _find(to: Adding, subject: Subject, generation: int) -> Found | None:
    return to.connection.execute(FIND, {**subject.model_dump(), "generation": generation}).first()


def _life(to: Adding, subject: Subject) -> int | None:
    return to.connection.execute(LIFE, subject.model_dump()).scalar()


def _last(to: Adding, subject: Subject, trace: str) -> Found | None:
    """Return the newest generation of whoever had this name last, those of this trace before all others."""
    return to.connection.execute(LAST, {**subject.model_dump(), "trace": trace}).first()


def _make(to: Adding, subject: Subject, generation: int, trace: str, edit: dict[str, Any]) -> int:
    size = ROW + len(edit.get("spec", ""))
    number = to.next(subject.namespace, size)
    unknown = {"time": None, "by": "", "deleted": False, "traceparent": "", "spec": "", "verified": False}
    row = {
        "sequence": number,
        "life": _life(to, subject) or number,
        **subject.model_dump(),
        "generation": generation,
        "trace": trace,
        "kept": to.kept,
        "bytes": size,
        **unknown,
        **edit,
    }
    to.connection.execute(insert(changes), [row])
    return number
