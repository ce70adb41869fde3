"""The reasons about running workloads: pods, nodes, machines, and `Ready`, which combines the other conditions."""

from functions import status
from operands import preflight
from reasons.reason_entry import NOTHING, PODS, RESYNC_MACHINES, RETRIED, ReasonEntry
from runtime.conditions import READY

ENTRIES = (
    ReasonEntry(
        "Available",
        PODS,
        "The pods are ready: of the exporter on every node that it selects, or of the model server.",
        NOTHING,
    ),
    ReasonEntry(
        "ClaimPending",
        PODS[1:],
        "The PersistentVolumeClaim of the model server is not bound: its StorageClass does not exist or has no "
        "provisioner that runs, the cluster has no default StorageClass, or no volume fits.",
        "Create the StorageClass or a volume, as the message says. Or set "
        "`model-server.storage.claim.storage-class` to a class that works; if the claim names another class, also "
        "delete the claim, which is empty: the message has the command.",
    ),
    ReasonEntry(
        "ContainerConfigError",
        PODS,
        "A container cannot be created because a Secret or ConfigMap, or a key of it, does not exist.",
        "Create what the message names in the namespace of the Kepler. The kubelet tries again by itself.",
    ),
    ReasonEntry(
        "CrashLoop",
        PODS,
        "A container of the workload ends again and again. The kubelet starts it again after a back-off of up to five "
        "minutes.",
        "Read the log of the last run by the `kubectl logs --previous` command in the message, and change what it "
        "complains about. If an exporter of v0.7 ends with a `panic` in `(*hardwarePerfEvents).close(0x0)`, it could "
        "not load its eBPF programs: the kernel is too old, or does not allow it. If an estimator ends with an error "
        "of `requests`, it does not reach the host of a model: set `init-url` of the model.",
    ),
    ReasonEntry(
        "ImagePull",
        PODS,
        "A node cannot pull an image: its name or tag is wrong, the registry does not answer, or it asks for "
        "credentials.",
        "Check the image field that the message names, and whether the nodes reach the registry. Credentials go into "
        "`collector.image-pull-secrets` or `model-server.image-pull-secrets`. The kubelet tries again within 5 "
        "minutes.",
    ),
    ReasonEntry(
        "ModelServerNotAvailable",
        PODS[1:],
        "The Deployment of the model server has no ready pod within its deadline, and no Event says why. The server is "
        "ready once it listens, which is after it has fetched and loaded its models, or failed to.",
        "Read the log by the command in the message. If the nodes do not reach the internet, set "
        "`model-server.pipelines` to archives that they reach.",
    ),
    ReasonEntry(
        "NoNodes",
        (status.AVAILABLE, preflight.CONDITION),
        "No node takes the exporter, or the cluster has no nodes yet.",
        "Compare `collector.node-selector`, `collector.tolerations` and `collector.affinity` with the labels and "
        "taints of the nodes: `kubectl get nodes --show-labels`. If a KeplerMachineConfig has this reason, add a node "
        f"and {RESYNC_MACHINES}.",
    ),
    ReasonEntry(
        "NotDeployed",
        PODS,
        "The DaemonSet of the exporter, or the Deployment of the model server, does not exist yet.",
        "Look at the other conditions of the Kepler: the function that creates the workload rejects, waits or has not "
        "reported.",
    ),
    ReasonEntry(
        "NotSupported",
        (preflight.CONDITION,),
        "At least one node cannot run the exporter: it does not run Linux, or its kernel is too old.",
        f"Keep the exporter off these nodes by `collector.node-selector`. Or upgrade them and {RESYNC_MACHINES}.",
    ),
    ReasonEntry(
        "PartiallyAvailable",
        (status.AVAILABLE,),
        "Some nodes have no ready exporter, and no Event says why.",
        "Wait for a minute, then look at the pods by the `kubectl get pods` command in the message.",
    ),
    ReasonEntry(
        "PodsForbidden",
        PODS,
        "The namespace's Pod Security level forbids the pods: exporters run privileged.",
        f"Let an administrator run the `kubectl label namespace` command in the message. {RETRIED}",
    ),
    ReasonEntry(
        "PodsNotCreated",
        PODS,
        "The controller of the workload cannot create its pods; the message has the API server's words.",
        f"Mend what the message names. `kubectl describe` of the workload has every attempt. {RETRIED}",
    ),
    ReasonEntry(
        "PoolDegraded",
        (READY,),
        "A MachineConfigPool of OpenShift cannot bring a MachineConfig to its machines.",
        "Look at the conditions of the pool: `oc describe machineconfigpool NAME`. Mend what they say, then "
        f"{RESYNC_MACHINES}. To take the change back, switch the field of the KeplerMachineConfig off.",
    ),
    ReasonEntry(
        "PoolPaused",
        (READY,),
        "A MachineConfigPool is paused, so its machines do not get the change.",
        f"Set `spec.paused` of the pool to false when its machines may reboot, then {RESYNC_MACHINES}.",
    ),
    ReasonEntry(
        "PoolUpdating",
        (READY,),
        "The machines of a pool reboot one after another, or are about to.",
        f"Wait for the next sweep, or {RESYNC_MACHINES}. If nothing moves, look at the pool: `oc get "
        "machineconfigpools`.",
    ),
    ReasonEntry(
        "PriorityClassMissing",
        PODS,
        "The pods name a PriorityClass that does not exist.",
        "Create the PriorityClass, or change `collector.priority-class` or `model-server.priority-class`. If somebody "
        "else has set it in the workload, `kubectl kepler history --target DaemonSet/kepler-exporter -n NAMESPACE` "
        f"tells who. {RETRIED}",
    ),
    ReasonEntry(
        "Ready",
        (READY,),
        "Every function has done its part, and everything that should run is ready.",
        NOTHING,
    ),
    ReasonEntry(
        "Reconciling",
        (READY,),
        "Not every function has reported on the present generation of the resource.",
        "Wait for some seconds. If it stays so, `kubectl kepler explain` says which function is silent and why, and "
        "`kubectl kepler doctor` looks at the installation.",
    ),
    ReasonEntry(
        "RolloutInProgress",
        (status.AVAILABLE,),
        "The DaemonSet controller replaces the exporter's pods, node by node.",
        "Wait. With `collector.update-strategy` 'OnDelete', delete the old pods by the command in the message.",
    ),
    ReasonEntry(
        "RuntimeClassMissing",
        PODS,
        "The pods name a RuntimeClass that does not exist.",
        f"Create the RuntimeClass, or change `collector.runtime-class` or `model-server.runtime-class`. {RETRIED}",
    ),
    ReasonEntry(
        "SandboxFailed",
        PODS,
        "The node cannot start any container of a pod: its container runtime or its network plugin fails.",
        "Have whoever runs the node mend it; the message has the cause. The kubelet tries again by itself.",
    ),
    ReasonEntry(
        "Starting",
        PODS[1:],
        "The model server starts. It listens once it has loaded what it can of its models.",
        "Wait. Its log tells what it fetches: `kubectl logs -n NAMESPACE deployment/kepler-model-server`.",
    ),
    ReasonEntry(
        "Supported",
        (preflight.CONDITION,),
        "Every node can run the exporter.",
        NOTHING,
    ),
    ReasonEntry(
        "Unhealthy",
        PODS,
        "A container runs, and its probe fails.",
        "Read its log by the `kubectl logs` command in the message.",
    ),
    ReasonEntry(
        "Unschedulable",
        PODS,
        "The scheduler finds no node for a pod: no room, a taint, or a selector that no node fulfils.",
        "Make room, or change the fields that the message names: node selector, tolerations or resources. `kubectl "
        "describe pods` has the scheduler's words for each node.",
    ),
    ReasonEntry(
        "VolumeNotMounted",
        PODS,
        "The kubelet cannot mount a volume of a pod: an NFS server or a disk cannot be reached, or a Secret or "
        "ConfigMap does not exist.",
        "Make what the message names available to the node. The kubelet tries again by itself.",
    ),
)
