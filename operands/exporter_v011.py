"""The exporter's pod as Kepler v0.11 needs it: not privileged, with one configuration file.

`kepler_v07` and `kepler_v011` have what the programs of v0.7 and v0.11 define: paths, flags, resources. Taken from
manifests/k8s/daemonset.yaml of github.com/sustainable-computing-io/kepler at tag v0.11.4, and from what that
program was seen to need.
"""

from dataclasses import dataclass
from typing import Any, Final

from crds.kepler import Kepler
from operands import children, exporter, kepler_config, kepler_v011, kepler_v07, redfish, settled_config, web_config
from runtime.objects import Manifest, Ref
from runtime.outcome import Intent

DRIVER_VOLUME: Final = "nvidia-driver"

# As root, since only root may read RAPL's counters; of root's capabilities, SYS_PTRACE alone: without it, one process
# whose `exe` link cannot be read makes a whole measurement fail.
SECURITY: Final = {
    "privileged": False,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsUser": 0,
    "capabilities": {"drop": ["ALL"], "add": [kepler_v011.CAPABILITY]},
}


@dataclass(frozen=True)
class PodInputsV011:
    """What the pods are made from, in addition to the Kepler: the image, the text of `config.yaml`, GPUs or none."""

    image: str
    config: str
    gpu: bool = False


def daemon_set(parent: Manifest, key: Ref, inputs: PodInputsV011) -> Intent:
    """Return the DaemonSet. A changed configuration changes the pod template, and so replaces the pods."""
    kepler = Kepler.model_validate(parent)
    # The text is an annotation of the pod template, of which the downward API makes a file (`volumes`).
    config_annotations = settled_config.annotations({kepler_v011.CONFIG_FILE: inputs.config})
    annotations = {children.CONFIG_HASH: kepler_config.digest(inputs.config), **config_annotations}
    return exporter.workload(parent, key, annotations, pod(kepler, inputs))


def pod(kepler: Kepler, inputs: PodInputsV011) -> dict[str, Any]:
    """Return the pod's spec, in the host's PID namespace, since processes are attributed to containers by /proc."""
    return {
        **exporter.placement(kepler),  # nodes, priority, ServiceAccount and `hostPID`
        "containers": [container(kepler, inputs)],
        "volumes": [*volumes(gpu=inputs.gpu), *redfish.volumes(kepler), *web_config.volumes(kepler)],
    }


def container(kepler: Kepler, inputs: PodInputsV011) -> dict[str, Any]:
    """Return the exporter's container. The node's name is a flag, since the file is the same on all nodes."""
    collector = kepler.spec.collector
    file = f"{kepler_v011.CONFIG_DIRECTORY}/{kepler_v011.CONFIG_FILE}"
    return {
        "name": children.EXPORTER,
        **kepler_v07.pulled(inputs.image),
        "command": [kepler_v011.COMMAND],
        "args": [f"--config.file={file}", "--kube.enable", "--kube.node-name=$(NODE_NAME)"],
        "env": [*environment(gpu=inputs.gpu), *collector.env],
        "ports": [{"name": children.PORT_NAME, "containerPort": collector.port, "protocol": "TCP"}],
        "securityContext": SECURITY,
        "resources": collector.resources or kepler_v011.RESOURCES,
        "terminationMessagePolicy": "FallbackToLogsOnError",  # `kubectl kepler explain` reads the last line from there
        "volumeMounts": [*mounts(gpu=inputs.gpu), *redfish.mounts(kepler), *web_config.mounts(kepler)],
        **probes(kepler),
    }


def environment(*, gpu: bool) -> list[dict[str, Any]]:
    """Return the node's name by the downward API and, for GPUs, where the driver's libraries are."""
    return [
        {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        *([{"name": kepler_v011.LIBRARY_PATH, "value": kepler_v011.DRIVER_LIBRARIES}] if gpu else []),
    ]


def probes(kepler: Kepler) -> dict[str, Any]:
    """Return the probes. Kepler listens once it has a meter, and its root page costs nothing; `/metrics` measures anew.

    A web configuration may ask for a password or a certificate of the client, which a kubelet does not have: then
    listening is enough.
    """
    path = {"path": kepler_v011.ROOT_PATH, "port": children.PORT_NAME}
    secured = kepler.spec.collector.web_config.secret is not None
    ask: dict[str, Any] = {"tcpSocket": {"port": children.PORT_NAME}} if secured else {"httpGet": path}
    return exporter.probes_of(ask, start_seconds=60)


def mounts(*, gpu: bool) -> list[dict[str, Any]]:
    """Return the mounts, all read-only: host directories, configuration, and the token to list pods with."""
    paths = {
        "sys": kepler_v011.HOST_SYS,
        "proc": kepler_v011.HOST_PROC,
        settled_config.VOLUME: kepler_v011.CONFIG_DIRECTORY,
        exporter.TOKEN_VOLUME: kepler_v07.TOKEN_PATH,
        **({DRIVER_VOLUME: kepler_v011.DRIVER} if gpu else {}),
    }
    return [{"name": name, "mountPath": path, "readOnly": True} for name, path in paths.items()]


def volumes(*, gpu: bool) -> list[dict[str, Any]]:
    """Return the volumes that every exporter has, and the driver's directory where there may be GPUs.

    The configuration is a copy in the pod template, not ConfigMap `kepler-config` itself: Kepler reads it once, and a
    kubelet may still have the ConfigMap's last version when it starts a new pod.
    """
    driver = {"hostPath": {"path": kepler_v011.DRIVER, "type": "DirectoryOrCreate"}}
    return [
        {"name": "sys", "hostPath": {"path": kepler_v07.SYS, "type": "Directory"}},
        {"name": "proc", "hostPath": {"path": kepler_v07.PROC, "type": "Directory"}},
        settled_config.volume([kepler_v011.CONFIG_FILE]),
        exporter.token(),
        *([{"name": DRIVER_VOLUME, **driver}] if gpu else []),
    ]
