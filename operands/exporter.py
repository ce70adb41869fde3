"""The exporter's pod and its objects, as a Kepler v0.7.12 needs them on a node."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from crds.kepler import Kepler
from operands import children, engine, machine_spec_volume, redfish, settled_config, sidecar
from operands.cfm import Key
from runtime.objects import Manifest, Ref
from runtime.outcome import Intent

TOKEN_VOLUME = "token"


def keys(kepler: Kepler) -> dict[Key, str]:
    """The keys of `kepler-cfm` that say where and how often the exporter works."""
    collector = kepler.spec.collector
    return {
        Key.KEPLER_NAMESPACE: kepler.namespace,
        Key.KEPLER_LOG_LEVEL: str(collector.log_level),
        Key.METRIC_PATH: engine.METRIC_PATH,
        Key.BIND_ADDRESS: address(kepler),
        Key.SAMPLE_PERIOD_SEC: str(collector.sample_period),
        # Kepler turns it off by itself where the kernel or the cgroup version cannot do it.
        Key.ENABLE_EBPF_CGROUPID: "true",
    }


def address(kepler: Kepler) -> str:
    """Return the address to listen on: every one of the pod's, IPv4 or IPv6 as the cluster has them."""
    return f":{kepler.spec.collector.port}"


def service(parent: Manifest, key: Ref) -> Intent:
    """A headless Service: Prometheus scrapes every node's exporter, none is picked for it."""
    collector = Kepler.model_validate(parent).spec.collector
    port = {"name": children.PORT_NAME, "port": collector.port, "protocol": "TCP", "targetPort": children.PORT_NAME}
    spec = {"clusterIP": "None", "selector": children.selector(parent), "ports": [port]}
    intent = children.child(parent, children.service(key), "exporter", {"spec": spec})
    return children.annotated(intent, collector.service_annotations)


def account(parent: Manifest, key: Ref) -> Intent:
    """The ServiceAccount that the shipped ClusterRoleBinding names as a subject; no pod gets its token unasked."""
    return children.child(parent, children.account(key), "exporter", {"automountServiceAccountToken": False})


@dataclass(frozen=True)
class PodInputs:
    """What the exporter's pods are made from beside the Kepler.

    `settled` is the configuration, `digest` the hash of all of `kepler-cfm`; `estimator` is the image of the estimator
    beside each exporter, None for none.
    """

    image: str
    settled: Mapping[str, str]
    digest: str
    estimator: str | None = None


def daemon_set(parent: Manifest, key: Ref, inputs: PodInputs) -> Intent:
    """One exporter a node; a changed configuration changes the pods."""
    kepler, estimator = Kepler.model_validate(parent), inputs.estimator
    alone = pod(kepler, inputs)
    collector = kepler.spec.collector
    labels = {**collector.pod_labels, **children.labels(parent, "exporter")}
    ours = {children.CONFIG_HASH: inputs.digest, **settled_config.annotations(inputs.settled)}
    template = {
        "metadata": {"labels": labels, "annotations": {**collector.pod_annotations, **ours}},
        "spec": sidecar.with_estimator(alone, kepler, estimator) if estimator else alone,
    }
    spec = {"selector": {"matchLabels": children.selector(parent)}, "template": template}
    strategy = collector.update_strategy
    body = {"spec": {**spec, **({"updateStrategy": strategy} if strategy else {})}}
    return replace(children.child(parent, children.daemon_set(key), "exporter", body), field="collector")


def pod(kepler: Kepler, inputs: PodInputs) -> dict[str, Any]:
    """The pod: privileged and in the host's PID namespace, since eBPF, RAPL and attribution need both."""
    collector = kepler.spec.collector
    tolerations = engine.TOLERATIONS if collector.tolerations is None else collector.tolerations
    chosen = {
        "nodeSelector": {**collector.node_selector, **engine.NODE_SELECTOR},
        "tolerations": [*tolerations],
        "priorityClassName": collector.priority_class,
        "runtimeClassName": collector.runtime_class,
        "affinity": collector.affinity,
        "imagePullSecrets": [*collector.image_pull_secrets],
    }
    return {
        "serviceAccountName": children.ACCOUNT,
        "automountServiceAccountToken": False,
        "hostPID": True,
        "containers": [container(kepler, inputs.image)],
        "volumes": [*volumes(inputs.settled), *machine_spec_volume.volumes(kepler), *redfish.volumes(kepler)],
        **{field: value for field, value in chosen.items() if value},
    }


