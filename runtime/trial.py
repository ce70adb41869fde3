"""Whether the API server would take every write of a decision, asked before the first one is carried out.

Validation, admission policies, webhooks, quotas and permissions can refuse one child of several. Found out half-way,
the others would say one thing and that child another. So where several writes are due, all but the first are tried by
server-side dry run; the first is its own trial, as nothing is written if it is refused.

Webhooks are asked, too: `admissionregistration.k8s.io/v1` has only such as take dry runs (`sideEffects`).
"""

from collections.abc import Collection, Sequence

from runtime.client import Client
from runtime.errors import Refused
from runtime.objects import Ref
from runtime.planned_writes import PlannedWrite
from runtime.refusals import RefusedWrite


def first_refused(writes: Sequence[PlannedWrite], client: Client, *, shared: Collection[Ref]) -> RefusedWrite | None:
    """The first write that would be refused, or None where none is known to be.

    `shared` are objects that other keys write all the time: their version moves, so they are not tried.
    Raises Conflict, NotFound and Unavailable as the write itself would.
    """
    for write in writes[1:]:
        if write.ref in shared:
            continue
        try:
            write.send(client, dry_run=True)
        except Refused as error:
            return RefusedWrite(write.ref, write.field, error)
    return None
