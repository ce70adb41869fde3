"""Why pods of the exporter and of the model server do not come up: the steps out of it."""

from typing import Any

from functions import collected_metric, status
from functions.pod_trouble import BACK_OFF
from functions.sidecar import NAME as ESTIMATOR
from runtime.client import path
from runtime.objects import COLLECTED_METRIC, KEPLER, SECRET, Manifest
from tests import policies
from tests.offered.decision_steps import (
    ESTIMATED,
    LOCAL,
    TRAINED,
    applied,
    edited,
    other,
    run,
    storage_class,
)
from tests.offered.operated_namespace import OperatedNamespace
from tests.offered.refusal_steps import NONE, PLENTY, SENTENCE, quota
from tests.offered.step_case import Act, OfferedState, Step, StepCase
from tests.offered.workload_controllers import POD, QUOTA, WORKLOADS, Symptom, containers
from tests.workbench import kepler

PODS = (status.AVAILABLE, status.SERVES)
FIELDS = ("collector", "model-server")
SMALL = {"requests": {"cpu": "1m", "memory": "8Mi"}, "limits": {"cpu": "10m", "memory": "16Mi"}}
HUGE = {"requests": {"memory": "4Ti"}}
KEPLERS = f"{KEPLER.plural}.{KEPLER.group}/kepler"
TYPO = ":v0.7.12-typo"
REPOSITORY = "quay.io/sustainable_computing_io/kepler"
SERVER_REPOSITORY = f"{REPOSITORY}_model_server"
NO_LOG = "there is no kubelet, so `kubectl logs` ends with what the API server says of a pod without a node"


def both(field: str, value: Any) -> dict[str, Any]:
    """Return a Kepler with a model server, of which both workloads have this field."""
    return kepler(collector={field: value}, model_server={"enabled": True, field: value})


def edited_both(field: str, value: Any) -> Step:
    """Set the field of both workloads, each by its name."""

    def step(offered: OfferedState) -> None:
        for part in FIELDS:
            offered.edit(f"{part}.{field}", value)

    return step


class Flaw:
    """What a kubelet finds wrong with pods, by their workload, until it is mended."""

    def __init__(self, symptoms: dict[str, Symptom]) -> None:
        self.symptoms = symptoms

    def state(self, operated: OperatedNamespace) -> None:
        """Have it found wrong, and a Kepler with a model server."""
        symptoms = dict(self.symptoms)
        operated.controllers.kubelet = lambda pod: symptoms.get(_workload(pod))
        operated.apply(kepler(model_server=LOCAL))

    def mended(self, *words: str) -> Step:
        """Do what the message says by these words; the kubelet finds nothing wrong when it looks again."""

        def step(offered: OfferedState) -> None:
            offered.offers(*words)
            offered.operated.controllers.kubelet = lambda _: None

        return step


def until_well(*symptoms: Symptom) -> Flaw:
    """A kubelet that has these symptoms, for the exporter and the model server, until `Flaw.mended`."""
    return Flaw(dict(zip((called for _, called in WORKLOADS), symptoms, strict=False)))


def _workload(pod: Manifest) -> str:
    return str(pod["metadata"]["labels"]["app.kubernetes.io/name"])


def retried(offered: OfferedState) -> None:
    """Wait for the controllers' next try."""
    offered.offers(f"wait for the controller, which tries again within {BACK_OFF} minutes")
    offered.operated.controllers.back_off_ends()
    offered.operated.follow()


def tried_at_once(offered: OfferedState) -> None:
    """Have the controllers try at once by the commands."""
    for kind, called in WORKLOADS:
        offered.run("rollout restart", f"{kind.name.lower()}/{called}")


# Pods that are not made


def closed(operated: OperatedNamespace) -> None:
    """A namespace that was opened once and is not any more; every pod is gone."""
    operated.apply(kepler(model_server=LOCAL))
    operated.stack.kubectl(
        "label", "namespace", operated.namespace, "pod-security.kubernetes.io/enforce=restricted", "--overwrite"
    )
    operated.kubectl("delete", "pods", "--all")


def opened(offered: OfferedState) -> None:
    """Run the command that opens the namespace, and wait."""
    offered.run("label namespace")
    retried(offered)


def without_pods(operated: OperatedNamespace) -> None:
    """A quota that leaves no pods."""
    quota(operated, ("pods",), NONE)
    operated.apply(kepler(model_server=LOCAL))


def quota_raised(offered: OfferedState) -> None:
    """Have the quota raised, and the controllers try."""
    offered.offers(f"have the ResourceQuota of namespace '{offered.operated.namespace}' raised")
    quota(offered.operated, ("pods",), PLENTY)
    tried_at_once(offered)


