"""What a function writes to its resource's status: its conditions and status fields."""

from datetime import UTC, datetime

from events.outcome_words import Word
from runtime.client import Client
from runtime.conditions import applied
from runtime.declaration import Function
from runtime.differences import owned_values
from runtime.errors import Invalid
from runtime.objects import Manifest, Ref
from runtime.outcome import STATUS_OF, FunctionCondition, Outcome

# The API server accepts at most this many characters in a condition's message.
MESSAGE = 32768
# Characters to keep of a message that the API server did not accept.
PLAIN = 1024


def status_of(function: Function, outcome: Outcome, parent: Manifest) -> Manifest:
    """Return the parent's status for an outcome.

    Status fields describe what is in use: if the outcome is not converged, the fields that were reported before are
    kept.
    """
    now = datetime.now(UTC)
    entries = [applied(parent, condition, now) for condition in conditions_of(function, outcome)]
    still = {} if outcome.word is Word.CONVERGED else _reported(parent, function.manager)
    return {**still, **outcome.status, "conditions": entries}


def _reported(parent: Manifest, manager: str) -> Manifest:
    """Return the status fields that `manager` wrote before, except its conditions."""
    fields: Manifest = owned_values(parent, manager=manager, subresource="status").get("status") or {}
    return fields


def conditions_of(function: Function, outcome: Outcome) -> tuple[FunctionCondition, ...]:
    """Return an outcome's conditions: its own, or the function's conditions with the outcome's status."""
    if outcome.conditions:
        return outcome.conditions
    status, message = STATUS_OF[outcome.word], outcome.message[:MESSAGE]
    return tuple(
        FunctionCondition(condition_type, status, outcome.reason, message)
        for condition_type in (function.condition, *function.summaries)
    )


def write_status(key: Ref, status: Manifest, client: Client) -> Manifest:
    """Write the status; if the API server refuses it as invalid, write it again with plain, shortened messages.

    Otherwise the event would become a dead letter, and the resource's status would stay empty.
    """
    try:
        return client.apply_status(key, status)
    except Invalid:
        conditions = [{**entry, "message": plain_words(entry["message"])} for entry in status["conditions"]]
        return client.apply_status(key, {**status, "conditions": conditions})


def plain_words(message: str) -> str:
    """Return at most `PLAIN` characters of a message, with a question mark for each that is not printable ASCII."""
    return "".join(character if character.isascii() and character.isprintable() else "?" for character in message)[
        :PLAIN
    ]
