"""What a resource that is being deleted waits for, in words. Pure.

The functions treat it as gone (`runtime.observation`): no condition of it is written any more.
"""

from runtime.objects import Manifest, metadata

# Finalizers that the garbage collector removes by itself (k8s.io/apimachinery: pkg/apis/meta/v1/types.go).
COLLECTED = frozenset({"foregroundDeletion", "orphan"})


def finalizers(manifest: Manifest) -> tuple[str, ...]:
    """Return the finalizers that hold an object."""
    return tuple(str(finalizer) for finalizer in metadata(manifest).get("finalizers") or ())


def deletion_sentence(manifest: Manifest) -> str:
    """Return that an object is being deleted, and which finalizers hold it."""
    names = ", ".join(f"'{finalizer}'" for finalizer in finalizers(manifest))
    word = "finalizers" if len(finalizers(manifest)) > 1 else "finalizer"
    return f"it is being deleted, and held by {word} {names}" if names else "it is being deleted"


def deletion_step(manifest: Manifest) -> str:
    """Return what to do about an object that is being deleted."""
    if set(finalizers(manifest)) <= COLLECTED:
        return "wait for the garbage collector"
    return "find out why the controller that set the finalizer does not remove it"
