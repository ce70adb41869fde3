"""What a stolen token of a function would write: what the function renders, changed in one place."""

from collections.abc import Callable
from typing import Any

from operands import kepler_v07

Change = Callable[[Any], None]


def pod(body: Any) -> Any:
    """The pod of a workload."""
    return body["spec"]["template"]["spec"]


def exporter(body: Any) -> Any:
    """The exporter's container."""
    return pod(body)["containers"][0]


def estimator(body: Any) -> Any:
    """The estimator's container."""
    return pod(body)["initContainers"][0]


def bmcs(body: Any) -> Any:
    """The volume with the credentials of the nodes' management controllers."""
    return next(volume for volume in pod(body)["volumes"] if volume["name"] == "redfish")


def sets(look: Callable[[Any], Any], **fields: Any) -> Change:
    """Sets these fields of a part of the body."""
    return lambda body: look(body).update(fields)


def adds(look: Callable[[Any], Any], field: str, item: Any) -> Change:
    """Adds an item to a list of a part of the body."""
    return lambda body: look(body).setdefault(field, []).append(item)


EVIL = {"name": "evil", "image": kepler_v07.IMAGE, "command": ["bash"]}
HOOK = {"postStart": {"exec": {"command": ["bash", "-c", "id"]}}}
PROBE = {"exec": {"command": ["bash", "-c", "id"]}}
ROOT = {"name": "root", "hostPath": {"path": "/"}}
STOLEN = {"name": "stolen", "secret": {"secretName": "s"}}
PROJECTED = {"name": "stolen", "projected": {"sources": [{"secret": {"name": "s"}}]}}

DAEMON_SETS: dict[str, Change] = {
    "a directory of the host": adds(pod, "volumes", ROOT),
    "the host's network": sets(pod, hostNetwork=True),
    "the host's IPC": sets(pod, hostIPC=True),
    "another image": sets(exporter, image="evil.example/kepler:release-0.7.12"),
    "an image of Docker's": sets(estimator, image="kepler:1"),
    "another account": sets(pod, serviceAccountName="default", serviceAccount="default"),
    "no owner": lambda body: body["metadata"].pop("ownerReferences"),
    "an owner of another kind": lambda body: body["metadata"]["ownerReferences"][0].update(kind="Deployment"),
    "another command": sets(exporter, command=["bash"]),
    "no command": lambda body: exporter(body).pop("command"),
    "another argument": adds(exporter, "args", "-kubeconfig=/proc/1/root/etc/kubernetes/admin.conf"),
    "a library": adds(exporter, "env", {"name": "LD_PRELOAD", "value": "/proc/1/root/tmp/x.so"}),
    "a proxy": adds(exporter, "env", {"name": "HTTPS_PROXY", "value": "http://evil"}),
    "another kubelet": lambda body: exporter(body)["env"][1].update({"valueFrom": None, "value": "evil:443#"}),
    "another node": lambda body: exporter(body)["env"][1].update(
        valueFrom={"fieldRef": {"fieldPath": "metadata.annotations['evil']"}}
    ),
    "the token for the estimator": adds(estimator, "volumeMounts", {"name": "token", "mountPath": "/token"}),
    "the host for the estimator": adds(estimator, "volumeMounts", {"name": "proc", "mountPath": "/host"}),
    "variables of a Secret": sets(exporter, envFrom=[{"secretRef": {"name": "s"}}]),
    "a hook": sets(exporter, lifecycle=HOOK),
    "a hook of the estimator's": sets(estimator, lifecycle=HOOK),
    "a probe that runs something": sets(exporter, readinessProbe=PROBE),
    "an estimator's probe": sets(estimator, startupProbe=PROBE),
    "an estimator with privileges": sets(estimator, securityContext={"privileged": True}),
    "an estimator with a capability": lambda body: estimator(body)["securityContext"].update(
        capabilities={"add": ["SYS_ADMIN"]}
    ),
    "an estimator that is another program": sets(estimator, args=["id"]),
    "an estimator's variable": adds(estimator, "env", {"name": "PYTHONPATH", "value": "/x"}),
    "one more container": adds(pod, "containers", EVIL),
    "one more init container": adds(pod, "initContainers", EVIL),
    "a port of the host": lambda body: exporter(body)["ports"][0].update(hostPort=9102),
    "a Secret": adds(pod, "volumes", STOLEN),
    "a Secret among others": adds(pod, "volumes", PROJECTED),
    "another key of the BMCs' Secret": lambda body: bmcs(body)["secret"].update(
        items=[{"key": "tls.key", "path": "x"}]
    ),
    "all keys of the BMCs' Secret": lambda body: bmcs(body)["secret"].pop("items"),
    "the BMCs for the estimator": adds(estimator, "volumeMounts", {"name": "redfish", "mountPath": "/redfish"}),
    "a claim": adds(pod, "volumes", {"name": "c", "persistentVolumeClaim": {"claimName": "theirs"}}),
}


def server(body: Any) -> Any:
    """The model server's container."""
    return pod(body)["containers"][0]


DEPLOYMENTS: dict[str, tuple[str, Change]] = {
    "privileges": ("local", sets(server, securityContext={"privileged": True})),
    "the host's processes": ("local", sets(pod, hostPID=True)),
    "the host's network": ("local", sets(pod, hostNetwork=True)),
    "an account": ("local", sets(pod, serviceAccountName="kepler")),
    "a token": ("local", sets(pod, automountServiceAccountToken=True)),
    "another program": ("local", sets(server, args=["id"])),
    "another start of the program": ("local", lambda body: server(body)["args"].__setitem__(1, "print()")),
    "another command": ("local", sets(server, command=["bash"])),
    "another image": ("local", sets(server, image="evil.example/x:v0.7.12")),
    "one more container": ("local", adds(pod, "containers", EVIL)),
    "a second directory of the host": ("hostpath", adds(pod, "volumes", ROOT)),
    "a copy to the host": (
        "external",
        lambda body: pod(body)["volumes"].__setitem__(1, {"name": "mnt", "hostPath": {"path": "/"}}),
    ),
    "another copy": ("external", lambda body: pod(body)["initContainers"][0].update(command=["sh", "-c", "id"])),
    "another option": ("external", lambda body: pod(body)["initContainers"][0]["args"].append("--config=/etc/x")),
    "another image of the copy": ("external", lambda body: pod(body)["initContainers"][0].update(image="rclone:1")),
    "a library": ("local", adds(server, "env", {"name": "LD_PRELOAD", "value": "/x"})),
    "a Secret": ("local", adds(pod, "volumes", STOLEN)),
    "somebody's claim": ("claim", lambda body: pod(body)["volumes"][1]["persistentVolumeClaim"].update(claimName="x")),
    "no owner": ("local", lambda body: body["metadata"].pop("ownerReferences")),
}
