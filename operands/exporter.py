"""The exporter's pod and its objects, as Kepler v0.7.12 needs them on a node."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from crds.kepler import Kepler
from operands import children, kepler_v07, machine_spec_volume, model_server_state, redfish, settled_config, sidecar
from operands.cfm import Key
from runtime.objects import Manifest, Ref
from runtime.outcome import Intent

TOKEN_VOLUME = "token"


def keys(kepler: Kepler) -> dict[Key, str]:
    """Return the keys of `kepler-cfm` that configure the exporter's process, such as its address and log level."""
    collector = kepler.spec.collector
    return {
        Key.KEPLER_NAMESPACE: kepler.namespace,
        Key.KEPLER_LOG_LEVEL: str(collector.log_level),
        Key.METRIC_PATH: kepler_v07.METRIC_PATH,
        Key.BIND_ADDRESS: address(kepler),
        Key.SAMPLE_PERIOD_SEC: str(collector.sample_period),
        # Kepler turns it off by itself where the kernel or the cgroup version cannot do it.
        Key.ENABLE_EBPF_CGROUPID: "true",
    }


def address(kepler: Kepler) -> str:
    """Return the address to listen on: all addresses of the pod, IPv4 or IPv6, depending on the cluster."""
    return f":{kepler.spec.collector.port}"


def service(parent: Manifest, key: Ref) -> Intent:
    """Return a headless Service: Prometheus scrapes the exporter of every node, not one picked by the Service."""
    collector = Kepler.model_validate(parent).spec.collector
    port = {"name": children.PORT_NAME, "port": collector.port, "protocol": "TCP", "targetPort": children.PORT_NAME}
    spec = {"clusterIP": "None", "selector": children.selector(parent), "ports": [port]}
    intent = children.child(parent, children.service(key), "exporter", {"spec": spec})
    return children.annotated(intent, collector.service_annotations)


def account(parent: Manifest, key: Ref) -> Intent:
    """Return the ServiceAccount that the shipped ClusterRoleBinding names; its token is not mounted by default."""
    return children.child(parent, children.account(key), "exporter", {"automountServiceAccountToken": False})


@dataclass(frozen=True)
class PodInputs:
    """What the exporter's pods are made from, in addition to the Kepler.

    `settled` is the configuration, `digest` the hash of all of `kepler-cfm`. `estimator` is the image of the estimator
    sidecar, None for none. `server` is the state of the model server (`operands.model_server_state`), empty for none.
    """

    image: str
    settled: Mapping[str, str]
    digest: str
    estimator: str | None = None
    server: str = ""


def daemon_set(parent: Manifest, key: Ref, inputs: PodInputs) -> Intent:
    """Return the DaemonSet. A changed configuration changes the pod template, and so replaces the pods."""
    kepler, estimator = Kepler.model_validate(parent), inputs.estimator
    alone = pod(kepler, inputs)
    server = {model_server_state.ANNOTATION: inputs.server} if inputs.server else {}
    annotations = {children.CONFIG_HASH: inputs.digest, **settled_config.annotations(inputs.settled), **server}
    spec = sidecar.with_estimator(alone, kepler, estimator) if estimator else alone
    return workload(parent, key, annotations, spec)


def workload(parent: Manifest, key: Ref, annotations: Mapping[str, str], pod_spec: Mapping[str, Any]) -> Intent:
    """Return a DaemonSet of pods with this spec; `annotations` are added to the user's own."""
    collector = Kepler.model_validate(parent).spec.collector
    labels = {**collector.pod_labels, **children.labels(parent, "exporter")}
    template = {
        "metadata": {"labels": labels, "annotations": {**collector.pod_annotations, **annotations}},
        "spec": pod_spec,
    }
    spec = {"selector": {"matchLabels": children.selector(parent)}, "template": template}
    strategy = collector.update_strategy
    body = {"spec": {**spec, **({"updateStrategy": strategy} if strategy else {})}}
    return replace(children.child(parent, children.daemon_set(key), "exporter", body), field="collector")


def placement(kepler: Kepler) -> dict[str, Any]:
    """Return the fields of the pod's spec that say where it runs and who it is, for every line of releases."""
    collector = kepler.spec.collector
    tolerations = kepler_v07.TOLERATIONS if collector.tolerations is None else collector.tolerations
    chosen = {
        "nodeSelector": {**collector.node_selector, **kepler_v07.NODE_SELECTOR},
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
        **{field: value for field, value in chosen.items() if value},
    }


