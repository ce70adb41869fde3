"""What `config/base` holds, computed from what the functions declare: sources, triggers, permissions, services.

Pure: manifests out of declarations. `installation.generate` writes them down, and a test fails when they drift.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from events.types import RESOURCES, RESYNC_REQUESTED
from functions.function_catalogue import FUNCTIONS, LISTENERS
from installation.event_catalogue import CATALOGUE, EventType
from installation.installed_objects import Object, labels, manifest
from installation.permissions import account_roles, base_rules, binding, policy_rule, role, service_account
from operands import children, repositories
from runtime.adoption import MANAGED_BY
from runtime.deadlines import TRIGGER, revision
from runtime.declaration import Function
from runtime.event import FUNCTIONS as MEANT
from runtime.listener import Listener
from runtime.objects import KEPLER, Kind
from runtime.settings import NAMESPACE, VERSION
from runtime.signature import READ_KEY
from runtime.sink import SETTING
from runtime.workers import THREADS
from sweeper import sweep_listener

BROKER = "default"
# The Broker's ingress, by its name in the cluster: whatever the cluster's domain is, the resolver completes it.
INGRESS = "http://broker-ingress.knative-eventing.svc"
SOURCE = "kepler-source"
DEAD_LETTER = "kepler-dead-letter"
# `kubectl kustomize` users replace it: `kustomize edit set image kepler-on-knative=REGISTRY/NAME:TAG`.
IMAGE = f"kepler-on-knative:{VERSION}"

# Where a function keeps files: as much as `KEEP_MEGABYTES` lets it, SQLite's log, and half as much again.
VOLUME, SIZE = "kept", "1Gi"

# What a function's pod asks for, and what it may take. At rest it uses a hundredth of a core; at its start half a
# second of one, of which a larger request would make sure, at the price of nodes that stay unused the rest of the
# time: `apply` on an idle cluster starts eight of these pods at once, and Knative adds 25m for each queue-proxy.
# No CPU limit: it would make that half second five seconds (CFS quota), with nothing gained for anybody.
REQUESTS = {"cpu": "25m", "memory": "80Mi"}
# Thirty-two senders of the largest bodies at once: 190 to 210 MiB, once 263 (`dead_letter`, on a busy machine).
MEMORY_LIMIT = "320Mi"

# Nothing in the protocol needs order, so one slow event must hold up nobody; what a crash of the channel loses, the
# sweep finds.
ASYNC = {"messaging.knative.dev/async-handler": "true"}
CLASS = {"eventing.knative.dev/broker.class": "MTChannelBasedBroker"}


def namespace() -> list[Object]:
    """The functions' namespace: they need no privilege on any node, and get none."""
    levels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
    namespace = manifest("v1", "Namespace", NAMESPACE, "namespace", namespaced=False)
    namespace["metadata"]["labels"] |= levels
    return [namespace]


def broker() -> list[Object]:
    """The broker that everything passes through; each Trigger sets its own delivery."""
    return [manifest("eventing.knative.dev/v1", "Broker", BROKER, "broker", metadata={"annotations": CLASS | ASYNC})]


def event_types() -> list[Object]:
    """Our types of events, for whoever looks for some to subscribe to."""
    reference = _to_broker()["ref"]
    return [
        manifest(
            "eventing.knative.dev/v1beta3",
            "EventType",
            event_type.type,
            "events",
            spec={"reference": reference, "description": event_type.means, "attributes": list(_attributes(event_type))},
        )
        for event_type in CATALOGUE
    ]


def _attributes(event_type: EventType) -> Iterator[Object]:
    """Return the attributes that Knative keeps, in its order: v1beta2 has no room for others, nor for a source of
    which a part varies (eventing v0.50, `pkg/apis/eventing/v1beta2/eventtype_conversion.go`). More of them would differ
    from what is stored for ever.
    """
    source = {} if "{" in event_type.source else {"value": event_type.source}
    yield {"name": "specversion", "required": True}
    yield {"name": "id", "required": True}
    yield {"name": "type", "required": True, "value": event_type.type}
    yield {"name": "source", "required": True, **source}
    yield {"name": "schemadata", "required": False, "value": event_type.dataschema}


