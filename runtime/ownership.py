"""Whose child is it: one namespace takes one Kepler, and nobody's objects are taken from them.

An object that names another controller is that controller's. The first Kepler to own `kepler-cfm` wins; an object
without a controller (made by hand before, or left by `kubectl delete --cascade=orphan`) is adopted.
"""

from collections.abc import Iterable

from runtime.objects import Manifest, Owner, Ref, controller, metadata, name, uid
from runtime.outcome import Outcome, pending, rejected

NAMESPACE_TAKEN = "NamespaceTaken"


def refusal(key: Ref, parent: Manifest, children: Iterable[tuple[Ref, Manifest | None]]) -> Outcome | None:
    """Why these children may not be written for this parent, or None where they may.

    A child of an earlier object of the same name is left to the garbage collector, and its deletion awaited.
    """
    for ref, child in children:
        owner = controller(child) if child else None
        if owner is None or owner.uid == uid(parent):
            continue
        if (owner.kind, owner.name) == (key.kind.name, key.name):
            return pending(f"{ref} still belongs to the deleted {key} of the same name", awaits=ref)
        return taken(key, owner) if owner.kind == key.kind.name else foreign(key, ref, owner)
    return None


def taken(key: Ref, owner: Owner) -> Outcome:
    """Another resource of the same kind was first in this namespace, or in the cluster.

    Whichever object told so, every function says it in the same words.
    """
    if not key.namespace:
        return rejected(
            "ClusterTaken",
            f"{owner.kind} '{owner.name}' was first, and a cluster takes one: put what both say into '{owner.name}' "
            f"and delete '{key.name}', or delete '{owner.name}'",
        )
    return rejected(
        NAMESPACE_TAKEN,
        f"{owner.kind} '{owner.name}' was first in namespace '{key.namespace}', and a namespace takes one: delete "
        f"'{owner.name}', or create '{key.name}' in a namespace of its own",
    )


def foreign(key: Ref, ref: Ref, owner: Owner) -> Outcome:
    """Something that is not ours made an object under a name we need."""
    belongs = f"belongs to {owner.kind} '{owner.name}': remove it there"
    if not key.namespace:
        return rejected("OwnedByAnother", f"{ref} {belongs}")
    return rejected(
        "OwnedByAnother",
        f"{ref} in namespace '{key.namespace}' {belongs}, or create '{key.name}' in a namespace of its own",
    )


def owned_by(parent: Manifest, child: Manifest) -> bool:
    """Whether this very parent (by uid, not by name) controls the child."""
    owner = controller(child)
    return owner is not None and owner.uid == uid(parent)


def reference(parent: Manifest) -> Manifest:
    """The owner reference that makes the garbage collector remove a child with its parent.

    Without `blockOwnerDeletion`: it would need `update` on the parent's finalizers where
    OwnerReferencesPermissionEnforcement is on (OpenShift), and nothing here has to be gone before the parent.
    """
    return {
        "apiVersion": parent["apiVersion"],
        "kind": parent["kind"],
        "name": name(parent),
        "uid": metadata(parent)["uid"],
        "controller": True,
    }
