"""Decides which parent a child belongs to: a namespace takes one Kepler, and objects of other controllers stay theirs.

The first Kepler to own `kepler-cfm` has the namespace. `runtime.adoption` decides on objects without a controller.
"""

from collections.abc import Iterable

from runtime.adoption import ADOPTED_BY, OWNED_BY_ANOTHER, adopter, kubectl, resync
from runtime.objects import Manifest, Owner, Ref, controller, metadata, name, uid
from runtime.outcome import Outcome, pending, rejected

NAMESPACE_TAKEN = "NamespaceTaken"


def ownership_conflict(key: Ref, parent: Manifest, children: Iterable[tuple[Ref, Manifest | None]]) -> Outcome | None:
    """Return an outcome if these children may not be written for this parent, else None.

    If a child belongs to a deleted parent of the same name, the outcome waits until the garbage collector has removed
    it.
    """
    for ref, child in children:
        owner = controller(child) if child else None
        if owner is None:
            if child and (adopter := _other_adopter(key, child)):
                return _adopted_by_another(key, ref, adopter)
            continue
        if owner.uid == uid(parent):
            continue
        if (owner.kind, owner.name) == (key.kind.name, key.name):
            return pending(f"{ref} still belongs to the deleted {key} of the same name", awaited=ref)
        return rejected_as_taken(key, owner) if owner.kind == key.kind.name else rejected_as_controlled(key, ref, owner)
    return None


def rejected_as_taken(key: Ref, owner: Owner) -> Outcome:
    """Return a rejection: another resource of the same kind was first in this namespace, or in the cluster.

    Every function uses the same words, whichever child it found.
    """
    if not key.namespace:
        return rejected(
            "ClusterTaken",
            f"{owner.kind} '{owner.name}' was first, and a cluster takes one: put what both say into '{owner.name}' "
            f"and delete '{key.name}', or delete '{owner.name}' and run `{resync(key)}`",
        )
    return rejected(
        NAMESPACE_TAKEN,
        f"{owner.kind} '{owner.name}' was first in namespace '{key.namespace}', and a namespace takes one: delete "
        f"'{owner.name}', or create '{key.name}' in a namespace of its own",
    )


def rejected_as_controlled(key: Ref, ref: Ref, owner: Owner) -> Outcome:
    """Return a rejection: another controller owns an object under a name that we need."""
    belongs = f"belongs to {owner.kind} '{owner.name}': remove it there and run `{resync(key)}`"
    if not key.namespace:
        return rejected(OWNED_BY_ANOTHER, f"{ref} {belongs}")
    return rejected(
        OWNED_BY_ANOTHER,
        f"{ref} in namespace '{key.namespace}' {belongs}, or create '{key.name}' in a namespace of its own",
    )


def _other_adopter(key: Ref, child: Manifest) -> Owner | None:
    """Return the resource of another name that has adopted the object, else None; one of this name is not another."""
    owner = adopter(child)
    return owner if owner and owner.kind == key.kind.name and owner.name != key.name else None


def _adopted_by_another(key: Ref, ref: Ref, owner: Owner) -> Outcome:
    """Return a rejection. The adopted object outlives its adopter, so the user has to remove the annotation."""
    return rejected(
        OWNED_BY_ANOTHER,
        f"{ref} was adopted by {owner.kind} '{owner.name}': delete '{owner.name}', unless it is gone already, and run "
        f"`{kubectl('annotate', ref)} {ADOPTED_BY}-`; or create '{key.name}' in a namespace of its own",
    )


def owned_by(parent: Manifest, child: Manifest) -> bool:
    """Return whether this parent, by uid, controls the child, so that garbage collection removes both."""
    owner = controller(child)
    return owner is not None and owner.uid == uid(parent)


def belongs_to(parent: Manifest, child: Manifest) -> bool:
    """Return whether this parent, by uid, controls the child or has adopted it."""
    owner = controller(child) or adopter(child)
    return owner is not None and owner.uid == uid(parent)


def reference(parent: Manifest) -> Manifest:
    """Return the owner reference by which the garbage collector removes a child with its parent.

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