def exporter_access() -> list[Object]:
    """What every exporter may read, in all namespaces: pods, and what pods its kubelet knows.

    Kepler lists and watches pods by an informer (KEP v0.7.12:pkg/kubernetes/watcher.go). `nodes/pods` lets a kubelet's
    `/pods` be read and nothing else (Kubernetes 1.33, KubeletFineGrainedAuthz); older kubelets ask for `nodes/proxy`,
    with which every container can be entered: `config/overlays/nodes-proxy`. The binding has no `subjects` here:
    `collector` adds one for each namespace with a Kepler.
    """
    granted = [policy_rule("", ["pods"], ["list", "watch"]), policy_rule("", ["nodes/pods"], ["get"])]
    return [role(children.EXPORTER, "exporter", granted), binding(children.EXPORTER, "exporter")]


def function(declared: Function) -> list[Object]:
    """ServiceAccount, permissions, Service and Trigger of a reconciler."""
    return [
        service_account(declared.manager, declared.name),
        role(declared.manager, declared.name, list(base_rules(declared))),
        binding(declared.manager, declared.name, account=declared.manager),
        *account_roles(declared.manager, declared.name, (READ_KEY,)),
        _service(declared.manager, declared.name),
        _trigger(declared.manager, declared.name, waking(declared)),
    ]


def listener(declared: Listener) -> list[Object]:
    """ServiceAccount, Service and, unless it is only a sink, Trigger of a function that takes note or sends events."""
    filters = [dict(event_filter) for event_filter in declared.filters]
    return [
        service_account(declared.manager, declared.name),
        *account_roles(declared.manager, declared.name, declared.rules),
        _kept(
            declared, _service(declared.manager, declared.name, timeout=declared.timeout, settings=declared.settings)
        ),
        *([_trigger(declared.manager, declared.name, filters, timeout=declared.timeout)] if declared.filters else []),
    ]


def clock() -> list[Object]:
    """What wakes the sweep."""
    spec = {"schedule": sweep_listener.SCHEDULE, "sink": _to_broker()}
    return [manifest("sources.knative.dev/v1", "PingSource", "kepler-sweep", sweep_listener.NAME, spec=spec)]


def source() -> list[Object]:
    """The event source: every kind that wakes a function, in every namespace; children only by our label."""
    kinds = sorted({wake.kind for function in FUNCTIONS for wake in function.wakes})
    watched = [
        policy_rule(group, sorted(kind.plural for kind in kinds if kind.group == group), ["get", "list", "watch"])
        for group in sorted({kind.group for kind in kinds})
    ]
    spec = {
        "mode": "Resource",
        "serviceAccountName": SOURCE,
        "namespaceSelector": {},
        "resources": [_watched(kind) for kind in kinds],
        "sink": _to_broker(),
    }
    return [
        service_account(SOURCE, "source"),
        role(SOURCE, "source", watched),
        binding(SOURCE, "source", account=SOURCE),
        manifest("sources.knative.dev/v1", "ApiServerSource", "kepler", "source", spec=spec),
    ]


def waking(function: Function) -> list[Object]:
    """A Trigger's filters: events that ask for a reconcile, of the kinds and names that wake this function.

    A request may name the functions that it is for. One that names none has no such attribute, and is for all.
    """
    objects = [
        {"exact": {"apiversion": wake.kind.api_version, "kind": wake.kind.name} | named}
        for wake in function.wakes
        for named in ([{"name": name} for name in wake.names] or [{}])
    ]
    itself = function.name.replace("_", r"\_")  # which stands for any character otherwise
    meant = {"any": [{"not": {"prefix": {MEANT: "/"}}}, {"cesql": f"{MEANT} LIKE '%/{itself}/%'"}]}
    asks = [*({"exact": {"type": kind}} for kind in RESOURCES), {"all": [{"exact": {"type": RESYNC_REQUESTED}}, meant]}]
    return [{"any": asks}, {"any": objects}]


def base() -> dict[str, list[Object]]:
    """File name -> objects, for everything in `config/base` that is generated."""
    files = {
        "namespace": namespace(),
        "broker": broker(),
        "event-types": event_types(),
        "source": source(),
        "clock": clock(),
        "exporter-access": exporter_access(),
        **{member.manager: function(member) for member in FUNCTIONS},
        **{member.manager: listener(member) for member in LISTENERS},
    }
    return {f"{name}.yaml": objects for name, objects in files.items()}


