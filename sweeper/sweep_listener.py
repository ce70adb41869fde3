"""The listener `sweep`: finds objects that differ from their desired state, and requests their reconciles.

Woken by the PingSource, every five minutes, and at its own start. It reads what every function reads, and owns nothing.
"""

from collections.abc import Iterator

from events.types import PING
from runtime.deadlines import SWEEP_PAUSE, SWEEP_TRIGGER
from runtime.declaration import Function, Permission
from runtime.errors import Misconfigured
from runtime.listener import Listener, ListenerContext
from runtime.objects import Ref
from runtime.receive import Receiver
from runtime.signature import READ_KEY
from sweeper.snapshot import lists

NAME = "sweep"
SCHEDULE = "*/5 * * * *"
# Setting: seconds between the starts of two sweeps, whatever requests them.
PAUSE = "SWEEP_PAUSE"


def listener(functions: tuple[Function, ...]) -> Listener:
    """Return the listener that sweeps over these functions."""

    def receiver(context: ListenerContext) -> Receiver:
        from sweeper.sweep_run import Sweep  # noqa: PLC0415 - no other function is to load it

        pause = seconds(context.environment.get(PAUSE, ""))
        return Sweep(functions, context.transport(), context.sink(), context.images, pause)

    return Listener(
        NAME, ({"exact": {"type": PING}},), receiver, rules=(*rules(functions), READ_KEY), timeout=SWEEP_TRIGGER
    )


def seconds(written: str) -> float:
    """Return the pause that the environment sets, or the default; raises Misconfigured for an invalid value."""
    try:
        pause = float(written or SWEEP_PAUSE)
    except ValueError:
        pause = -1.0
    if not 0 <= pause <= SWEEP_TRIGGER:
        raise Misconfigured(f"`{PAUSE}` is '{written}': set it to seconds, from 0 to {SWEEP_TRIGGER}")
    return pause


def rules(functions: tuple[Function, ...]) -> Iterator[Permission]:
    """Yield the sweep's permissions: one for each kind and verb, with all names together or for any name."""
    names: dict[tuple[str, str, tuple[str, ...]], set[str]] = {}
    anyone = set()
    for rule in (rule for function in functions for rule in read(function)):
        kind = (rule.group, rule.resource, rule.verbs)
        names.setdefault(kind, set()).update(rule.names)
        if not rule.names:
            anyone.add(kind)
    for (group, resource, verbs), kinds in sorted(names.items()):
        yield Permission(group, resource, verbs, () if (group, resource, verbs) in anyone else tuple(sorted(kinds)))


def read(function: Function) -> Iterator[Permission]:
    """Yield the reads of a sweep for a function: lists, of one name if possible, and gets of cluster-scoped objects."""
    yield Permission(function.parent.group, function.parent.plural, ("list",))
    for kind, name in lists(function):
        yield Permission(kind.group, kind.plural, ("list",), (name,) if name else ())
    sample = Ref(function.parent, "namespace", "name")
    for ref in (*function.children(sample), *function.inputs(sample)):
        if not ref.kind.namespaced:
            yield Permission(ref.kind.group, ref.kind.plural, ("get",), (ref.name,))
    for kind in (*function.lists, *function.labels):
        yield Permission(kind.group, kind.plural, ("list",))