def container(kepler: Kepler, image: str) -> dict[str, Any]:
    """The exporter itself. Its address is also in `kepler-cfm`, which wins over the flag and agrees with it."""
    collector = kepler.spec.collector
    return {
        "name": children.EXPORTER,
        **engine.pulled(image),
        "command": [engine.COMMAND],
        "args": [
            f"-address={address(kepler)}",
            f"-metrics-path={engine.METRIC_PATH}",
            "-enable-cgroup-id=true",
            f"-v={collector.log_level}",
        ],
        "env": environment(kepler),
        "ports": [{"name": children.PORT_NAME, "containerPort": collector.port, "protocol": "TCP"}],
        "securityContext": {"privileged": True},
        "resources": collector.resources or engine.RESOURCES,
        "volumeMounts": [*mounts(), *machine_spec_volume.mounts(kepler), *redfish.mounts(kepler)],
        **probes(),
    }


def environment(kepler: Kepler) -> list[dict[str, Any]]:
    """Node name and address by the downward API (without a name Kepler ends), then the user's own."""
    return [
        {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "NODE_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}},
        *redfish.variables(kepler),
        *kepler.spec.collector.env,
    ]


def probes() -> dict[str, Any]:
    """Started: it listens, after loading eBPF. Ready and alive: it answers. All ask `/healthz`, which is cheap.

    The kubelet asks a first time one period after the start, and Kepler listens after 0.2 s: the period of the startup
    probe is what a rollout waits for on each node. It may take two minutes.
    """
    ask = {"httpGet": {"path": engine.HEALTH_PATH, "port": children.PORT_NAME}}
    return {
        "startupProbe": {**ask, "periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": 120},
        "readinessProbe": {**ask, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3},
        "livenessProbe": {**ask, "periodSeconds": 60, "timeoutSeconds": 10, "failureThreshold": 5},
    }


def mounts() -> list[dict[str, Any]]:
    """What of the host, and of the configuration, the exporter sees; all but `/proc` read-only.

    Kepler reads the settled configuration. `/etc/config` is `kepler-cfm` itself, as the working document has it.
    """
    host = {"lib-modules": engine.LIB_MODULES, "tracing": engine.SYS}
    return [
        *({"name": name, "mountPath": path, "readOnly": True} for name, path in host.items()),
        {"name": "proc", "mountPath": engine.PROC},
        {"name": TOKEN_VOLUME, "mountPath": engine.TOKEN_PATH, "readOnly": True},
        {"name": settled_config.VOLUME, "mountPath": engine.CONFIG_PATH, "readOnly": True},
        {"name": children.CONFIG_VOLUME, "mountPath": engine.DOCUMENT_CONFIG_PATH, "readOnly": True},
    ]


def volumes(settled: Mapping[str, str]) -> list[dict[str, Any]]:
    """Three directories of the host, the settled configuration and `kepler-cfm`, one file a key, and the token."""
    return [
        {"name": "lib-modules", "hostPath": {"path": engine.LIB_MODULES, "type": "DirectoryOrCreate"}},
        {"name": "tracing", "hostPath": {"path": engine.SYS, "type": "Directory"}},
        {"name": "proc", "hostPath": {"path": engine.PROC, "type": "Directory"}},
        settled_config.volume(settled),
        {"name": children.CONFIG_VOLUME, "configMap": {"name": children.CFM}},
        token(),
    ]


def token() -> dict[str, Any]:
    """The account's token, as Kubernetes would mount it into every container: here it is the exporter's alone.

    Beside it runs the estimator, whose models are code.
    """
    place = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"}
    authority = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": engine.TOKEN_SECONDS}},
        {"configMap": authority},
        {"downwardAPI": {"items": [place]}},
    ]
    return {"name": TOKEN_VOLUME, "projected": {"sources": sources}}