def limits_wanted(operated: OperatedNamespace) -> None:
    """A quota that wants a limit of each container."""
    quota(operated, ("limits.cpu",), NONE)
    operated.apply(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "quota"},
            "spec": {"hard": {"limits.cpu": "10"}},
        }
    )
    operated.apply(kepler(model_server=LOCAL, estimator_sidecar=ESTIMATED))


def limits_set(offered: OfferedState) -> None:
    """Set the resources of every container."""
    edited_both("resources", SMALL)(offered)
    offered.edit("estimator-sidecar.resources", SMALL)


def memory_bounded(operated: OperatedNamespace, most: str) -> None:
    """A LimitRange on containers, when it is in force: one of 300Mi is taken or not."""
    limit = {"type": "Container", "max": {"memory": most}}
    operated.apply(
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "range"}, "spec": {"limits": [limit]}}
    )
    asks = {"name": "probe", "image": "probe", "resources": {"requests": {"memory": "300Mi"}}}
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [asks]}}
    operated.until(lambda: operated.takes(pod) is (most != "100Mi"))


def out_of_range(operated: OperatedNamespace) -> None:
    """Containers that ask for more than the LimitRange allows, and so for more than the limit that it gives them."""
    memory_bounded(operated, "100Mi")
    operated.apply(kepler(model_server=LOCAL))


def range_widened(offered: OfferedState) -> None:
    """Have the LimitRange changed, and the controllers try."""
    offered.offers(f"have the LimitRange of namespace '{offered.operated.namespace}' changed")
    memory_bounded(offered.operated, "4Gi")
    tried_at_once(offered)


def class_created(what: str, body: dict[str, Any]) -> Step:
    """Create the class, and wait for the controllers."""

    def step(offered: OfferedState) -> None:
        offered.offers(f"create that {what}")
        offered.operated.obstacles.callback(offered.operated.kubectl, "delete", what, "missing")
        offered.operated.apply({**body, "kind": what, "metadata": {"name": "missing"}})
        retried(offered)

    return step


def policy_on_pods(operated: OperatedNamespace) -> None:
    """A policy that takes no pods."""
    operated.obstacles.enter_context(policies.refusing(operated.stack, operated.namespace, POD, SENTENCE))
    operated.apply(kepler(model_server=LOCAL))


def exempted(offered: OfferedState) -> None:
    """Ask for an exception, and wait for the controllers."""
    offered.offers(SENTENCE, "ask whoever runs it for an exception")
    offered.operated.obstacles.close()
    retried(offered)


def uncounted(operated: OperatedNamespace) -> None:
    """A quota of which its controller has not counted yet what is used."""
    operated.controllers.counts = False
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "quota"}}
    hard = {"hard": {"pods": "10"}}
    operated.apply({**body, "spec": hard})
    operated.stack.api.apply(path(QUOTA, operated.namespace, "quota", "status"), {**body, "status": hard})
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "probe", "image": "probe"}]}}
    operated.until(lambda: not operated.takes(pod))
    operated.apply(kepler(model_server=LOCAL))


def counted(offered: OfferedState) -> None:
    """Mend what the message names, and have the controllers try."""
    offered.offers("status unknown for quota", "mend what the message names")
    offered.operated.controllers.counts = True
    offered.operated.follow()
    tried_at_once(offered)


# The claim


def claiming(storage: str | None) -> Act:
    """A model server with a claim of this class, beside a class that exists."""

    def state(operated: OperatedNamespace) -> None:
        storage_class(operated)
        named = {"storage-class": storage} if storage else {}
        operated.apply(kepler(model_server={"enabled": True, "storage": {"type": "claim", "claim": named}}))

    return state


def class_appears(offered: OfferedState) -> None:
    """Create the StorageClass that the message names."""
    offered.offers('"late" not found', "create that StorageClass")
    storage_class(offered.operated, "late")
    offered.operated.kubectl("delete", "storageclass", "late")


def another_class(offered: OfferedState) -> None:
    """Name a class that exists, and delete the claim by the command."""
    offered.edit("model-server.storage.claim.storage-class", "there")
    offered.run("delete pvc")


# Pods that do not start


