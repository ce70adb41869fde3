"""Computes most of `config/base` from the functions' declarations: sources, triggers, permissions, services.

Pure: it makes manifests from declarations. `installation.generate` writes them, and a test fails if they drift.
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
from runtime.declaration import Function, manager
from runtime.event import FUNCTIONS as MEANT
from runtime.listener import Listener
from runtime.objects import KEPLER, Kind
from runtime.settings import COMPACT, NAMESPACE, VERSION
from runtime.signature import READ_KEY
from runtime.sink import SETTING
from runtime.workers import THREADS
from sweeper import sweep_listener

BROKER = "default"
# The Broker's ingress, by a name without the cluster's domain, which the resolver adds.
INGRESS = "http://broker-ingress.knative-eventing.svc"
SOURCE = "kepler-source"
DEAD_LETTER = "kepler-dead-letter"
# `kubectl kustomize` users replace it: `kustomize edit set image kepler-on-knative=REGISTRY/NAME:TAG`.
IMAGE = f"kepler-on-knative:{VERSION}"

# The volume for a function's files: what `KEEP_MEGABYTES` allows, SQLite's log, and half as much again.
VOLUME, SIZE = "kept", "1Gi"

# Requests of a function's pod. At rest it uses a hundredth of a core, and at its start half a second of one core. A
# larger request would guarantee that, but reserve nodes that are unused most of the time: `apply` on an idle cluster
# starts eight of these pods at once, and Knative adds 25m for each queue-proxy.
# No CPU limit: it would make that half second five seconds (CFS quota), without any gain.
REQUESTS = {"cpu": "25m", "memory": "80Mi"}
# Measured with 32 senders of the largest bodies at once: 190 to 210 MiB, once 263 (`dead_letter`, on a busy machine).
MEMORY_LIMIT = "320Mi"

# The protocol needs no order of events, so a slow event must not delay others. The sweep makes up for events that a
# crash of the channel loses.
ASYNC = {"messaging.knative.dev/async-handler": "true"}
CLASS = {"eventing.knative.dev/broker.class": "MTChannelBasedBroker"}


def namespace() -> list[Object]:
    """Return the functions' namespace. Functions need no privileges on nodes, and get none."""
    levels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
    namespace = manifest("v1", "Namespace", NAMESPACE, "namespace", namespaced=False)
    namespace["metadata"]["labels"] |= levels
    return [namespace]


def broker() -> list[Object]:
    """Return the broker that all events pass through; each Trigger sets its own delivery."""
    return [manifest("eventing.knative.dev/v1", "Broker", BROKER, "broker", metadata={"annotations": CLASS | ASYNC})]


def event_types() -> list[Object]:
    """Return EventTypes of our events, so that users can find events to subscribe to."""
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
    """Yield the attributes that Knative stores, in its order.

    v1beta2 has no others, and no source with a variable part (eventing v0.50,
    `pkg/apis/eventing/v1beta2/eventtype_conversion.go`). Further attributes would always differ from the stored object.
    """
    source = {} if "{" in event_type.source else {"value": event_type.source}
    yield {"name": "specversion", "required": True}
    yield {"name": "id", "required": True}
    yield {"name": "type", "required": True, "value": event_type.type}
    yield {"name": "source", "required": True, **source}
    yield {"name": "schemadata", "required": False, "value": event_type.dataschema}


def exporter_access() -> list[Object]:
    """Return the ClusterRole of all exporters and its binding: pods, nodes, and which pods a kubelet knows.

    Kepler lists and watches pods by an informer (kepler v0.7.12:pkg/kubernetes/watcher.go;
    v0.11.4:internal/k8s/pod/pod.go gets single pods, too). With `collector.pod-informer` 'kubelet', v0.11 reads its own
    Node for the kubelet's address (internal/k8s/pod/kubelet.go). `nodes/pods` permits to read a kubelet's `/pods` and
    nothing else (Kubernetes 1.33, KubeletFineGrainedAuthz). Older kubelets require `nodes/proxy`, which permits to
    enter every container: `config/overlays/nodes-proxy`. The binding has no `subjects` here: `collector` adds one for
    each namespace with a Kepler.
    """
    granted = [
        policy_rule("", ["pods"], ["get", "list", "watch"]),
        policy_rule("", ["nodes", "nodes/pods"], ["get"]),
    ]
    return [role(children.EXPORTER, "exporter", granted), binding(children.EXPORTER, "exporter")]


def function(declared: Function) -> list[Object]:
    """Return ServiceAccount, permissions, Service and Trigger of a reconciler."""
    return [
        service_account(declared.manager, declared.name),
        role(declared.manager, declared.name, list(base_rules(declared))),
        binding(declared.manager, declared.name, account=declared.manager),
        *account_roles(declared.manager, declared.name, (READ_KEY,)),
        _service(declared.manager, declared.name, pods=1),
        _trigger(declared.manager, declared.name, waking(declared)),
    ]


def listener(declared: Listener) -> list[Object]:
    """Return ServiceAccount, permissions, Service and, unless it is only a sink, Trigger of a listener."""
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
    """Return the PingSource that wakes the sweep."""
    spec = {"schedule": sweep_listener.SCHEDULE, "sink": _to_broker()}
    return [manifest("sources.knative.dev/v1", "PingSource", "kepler-sweep", sweep_listener.NAME, spec=spec)]


