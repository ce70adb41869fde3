"""Keeps what could not be delivered, makes it visible, and sends it again when asked to.

It is every Trigger's dead-letter sink, and wakes on `replay.requested`, whose attribute `name` is a letter's. Owns the
ConfigMaps labelled `sustainable-computing.io/dead-letter` in the functions' own namespace.
"""

from events.types import REPLAY_REQUESTED
from runtime.function import Rule
from runtime.letters import Letters
from runtime.listener import Listener, Surroundings
from runtime.objects import OURS


def receiver(surroundings: Surroundings) -> Letters:
    """Keeps letters where the functions are."""
    return Letters(surroundings.transport(), surroundings.sink(), surroundings.namespace)


LISTENER = Listener(
    name="dead_letter",
    filters=({"exact": {"type": REPLAY_REQUESTED}},),
    receiver=receiver,
    rules=(
        Rule("", "configmaps", ("create", "delete", "get", "list", "patch"), own=True),
        Rule("", "events", ("create", "patch")),
        *(Rule(kind.group, kind.plural, ("get",)) for kind in OURS),
    ),
    sends=True,
)