def pod(kepler: Kepler, inputs: PodInputs) -> dict[str, Any]:
    """Return the pod's spec: privileged and in the host's PID namespace, since eBPF, RAPL and attribution need both."""
    return {
        **placement(kepler),
        "containers": [container(kepler, inputs.image)],
        "volumes": [*volumes(inputs.settled), *machine_spec_volume.volumes(kepler), *redfish.volumes(kepler)],
    }


def container(kepler: Kepler, image: str) -> dict[str, Any]:
    """Return the exporter's container. Its address is also in `kepler-cfm`, which overrides the flag and equals it."""
    collector = kepler.spec.collector
    return {
        "name": children.EXPORTER,
        **kepler_v07.pulled(image),
        "command": [kepler_v07.COMMAND],
        "args": [
            f"-address={address(kepler)}",
            f"-metrics-path={kepler_v07.METRIC_PATH}",
            "-enable-cgroup-id=true",
            f"-v={collector.log_level}",
        ],
        "env": environment(kepler),
        "ports": [{"name": children.PORT_NAME, "containerPort": collector.port, "protocol": "TCP"}],
        "securityContext": {"privileged": True},
        "resources": collector.resources or kepler_v07.RESOURCES,
        # The end of its log is then in the pod's status, where `kubectl kepler explain` reads why it ended.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [*mounts(), *machine_spec_volume.mounts(kepler), *redfish.mounts(kepler)],
        **probes(),
    }


def environment(kepler: Kepler) -> list[dict[str, Any]]:
    """Return node name and address from the downward API (Kepler exits without a name), then the user's variables."""
    return [
        {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "NODE_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}},
        *redfish.variables(kepler),
        *kepler.spec.collector.env,
    ]


def probes() -> dict[str, Any]:
    """Return the probes. The exporter has started once it listens; it is ready and alive if it answers.

    It listens after loading eBPF. All probes request `/healthz`, which is cheap. The kubelet probes first one period
    after the start, and Kepler listens after 0.2 s, so the period of the startup probe is what a rollout waits for on
    each node. A start may take two minutes.
    """
    return probes_of({"httpGet": {"path": kepler_v07.HEALTH_PATH, "port": children.PORT_NAME}}, start_seconds=120)


def probes_of(ask: Mapping[str, Any], *, start_seconds: int) -> dict[str, Any]:
    """Return the three probes of an exporter of any line: each asks `ask`, and a start may take `start_seconds`."""
    return {
        "startupProbe": {**ask, "periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": start_seconds},
        "readinessProbe": {**ask, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 3},
        "livenessProbe": {**ask, "periodSeconds": 60, "timeoutSeconds": 10, "failureThreshold": 5},
    }


def mounts() -> list[dict[str, Any]]:
    """Return the exporter's mounts of the host, the token and the configuration; all but `/proc` are read-only.

    Kepler reads the settled configuration. `/etc/config` is `kepler-cfm` itself, as the working document requires.
    """
    host = {"lib-modules": kepler_v07.LIB_MODULES, "tracing": kepler_v07.SYS}
    return [
        *({"name": name, "mountPath": path, "readOnly": True} for name, path in host.items()),
        {"name": "proc", "mountPath": kepler_v07.PROC},
        {"name": TOKEN_VOLUME, "mountPath": kepler_v07.TOKEN_PATH, "readOnly": True},
        {"name": settled_config.VOLUME, "mountPath": kepler_v07.CONFIG_PATH, "readOnly": True},
        {"name": children.CONFIG_VOLUME, "mountPath": kepler_v07.DOCUMENT_CONFIG_PATH, "readOnly": True},
    ]


def volumes(settled: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the volumes: host directories, settled configuration, `kepler-cfm` (one file for each key), token."""
    return [
        {"name": "lib-modules", "hostPath": {"path": kepler_v07.LIB_MODULES, "type": "DirectoryOrCreate"}},
        {"name": "tracing", "hostPath": {"path": kepler_v07.SYS, "type": "Directory"}},
        {"name": "proc", "hostPath": {"path": kepler_v07.PROC, "type": "Directory"}},
        settled_config.volume(settled),
        {"name": children.CONFIG_VOLUME, "configMap": {"name": children.CFM}},
        token(),
    ]


def token() -> dict[str, Any]:
    """Return the volume with the account's token, as Kubernetes would mount it into every container of the pod.

    Only the exporter mounts it. The estimator in the same pod gets none, since its models are code.
    """
    place = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"}
    authority = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": kepler_v07.TOKEN_SECONDS}},
        {"configMap": authority},
        {"downwardAPI": {"items": [place]}},
    ]
    return {"name": TOKEN_VOLUME, "projected": {"sources": sources}}
