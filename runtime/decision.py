"""Step 3 of the protocol (`runtime.protocol`): a function's decision, or why it may not be carried out. Pure."""

from dataclasses import replace

from pydantic import ValidationError

from runtime.adoption import as_adopted, reject_foreign_objects
from runtime.declaration import Function, Observed, Undeclared
from runtime.objects import Manifest
from runtime.outcome import Outcome, rejected
from runtime.ownership import ownership_conflict


def decide(function: Function, observed: Observed) -> Outcome | None:
    """Step 3, pure: return what `function` wants, or a rejection.

    Rejected are a child that another parent or controller owns, an object of a child's name that somebody else made
    (unless an annotation of the parent allows to adopt it), and a resource that this version cannot read.
    """
    parent = observed.parent
    if parent is None:
        return function.clean_up(observed)
    try:
        decided = _ownership_conflict(function, observed, parent) or function.desired(observed)
    except ValidationError as unreadable:
        return _unreadable(unreadable)
    _require_declared(function, observed, decided)
    own = [
        (intent, observed.get(intent.ref)) for intent in decided.intents if intent.ref not in function.shared_children
    ]
    if refused := reject_foreign_objects(observed.key, parent, ((intent.ref, actual) for intent, actual in own)):
        return refused
    # An object that the parent adopts gets an annotation instead of an owner reference; other intents stay as they are.
    adopted = {intent.ref: as_adopted(intent, actual, parent) for intent, actual in own}
    return replace(decided, intents=tuple(adopted.get(intent.ref, intent) for intent in decided.intents))


def _require_declared(function: Function, observed: Observed, decided: Outcome) -> None:
    """Raise Undeclared if the decision deletes a child that the function does not declare to remove.

    Its Role permits only what is declared.
    """
    for ref in decided.absent:
        if ref not in function.removes(observed.key):
            raise Undeclared(f"{ref} is to be absent: declare it in `removes` of the function, which permits to delete")


def _ownership_conflict(function: Function, observed: Observed, parent: Manifest) -> Outcome | None:
    """Return the outcome if a child belongs to another parent or controller, else None.

    A deleted parent of the same name counts as another one. The owner may soon release or lose the child. If no event
    of the child's kind wakes the function, the outcome requests another reconcile some seconds later (`recheck`).
    """
    children = function.children(observed.key)
    refused = ownership_conflict(observed.key, parent, ((ref, observed.objects[ref]) for ref in children))
    has_wake = all(function.is_woken_by(ref.kind) for ref in children)
    return replace(refused, recheck=not has_wake) if refused else None


def _unreadable(error: ValidationError) -> Outcome:
    """Return the outcome for a resource that is valid in the cluster's CRD but not in this version's models."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    return rejected(
        "Invalid",
        f"`{field}`: {first['msg']}; the resource, or one it refers to, was written for another version of this "
        "operator: apply `config/` of one version, then run `kubectl replace` with the resource",
    )
