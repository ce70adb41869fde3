"""What Kepler v0.7.12 defines: images, paths, flags and names of the exporter and the model server.

Sources are files of the repositories `kepler` and `kepler-model-server` of github.com/sustainable-computing-io at tag
v0.7.12.
"""

from collections.abc import Mapping

IMAGE = "quay.io/sustainable_computing_io/kepler:release-0.7.12"
IMAGE_SETTING = "RELATED_IMAGE_KEPLER"
# The other line of releases: see `operands.kepler_v011`.
IMAGE_V011 = "quay.io/sustainable_computing_io/kepler:v0.11.4"
IMAGE_V011_SETTING = "RELATED_IMAGE_KEPLER_V0_11"

# One image for model server and estimator (kepler-model-server:pyproject.toml, scripts).
MODEL_SERVER_NAME = "kepler_model_server"
MODEL_SERVER_IMAGE = f"quay.io/sustainable_computing_io/{MODEL_SERVER_NAME}:v0.7.12"
MODEL_SERVER_IMAGE_SETTING = "RELATED_IMAGE_KEPLER_MODEL_SERVER"

# Copies models from and to an object store.
RCLONE_IMAGE = "rclone/rclone:1.71"
RCLONE_IMAGE_SETTING = "RELATED_IMAGE_RCLONE"

# Variable of a function's environment -> the image to use if neither the variable nor the resource names one.
IMAGES: Mapping[str, str] = {
    IMAGE_SETTING: IMAGE,
    IMAGE_V011_SETTING: IMAGE_V011,
    MODEL_SERVER_IMAGE_SETTING: MODEL_SERVER_IMAGE,
    RCLONE_IMAGE_SETTING: RCLONE_IMAGE,
}

# Ends of the tags of images that can read GPUs; others are built without (kepler:Makefile, GPU_TAGS;
# .github/workflows).
GPU_SUFFIXES = ("-dcgm", "-habana")

COMMAND = "/usr/bin/kepler"

# Where clients of the API server look for their token (k8s.io/client-go v0.35:rest/config.go, InClusterConfig).
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
# Seconds, as in the volume that Kubernetes itself would add; the kubelet renews it in time.
TOKEN_SECONDS = 3607

# The directory with one file for each key (kepler:pkg/config/types.go, configDir), and the directory that releases up
# to v0.4 read, which the working document names. Mounting both is harmless.
CONFIG_PATH = "/etc/kepler/kepler.config"
DOCUMENT_CONFIG_PATH = "/etc/config"

METRIC_PATH = "/metrics"
HEALTH_PATH = "/healthz"  # a constant 200 once the server listens (kepler:cmd/exporter/exporter.go)

# Directories of the host: eBPF and RAPL need /sys, attribution of processes needs /proc
# (kepler:manifests/k8s/config/exporter/exporter.yaml).
LIB_MODULES = "/lib/modules"
SYS = "/sys"
PROC = "/proc"

# Measured need of one exporter on an idle node; no limit, since a throttled exporter reports wrong energy.
RESOURCES = {"requests": {"cpu": "100m", "memory": "400Mi"}}

# Control-plane nodes are measured too (kepler:manifests/k8s/config/exporter/exporter.yaml).
TOLERATIONS = (
    {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"},
    {"key": "node-role.kubernetes.io/master", "operator": "Exists", "effect": "NoSchedule"},
)

NODE_SELECTOR = {"kubernetes.io/os": "linux"}

# The socket between exporter and estimator (kepler:pkg/model/model.go,
# kepler-model-server:src/kepler_model/util/config.py, SERVE_SOCKET).
ESTIMATOR_SOCKET = "/tmp/estimator.sock"  # noqa: S108 (built into both)
# The estimator is Python with numeric libraries; no CPU limit, since the exporter waits for each answer.
ESTIMATOR_RESOURCES = {"requests": {"cpu": "50m", "memory": "250Mi"}}

# What the estimator is told to fetch where it should fetch nothing. It answers that it has no model, and asks the model
# server again for each request; without a URL it fetches a public model, and ends if that host cannot be reached
# (kepler-model-server:src/kepler_model/util/config.py, get_init_model_url; estimate/archived_model.py).
NO_MODEL_URL = "file:///none.zip"
# The host of the public models (kepler-model-server:src/kepler_model/util/loader.py, base_model_url).
PUBLIC_MODELS = "raw.githubusercontent.com"

# The directories that model server and estimator write to (kepler-model-server:src/kepler_model/util/config.py,
# MNT_PATH).
MNT_PATH = "/mnt"
DATA_PATH = "/data"
RESOURCE_PATH = f"{DATA_PATH}/resource"

# Routes of the model server; no setting changes them (kepler-model-server:src/kepler_model/server/model_server.py).
MODEL_PATH = "/model"
MODEL_LIST_PATH = "/best-models"

# The server unpacks archives of models in memory.
MODEL_SERVER_RESOURCES = {"requests": {"cpu": "100m", "memory": "400Mi"}}
RCLONE_RESOURCES = {"requests": {"cpu": "10m", "memory": "64Mi"}}


def image(asked: str | None, setting: str, images: Mapping[str, str]) -> str:
    """Return the resource's image, else the environment's, else the default.

    An image in the environment lets an upgrade reach existing resources.
    """
    return asked or images.get(setting) or IMAGES[setting]


def is_model_server(image: str) -> bool:
    """Return whether an image is upstream's image of model server and estimator, by its name, which mirrors keep."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0] == MODEL_SERVER_NAME


def pulled(image: str) -> dict[str, str]:
    """Return `image` and `imagePullPolicy` of a container, as the API server would default the policy for this image.

    The API server sets the default only once, for the first image, and keeps it when the image changes.
    """
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    moves = not digest and tag in ("", "latest")
    return {"image": image, "imagePullPolicy": "Always" if moves else "IfNotPresent"}
