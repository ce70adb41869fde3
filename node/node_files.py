"""Configuration files of the node's programs.

Facts come from runs of kubelet v1.35.4 and of Debian 12's containerd 1.6; containerd 2 reads the same version 2 file.
"""

import json
from pathlib import Path

import yaml

from node.cgroups import NAME

CLUSTER_DOMAIN = "cluster.local"
DNS_ADDRESS = "10.96.0.10"
SERVICE_RANGE = "10.96.0.0/16"
POD_RANGE = "10.201.0.0/24"
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
PAUSE_IMAGE = "dev.local/pause:v1"

# Where distributions and upstream put CNI's programs.
CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"), Path("/usr/libexec/cni"))
CNI_PLUGINS = ("ptp", "host-local", "loopback")

# `restrict_oom_score_adj`: without CAP_SYS_RESOURCE every sandbox would die with "can't get final child's PID".
CONTAINERD = """\
version = 2
root = "{root}"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni_programs}"
    conf_dir = "{cni_configuration}"
"""


def cni_folder() -> Path | None:
    """Return the folder with CNI's programs, or None if no folder has all that a node needs."""
    return next((folder for folder in CNI_FOLDERS if all((folder / name).exists() for name in CNI_PLUGINS)), None)


def containerd(folder: Path, root: Path) -> Path:
    """Write containerd's and CNI's configuration into a folder and return containerd's; `root` keeps images."""
    network = folder / "cni"
    network.mkdir(parents=True, exist_ok=True)
    plugin = {
        "type": "ptp",
        "ipMasq": False,
        "ipam": {"type": "host-local", "subnet": POD_RANGE, "routes": [{"dst": "0.0.0.0/0"}]},
    }
    content = {"cniVersion": "0.4.0", "name": NAME, "plugins": [plugin]}
    (network / "10-node.conflist").write_text(json.dumps(content))
    file = folder / "containerd.toml"
    file.write_text(
        CONTAINERD.format(
            root=root,
            socket=CONTAINERD_SOCKET,
            pause=PAUSE_IMAGE,
            cni_programs=cni_folder(),
            cni_configuration=network,
        )
    )
    return file


def kubelet(folder: Path, ca: Path) -> Path:
    """Write the kubelet's configuration into a folder and return its path.

    Evented pod lifecycle is off: a cold start took 4.4 s with it, and 1.1 s without.
    """
    resolv = folder / "resolv.conf"
    resolv.write_text("")
    content = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "failSwapOn": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{NAME}",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(ca)},
        },
        "authorization": {"mode": "Webhook"},
        "clusterDomain": CLUSTER_DOMAIN,
        "clusterDNS": [DNS_ADDRESS],
        "resolvConf": str(resolv),
        "enforceNodeAllocatable": ["pods"],
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "serializeImagePulls": False,
        "maxPods": 200,
    }
    file = folder / "kubelet.yaml"
    file.write_text(yaml.safe_dump(content))
    return file
