"""Keeps what could not be delivered, makes it visible, and sends it again or discards it when asked to.

It is every Trigger's dead-letter sink, and wakes on `replay.requested` and `discard.requested`, whose attribute `name`
is a letter's. Owns the ConfigMaps labelled `sustainable-computing.io/dead-letter` in the functions' own namespace.
"""

from events.types import DISCARD_REQUESTED, REPLAY_REQUESTED
from runtime.declaration import Permission, manager
from runtime.listener import Listener, Surroundings
from runtime.objects import OURS
from runtime.receive import Receiver
from runtime.signature import READ_KEY
from runtime.sink import sink


def receiver(surroundings: Surroundings) -> Receiver:
    """Return what keeps letters where the functions are.

    What it sends again it does not sign: a letter may be of anybody's event, and one of ours has kept its signature.
    """
    from functions.function_catalogue import NAMES  # noqa: PLC0415 (which has this function, too)
    from runtime.dead_letter_store import DeadLetterStore  # noqa: PLC0415 - no other function is to load it

    assert surroundings.keyring is not None  # noqa: S101 (every process has one)
    destinations = frozenset(map(manager, NAMES))
    again = sink(surroundings.environment)
    return DeadLetterStore(surroundings.transport(), again, surroundings.namespace, surroundings.keyring, destinations)


LISTENER = Listener(
    name="dead_letter",
    filters=({"any": [{"exact": {"type": asked}} for asked in (REPLAY_REQUESTED, DISCARD_REQUESTED)]},),
    receiver=receiver,
    rules=(
        Permission("", "configmaps", ("create", "delete", "get", "list", "patch"), own=True),
        Permission("", "events", ("create", "patch")),
        *(Permission(kind.group, kind.plural, ("get",)) for kind in OURS),
        READ_KEY,
    ),
)
