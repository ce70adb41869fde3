"""Finds the parents that an event concerns, and decides from the event alone whether a reconcile is needed."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from runtime.adoption import adopter
from runtime.declaration import Function, Wake
from runtime.event import Event, is_name
from runtime.objects import NAMESPACE, Collection, Manifest, Ref, controller, metadata, name


def naming_error(function: Function, event: Event) -> str:
    """Return why the event's attributes cannot name an object that wakes the function; empty if they can.

    Names become part of API paths, so they must be valid. A namespaced object without a namespace would concern
    parents in every namespace of the cluster.
    """
    if not (is_name(event.name) and (not event.namespace or is_name(event.namespace))):
        return f"attributes `namespace` '{event.namespace[:80]}' and `name` '{event.name[:80]}' name no object"
    wake = _wake(function, event)
    if wake is not None and wake.kind.namespaced is not bool(event.namespace):
        needed = "a namespace" if wake.kind.namespaced else "no namespace"
        return f"a {wake.kind.name} is in {needed}, and attribute `namespace` is '{event.namespace[:80]}'"
    return ""


def nothing_to_do(function: Function, event: Event) -> bool:
    """Return whether the event alone shows that there is nothing to do; no API call is made for such an event.

    True for an echo of our own write, for an object that does not wake the function, and while other functions have to
    report first. A stale event can give a wrong True; the newer change sends an event of its own. False for a malformed
    object: the reconcile reads the real one.
    """
    wake = _wake(function, event)
    if wake is None:
        return True
    try:
        return event.shows and wake.nothing_to_do(event.object)
    except (KeyError, TypeError, ValueError, AttributeError):
        return False


def is_woken_by_write(function: Function, ref: Ref, manifest: Manifest | None) -> bool:
    """Return whether the event about a written object would require a reconcile; `manifest` is None if it is gone."""
    wake = _wake_for(function, ref.kind.api_version, ref.kind.name, ref.name)
    return wake is not None and not (manifest and wake.nothing_to_do(manifest))


class Lister(Protocol):
    """What lists the objects of a collection, such as `Client`."""

    def list(self, collection: Collection) -> Iterable[Manifest]:
        """Return every object of the collection."""


def parents(function: Function, event: Event, client: Lister) -> tuple[Ref, ...]:
    """Return the parents that the event's object concerns; lists them at the API server if the event names none.

    An existing child names its controller: only that parent is reconciled, and if the event is forged, the reconcile
    changes nothing. A deleted object, or one that several parents may refer to, concerns every parent in its namespace
    for which `function.concerns` is true; a cluster-scoped object, such parents in all namespaces; a Namespace, those
    inside it.
    """
    namespace = _namespace(event) if function.parent.namespaced else ""
    if (event.api_version, event.kind) == (function.parent.api_version, function.parent.name):
        return (Ref(function.parent, namespace, event.name),)
    owner = _controller(function, event)
    if owner:
        return (Ref(function.parent, namespace, owner),)
    return tuple(_concerned(function, event, Collection(function.parent, namespace), client))


def _namespace(event: Event) -> str:
    """Return the object's namespace, or its name if the object is a Namespace."""
    is_namespace = (event.api_version, event.kind) == (NAMESPACE.api_version, NAMESPACE.name)
    return event.name if is_namespace else event.namespace


def _concerned(function: Function, event: Event, candidates: Collection, client: Lister) -> Iterator[Ref]:
    wake = _wake(function, event)
    if wake is None:
        return
    event_object = Ref(wake.kind, event.namespace, event.name)
    for parent in client.list(candidates):
        key = Ref(function.parent, candidates.namespace or metadata(parent).get("namespace", ""), name(parent))
        if wake.for_parent(parent) and function.concerns(key, parent, event_object):
            yield key


def _wake(function: Function, event: Event) -> Wake | None:
    return _wake_for(function, event.api_version, event.kind, event.name)


def _wake_for(function: Function, api_version: str, kind: str, named: str) -> Wake | None:
    for wake in function.wakes:
        same_kind = (api_version, kind) == (wake.kind.api_version, wake.kind.name)
        if same_kind and (not wake.names or named in wake.names):
            return wake
    return None


def _controller(function: Function, event: Event) -> str:
    """Return the name of the parent that controls or has adopted an existing child; empty if the child names none."""
    try:
        owner = (controller(event.object) or adopter(event.object)) if event.shows else None
    except (KeyError, TypeError, AttributeError):
        return ""
    ours = owner is not None and (owner.api_version, owner.kind) == (function.parent.api_version, function.parent.name)
    return owner.name if owner and ours and is_name(owner.name) else ""
