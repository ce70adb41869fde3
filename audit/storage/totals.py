"""How much is stored about each namespace; updated in the transaction that adds or deletes rows, under its lock.

So no query counts rows: each open console requests `state` and `changes` several times a second, and the answer needs
one row for each namespace that its viewer may see.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, delete, func, insert, select, update

from audit.access.visibility import Visibility
from audit.storage.tables import reports, totals

# Statements are built once, at import: building one costs more than running it.
_OF = totals.c.namespace == bindparam("of")
_TIME = totals.c.oldest.type
KNOWN = select(totals.c.reports).where(_OF)
ADD = (
    update(totals)
    .where(_OF)
    .values(
        reports=totals.c.reports + bindparam("more"),
        bytes=totals.c.bytes + bindparam("size"),
        oldest=case(
            (bindparam("more") > 0, func.coalesce(totals.c.oldest, bindparam("now", type_=_TIME))),
            else_=totals.c.oldest,
        ),
        newest=bindparam("last"),
    )
)
OLDEST = select(reports.c.kept).where(reports.c.namespace == bindparam("of")).order_by(reports.c.sequence).limit(1)
TAKE = (
    update(totals)
    .where(_OF)
    .values(
        reports=totals.c.reports - bindparam("less"),
        bytes=totals.c.bytes - bindparam("size"),
        oldest=bindparam("first", type_=_TIME),
    )
)
FORGET = delete(totals).where(_OF, totals.c.bytes <= 0)


@dataclass
class Amount:
    """A number of reports, and of bytes of all rows; `newest` is the highest sequence number."""

    reports: int = 0
    bytes: int = 0
    newest: int = 0


@dataclass
class AddedAmounts:
    """What one transaction adds, by namespace."""

    _amounts: dict[str, Amount] = field(default_factory=lambda: defaultdict(Amount))

    def note(self, namespace: str, number: int, size: int) -> None:
        """Note one more row, or the growth of an existing one."""
        amount = self._amounts[namespace]
        amount.bytes += size
        amount.newest = number

    def note_report(self, namespace: str) -> None:
        """Note that the last row is a report."""
        self._amounts[namespace].reports += 1

    def write(self, connection: Connection, now: datetime) -> None:
        """Add the amounts to the table."""
        for namespace, amount in self._amounts.items():
            if connection.execute(KNOWN, {"of": namespace}).first() is None:
                row = {"namespace": namespace, "reports": 0, "bytes": 0, "oldest": None, "newest": 0}
                connection.execute(insert(totals), [row])
            more = {"more": amount.reports, "size": amount.bytes, "last": amount.newest, "now": now}
            connection.execute(ADD, {"of": namespace, **more})


@dataclass
class DeletedAmounts:
    """What one transaction deletes, by namespace."""

    rows: int = 0
    bytes: int = 0
    _amounts: dict[str, Amount] = field(default_factory=lambda: defaultdict(Amount))

    def note(self, namespace: str, size: int, *, is_report: bool) -> None:
        """Note one deleted row."""
        self.rows += 1
        self.bytes += size
        amount = self._amounts[namespace]
        amount.reports += is_report
        amount.bytes += size

    def write(self, connection: Connection) -> None:
        """Subtract the amounts from the table; the row of a namespace without any data left is deleted."""
        for namespace, amount in self._amounts.items():
            first = connection.execute(OLDEST, {"of": namespace}).scalar()
            less = {"less": amount.reports, "size": amount.bytes, "first": first}
            connection.execute(TAKE, {"of": namespace, **less})
            connection.execute(FORGET, {"of": namespace})


@dataclass(frozen=True)
class StoredAmounts:
    """How much is stored of what a user may see."""

    reports: int
    bytes: int
    oldest: datetime | None
    newest: int


def stored_amounts(connection: Connection, visibility: Visibility) -> StoredAmounts:
    """Return the sums over the namespaces that the user may see, the time of the oldest report, and the last number."""
    sums = (func.sum(totals.c.reports), func.sum(totals.c.bytes), func.min(totals.c.oldest), func.max(totals.c.newest))
    row = connection.execute(select(*sums).where(visibility.limit(totals.c.namespace))).one()
    return StoredAmounts(int(row[0] or 0), int(row[1] or 0), row[2], int(row[3] or 0))


def namespaces(connection: Connection) -> set[str]:
    """Return every namespace about which anything is kept."""
    return set(connection.execute(select(totals.c.namespace)).scalars()) - {""}
