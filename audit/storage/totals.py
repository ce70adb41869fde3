"""How much is kept about each namespace, changed in the transaction that adds or deletes rows, under its lock.

So nobody counts rows: each open console asks for `state` and `changes` several times a second, and is answered from one
row for each namespace that its viewer may see.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, delete, func, insert, select, update

from audit.access.visibility import Sight
from audit.storage.tables import reports, totals

# Statements are made once: making one costs more than running it.
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
    """So many reports, and so many bytes of anything; `newest` is the number of the last of them."""

    reports: int = 0
    bytes: int = 0
    newest: int = 0


@dataclass
class Added:
    """What one transaction adds, by namespace."""

    _amounts: dict[str, Amount] = field(default_factory=lambda: defaultdict(Amount))

    def note(self, namespace: str, number: int, size: int) -> None:
        """Note one more thing, or one that takes more than before."""
        amount = self._amounts[namespace]
        amount.bytes += size
        amount.newest = number

    def note_report(self, namespace: str) -> None:
        """Note that the thing noted last is a report."""
        self._amounts[namespace].reports += 1

    def write(self, connection: Connection, now: datetime) -> None:
        """Add it to what was kept."""
        for namespace, amount in self._amounts.items():
            if connection.execute(KNOWN, {"of": namespace}).first() is None:
                row = {"namespace": namespace, "reports": 0, "bytes": 0, "oldest": None, "newest": 0}
                connection.execute(insert(totals), [row])
            more = {"more": amount.reports, "size": amount.bytes, "last": amount.newest, "now": now}
            connection.execute(ADD, {"of": namespace, **more})


@dataclass
class Gone:
    """What one transaction deletes, by namespace."""

    rows: int = 0
    bytes: int = 0
    _amounts: dict[str, Amount] = field(default_factory=lambda: defaultdict(Amount))

    def note(self, namespace: str, size: int, *, is_report: bool) -> None:
        """Note one row that went."""
        self.rows += 1
        self.bytes += size
        amount = self._amounts[namespace]
        amount.reports += is_report
        amount.bytes += size

    def write(self, connection: Connection) -> None:
        """Take it from what was kept; a namespace of which nothing is left is forgotten."""
        for namespace, amount in self._amounts.items():
            first = connection.execute(OLDEST, {"of": namespace}).scalar()
            less = {"less": amount.reports, "size": amount.bytes, "first": first}
            connection.execute(TAKE, {"of": namespace, **less})
            connection.execute(FORGET, {"of": namespace})


@dataclass(frozen=True)
class Held:
    """How much is kept of what somebody may see."""

    reports: int
    bytes: int
    oldest: datetime | None
    newest: int


def held(connection: Connection, sight: Sight) -> Held:
    """Return the sum over the namespaces that may be seen; the time of the oldest report, and the newest number."""
    sums = (func.sum(totals.c.reports), func.sum(totals.c.bytes), func.min(totals.c.oldest), func.max(totals.c.newest))
    row = connection.execute(select(*sums).where(sight.limit(totals.c.namespace))).one()
    return Held(int(row[0] or 0), int(row[1] or 0), row[2], int(row[3] or 0))


def namespaces(connection: Connection) -> set[str]:
    """Return every namespace about which anything is kept."""
    return set(connection.execute(select(totals.c.namespace)).scalars()) - {""}
