"""Kepler v0.7.12 as it is: images, paths, flags and names that the exporter and the model server themselves decide.

Sources are files of github.com/sustainable-computing-io at tag v0.7.12: of kepler, called KEP here, and of
kepler-model-server, called MS.
"""

from collections.abc import Mapping

IMAGE = "quay.io/sustainable_computing_io/kepler:release-0.7.12"
IMAGE_SETTING = "RELATED_IMAGE_KEPLER"

# One image for model server, trainer and estimator (MS:pyproject.toml, scripts).
MODEL_SERVER_NAME = "kepler_model_server"
MODEL_SERVER_IMAGE = f"quay.io/sustainable_computing_io/{MODEL_SERVER_NAME}:v0.7.12"
MODEL_SERVER_IMAGE_SETTING = "RELATED_IMAGE_KEPLER_MODEL_SERVER"

# Copies models from and to an object store.
RCLONE_IMAGE = "rclone/rclone:1.71"
RCLONE_IMAGE_SETTING = "RELATED_IMAGE_RCLONE"

# Variable of a function's environment -> the image that is used where neither it nor the resource names one.
IMAGES: Mapping[str, str] = {
    IMAGE_SETTING: IMAGE,
    MODEL_SERVER_IMAGE_SETTING: MODEL_SERVER_IMAGE,
    RCLONE_IMAGE_SETTING: RCLONE_IMAGE,
}

COMMAND = "/usr/bin/kepler"

# Where clients of the API server look for their token (k8s.io/client-go v0.35:rest/config.go, InClusterConfig).
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
# Seconds, as in the volume that Kubernetes itself would add; the kubelet renews it in time.
TOKEN_SECONDS = 3607

# The directory that holds one file a key (KEP:pkg/config/types.go, configDir), and the one that releases up to v0.4
# read, which the working document names. Mounting both is harmless.
CONFIG_PATH = "/etc/kepler/kepler.config"
DOCUMENT_CONFIG_PATH = "/etc/config"

METRIC_PATH = "/metrics"
HEALTH_PATH = "/healthz"  # a constant 200 once the server listens (KEP:cmd/exporter/exporter.go)

# Of the host: eBPF and RAPL need /sys, attribution of processes needs /proc
# (KEP:manifests/k8s/config/exporter/exporter.yaml).
LIB_MODULES = "/lib/modules"
SYS = "/sys"
PROC = "/proc"

# Measured need of one exporter on an idle node; no limit, since a throttled exporter reports wrong energy.
RESOURCES = {"requests": {"cpu": "100m", "memory": "400Mi"}}

# So that control-plane nodes are measured too (KEP:manifests/k8s/config/exporter/exporter.yaml).
TOLERATIONS = (
    {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"},
    {"key": "node-role.kubernetes.io/master", "operator": "Exists", "effect": "NoSchedule"},
)

NODE_SELECTOR = {"kubernetes.io/os": "linux"}

# Where exporter and estimator meet (KEP:pkg/model/model.go, MS:src/kepler_model/util/config.py, SERVE_SOCKET).
ESTIMATOR_SOCKET = "/tmp/estimator.sock"  # noqa: S108 (built into both)
# Python with its numeric libraries; no limit on the CPU, since the exporter waits for each answer.
ESTIMATOR_RESOURCES = {"requests": {"cpu": "50m", "memory": "250Mi"}}

# What the trainer makes, and all it makes (MS:src/kepler_model/train/online_trainer.py, default_trainers).
ONLINE_TRAINER = "GradientBoostingRegressorTrainer"

# What model server, trainer and estimator write below (MS:src/kepler_model/util/config.py, MNT_PATH).
MNT_PATH = "/mnt"
DATA_PATH = "/data"
RESOURCE_PATH = f"{DATA_PATH}/resource"

# Routes of the model server, whatever a client's configuration says (MS:src/kepler_model/server/model_server.py).
MODEL_PATH = "/model"
MODEL_LIST_PATH = "/best-models"

# Of each of its programs: an archive of models is unpacked, and a model trained, in memory.
MODEL_SERVER_RESOURCES = {"requests": {"cpu": "100m", "memory": "400Mi"}}
RCLONE_RESOURCES = {"requests": {"cpu": "10m", "memory": "64Mi"}}


def image(asked: str | None, setting: str, images: Mapping[str, str]) -> str:
    """The resource's image, or the environment's, so that an upgrade reaches existing resources, or the default."""
    return asked or images.get(setting) or IMAGES[setting]


def is_model_server(image: str) -> bool:
    """Whether an image is upstream's of model server and estimator, by its name, which mirrors keep."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0] == MODEL_SERVER_NAME


def pulled(image: str) -> dict[str, str]:
    """The image of a container, and when it is pulled: as the API server would say of this image.

    It says so once, by the first image that it sees, and keeps that for whatever image comes later.
    """
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    moves = not digest and tag in ("", "latest")
    return {"image": image, "imagePullPolicy": "Always" if moves else "IfNotPresent"}
