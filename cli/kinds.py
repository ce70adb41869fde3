"""The kinds that commands accept: our four resources by any of their names, and the kinds of an installation."""

from collections.abc import Mapping

from cli.command_errors import UsageError
from crds.crd_files import RESOURCES
from events.report import ObjectName
from functions.function_catalogue import FUNCTIONS
from runtime.objects import KEPLER, OURS, Kind, Manifest, Ref

# The kinds that functions report on; the other two are read with the Kepler that names them.
RECONCILED_KINDS: tuple[Kind, ...] = tuple(dict.fromkeys(function.parent for function in FUNCTIONS))

POD = Kind("v1", "Pod", "pods")
ROLE = Kind("rbac.authorization.k8s.io/v1", "Role", "roles")
ROLE_BINDING = Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")
CLUSTER_ROLE = Kind("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", namespaced=False)
BROKER = Kind("eventing.knative.dev/v1", "Broker", "brokers")
TRIGGER = Kind("eventing.knative.dev/v1", "Trigger", "triggers")
CHANNEL = Kind("messaging.knative.dev/v1", "InMemoryChannel", "inmemorychannels")
EVENT_SOURCE = Kind("sources.knative.dev/v1", "ApiServerSource", "apiserversources")
CLOCK = Kind("sources.knative.dev/v1", "PingSource", "pingsources")
SINK_BINDING = Kind("sources.knative.dev/v1", "SinkBinding", "sinkbindings")
EVENT_POLICY = Kind("eventing.knative.dev/v1alpha1", "EventPolicy", "eventpolicies")
KNATIVE_SERVICE = Kind("serving.knative.dev/v1", "Service", "services")
REVISION = Kind("serving.knative.dev/v1", "Revision", "revisions")
NETWORK_POLICY = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
ENDPOINT_SLICE = Kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices")
ADMISSION_POLICY = Kind(
    "admissionregistration.k8s.io/v1",
    "ValidatingAdmissionPolicy",
    "validatingadmissionpolicies",
    namespaced=False,
)
ADMISSION_POLICY_BINDING = Kind(
    "admissionregistration.k8s.io/v1",
    "ValidatingAdmissionPolicyBinding",
    "validatingadmissionpolicybindings",
    namespaced=False,
)
VALIDATING_WEBHOOKS = Kind(
    "admissionregistration.k8s.io/v1",
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
    namespaced=False,
)
MUTATING_WEBHOOKS = Kind(
    "admissionregistration.k8s.io/v1",
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
    namespaced=False,
)


def _names() -> Mapping[str, Kind]:
    kinds = {kind.name: kind for kind in OURS}
    by_name = {}
    for resource in RESOURCES.values():
        names = resource.names
        for word in (names.singular, names.plural, names.short):
            by_name[word] = kinds[names.kind]
    return by_name


# Every name by which kubectl knows one of our kinds, in lower case.
NAMES = _names()
# The short names that kubectl knows (k8s.io/kubernetes v1.35:pkg/registry; for the others, those of their own CRDs).
SHORT = {
    "cm": "ConfigMap",
    "deploy": "Deployment",
    "ds": "DaemonSet",
    "mc": "MachineConfig",
    "promrule": "PrometheusRule",
    "pvc": "PersistentVolumeClaim",
    "sa": "ServiceAccount",
    "smon": "ServiceMonitor",
    "svc": "Service",
}


def parse_ref(word: str, namespace: str, default: Kind = KEPLER) -> Ref:
    """Return the resource that `NAME` or `KIND/NAME` names, with any name of the kind.

    Raises UsageError for a kind that is not ours.
    """
    before, slash, after = word.partition("/")
    kind = NAMES.get(before.lower().partition(".")[0]) if slash else default
    name = after if slash else before
    if kind is None or not name:
        raise UsageError(
            f"'{word}' names no resource: write NAME for a {default.name}, or KIND/NAME; kinds are {known(NAMES)}"
        )
    return Ref(kind, namespace if kind.namespaced else "", name)


def _targets() -> Mapping[str, Kind]:
    """Return the kinds that functions write or report on, by every name that kubectl knows for them, in lower case."""
    sample = Ref(KEPLER, "namespace", "name")
    kinds = {*OURS, *(child.kind for function in FUNCTIONS for child in function.children(sample))}
    words = {word: kind for kind in kinds for word in (kind.name.lower(), kind.plural)}
    short = {word: words[name.lower()] for word, name in SHORT.items() if name.lower() in words}
    return {**words, **short, **NAMES}


# Kinds that `history --target` accepts.
TARGETS = _targets()


def is_child(text: str) -> bool:
    """Return whether `KIND/NAME` names an object that functions write, and not one of our four resources."""
    word, slash, _ = text.partition("/")
    return bool(slash) and _kind(word) is not None and _kind(word) not in OURS


def _kind(word: str) -> Kind | None:
    return TARGETS.get(word.lower().partition(".")[0])


def target(text: str, namespace: str) -> Ref:
    """Return the object that `KIND/NAME` names, with any name of the kind, as 'ds/kepler-exporter'.

    Raises UsageError for a kind that no function writes.
    """
    word, _, name = text.partition("/")
    if not (word and name):
        raise UsageError(
            f"--target is '{text}': write KIND/NAME, such as 'DaemonSet/kepler-exporter' or 'ds/kepler-exporter'"
        )
    kind = _kind(word)
    if kind is None:
        raise UsageError(f"--target is '{text}', and no function writes to a '{word}': kinds are {known(TARGETS)}")
    return Ref(kind, namespace if kind.namespaced else "", name)


def known(words: Mapping[str, Kind]) -> str:
    """Return the kinds as a list, each with its shortest name if that is an abbreviation: 'DaemonSet (ds), ...'."""
    shortest: dict[str, str] = {}
    for word, kind in sorted(words.items(), key=lambda item: len(item[0])):
        shortest.setdefault(kind.name, word)
    return ", ".join(name if word == name.lower() else f"{name} ({word})" for name, word in sorted(shortest.items()))


def kind_of(manifest: Manifest) -> Kind | None:
    """Return which of our kinds an object has; None for any other kind."""
    identity = (manifest.get("apiVersion"), manifest.get("kind"))
    return next((kind for kind in OURS if (kind.api_version, kind.name) == identity), None)


def title(ref: Ref | ObjectName) -> str:
    """Return an object's kind, namespace and name for a text, as `Kepler energy/kepler`."""
    return f"{ref.kind.name if isinstance(ref, Ref) else ref.kind} {place(ref)}"


def place(ref: Ref | ObjectName) -> str:
    """Return namespace and name, as `energy/kepler`; only the name if there is no namespace."""
    return f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
