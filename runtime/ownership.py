"""Whose child is it: one namespace takes one Kepler, and nobody's objects are taken from them.

An object that names another controller is that controller's. The first Kepler to own `kepler-cfm` wins. An object
without a controller is `runtime.adoption`'s to judge.
"""

from collections.abc import Iterable

from runtime.adoption import ADOPTED_BY, OWNED_BY_ANOTHER, adopter, kubectl, resync
from runtime.objects import Manifest, Owner, Ref, controller, metadata, name, uid
from runtime.outcome import Outcome, pending, rejected

NAMESPACE_TAKEN = "NamespaceTaken"


def refusal(key: Ref, parent: Manifest, children: Iterable[tuple[Ref, Manifest | None]]) -> Outcome | None:
    """Why these children may not be written for this parent, or None where they may.

    A child of an earlier object of the same name is left to the garbage collector, and its deletion awaited.
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
        return taken(key, owner) if owner.kind == key.kind.name else controlled(key, ref, owner)
    return None


def taken(key: Ref, owner: Owner) -> Outcome:
    """Another resource of the same kind was first in this namespace, or in the cluster.

    Whichever object told so, every function says it in the same words.
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


def controlled(key: Ref, ref: Ref, owner: Owner) -> Outcome:
    """A controller that is not ours made an object under a name we need."""
    belongs = f"belongs to {owner.kind} '{owner.name}': remove it there and run `{resync(key)}`"
    if not key.namespace:
        return rejected(OWNED_BY_ANOTHER, f"{ref} {belongs}")
    return rejected(
        OWNED_BY_ANOTHER,
        f"{ref} in namespace '{key.namespace}' {belongs}, or create '{key.name}' in a namespace of its own",
    )


def _other_adopter(key: Ref, child: Manifest) -> Owner | None:
    """The resource of another name that has adopted an object; one of this name and another uid is gone."""
    owner = adopter(child)
    return owner if owner and owner.kind == key.kind.name and owner.name != key.name else None


def _adopted_by_another(key: Ref, ref: Ref, owner: Owner) -> Outcome:
    """The adopted object stays when its adopter is deleted, so the mark has to be taken from it in any case."""
    return rejected(
        OWNED_BY_ANOTHER,
        f"{ref} was adopted by {owner.kind} '{owner.name}': delete '{owner.name}', unless it is gone already, and run "
        f"`{kubectl('annotate', ref)} {ADOPTED_BY}-`; or create '{key.name}' in a namespace of its own",
    )


def owned_by(parent: Manifest, child: Manifest) -> bool:
    """Whether this very parent (by uid, not by name) controls the child, and garbage collection removes it with it."""
    owner = controller(child)
    return owner is not None and owner.uid == uid(parent)


def belongs_to(parent: Manifest, child: Manifest) -> bool:
    """Whether this very parent (by uid) controls the child or has adopted it."""
    owner = controller(child) or adopter(child)
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
