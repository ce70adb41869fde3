"""Kepler v0.7.12 as it is: image, paths, flags and names that the exporter itself decides.

Sources are files of github.com/sustainable-computing-io/kepler at tag v0.7.12, called KEP here.
"""

IMAGE = "quay.io/sustainable_computing_io/kepler:release-0.7.12"
IMAGE_SETTING = "RELATED_IMAGE_KEPLER"

COMMAND = "/usr/bin/kepler"

# The directory that holds one file a key (KEP:pkg/config/types.go, configDir), and the one that releases up to v0.4
# read, which the working document names. Mounting both is harmless.
CONFIG_PATHS = ("/etc/kepler/kepler.config", "/etc/config")

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
