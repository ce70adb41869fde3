"""Why pods of the exporter and of the model server do not come up: the steps out of it."""

from functions import collected_metric
from runtime.conditions import READY
from runtime.objects import COLLECTED_METRIC, KEPLER, SECRET, Manifest
from tests.offered.common_steps import (
    ESTIMATED,
    LOCAL,
    PODS,
    SMALL,
    TRAINED,
    applied,
    both,
    edited,
    edited_both,
    other,
    run,
    storage_class,
)
from tests.offered.operated_namespace import OperatedNamespace
from tests.offered.step_case import Act, OfferedState, Step, StepCase
from tests.offered.workload_controllers import (
    ABSENT_PROVISIONER,
    DEFAULT_CLASS,
    NO_PROVISIONER,
    WORKLOADS,
    PodSymptom,
    containers,
)
from tests.workbench import kepler

HUGE = {"requests": {"memory": "4Ti"}}
KEPLERS = f"{KEPLER.plural}.{KEPLER.group}/kepler"
NO_LOG = "there is no kubelet, so `kubectl logs` ends with what the API server says of a pod without a node"


class Flaw:
    """What a kubelet finds wrong with pods, by their workload, until it is mended."""

    def __init__(self, symptoms: dict[str, PodSymptom]) -> None:
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


def until_well(*symptoms: PodSymptom) -> Flaw:
    """A kubelet that has these symptoms, for the exporter and the model server, until `Flaw.mended`."""
    return Flaw(dict(zip((called for _, called in WORKLOADS), symptoms, strict=False)))


def _workload(pod: Manifest) -> str:
    return str(pod["metadata"]["labels"]["app.kubernetes.io/name"])


# The claim


def claiming(storage: str | None, provisioner: str = "") -> Act:
    """A model server with a claim of this class, which exists if it has a provisioner, beside a class that works."""

    def state(operated: OperatedNamespace) -> None:
        storage_class(operated)
        if storage and provisioner:
            storage_class(operated, storage, provisioner)
        named = {"storage-class": storage} if storage else {}
        operated.apply(kepler(model_server={"enabled": True, "storage": {"type": "claim", "claim": named}}))

    return state


def class_appears(offered: OfferedState) -> None:
    """Create the StorageClass that the message names."""
    offered.offers('"late" not found', "create that StorageClass")
    storage_class(offered.operated, "late")
    offered.operated.kubectl("delete", "storageclass", "late")


def default_class_appears(offered: OfferedState) -> None:
    """Create a default StorageClass."""
    offered.offers("no storage class is set", "create a default StorageClass")
    storage_class(offered.operated, "default", **{DEFAULT_CLASS: "true"})
    offered.operated.kubectl("delete", "storageclass", "default")


def another_class(*words: str) -> Step:
    """Name a class that works, and delete the claim by the command; the message has these words, and none of nodes."""

    def step(offered: OfferedState) -> None:
        offered.offers(*words)
        assert "make room" not in " ".join((offered.message, *offered.steps))
        offered.edit("model-server.storage.claim.storage-class", "there")
        offered.run("delete pvc")

    return step


# Pods that do not start


def unreadable(operated: OperatedNamespace) -> None:
    """A variable from a Secret that does not exist, as the kubelet finds it out."""

    def kubelet(pod: Manifest) -> PodSymptom | None:
        for container in containers(pod):
            for variable in container.get("env") or ():
                wanted = (variable.get("valueFrom") or {}).get("secretKeyRef")
                if wanted and not operated.get(operated.key(SECRET, wanted["name"])):
                    text = f'Error: secret "{wanted["name"]}" not found'
                    return PodSymptom("Failed", text, container["name"], "CreateContainerConfigError")
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


def scheduled(pod: Manifest) -> PodSymptom | None:
    """A scheduler that finds no room for a pod that asks for terabytes."""
    asked = (container.get("resources", {}).get("requests", {}).get("memory", "") for container in containers(pod))
    text = "0/1 nodes are available: 1 Insufficient memory."
    return PodSymptom("FailedScheduling", text) if any(memory.endswith("Ti") for memory in asked) else None


def too_large(operated: OperatedNamespace) -> None:
    """Pods for which no node has room."""
    operated.controllers.kubelet = scheduled
    operated.apply(both("resources", HUGE))


def never_begun(operated: OperatedNamespace) -> None:
    """Both workloads wait for something else that is wrong."""
    operated.apply(kepler(collected_metric="mine", estimator_sidecar=ESTIMATED, model_server=TRAINED))


