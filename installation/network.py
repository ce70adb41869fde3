"""Who may send to the functions: a NetworkPolicy by namespace and, if Knative authenticates senders, an EventPolicy.

Egress of the functions is not limited: the API server, the Broker, a database and a collector of traces are elsewhere
in each cluster. So is Prometheus, which scrapes the exporters: `config/samples/network-policy/network-policy.yaml`.
"""

from collections.abc import Iterable

from installation import wiring
from installation.installed_objects import Object, labels, manifest
from runtime.settings import NAMESPACE

# Knative's activator and autoscaler, its broker, and the gateways of its networking layers: kourier, istio, contour.
SENDERS = (
    "knative-serving",
    "knative-eventing",
    "kourier-system",
    "istio-system",
    "contour-internal",
    "contour-external",
)
# Ports of the proxy in front of every function: HTTP/1, HTTP/2, HTTPS, and metrics for the autoscaler
# (knative.dev/networking:pkg/networking/constants.go). Only the proxy reaches the function's own port.
PORTS = (8012, 8013, 8112, 9090)

EVENT_POLICY = "EventPolicy"
EVENTING, SOURCES = "eventing.knative.dev/v1", "sources.knative.dev/v1"


def policies() -> list[Object]:
    """Return the NetworkPolicy of all functions, including `audit` with its console.

    It does not block `kubectl port-forward` to the console, which comes from the pod's own node.
    """
    places = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(SENDERS)}
    ours = {"app.kubernetes.io/part-of": labels("")["app.kubernetes.io/part-of"]}
    spec = {
        "podSelector": {"matchLabels": ours},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [{"namespaceSelector": {"matchExpressions": [places]}}],
                "ports": [{"port": port, "protocol": "TCP"} for port in PORTS],
            }
        ],
    }
    return [manifest("networking.k8s.io/v1", "NetworkPolicy", "kepler-functions", "network", spec=spec)]


def event_policies(installed: Iterable[Object] | None = None) -> list[Object]:
    """Return the policy on who may send to the Broker: the sources, replies, and the functions, which send requests.

    `installed` are the objects of the installation; by default those of `config/base`.

    A source has an identity that Knative makes for it, and so has a Trigger, by which replies come (eventing
    v0.50:pkg/broker/filter/filter_handler.go, handleDispatchToReplyRequest): a reference stands for each. A function
    has its ServiceAccount's identity.
    """
    kinds = {(SOURCES, "ApiServerSource"), (SOURCES, "PingSource"), (EVENTING, "Trigger")}
    manifests = [*(_generated() if installed is None else installed)]
    senders = [
        {"ref": _reference(manifest)} for manifest in manifests if (manifest["apiVersion"], manifest["kind"]) in kinds
    ]
    accounts = sorted(manifest["metadata"]["name"] for manifest in manifests if wiring.is_service(manifest))
    functions = [{"sub": f"system:serviceaccount:{NAMESPACE}:{account}"} for account in accounts]
    broker = {"apiVersion": EVENTING, "kind": "Broker", "name": wiring.BROKER}
    spec = {"to": [{"ref": broker}], "from": [*senders, *functions]}
    return [manifest("eventing.knative.dev/v1alpha1", EVENT_POLICY, "kepler-broker", "network", spec=spec)]


def _generated() -> Iterable[Object]:
    return (manifest for objects in wiring.base().values() for manifest in objects)


def _reference(manifest: Object) -> Object:
    metadata = manifest["metadata"]
    return {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "name": metadata["name"],
        "namespace": metadata["namespace"],
    }
