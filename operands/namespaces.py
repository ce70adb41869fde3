"""Which namespaces may have privileged pods, such as exporters: those that an administrator has labelled.

Permission to edit a Kepler must not suffice to run privileged pods on every node. So pods need Pod Security Admission's
label on the namespace, which ClusterRoles `edit` and `admin` cannot set. Only the label counts, not a default of the
cluster, which may allow everything without anybody having decided it.
"""

from runtime.declaration import Observed, Wake
from runtime.objects import NAMESPACE, Ref, metadata, terminates
from runtime.outcome import Outcome, rejected

LABEL = "pod-security.kubernetes.io/enforce"
LABELS = {LABEL: "privileged"}

# Events of a Namespace that gets or loses the label; events of other Namespaces wake nothing.
WAKE = Wake(NAMESPACE, labels=LABELS)


def ref(key: Ref) -> Ref:
    """Return the Namespace that a Kepler is in."""
    return Ref(NAMESPACE, "", key.namespace)


def reject_namespace(observed: Observed) -> Outcome | None:
    """Return a rejection if the namespace is being deleted or does not allow privileged pods, else None."""
    namespace = observed.get(ref(observed.key))
    if namespace and terminates(namespace):
        return rejected(
            "NamespaceTerminating",
            f"namespace '{observed.key.namespace}' is being deleted, and all that is in it: if that lasts, see what "
            f"holds it by `kubectl describe namespace {observed.key.namespace}`",
        )
    if namespace and LABELS.items() <= (metadata(namespace).get("labels") or {}).items():
        return None
    place = observed.key.namespace
    return rejected(
        "NamespaceNotAllowed",
        f"namespace '{place}' does not allow privileged pods, and exporters run privileged on every node: let an "
        f"administrator run `{command(place)}`",
    )


def command(namespace: str) -> str:
    """Return the command by which an administrator allows privileged pods."""
    return f"kubectl label namespace {namespace} {LABEL}={LABELS[LABEL]} --overwrite"