def unreadable(operated: OperatedNamespace) -> None:
    """A variable from a Secret that does not exist, as the kubelet finds it out."""

    def kubelet(pod: Manifest) -> Symptom | None:
        for container in containers(pod):
            for variable in container.get("env") or ():
                wanted = (variable.get("valueFrom") or {}).get("secretKeyRef")
                if wanted and not operated.get(operated.key(SECRET, wanted["name"])):
                    told = f'Error: secret "{wanted["name"]}" not found'
                    return Symptom("Failed", told, container["name"], "CreateContainerConfigError")
        return None

    operated.controllers.kubelet = kubelet
    source = {"valueFrom": {"secretKeyRef": {"name": "missing", "key": "key"}}}
    exporter, server = ([{"name": name, **source}] for name in ("ENABLE_MSR", "HTTPS_PROXY"))
    operated.apply(kepler(collector={"env": exporter}, model_server={"enabled": True, "env": server}))


def secret_created(offered: OfferedState) -> None:
    """Create what the message names, where it says."""
    offered.offers(
        'secret "missing" not found', f"in namespace '{offered.operated.namespace}'", "tries again by itself"
    )
    offered.operated.kubectl("create", "secret", "generic", "missing", "--from-literal=key=value")


def pulling(**images: str) -> Act:
    """Images whose tag nobody has pushed, as the kubelet finds it out."""

    def kubelet(pod: Manifest) -> Symptom | None:
        for container in containers(pod):
            if container["image"].endswith(TYPO):
                told = f'Failed to pull image "{container["image"]}": not found'
                return Symptom("Failed", told, container["name"], "ErrImagePull")
        return None

    def state(operated: OperatedNamespace) -> None:
        operated.controllers.kubelet = kubelet
        parts: dict[str, Any] = {part: {"image": image} for part, image in images.items()}
        for part in parts.keys() - {"collector"}:
            parts[part]["enabled"] = True
        operated.apply(kepler(**parts))

    return state


def images_mended(offered: OfferedState) -> None:
    """Name images that are there."""
    offered.edit("collector.image", f"{REPOSITORY}:release-0.7.12")
    offered.edit("model-server.image", f"{SERVER_REPOSITORY}:v0.7.12")


def scheduled(pod: Manifest) -> Symptom | None:
    """A scheduler that finds no room for a pod that asks for terabytes."""
    asked = (container.get("resources", {}).get("requests", {}).get("memory", "") for container in containers(pod))
    told = "0/1 nodes are available: 1 Insufficient memory."
    return Symptom("FailedScheduling", told) if any(memory.endswith("Ti") for memory in asked) else None


def too_large(operated: OperatedNamespace) -> None:
    """Pods for which no node has room."""
    operated.controllers.kubelet = scheduled
    operated.apply(both("resources", HUGE))


def never_begun(operated: OperatedNamespace) -> None:
    """Both workloads wait for something else that is wrong."""
    untold = {**TRAINED, "training": {"online": True}}
    operated.apply(kepler(collected_metric="mine", estimator_sidecar=ESTIMATED, model_server=untold))


def begun(offered: OfferedState) -> None:
    """Mend the other conditions, as `explain` says."""
    assert {collected_metric.FUNCTION.name, "model_server"} <= {
        because.partition(" ")[0] for because in offered.operated.explained(offered.operated.key()).because
    }
    offered.operated.apply(other(COLLECTED_METRIC, "mine"))
    training = {"training": {"prometheus-url": TRAINED["training"]["prometheus-url"]}}
    offered.operated.patch(KEPLERS, {"spec": {"model-server": training}})


def updated_by_hand(operated: OperatedNamespace) -> None:
    """An edit, while old pods are only replaced when somebody deletes them."""
    operated.apply(kepler(collector={"update-strategy": {"type": "OnDelete"}}))
    operated.patch(KEPLERS, {"spec": {"collector": {"port": 9105}}})


def without_models(operated: OperatedNamespace) -> None:
    """A model server that has found no models until its deadline, since nothing leads to the internet."""

    def kubelet(pod: Manifest) -> Symptom | None:
        resource = operated.get(operated.key())
        fetched = resource and resource["spec"]["model-server"].get("pipelines")
        return None if fetched or _workload(pod) == "kepler-exporter" else Symptom("", "")

    operated.controllers.kubelet, operated.controllers.late = kubelet, True
    operated.apply(kepler(model_server=LOCAL))


def unheard(operated: OperatedNamespace) -> None:
    """One function whose events were lost."""
    operated.deaf.add("exported_power")
    operated.apply(kepler())
    operated.deaf.clear()


def ending(container: str) -> Symptom:
    """A container that ends again and again."""
    return Symptom(
        "BackOff", f"Back-off restarting failed container {container} in pod x", container, "CrashLoopBackOff"
    )


