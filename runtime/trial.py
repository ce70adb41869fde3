"""Whether the API server would take every write of a decision, asked before the first one is carried out.

Validation, admission policies, webhooks, quotas and permissions can refuse one child of several. Found out half-way,
the others would say one thing and that child another. So where several writes are due, all but the first are tried by
server-side dry run; the first is its own trial, as nothing is written if it is refused.

Webhooks are asked, too: `admissionregistration.k8s.io/v1` has only such as take dry runs (`sideEffects`).
"""

from collections.abc import Collection, Iterator

from runtime.client import Client
from runtime.differences import differences
from runtime.errors import Refused
from runtime.function import Observed
from runtime.objects import Manifest, Ref, terminates
from runtime.outcome import Intent, Outcome
from runtime.ownership import owned_by
from runtime.refusals import RefusedWrite


def refused(decided: Outcome, observed: Observed, client: Client, *, shared: Collection[Ref]) -> RefusedWrite | None:
    """The first write that would be refused, or None where none is known to be.

    `shared` are objects that other keys write all the time: their version moves, so they are not tried.
    Raises Conflict, NotFound and Unavailable as the write itself would.
    """
    for ref, intent in [*_due(decided, observed, client.manager)][1:]:
        if ref in shared:
            continue
        try:
            _try(ref, intent, observed.objects[ref], client)
        except Refused as error:
            return RefusedWrite(ref, intent.field if intent else "", error)
    return None


def _due(decided: Outcome, observed: Observed, manager: str) -> Iterator[tuple[Ref, Intent | None]]:
    """What is to be written or, without an intent, deleted, in order."""
    for intent in decided.intents:
        if differences(intent.body, observed.objects[intent.ref], manager=manager):
            yield intent.ref, intent
    for ref in decided.absent:
        actual = observed.objects[ref]
        if actual and observed.parent and owned_by(observed.parent, actual) and not terminates(actual):
            yield ref, None


def _try(ref: Ref, intent: Intent | None, actual: Manifest | None, client: Client) -> None:
    if intent is not None:
        client.apply(ref, intent.body, over=actual, dry_run=True)
    elif actual is not None:
        client.delete(ref, over=actual, dry_run=True)
