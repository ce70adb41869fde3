"""From an event to the objects to reconcile: which parents it concerns, and whether there is anything to do at all."""

from collections.abc import Iterator

from runtime.adoption import adopter
from runtime.client import Client
from runtime.declaration import Function, Wake
from runtime.event import Event, is_name
from runtime.objects import NAMESPACE, Collection, Ref, controller, metadata, name


def nameless(function: Function, event: Event) -> str:
    """Why the event can be about no object that wakes the function; empty where it can.

    Its attributes would end up in a path; and without a namespace, an object that has to be in one would concern
    every namespace of the cluster.
    """
    if not (is_name(event.name) and (not event.namespace or is_name(event.namespace))):
        return f"attributes `namespace` '{event.namespace[:80]}' and `name` '{event.name[:80]}' name no object"
    wake = _wake(function, event)
    if wake is not None and wake.kind.namespaced is not bool(event.namespace):
        needed = "a namespace" if wake.kind.namespaced else "no namespace"
        return f"a {wake.kind.name} is in {needed}, and attribute `namespace` is '{event.namespace[:80]}'"
    return ""


def idle(function: Function, event: Event) -> bool:
    """Whether the event alone shows that nothing is to be done: an echo of our own write, or somebody else's turn.

    No API call is made for it. A stale event can be wrong about that; the change it does not show has an event of
    its own. A malformed object is not idle: reading the real one decides.
    """
    wake = _wake(function, event)
    if wake is None:
        return True
    try:
        return event.shows and wake.idle(event.object)
    except (KeyError, TypeError, ValueError, AttributeError):
        return False


def parents(function: Function, event: Event, client: Client) -> tuple[Ref, ...]:
    """The parents that the event's object concerns, as the API server knows them now.

    An existing child names its controller: that one is looked at, and if the event lied, nothing comes of it. A
    deletion, or an object that several may refer to, concerns every parent in the namespace that has to do with it;
    an object of the whole cluster, every such parent anywhere; a Namespace, those in it.
    """
    namespace = _place(event) if function.parent.namespaced else ""
    if (event.api_version, event.kind) == (function.parent.api_version, function.parent.name):
        return (Ref(function.parent, namespace, event.name),)
    owner = _controller(function, event)
    if owner:
        return (Ref(function.parent, namespace, owner),)
    return tuple(_concerned(function, event, Collection(function.parent, namespace), client))


def _place(event: Event) -> str:
    """The namespace that an event is about: that of its object, or the Namespace itself."""
    is_namespace = (event.api_version, event.kind) == (NAMESPACE.api_version, NAMESPACE.name)
    return event.name if is_namespace else event.namespace


def _concerned(function: Function, event: Event, among: Collection, client: Client) -> Iterator[Ref]:
    wake = _wake(function, event)
    if wake is None:
        return
    touched = Ref(wake.kind, event.namespace, event.name)
    for parent in client.list(among):
        key = Ref(function.parent, among.namespace or metadata(parent).get("namespace", ""), name(parent))
        if function.concerns(key, parent, touched):
            yield key


def _wake(function: Function, event: Event) -> Wake | None:
    for wake in function.wakes:
        same_kind = (event.api_version, event.kind) == (wake.kind.api_version, wake.kind.name)
        if same_kind and (not wake.names or event.name in wake.names):
            return wake
    return None


def _controller(function: Function, event: Event) -> str:
    """The name of the parent that controls or has adopted an existing child; empty where the child names none."""
    try:
        owner = (controller(event.object) or adopter(event.object)) if event.shows else None
    except (KeyError, TypeError, AttributeError):
        return ""
    ours = owner is not None and (owner.api_version, owner.kind) == (function.parent.api_version, function.parent.name)
    return owner.name if owner and ours and is_name(owner.name) else ""