def begun(offered: OfferedState) -> None:
    """Mend the other conditions, as `explain` says."""
    assert {collected_metric.FUNCTION.name, "model_server"} <= {
        because.partition(" ")[0] for because in offered.operated.explained(offered.operated.key()).because
    }
    offered.operated.apply(other(COLLECTED_METRIC, "mine"))
    offered.operated.patch(KEPLERS, {"spec": {"model-server": {"training": {"online": False}}}})


def updated_by_hand(operated: OperatedNamespace) -> None:
    """An edit, while old pods are only replaced when somebody deletes them."""
    operated.apply(kepler(collector={"update-strategy": {"type": "OnDelete"}}))
    operated.patch(KEPLERS, {"spec": {"collector": {"port": 9105}}})


def without_models(operated: OperatedNamespace) -> None:
    """A model server that has found no models until its deadline, since nothing leads to the internet."""

    def kubelet(pod: Manifest) -> PodSymptom | None:
        resource = operated.get(operated.key())
        fetched = resource and resource["spec"]["model-server"].get("pipelines")
        return None if fetched or _workload(pod) == "kepler-exporter" else PodSymptom("", "")

    operated.controllers.kubelet, operated.controllers.late = kubelet, True
    operated.apply(kepler(model_server=LOCAL))


def unheard(operated: OperatedNamespace) -> None:
    """One function whose events were lost."""
    operated.deaf.add("exported_power")
    operated.apply(kepler())
    operated.deaf.clear()


def ending(container: str) -> PodSymptom:
    """A container that ends again and again."""
    return PodSymptom(
        "BackOff", f"Back-off restarting failed container {container} in pod x", container, "CrashLoopBackOff"
    )


PROBE = PodSymptom("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500")
MOUNT = PodSymptom("FailedMount", 'MountVolume.SetUp failed for volume "mnt": mount failed: exit status 32')
SANDBOX = PodSymptom(
    "FailedCreatePodSandBox", 'Failed to create pod sandbox: plugin type="calico" failed (add): no route to host'
)
CRASHES = until_well(ending("kepler-exporter"), ending("server-api"))
PROBED, MOUNTS = until_well(PROBE, PROBE), until_well(MOUNT, MOUNT)
SANDBOXES = until_well(SANDBOX, SANDBOX)
SLOW, SILENT = until_well(PodSymptom("", "")), Flaw({"kepler-model-server": PodSymptom("", "")})
CASES = (
    StepCase("ClaimPending", PODS[1:], claiming("late"), class_appears, leaves=("delete pvc",)),
    StepCase("ClaimPending", PODS[1:], claiming("nowhere"), another_class('"nowhere" not found'), name="another class"),
    StepCase(
        "ClaimPending",
        PODS[1:],
        claiming(None),
        edited("model-server.storage.claim.storage-class", "there"),
        name="no default class",
    ),
    StepCase("ClaimPending", PODS[1:], claiming(None), default_class_appears, name="default class"),
    StepCase(
        "ClaimPending",
        PODS[1:],
        claiming("on-node", NO_PROVISIONER),
        another_class("didn't find available persistent volumes", "create a volume of the claim's StorageClass"),
        name="no volumes",
    ),
    StepCase(
        "ClaimPending",
        PODS[1:],
        claiming("absent", ABSENT_PROVISIONER),
        another_class(ABSENT_PROVISIONER, "have that provisioner installed and running"),
        name="no provisioner",
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
        "SandboxFailed",
        PODS,
        SANDBOXES.state,
        SANDBOXES.mended("mend its container runtime or network plugin", "the kubelet tries again by itself"),
        unseen="there is no kubelet that has a network plugin",
    ),
    StepCase("CrashLoop", PODS, CRASHES.state, CRASHES.mended("read its log", "--previous"), unseen=NO_LOG),
    StepCase("Unhealthy", PODS, PROBED.state, PROBED.mended("read its log"), unseen=NO_LOG),
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
    StepCase("Starting", PODS[1:], SILENT.state, SILENT.mended("it listens once it has loaded what it can")),
    StepCase(
        "ModelServerNotAvailable",
        PODS[1:],
        without_models,
        edited("model-server.pipelines", ["http://models.energy.svc/ec2.zip"]),
        unseen=NO_LOG,
    ),
    StepCase("Available", PODS, applied(kepler(model_server=LOCAL)), still=True),
    StepCase("Reconciling", (READY,), unheard, run("resync", "--wait")),
)