def _watched(kind: Kind) -> Object:
    resource = {"apiVersion": kind.api_version, "kind": kind.name}
    labels = {label: value for function in FUNCTIONS for label, value in function.labels.get(kind, {}).items()}
    if kind.group == KEPLER.group:
        return resource
    return resource | {"selector": {"matchLabels": labels or dict(MANAGED_BY)}}


def _to_broker() -> Object:
    return {"ref": {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": BROKER}}


def _trigger(name: str, component: str, filters: list[Object], *, timeout: int = TRIGGER) -> Object:
    """Return the subscription of a function, with its delivery spelt out: a Trigger without one inherits the Broker's.

    Its subscriber is a URI, not a reference: Eventing looks a reference up again only after a back-off of its own,
    which doubles up to 1,000 s while the Service has no address yet (eventing v0.50.0,
    pkg/reconciler/broker/trigger/trigger.go: it tracks the Broker where it should track the Trigger).
    """
    delivery = {
        "retry": 5,
        "backoffPolicy": "exponential",
        "backoffDelay": "PT0.2S",
        "timeout": f"PT{timeout}S",
        "deadLetterSink": {"uri": address(DEAD_LETTER)},
    }
    spec = {"broker": BROKER, "filters": filters, "subscriber": {"uri": address(name)}, "delivery": delivery}
    return manifest("eventing.knative.dev/v1", "Trigger", name, component, spec=spec)


def is_service(manifest: Object) -> bool:
    """Whether an object is a Knative Service (the other kind of Service is core/v1)."""
    return bool(manifest["kind"] == "Service" and manifest["apiVersion"].startswith("serving.knative.dev/"))


def address(name: str) -> str:
    """Return the URL of a Knative Service of ours inside the cluster, whatever the cluster's domain is."""
    return f"http://{name}.{NAMESPACE}.svc"


def _kept(listener: Listener, service: Object) -> Object:
    """Return the Knative Service of a listener with storage: exactly one pod, since two cannot share the volume.

    The place goes with the pod. A claim would outlive it, but Knative starts the next revision's pod before it ends the
    last one's: where it lands on another node, neither a claim of one node nor SQLite can be in both, and the rollout
    would hang. Two revisions side by side keep what each is sent, and what the older one kept is gone with it;
    `config/overlays/postgres` keeps it for good.
    """
    if listener.keeps:
        template = service["spec"]["template"]
        template["metadata"]["annotations"] = dict.fromkeys(template["metadata"]["annotations"], "1")
        template["spec"]["volumes"] = [{"name": VOLUME, "emptyDir": {"sizeLimit": SIZE}}]
        template["spec"]["containers"][0]["volumeMounts"] = [{"name": VOLUME, "mountPath": listener.keeps}]
    return service


def _service(
    name: str, component: str, *, timeout: int = TRIGGER, settings: Mapping[str, str] = MappingProxyType({})
) -> Object:
    """A Knative Service of the one image; reachable from within the cluster only."""
    sink = f"{INGRESS}/{NAMESPACE}/{BROKER}"
    environment = {
        "FUNCTION": component,
        **settings,
        **repositories.ENVIRONMENT,
        SETTING: sink,
        "NAMESPACE": NAMESPACE,
    }
    container = {
        "image": IMAGE,
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        # No liveness probe: on a node that is slow while many functions start at once it would end a process before
        # that listens, and each end makes the node slower. `alive` has nothing to say that readiness does not.
        "readinessProbe": {"httpGet": {"path": "/health/readiness"}},
        "resources": {"requests": REQUESTS, "limits": {"memory": MEMORY_LIMIT}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    scale = {"autoscaling.knative.dev/min-scale": "0", "autoscaling.knative.dev/max-scale": "3"}
    template = {
        "metadata": {"annotations": scale, "labels": labels(component)},
        "spec": {
            "serviceAccountName": name,
            "containerConcurrency": THREADS,  # most of which may wait
            "timeoutSeconds": revision(timeout),
            "containers": [container],
        },
    }
    service = manifest("serving.knative.dev/v1", "Service", name, component, spec={"template": template})
    service["metadata"]["labels"] |= {"networking.knative.dev/visibility": "cluster-local"}
    return service
