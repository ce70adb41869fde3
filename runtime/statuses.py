"""What a function says in its resource's status: its conditions and status fields, and how they are written."""

from datetime import UTC, datetime

from events.outcome_words import Word
from runtime.client import Client
from runtime.conditions import applied
from runtime.declaration import Function
from runtime.differences import owned_values
from runtime.errors import Invalid
from runtime.objects import Manifest, Ref
from runtime.outcome import STATUS_OF, DesiredCondition, Outcome

# The API server takes at most this many characters in a condition's message.
MESSAGE = 32768
# Characters of a message that is cut since the API server did not take the whole.
PLAIN = 1024


def status_of(function: Function, outcome: Outcome, parent: Manifest) -> Manifest:
    """What an outcome says in the parent's status.

    Status fields tell what is in use: where nothing was brought about, what they say still holds.
    """
    now = datetime.now(UTC)
    entries = [applied(parent, condition, now) for condition in conditions_of(function, outcome)]
    still = {} if outcome.word is Word.CONVERGED else _reported(parent, function.manager)
    return {**still, **outcome.status, "conditions": entries}


def _reported(parent: Manifest, manager: str) -> Manifest:
    """The status fields that `manager` wrote before, its conditions left out."""
    fields: Manifest = owned_values(parent, manager=manager, subresource="status").get("status") or {}
    return fields


def conditions_of(function: Function, outcome: Outcome) -> tuple[DesiredCondition, ...]:
    """The conditions an outcome stands for: its own, or the function's by the outcome's word."""
    if outcome.conditions:
        return outcome.conditions
    status, message = STATUS_OF[outcome.word], outcome.message[:MESSAGE]
    return tuple(
        DesiredCondition(condition_type, status, outcome.reason, message)
        for condition_type in (function.condition, *function.summaries)
    )


def write_status(key: Ref, status: Manifest, client: Client) -> Manifest:
    """Write the status; where the API server refuses it, with messages that nothing can be wrong with.

    A reconcile whose condition cannot be written would become a dead letter, and its resource would say nothing at all.
    """
    try:
        return client.apply_status(key, status)
    except Invalid:
        conditions = [{**entry, "message": plain_words(entry["message"])} for entry in status["conditions"]]
        return client.apply_status(key, {**status, "conditions": conditions})


def plain_words(message: str) -> str:
    """At most `PLAIN` characters of a message, and a question mark for each that is not printable ASCII."""
    return "".join(character if character.isascii() and character.isprintable() else "?" for character in message)[
        :PLAIN
    ]