PROBE = Symptom("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500")
MOUNT = Symptom("FailedMount", 'MountVolume.SetUp failed for volume "mnt": mount failed: exit status 32')
CRASHES = until_well(ending("kepler-exporter"), ending("server-api"))
PROBED, MOUNTS = until_well(PROBE, PROBE), until_well(MOUNT, MOUNT)
SLOW, SILENT = until_well(Symptom("", "")), Flaw({"kepler-model-server": Symptom("", "")})
PRIORITY = {"apiVersion": "scheduling.k8s.io/v1", "value": 1}
RUNTIME = {"apiVersion": "node.k8s.io/v1", "handler": "missing"}
CASES = (
    StepCase("PodsForbidden", PODS, closed, opened, leaves=("rollout",)),
    StepCase("QuotaExceeded", PODS, without_pods, quota_raised),
    StepCase("QuotaExceeded", PODS, limits_wanted, limits_set, name="limits", leaves=("rollout",)),
    StepCase("LimitRange", PODS, out_of_range, range_widened),
    StepCase("LimitRange", PODS, out_of_range, edited_both("resources", SMALL), name="less", leaves=("rollout",)),
    StepCase(
        "PriorityClassMissing",
        PODS,
        applied(both("priority-class", "missing")),
        edited_both("priority-class", "system-node-critical"),
        leaves=("rollout",),
    ),
    StepCase(
        "PriorityClassMissing",
        PODS,
        applied(both("priority-class", "missing")),
        class_created("PriorityClass", PRIORITY),
        name="create it",
        leaves=("rollout",),
    ),
    StepCase(
        "RuntimeClassMissing",
        PODS,
        applied(both("runtime-class", "missing")),
        edited_both("runtime-class", None),
        leaves=("rollout",),
    ),
    StepCase(
        "RuntimeClassMissing",
        PODS,
        applied(both("runtime-class", "missing")),
        class_created("RuntimeClass", RUNTIME),
        name="create it",
        leaves=("rollout",),
    ),
    StepCase("RefusedByPolicy", PODS, policy_on_pods, exempted, leaves=("rollout",)),
    StepCase("PodsNotCreated", PODS, uncounted, counted),
    StepCase("ClaimPending", PODS[1:], claiming("late"), class_appears, leaves=("delete pvc",)),
    StepCase("ClaimPending", PODS[1:], claiming("nowhere"), another_class, name="another class"),
    StepCase(
        "ClaimPending",
        PODS[1:],
        claiming(None),
        edited("model-server.storage.claim.storage-class", "there"),
        name="no default class",
    ),
    StepCase("ContainerConfigError", PODS, unreadable, secret_created),
    StepCase(
        "VolumeNotMounted",
        PODS,
        MOUNTS.state,
        MOUNTS.mended("make what the message names available to the node", "the kubelet tries again by itself"),
        unseen="there is no kubelet that mounts",
    ),
    StepCase(
        "ImagePull",
        PODS,
        pulling(collector=f"{REPOSITORY}{TYPO}", model_server=f"{SERVER_REPOSITORY}{TYPO}"),
        images_mended,
        unseen="there is no kubelet that pulls",
    ),
    StepCase(
        "ImagePull",
        PODS[:1],
        pulling(estimator_sidecar=f"{SERVER_REPOSITORY}{TYPO}"),
        edited("estimator-sidecar.image", f"{SERVER_REPOSITORY}:v0.7.12"),
        name=ESTIMATOR,
        unseen="there is no kubelet that pulls",
    ),
    StepCase("CrashLoop", PODS, CRASHES.state, CRASHES.mended("see what it says", "--previous"), unseen=NO_LOG),
    StepCase("Unhealthy", PODS, PROBED.state, PROBED.mended("see what it says"), unseen=NO_LOG),
    StepCase("Unschedulable", PODS, too_large, edited_both("resources", SMALL)),
    StepCase("NotDeployed", PODS, never_begun, begun),
    StepCase(
        "NoNodes",
        PODS[:1],
        applied(kepler(collector={"node-selector": {"kubernetes.io/hostname": "nowhere"}})),
        edited("collector.node-selector", None),
    ),
    StepCase("PartiallyAvailable", PODS[:1], SLOW.state, SLOW.mended("if that stays so, look at the pods")),
    StepCase("RolloutInProgress", PODS[:1], updated_by_hand, run("delete pods")),
    StepCase("Starting", PODS[1:], SILENT.state, SILENT.mended("it answers once it has models")),
    StepCase(
        "ModelServerNotAvailable",
        PODS[1:],
        without_models,
        edited("model-server.pipelines", ["http://models.energy.svc/ec2.zip"]),
        unseen=NO_LOG,
    ),
    StepCase("Available", PODS, applied(kepler(model_server=LOCAL)), still=True),
    StepCase("Reconciling", (status.READY,), unheard, run("resync", "--wait")),
)
