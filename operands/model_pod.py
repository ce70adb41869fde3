"""The model server's pod and its objects, as v0.7.12 needs them."""

import hashlib
import json
from dataclasses import replace
from typing import Any

from crds.kepler import Kepler
from crds.model_server_fields import Storage
from operands import architecture, children, kepler_v07, model_server_start, model_store
from runtime.objects import Manifest, Ref
from runtime.outcome import Intent

COMPONENT = "model-server"
SERVER = "server-api"
DATA_VOLUME = "data"

# Every key this function may write to its ConfigMap; all others are the user's (such as MODEL_TOPURL, ERROR_KEY).
CONFIG_KEYS = frozenset(
    {
        "INITIAL_PIPELINE_URL",
        "MNT_PATH",
        "MODEL_PATH",
        "MODEL_SERVER_PORT",
        "RESOURCE_DIR",
    }
)


def settings(kepler: Kepler) -> dict[str, str]:
    """Return what the model server reads, one file for each key.

    The names are those of kepler-model-server:src/kepler_model/util/config.py.
    """
    wanted = kepler.spec.model_server
    named = {"INITIAL_PIPELINE_URL": ",".join(wanted.pipelines)} if wanted.pipelines else {}
    return {
        "MNT_PATH": kepler_v07.MNT_PATH,
        "MODEL_PATH": model_store.directory(wanted.storage),
        "MODEL_SERVER_PORT": str(wanted.port),
        "RESOURCE_DIR": kepler_v07.RESOURCE_PATH,
        **named,
    }


def config(parent: Manifest, key: Ref, data: dict[str, str]) -> Intent:
    """Return the ConfigMap of the model server."""
    return _child(parent, children.model_config(key), {"data": data})


def settings_hash(config_map: Manifest | None, data: dict[str, str], storage: Storage) -> str:
    """Return a hash of what decides which models are served.

    This is the storage, and the ConfigMap, including users' keys, as it will be once `data` is written.
    """
    theirs = {key: value for key, value in ((config_map or {}).get("data") or {}).items() if key not in CONFIG_KEYS}
    decides = {"data": {**theirs, **data}, "storage": model_store.place(storage)}
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]


def service(parent: Manifest, key: Ref) -> Intent:
    """Return a headless Service: there is one pod, and clients need only its name."""
    wanted = Kepler.model_validate(parent).spec.model_server
    port = {"name": children.PORT_NAME, "port": wanted.port, "protocol": "TCP", "targetPort": children.PORT_NAME}
    spec = {"clusterIP": "None", "selector": children.selector(parent, children.MODEL_SERVER), "ports": [port]}
    return children.annotated(_child(parent, children.model_service(key), {"spec": spec}), wanted.service_annotations)


def deployment(parent: Manifest, key: Ref, images: tuple[str, str], digest: str) -> Intent:
    """Return the Deployment with one pod.

    `images` are the images of model server and rclone. `digest` is a hash of the configuration, so that a change of it
    replaces the pod.
    """
    kepler = Kepler.model_validate(parent)
    wanted = kepler.spec.model_server
    template = {
        "metadata": {
            "labels": {**wanted.pod_labels, **children.labels(parent, COMPONENT, children.MODEL_SERVER)},
            "annotations": {**wanted.pod_annotations, children.CONFIG_HASH: digest},
        },
        "spec": pod(kepler, *images),
    }
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": children.selector(parent, children.MODEL_SERVER)},
        "strategy": strategy(kepler),
        "template": template,
    }
    return replace(_child(parent, children.deployment(key), {"spec": spec}), field="model-server")


def strategy(kepler: Kepler) -> dict[str, Any]:
    """Return the update strategy: 'Recreate' if two pods would share a directory, else 'RollingUpdate'.

    `rollingUpdate` is explicit, so that this function owns it and can remove it. A defaulted one would stay, and the
    API server refuses it together with 'Recreate'.
    """
    if model_store.is_shared(kepler.spec.model_server.storage):
        return {"type": "Recreate"}
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def pod(kepler: Kepler, image: str, rclone: str) -> dict[str, Any]:
    """Return the spec of the pod with the model server and the copy from an object store; it has no token."""
    wanted = kepler.spec.model_server
    chosen = {
        "initContainers": model_store.copies(kepler, rclone),
        "tolerations": [*wanted.tolerations],
        "priorityClassName": wanted.priority_class,
        "runtimeClassName": wanted.runtime_class,
        "imagePullSecrets": pull_secrets(kepler),
    }
    return {
        "automountServiceAccountToken": False,
        "containers": [{**container(kepler, image), **serving(wanted.port)}],
        "nodeSelector": {
            **wanted.node_selector,
            **kepler_v07.NODE_SELECTOR,
            **architecture.node_selector(image, wanted.node_selector),
        },
        "volumes": volumes(kepler),
        **{field: value for field, value in chosen.items() if value},
    }


def pull_secrets(kepler: Kepler) -> list[dict[str, Any]]:
    """Return the exporter's pull secrets, since one registry may have all images, and the model server's; each once."""
    secrets = (*kepler.spec.collector.image_pull_secrets, *kepler.spec.model_server.image_pull_secrets)
    return [secret for place, secret in enumerate(secrets) if secret not in secrets[:place]]


def container(kepler: Kepler, image: str) -> dict[str, Any]:
    """Return the server's container, without port and probes."""
    wanted = kepler.spec.model_server
    return {
        "name": SERVER,
        **kepler_v07.pulled(image),
        "args": model_server_start.arguments(),
        **({"env": [*wanted.env]} if wanted.env else {}),
        "resources": wanted.resources or kepler_v07.MODEL_SERVER_RESOURCES,
        "securityContext": {"allowPrivilegeEscalation": False},
        "volumeMounts": [
            {"name": children.CONFIG_VOLUME, "mountPath": kepler_v07.CONFIG_PATH, "readOnly": True},
            *model_store.mounts(wanted.storage),
            {"name": DATA_VOLUME, "mountPath": kepler_v07.DATA_PATH},
        ],
    }


def serving(port: int) -> dict[str, Any]:
    """Return the port, and probes that connect to it.

    The server listens once it has fetched and loaded what it can (`operands.model_server_start`), which may take ten
    minutes. The list of models is no probe: it is an error on a server that has models for some meters, but none for
    RAPL (kepler-model-server:src/kepler_model/server/model_server.py, get_available_models).
    """
    ask = {"tcpSocket": {"port": children.PORT_NAME}, "timeoutSeconds": 10}
    return {
        "ports": [{"name": children.PORT_NAME, "containerPort": port, "protocol": "TCP"}],
        "startupProbe": {**ask, "periodSeconds": 10, "failureThreshold": 60},
        "readinessProbe": {**ask, "periodSeconds": 10, "failureThreshold": 3},
        "livenessProbe": {**ask, "periodSeconds": 60, "failureThreshold": 5},
    }


def volumes(kepler: Kepler) -> list[dict[str, Any]]:
    """Return the volumes for configuration, models, and the archives that the server unpacks."""
    return [
        {"name": children.CONFIG_VOLUME, "configMap": {"name": children.MODEL_CONFIG}},
        *model_store.volumes(kepler.spec.model_server.storage),
        {"name": DATA_VOLUME, "emptyDir": {}},
    ]


def _child(parent: Manifest, ref: Ref, body: dict[str, Any]) -> Intent:
    return children.child(parent, ref, COMPONENT, body, children.MODEL_SERVER)
