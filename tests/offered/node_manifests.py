"""Nodes of the control plane that cases share, as their kubelets would report them."""

from local.stack import Stack
from runtime.client import path
from runtime.objects import NODE

LINUX = {"operatingSystem": "linux", "kernelVersion": "6.8.0", "architecture": "amd64"}
# Fields of `nodeInfo` that the API server requires, and no function reads.
UNTOLD = (
    "machineID",
    "systemUUID",
    "bootID",
    "osImage",
    "containerRuntimeVersion",
    "kubeletVersion",
    "kubeProxyVersion",
)


def add_node(stack: Stack, name: str, **info: str) -> None:
    """A node that says what it runs."""
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
    labels = {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name}
    stack.api.apply(path(NODE, "", name), {**node, "metadata": {"name": name, "labels": labels}})
    node_info = {**dict.fromkeys(UNTOLD, ""), **LINUX, **info}
    stack.api.apply(f"{path(NODE, '', name)}/status", {**node, "status": {"nodeInfo": node_info}})
