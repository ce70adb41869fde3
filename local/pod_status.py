"""Computes the status of a pod, as a kubelet writes it, from the states of its containers. Pure, but for `now`."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from local.admin_client import Object
from local.ports import LOOPBACK

CONDITIONS = ("PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready")
READINESS_CONDITIONS = ("ContainersReady", "Ready")


@dataclass(frozen=True)
class ContainerState:
    """State of a container: running, or waiting for the reason in `waiting`. `identity` is the id of the container."""

    identity: str
    ready: bool = True
    restarts: int = 0
    waiting: str = ""


def pod_status(pod: Object, address: str, states: Mapping[str, ContainerState]) -> Object:
    """Return the status of a pod; `states` has its containers by name. All times are that of the pod's creation."""
    since = pod["metadata"]["creationTimestamp"]
    ready = all(state.ready for state in states.values())
    conditions = [
        {
            "type": kind,
            "status": "True" if ready or kind not in READINESS_CONDITIONS else "False",
            "lastTransitionTime": since,
        }
        for kind in CONDITIONS
    ]
    running = any(not state.waiting for state in states.values())
    statuses = {
        field: [_container(container, states[container["name"]], since) for container in pod["spec"].get(group, ())]
        for field, group in (("containerStatuses", "containers"), ("initContainerStatuses", "initContainers"))
    }
    return {
        "phase": "Running" if running else "Pending",
        "conditions": conditions,
        "hostIP": LOOPBACK,
        "hostIPs": [{"ip": LOOPBACK}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": since,
        **{field: entries for field, entries in statuses.items() if entries},
    }


def _container(container: Object, state: ContainerState, since: str) -> Object:
    running = {"running": {"startedAt": since}}
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "containerID": f"local://{state.identity}",
        "ready": state.ready,
        "started": state.ready,
        "restartCount": state.restarts,
        "state": {"waiting": {"reason": state.waiting}} if state.waiting else running,
    }


def now() -> str:
    """Return the present time as Kubernetes writes it, in whole seconds UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