def source() -> list[Object]:
    """Return the event source for every kind that wakes a function, in every namespace; children only by our label."""
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


def compact() -> list[Object]:
    """Return ServiceAccount, Service and Trigger of all reconcilers in one process: `installation.compact`.

    The Trigger lets through whatever wakes one of them.
    """
    name = manager(COMPACT)
    objects = [shown for function in FUNCTIONS for shown in _waking_objects(function)]
    distinct = [shown for number, shown in enumerate(objects) if shown not in objects[:number]]
    filters: list[Object] = [{"any": [{"exact": {"type": kind}} for kind in (*RESOURCES, RESYNC_REQUESTED)]}]
    return [
        service_account(name, COMPACT),
        _service(name, COMPACT, pods=1),
        _trigger(name, COMPACT, [*filters, {"any": distinct}]),
    ]


def _waking_objects(function: Function) -> list[Object]:
    """Return filters for the kinds and names of objects that wake a function."""
    return [
        {"exact": {"apiversion": wake.kind.api_version, "kind": wake.kind.name} | named}
        for wake in function.wakes
        for named in ([{"name": name} for name in wake.names] or [{}])
    ]


def waking(function: Function) -> list[Object]:
    """Return a Trigger's filters: events that request a reconcile, of the kinds and names that wake this function.

    A request may name the functions that it is for. A request without that attribute is for all.
    """
    objects = _waking_objects(function)
    itself = function.name.replace("_", r"\_")  # an unescaped underscore matches any character
    meant = {"any": [{"not": {"prefix": {MEANT: "/"}}}, {"cesql": f"{MEANT} LIKE '%/{itself}/%'"}]}
    asks = [*({"exact": {"type": kind}} for kind in RESOURCES), {"all": [{"exact": {"type": RESYNC_REQUESTED}}, meant]}]
    return [{"any": asks}, {"any": objects}]


def base() -> dict[str, list[Object]]:
    """Return file name -> objects, for everything that this module generates in `config/base`."""
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
    """Return the Trigger of a function, with explicit delivery: a Trigger without one inherits the Broker's.

    Its subscriber is a URI, not a reference. Eventing resolves a reference again only after a back-off of its own,
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
    """Return whether an object is a Knative Service (the other kind of Service is core/v1)."""
    return bool(manifest["kind"] == "Service" and manifest["apiVersion"].startswith("serving.knative.dev/"))


def address(name: str) -> str:
    """Return the URL of a Knative Service of ours inside the cluster, without the cluster's domain."""
    return f"http://{name}.{NAMESPACE}.svc"


def _kept(listener: Listener, service: Object) -> Object:
    """Return the Knative Service of a listener with storage: exactly one pod, since two cannot share the volume.

    The volume is deleted with the pod. A claim would outlive it, but Knative starts the next revision's pod before it
    stops the last one's. If the new pod runs on another node, neither a single-node claim nor SQLite can be used by
    both, and the rollout would hang. While two revisions run side by side, each stores what it receives, and the older
    one's data is lost with it; `config/overlays/postgres` stores data permanently.
    """
    if listener.keeps:
        template = service["spec"]["template"]
        template["metadata"]["annotations"] = dict.fromkeys(template["metadata"]["annotations"], "1")
        template["spec"]["volumes"] = [{"name": VOLUME, "emptyDir": {"sizeLimit": SIZE}}]
        template["spec"]["containers"][0]["volumeMounts"] = [{"name": VOLUME, "mountPath": listener.keeps}]
    return service


def _container(component: str, settings: Mapping[str, str]) -> Object:
    """Return the container that serves a function or a listener."""
    sink = f"{INGRESS}/{NAMESPACE}/{BROKER}"
    environment = {
        "FUNCTION": component,
        **settings,
        **repositories.ENVIRONMENT,
        SETTING: sink,
        "NAMESPACE": NAMESPACE,
    }
    return {
        "image": IMAGE,
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        # No liveness probe: on a node that is slow while many functions start at once, it would kill processes before
        # they listen, and each restart makes the node slower. `alive` checks nothing that readiness does not.
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


def _service(
    name: str,
    component: str,
    *,
    pods: int = 3,
    timeout: int = TRIGGER,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Object:
    """Return a Knative Service of the one image, with up to `pods` pods; only the cluster can reach it.

    A reconciler has one pod (`runtime.seen`).
    """
    scale = {"autoscaling.knative.dev/min-scale": "0", "autoscaling.knative.dev/max-scale": str(pods)}
    template = {
        "metadata": {"annotations": scale, "labels": labels(component)},
        "spec": {
            "serviceAccountName": name,
            "containerConcurrency": THREADS,  # most of them may wait
            "timeoutSeconds": revision(timeout),
            "containers": [_container(component, settings)],
        },
    }
    service = manifest("serving.knative.dev/v1", "Service", name, component, spec={"template": template})
    service["metadata"]["labels"] |= {"networking.knative.dev/visibility": "cluster-local"}
    return service
