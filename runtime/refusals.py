"""Maps the API server's refusal of a write to a reason, the API server's sentence, and the user's next step.

The same HTTP status stands for many causes; the sentence distinguishes them (Kubernetes v1.35):

| reason            | the sentence has                              | from                                            |
|-------------------|-----------------------------------------------|-------------------------------------------------|
| `Forbidden`       | `User "`                                      | authorisation: a permission is missing          |
| `QuotaExceeded`   | `exceeded quota:`, `failed quota:`            | plugin/pkg/admission/resourcequota              |
| `LimitRange`      | ` usage per `, ` limit to request ratio per ` | plugin/pkg/admission/limitranger                |
| `RefusedByPolicy` | `ValidatingAdmissionPolicy`, `denied the request` | admission policies and webhooks             |
| `Invalid`         | anything else                                 | validation of the object                        |
"""

from dataclasses import dataclass

from runtime.adoption import resync
from runtime.declaration import Function
from runtime.errors import Forbidden, Refused
from runtime.objects import Ref
from runtime.outcome import Outcome, pending, rejected

QUOTA = ("exceeded quota:", "failed quota:")
LIMIT_RANGE = (" usage per ", " limit to request ratio per ")
POLICY = ("ValidatingAdmissionPolicy", "denied the request", "admission webhook")


@dataclass(frozen=True)
class RefusedWrite:
    """A write that the API server refused: its object, the field of the parent that required it, and the error."""

    ref: Ref
    parent_field: str
    error: Refused


def outcome_of_refused_write(function: Function, key: Ref, write: RefusedWrite) -> Outcome:
    """Return the outcome for the resource `key`; pending if the namespace is being deleted."""
    error = write.error
    if isinstance(error, Forbidden) and error.namespace_terminates:
        return pending(error.message)
    reason, step = _reason_and_step(function, key, write)
    about = f"`{write.parent_field}`: " if write.parent_field else ""
    return rejected(reason, f"{about}{error.message.rstrip('.')}; {step}")


def _reason_and_step(function: Function, key: Ref, write: RefusedWrite) -> tuple[str, str]:
    sentence, again = write.error.message, f"run `{resync(key)}`"
    if isinstance(write.error, Forbidden) and write.error.lacks_permission:
        account = write.error.account or function.manager
        granted_by = function.granted_by(write.ref.kind)
        return "Forbidden", f"ServiceAccount '{account}' lacks a permission: apply {granted_by}, then {again}"
    if any(mark in sentence for mark in QUOTA):
        return "QuotaExceeded", f"ask for less, or have the namespace's ResourceQuota raised, then {again}"
    if any(mark in sentence for mark in LIMIT_RANGE):
        return "LimitRange", (
            "have the field that the message names ask for what the namespace's LimitRange allows, or have that "
            f"changed, then {again}"
        )
    if any(mark in sentence for mark in POLICY):
        return "RefusedByPolicy", (
            f"a policy of this cluster says so: change what it names in '{key.name}', or have the policy changed, "
            f"then {again}"
        )
    return "Invalid", (
        f"change the field that the message names, or delete {write.ref} if it was made by hand and {again}"
    )
