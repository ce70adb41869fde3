"""The estimator in the exporter's pods, as a native sidecar: it listens before the exporter starts.

Otherwise, Kepler finds no socket at its start, and uses its built-in models for as long as it runs.
"""

from collections.abc import Mapping
from typing import Any

from crds.kepler import Kepler
from operands import architecture, kepler_v07, machine_spec_volume, settled_config

NAME = "estimator"
SOCKET_VOLUME = "tmp"
MODELS_VOLUME = "mnt"


def image(kepler: Kepler, images: Mapping[str, str]) -> str | None:
    """Return the estimator's image after defaults; None if the estimator is off."""
    wanted = kepler.spec.estimator_sidecar
    return kepler_v07.image(wanted.image, kepler_v07.MODEL_SERVER_IMAGE_SETTING, images) if wanted.enabled else None


def with_estimator(exporter: dict[str, Any], kepler: Kepler, chosen: str) -> dict[str, Any]:
    """Return the exporter's pod with the estimator in it, and with a shared directory for their socket.

    The pod selects nodes on which both can run.
    """
    meeting = {"name": SOCKET_VOLUME, "mountPath": kepler.spec.estimator_sidecar.mnt_path}
    containers = [
        {**container, "volumeMounts": [*container["volumeMounts"], meeting]} for container in exporter["containers"]
    ]
    volumes = [{"name": name, "emptyDir": {}} for name in (SOCKET_VOLUME, MODELS_VOLUME)]
    return {
        **exporter,
        "nodeSelector": {**exporter["nodeSelector"], **architecture.estimator_node_selector(kepler, chosen)},
        "initContainers": [container(kepler, chosen, meeting)],
        "containers": containers,
        "volumes": [*exporter["volumes"], *volumes],
    }


def container(kepler: Kepler, chosen: str, meeting: Mapping[str, str]) -> dict[str, Any]:
    """Return the estimator's container. The sidecar has started once it listens.

    `restartPolicy: Always` makes an init container a sidecar (Kubernetes 1.29).
    """
    wanted = kepler.spec.estimator_sidecar
    return {
        "name": NAME,
        **kepler_v07.pulled(chosen),
        "args": ["estimator"],  # the image's entrypoint is `bash -c`
        **({"env": [*wanted.env]} if wanted.env else {}),
        "restartPolicy": "Always",
        "startupProbe": {
            "exec": {"command": ["test", "-S", kepler_v07.ESTIMATOR_SOCKET]},
            "periodSeconds": 2,
            "timeoutSeconds": 5,
            "failureThreshold": 60,
        },
        "resources": wanted.resources or kepler_v07.ESTIMATOR_RESOURCES,
        "securityContext": {"allowPrivilegeEscalation": False},
        "volumeMounts": [
            {"name": settled_config.VOLUME, "mountPath": kepler_v07.CONFIG_PATH, "readOnly": True},
            *machine_spec_volume.mounts(kepler),
            {"name": MODELS_VOLUME, "mountPath": kepler_v07.MNT_PATH},
            meeting,
        ],
    }
