"""The model server's pod and its objects, as v0.7.12 needs them; the trainer is a container in the same pod."""

import hashlib
import json
from dataclasses import replace
from typing import Any

from crds.kepler import Kepler
from operands import architecture, children, engine, model_store
from runtime.objects import Manifest, Ref
from runtime.outcome import Intent

COMPONENT = "model-server"
DATA_VOLUME = "data"

# Every key this function may write to its ConfigMap; all others are the user's (such as MODEL_TOPURL, ERROR_KEY).
CONFIG_KEYS = frozenset(
    {
        "INITIAL_PIPELINE_URL",
        "MNT_PATH",
        "MODEL_PATH",
        "MODEL_SERVER_PORT",
        "PROM_QUERY_INTERVAL",
        "PROM_QUERY_STEP",
        "PROM_SERVER",
        "RESOURCE_DIR",
        "SAMPLING_INTERVAL",
    }
)


def settings(kepler: Kepler) -> dict[str, str]:
    """Return what model server and trainer read, one file for each key.

    The names are those of MS:src/kepler_model/util/config.py and prom_types.py.
    """
    wanted = kepler.spec.model_server
    optional = {"INITIAL_PIPELINE_URL": ",".join(wanted.pipelines), "PROM_SERVER": wanted.training.prometheus_url}
    return {
        "MNT_PATH": engine.MNT_PATH,
        "MODEL_PATH": model_store.directory(wanted.storage),
        "MODEL_SERVER_PORT": str(wanted.port),
        "PROM_QUERY_INTERVAL": str(wanted.sampling_period),
        "PROM_QUERY_STEP": str(wanted.training.step),
        "RESOURCE_DIR": engine.RESOURCE_PATH,
        "SAMPLING_INTERVAL": str(wanted.sampling_period),
        **{key: value for key, value in optional.items() if value},
    }


def config(parent: Manifest, key: Ref, data: dict[str, str]) -> Intent:
    """Return the ConfigMap of model server and trainer."""
    return _child(parent, children.model_config(key), {"data": data})


def settings_hash(secret: Manifest | None, data: dict[str, str]) -> str:
    """Return a hash of the ConfigMap, including users' keys, as it will be once `data` is written."""
    theirs = {key: value for key, value in ((secret or {}).get("data") or {}).items() if key not in CONFIG_KEYS}
    return hashlib.sha256(json.dumps({**theirs, **data}, sort_keys=True).encode()).hexdigest()[:16]


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
    if model_store.shared(kepler.spec.model_server.storage):
        return {"type": "Recreate"}
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def pod(kepler: Kepler, image: str, rclone: str) -> dict[str, Any]:
    """Return the spec of the pod with model server, trainer and copies; no token, since it makes no API calls."""
    wanted = kepler.spec.model_server
    transfers = model_store.transfers(kepler, rclone)
    trainer = [container("online-trainer", "online-trainer", kepler, image)] if wanted.training.online else []
    server = {**container("server-api", "model-server", kepler, image), **serving(wanted.port)}
    chosen = {
        "initContainers": transfers.get("initContainers"),
        "tolerations": [*wanted.tolerations],
        "priorityClassName": wanted.priority_class,
        "runtimeClassName": wanted.runtime_class,
        "imagePullSecrets": pull_secrets(kepler),
    }
    return {
        "automountServiceAccountToken": False,
        "containers": [server, *trainer, *transfers.get("containers", [])],
        "nodeSelector": {
            **wanted.node_selector,
            **engine.NODE_SELECTOR,
            **architecture.node_selector(image, wanted.node_selector),
        },
        "volumes": volumes(kepler),
        **{field: value for field, value in chosen.items() if value},
    }


def pull_secrets(kepler: Kepler) -> list[dict[str, Any]]:
    """Return the exporter's pull secrets, since one registry may have all images, and the model server's; each once."""
    secrets = (*kepler.spec.collector.image_pull_secrets, *kepler.spec.model_server.image_pull_secrets)
    return [secret for place, secret in enumerate(secrets) if secret not in secrets[:place]]


def container(name: str, program: str, kepler: Kepler, image: str) -> dict[str, Any]:
    """Return the container for one program of the image. The image's entrypoint is `bash -c`."""
    wanted = kepler.spec.model_server
    return {
        "name": name,
        **engine.pulled(image),
        "args": [program],
        **({"env": [*wanted.env]} if wanted.env else {}),
        "resources": wanted.resources or engine.MODEL_SERVER_RESOURCES,
        "securityContext": {"allowPrivilegeEscalation": False},
        "volumeMounts": [
            {"name": children.CONFIG_VOLUME, "mountPath": engine.CONFIG_PATH, "readOnly": True},
            *model_store.mounts(wanted.storage),
            {"name": DATA_VOLUME, "mountPath": engine.DATA_PATH},
        ],
    }


def serving(port: int) -> dict[str, Any]:
    """Return the port, and probes that request the list of models, which is an error until there are models.

    Models are loaded at the start and never again (MS:src/kepler_model/server/model_server.py, load_init_pipeline). So
    a server without models is restarted after ten minutes, which retries the download.
    """
    ask = {"httpGet": {"path": engine.MODEL_LIST_PATH, "port": children.PORT_NAME}, "timeoutSeconds": 10}
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
