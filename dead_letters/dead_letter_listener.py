"""The listener `dead_letter`: what wakes it, its permissions, and how its store is made.

It is the dead-letter sink of every Trigger, and is woken by `replay.requested` and `discard.requested`, whose attribute
`name` names the letter. Owns the ConfigMaps labelled `sustainable-computing.io/dead-letter` in the functions' own
namespace.
"""

from events.types import DISCARD_REQUESTED, REPLAY_REQUESTED
from runtime.declaration import Permission, manager
from runtime.listener import Listener, ListenerContext
from runtime.objects import OURS
from runtime.receive import Receiver
from runtime.signature import READ_KEY
from runtime.sink import sink

NAME = "dead_letter"


def listener(others: tuple[str, ...]) -> Listener:
    """Return the listener, which delivers dead letters again to these functions or to itself.

    It does not sign the events that it delivers again: a letter may contain anybody's event, and events of ours still
    carry their signature.
    """
    destinations = frozenset(map(manager, (*others, NAME)))

    def receiver(context: ListenerContext) -> Receiver:
        from dead_letters.dead_letter_store import DeadLetterStore  # noqa: PLC0415 - no other function is to load it

        assert context.keyring is not None  # noqa: S101 (every process has one)
        deliver = sink(context.environment)
        return DeadLetterStore(context.transport(), deliver, context.namespace, context.keyring, destinations)

    return Listener(
        name=NAME,
        filters=({"any": [{"exact": {"type": asked}} for asked in (REPLAY_REQUESTED, DISCARD_REQUESTED)]},),
        receiver=receiver,
        rules=(
            Permission("", "configmaps", ("create", "delete", "get", "list", "patch"), own=True),
            Permission("", "events", ("create", "patch")),
            *(Permission(kind.group, kind.plural, ("get",)) for kind in OURS),
            READ_KEY,
        ),
    )
