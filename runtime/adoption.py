"""Existing objects under a name that we need and that somebody else made: rejected by name, or adopted on request.

Objects that the functions make carry the label `MANAGED_BY`. Objects that `kubectl delete --cascade=orphan` leaves
carry it too, and are taken back. Any other object without a controller was made by somebody else, by hand or by a Helm
release. It is written only if the annotation `ADOPT` of the resource lists it. An adopted object gets no owner
reference, so it outlives its parent; the annotation `ADOPTED_BY` on it names the parent instead.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from crds.meta import GROUP, VERSION
from runtime.objects import Manifest, Owner, Ref, controller, metadata, name, uid
from runtime.outcome import Intent, Outcome, rejected

API_VERSION = f"{GROUP}/{VERSION}"
OWNED_BY_ANOTHER = "OwnedByAnother"

# The label of every object that the functions make.
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = {MANAGED_BY_LABEL: "kepler-on-knative"}
PART_OF_LABEL = "app.kubernetes.io/part-of"
# The prefix of all functions' field managers.
MANAGERS = "kepler-"
# On a resource: the objects that it may take over, as 'ConfigMap/kepler-cfm,ServiceAccount/kepler'.
ADOPT = "sustainable-computing.io/adopt"
# On an adopted object: kind, name and uid of the resource, as 'Kepler/kepler/6d6f4f0e-...'.
ADOPTED_BY = "sustainable-computing.io/adopted-by"


def reject_foreign_objects(
    key: Ref, parent: Manifest, children: Iterable[tuple[Ref, Manifest | None]]
) -> Outcome | None:
    """Return a rejection if somebody else made some of the children and the parent does not adopt them, else None.

    The message names every such object, its manager according to its label, and the two ways to proceed.
    """
    foreign = [(ref, child) for ref, child in children if child and _foreign(parent, ref, child)]
    if not foreign:
        return None
    listed = ",".join([*sorted(adopts(parent)), *(_entry(ref) for ref, _ in foreign)])
    where = f" in namespace '{key.namespace}'" if key.namespace else ""
    are, them = ("is", "it") if len(foreign) == 1 else ("are", "them")
    return rejected(
        OWNED_BY_ANOTHER,
        f"{' and '.join(_made_by(ref, child) for ref, child in foreign)}{where} {are} somebody else's, and nothing is "
        f"written: delete {them} and run `{resync(key)}`; or run `{kubectl('annotate', key)} --overwrite "
        f"{ADOPT}={listed}`, which has {them} changed as {key} needs {them} and kept when '{key.name}' is deleted",
    )


def _made_by(ref: Ref, child: Manifest) -> str:
    manager = (metadata(child).get("labels") or {}).get(MANAGED_BY_LABEL)
    return f"{ref} (managed by '{manager}')" if manager and manager != MANAGED_BY[MANAGED_BY_LABEL] else str(ref)


def _foreign(parent: Manifest, ref: Ref, child: Manifest) -> bool:
    """Return whether somebody else made an object, and the parent neither lists nor has adopted it."""
    if controller(child):
        return False
    owner = adopter(child)
    if owner and owner.uid == uid(parent):
        return False
    return not made_here(child) and _entry(ref) not in adopts(parent)


def made_here(child: Manifest) -> bool:
    """Return whether the functions made an object: it carries our label, or a function owns fields of it by an apply.

    The field manager counts because somebody may have changed the label of an object without an owner reference, such
    as a retained claim. An adopted object carries the label too, but also the annotation `ADOPTED_BY`.
    """
    if adopter(child):
        return False
    labelled = MANAGED_BY.items() <= (metadata(child).get("labels") or {}).items()
    return labelled or any(_is_ours(entry) for entry in metadata(child).get("managedFields") or ())


def _is_ours(entry: Manifest) -> bool:
    """Return whether an entry of `managedFields` is a function's apply; all of those own the label `PART_OF_LABEL`."""
    labels = ((entry.get("fieldsV1") or {}).get("f:metadata") or {}).get("f:labels") or {}
    by_function = str(entry.get("manager")).startswith(MANAGERS) and entry.get("operation") == "Apply"
    return by_function and f"f:{PART_OF_LABEL}" in labels


def adopts(parent: Manifest) -> frozenset[str]:
    """Return the objects that a resource may adopt, each as 'Kind/name'."""
    listed = str((metadata(parent).get("annotations") or {}).get(ADOPT) or "")
    return frozenset(entry.strip() for entry in listed.split(",") if entry.strip())


def adopter(child: Manifest) -> Owner | None:
    """Return the resource that has adopted an object, from the object's annotation; None if there is no valid one."""
    kind, _, rest = str((metadata(child).get("annotations") or {}).get(ADOPTED_BY) or "").partition("/")
    adopter_name, _, adopter_uid = rest.partition("/")
    return Owner(API_VERSION, kind, adopter_name, adopter_uid) if kind and adopter_name and adopter_uid else None


def as_adopted(intent: Intent, actual: Manifest | None, parent: Manifest) -> Intent:
    """Return the intent for an adopted object: with the annotation `ADOPTED_BY` in place of an owner reference.

    An intent for an object that is absent, that a controller owns, or that is not adopted, is returned unchanged.
    """
    described: Mapping[str, Any] = intent.body.get("metadata") or {}
    if actual is None or controller(actual) or "ownerReferences" not in described:
        return intent
    owner = adopter(actual)
    if _entry(intent.ref) not in adopts(parent) and not (owner and owner.uid == uid(parent)):
        return intent
    mark = {ADOPTED_BY: f"{parent['kind']}/{name(parent)}/{uid(parent)}"}
    kept = {field: value for field, value in described.items() if field != "ownerReferences"}
    annotations = {**(described.get("annotations") or {}), **mark}
    return replace(intent, body={**intent.body, "metadata": {**kept, "annotations": annotations}})


def has_owner_or_adopter(described: Manifest) -> bool:
    """Return whether a manager owns exactly one owner reference or, if none, the annotation of an adoption.

    `described` is the manager's FieldsV1 of `metadata`.
    """
    references = len(described.get("f:ownerReferences") or {})
    return references == 1 or (not references and f"f:{ADOPTED_BY}" in (described.get("f:annotations") or {}))


def _entry(ref: Ref) -> str:
    return f"{ref.kind.name}/{ref.name}"


def kubectl(verb: str, ref: Ref) -> str:
    """Return a kubectl command for one object, with the full name of its kind: a short name may be ambiguous."""
    resource = f"{ref.kind.plural}.{ref.kind.group}" if ref.kind.group else ref.kind.plural
    namespace = f" -n {ref.namespace}" if ref.namespace else ""
    return f"kubectl{namespace} {verb} {resource} {ref.name}"


def resync(key: Ref) -> str:
    """Return the command by which every function reconciles a resource again. Changes by others may send no event."""
    named = f"{key.name} -n {key.namespace}" if key.namespace else f"{key.kind.name}/{key.name}"
    return f"kubectl kepler resync {named}"
