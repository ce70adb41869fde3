"""Which namespaces may have pods that run privileged, as exporters do: those that an administrator has opened.

Whoever may edit a Kepler shall not thereby put privileged pods on every node. Pod Security Admission's own label says
where such pods may be; ClusterRoles `edit` and `admin` cannot set it. Only the label itself counts, not a default of
the cluster, which may allow everything without anybody having decided so.
"""

from runtime.declaration import Observed, Wake
from runtime.objects import NAMESPACE, Ref, metadata
from runtime.outcome import Outcome, rejected

LABEL = "pod-security.kubernetes.io/enforce"
LABELS = {LABEL: "privileged"}

# A Namespace that gets or loses the label is an event about it; all other Namespaces are nobody's business here.
WAKE = Wake(NAMESPACE, labels=LABELS)


def ref(key: Ref) -> Ref:
    """The Namespace that a Kepler is in."""
    return Ref(NAMESPACE, "", key.namespace)


def refuse_closed(observed: Observed) -> Outcome | None:
    """Why nothing that needs privileges is written here, or None where it may be."""
    namespace = observed.get(ref(observed.key))
    if namespace and LABELS.items() <= (metadata(namespace).get("labels") or {}).items():
        return None
    place = observed.key.namespace
    return rejected(
        "NamespaceNotAllowed",
        f"namespace '{place}' does not allow privileged pods, and exporters run privileged on every node: let an "
        f"administrator run `{command(place)}`",
    )


def command(namespace: str) -> str:
    """What an administrator runs to allow it."""
    return f"kubectl label namespace {namespace} {LABEL}={LABELS[LABEL]} --overwrite"
