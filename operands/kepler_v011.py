"""Kepler v0.11 as it is: paths, flags, ports and levels that the exporter itself decides.

Sources are files of github.com/sustainable-computing-io/kepler at tag v0.11.4. This line has one configuration file,
which is read at the start; it reads no environment. It has no sources, estimator or model server.
"""

from typing import Final

# cmd/kepler/main.go and manifests/k8s/daemonset.yaml have these paths.
COMMAND: Final = "/usr/bin/kepler"
CONFIG_DIRECTORY: Final = "/etc/kepler"
CONFIG_FILE: Final = "config.yaml"

# A constant 200 once the server listens; there is no /healthz (internal/server/server.go).
ROOT_PATH: Final = "/"

# Where the host's /sys and /proc are mounted (manifests/k8s/daemonset.yaml).
HOST_SYS: Final = "/host/sys"
HOST_PROC: Final = "/host/proc"

# One process whose `exe` link cannot be read makes a whole measurement fail (internal/resource/informer.go).
CAPABILITY: Final = "SYS_PTRACE"

# NVIDIA's library, as its GPU operator installs it on the node (manifests/k8s/daemonset.yaml).
DRIVER: Final = "/run/nvidia/driver"
LIBRARY_PATH: Final = "LD_LIBRARY_PATH"
DRIVER_LIBRARIES: Final = f"{DRIVER}/usr/lib64"

# With pods from the API server, controller-runtime serves its own metrics there (internal/k8s/pod/pod.go).
INFORMERS_PORT: Final = 8080

# Kepler's own defaults (config/config.go).
MAX_TERMINATED: Final = 500
LEAST_TERMINATED_JOULES: Final = 10
STALENESS: Final = "500ms"
POLL_INTERVAL: Final = "15s"

# Measured: 37 to 62 MiB (manifests/k8s/daemonset.yaml suggests 100m and 128Mi).
RESOURCES: Final = {"requests": {"cpu": "100m", "memory": "128Mi"}}
