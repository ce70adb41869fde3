"""Tries the writes of a decision by server-side dry run before the first one is made.

Validation, admission policies, webhooks, quotas and permissions can refuse one child of several. Without a trial, the
children written before it would be inconsistent with it. So if there are several writes, all but the first are tried
by dry run; the first needs no trial, since nothing is written if it is refused.

Webhooks take part: `admissionregistration.k8s.io/v1` has only webhooks that support dry runs (`sideEffects`).
"""

from collections.abc import Collection, Sequence
from concurrent.futures import Executor
from functools import partial

from runtime.client import Client
from runtime.errors import Refused
from runtime.objects import Ref
from runtime.parallel_calls import results_of
from runtime.planned_writes import PlannedWrite
from runtime.refusals import RefusedWrite


def first_refused(
    writes: Sequence[PlannedWrite], client: Client, *, shared: Collection[Ref], executor: Executor | None = None
) -> RefusedWrite | None:
    """Return the first write that would be refused, or None if none is known to be.

    `shared` are objects that other keys write all the time: their version changes, so they are not tried. With
    `executor`, writes are tried side by side: a dry run changes nothing, so their order does not matter.
    Raises Conflict, NotFound and Unavailable as the write itself would.
    """
    tried = [write for write in writes[1:] if write.ref not in shared]
    refusal = partial(_refusal, client=client)
    return next((refused for refused in results_of(refusal, tried, executor) if refused), None)


def _refusal(write: PlannedWrite, client: Client) -> RefusedWrite | None:
    """Return the refusal of a write's dry run; None if it is accepted."""
    try:
        write.send(client, dry_run=True)
    except Refused as error:
        return RefusedWrite(write.ref, write.parent_field, error)
    return None
