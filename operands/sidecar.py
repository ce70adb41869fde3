"""The estimator in the exporter's pods, as a native sidecar: started, and listening, before the exporter is.

Without that, Kepler finds no socket at its start and falls back to models of its own for as long as it runs.
"""

from collections.abc import Mapping
from typing import Any

from crds.kepler import Kepler
from operands import architecture, engine, machine_spec_volume, settled_config

NAME = "estimator"
SOCKET_VOLUME = "tmp"
MODELS_VOLUME = "mnt"


def image(kepler: Kepler, images: Mapping[str, str]) -> str | None:
    """The estimator's image after defaults; None where there is no estimator."""
    wanted = kepler.spec.estimator_sidecar
    return engine.image(wanted.image, engine.MODEL_SERVER_IMAGE_SETTING, images) if wanted.enabled else None


def with_estimator(exporter: dict[str, Any], kepler: Kepler, chosen: str) -> dict[str, Any]:
    """The exporter's pod with the estimator in it, and the directory of the socket shared between them.

    It runs where both can.
    """
    meeting = {"name": SOCKET_VOLUME, "mountPath": kepler.spec.estimator_sidecar.mnt_path}
    containers = [
        {**container, "volumeMounts": [*container["volumeMounts"], meeting]} for container in exporter["containers"]
    ]
    volumes = [{"name": name, "emptyDir": {}} for name in (SOCKET_VOLUME, MODELS_VOLUME)]
    return {
        **exporter,
        "nodeSelector": {**exporter["nodeSelector"], **architecture.estimator(kepler, chosen)},
        "initContainers": [container(kepler, chosen, meeting)],
        "containers": containers,
        "volumes": [*exporter["volumes"], *volumes],
    }


def container(kepler: Kepler, chosen: str, meeting: Mapping[str, str]) -> dict[str, Any]:
    """`restartPolicy: Always` makes an init container a sidecar (Kubernetes 1.29); it has started when it listens."""
    wanted = kepler.spec.estimator_sidecar
    return {
        "name": NAME,
        **engine.pulled(chosen),
        "args": ["estimator"],  # the image's entrypoint is `bash -c`
        **({"env": [*wanted.env]} if wanted.env else {}),
        "restartPolicy": "Always",
        "startupProbe": {
            "exec": {"command": ["test", "-S", engine.ESTIMATOR_SOCKET]},
            "periodSeconds": 2,
            "timeoutSeconds": 5,
            "failureThreshold": 60,
        },
        "resources": wanted.resources or engine.ESTIMATOR_RESOURCES,
        "securityContext": {"allowPrivilegeEscalation": False},
        "volumeMounts": [
            {"name": settled_config.VOLUME, "mountPath": engine.CONFIG_PATH, "readOnly": True},
            *machine_spec_volume.mounts(kepler),
            {"name": MODELS_VOLUME, "mountPath": engine.MNT_PATH},
            meeting,
        ],
    }
