"""The reasons of functions' own conditions: their decisions, and refusals of writes by the API server."""

from functions import (
    collected_metric,
    collector,
    estimator,
    exported_power,
    machine_config,
    machine_spec,
    model_server,
    monitoring,
)
from reasons.reason_entry import (
    NOTHING,
    OF_KEPLERS,
    PODS,
    RECONCILED_CONDITIONS,
    RESYNC,
    RESYNC_MACHINES,
    RETRIED,
    ReasonEntry,
)
from runtime.conditions import READY

ENTRIES = (
    ReasonEntry(
        "ClaimUnchangeable",
        (model_server.CONDITION,),
        "The PersistentVolumeClaim of the model server exists, and Kubernetes does not allow the change that "
        "`model-server.storage.claim` asks for, such as a smaller size or another class.",
        "Set the field that the message names back to what the claim has. Or keep the models elsewhere and run the "
        "`kubectl delete` command in the message. It deletes the Deployment, too, since a claim is there for as long "
        "as a pod uses it. Both are created anew.",
    ),
    ReasonEntry(
        "ClusterTaken",
        (machine_config.CONDITION, READY),
        "Another KeplerMachineConfig was first to own the MachineConfigs, and a cluster takes one.",
        "Put the fields of both into one of the two and delete the other. If the one that is left has this reason, "
        f"{RESYNC_MACHINES}.",
    ),
    ReasonEntry(
        "CollectedMetricNotFound",
        (collected_metric.CONDITION,),
        "`collected-metric` names a KeplerCollectedMetric that does not exist in the namespace of the Kepler.",
        "Create the KeplerCollectedMetric, or correct `collected-metric`.",
    ),
    ReasonEntry(
        "ConfigurationInvalid",
        (collector.CONDITION,),
        "The ConfigMap that `collector.additional-config` names has a value at which Kepler v0.11 would exit, or a key "
        "that the Kepler itself decides.",
        "Change what the message names in its key 'config.yaml', then run the `kubectl kepler resync` command in the "
        "message.",
    ),
    ReasonEntry(
        "ConfigurationNotFound",
        (collector.CONDITION,),
        "`collector.additional-config` names a ConfigMap that does not exist, or that has no key 'config.yaml'.",
        "Create it, then run the `kubectl kepler resync` command in the message; or leave the field out.",
    ),
    ReasonEntry(
        "ConfigurationTooLarge",
        (collector.CONDITION,),
        "ConfigMap `kepler-cfm` is larger than what an exporter's pod can take.",
        "Remove the keys that you have added to `kepler-cfm`; `kubectl kepler history --target ConfigMap/kepler-cfm -n "
        "NAMESPACE` tells which the functions wrote. No further command is needed.",
    ),
    ReasonEntry(
        "Disabled",
        (estimator.CONDITION, model_server.CONDITION, machine_spec.CONDITION),
        "The field that switches this part on is off or empty, so there is nothing to do.",
        f"{NOTHING} To use the part, set `estimator-sidecar.enabled` or `model-server.enabled` of the Kepler, or "
        "`machine-spec` of a KeplerMachineConfig.",
    ),
    ReasonEntry(
        "ExportedPowerNotFound",
        (exported_power.CONDITION,),
        "`exported-power` names a KeplerExportedPower that does not exist in the namespace of the Kepler.",
        "Create the KeplerExportedPower, or correct `exported-power`.",
    ),
    ReasonEntry(
        "Forbidden",
        RECONCILED_CONDITIONS,
        "The ServiceAccount of a function lacks a permission for a write.",
        f"Apply `config/` again as the message says, which grants the permission, then {RESYNC}.",
    ),
    ReasonEntry(
        "ImageNotAllowed",
        (collector.CONDITION, estimator.CONDITION, model_server.CONDITION),
        "An image field names a repository that the administrator of the operator does not allow.",
        "Name an image of one of the repositories in the message. Or let an administrator add the repository to "
        "`ALLOWED_IMAGES` as `config/overlays/mirror` does, which carries it to the functions and to the admission "
        f"policies, then {RESYNC}.",
    ),
    ReasonEntry(
        "ImageNotSupported",
        (collector.CONDITION, estimator.CONDITION, model_server.CONDITION),
        "The image is of a version of Kepler that this operator cannot configure.",
        "Name the image that the message suggests. If the functions' environment sets the image, let an administrator "
        f"correct it there, then {RESYNC}.",
    ),
    ReasonEntry(
        "IPv4Required",
        (model_server.CONDITION,),
        "The cluster gives pods and Services IPv6 addresses first, and upstream's model server of v0.7.12 listens on "
        "IPv4 only: no probe and no client reaches it.",
        "Set `model-server.enabled` to false: the exporter then uses the models that it brings with it. Or name an "
        "image in `model-server.image` that listens on IPv6 and has another name than upstream's. In a cluster with "
        "both families, IPv4 has to be the first.",
    ),
    ReasonEntry(
        "Invalid",
        RECONCILED_CONDITIONS,
        "The API server refuses an object that a function writes, or the resource has a value that this version of the "
        "operator does not know.",
        "Change the field that the message names. If the object that it names was made by hand, remove that and "
        f"{RESYNC}. If the message speaks of another version, apply `config/` of one version, then run "
        "`kubectl replace` with the resource: a server-side apply fails over values that the schema does not know.",
    ),
    ReasonEntry(
        "LimitRange",
        (model_server.CONDITION, *PODS),
        "A LimitRange of the namespace refuses a pod or claim: it asks for too much, for too little, or its limit is "
        "too far above its request. A LimitRange with a maximum also gives every container without a limit that one.",
        "Change `collector.resources`, `estimator-sidecar.resources`, `model-server.resources` or the size of the "
        "claim, as the message says. Or have the LimitRange changed. If the condition of `model_server` has this "
        f"reason, {RESYNC} afterwards. {RETRIED}",
    ),
    ReasonEntry(
        "MachineSpecContradicts",
        (machine_spec.CONDITION,),
        "Two KeplerMachineConfigs describe the same type of machine differently.",
        "Remove the machine from `machine-spec` of one of the two that the message names.",
    ),
    ReasonEntry(
        "NamespaceNotAllowed",
        (collector.CONDITION, model_server.CONDITION),
        "The namespace does not allow privileged pods, and exporters run privileged on every node.",
        "Let an administrator run the `kubectl label namespace` command in the message. No further command is needed.",
    ),
    ReasonEntry(
        "NamespaceTaken",
        OF_KEPLERS,
        "Another Kepler was first in the namespace, and a namespace takes one.",
        "Delete the Kepler that the message names, or create yours in a namespace of its own.",
    ),
    ReasonEntry(
        "NamespaceTerminating",
        (collector.CONDITION, model_server.CONDITION),
        "The namespace is being deleted, and the Kepler with it: nothing can be created there any more.",
        "Nothing, if that is wanted. If it lasts, `kubectl describe namespace` names the objects and finalizers that "
        "hold it.",
    ),
    ReasonEntry(
        "NotApplicable",
        (machine_config.CONDITION, READY),
        "The cluster has no MachineConfigs, which are OpenShift's, so no machine is changed.",
        f"{NOTHING} What the resource asks of the machines has to be part of the nodes' own images.",
    ),
    ReasonEntry(
        "NotInThisRelease",
        (estimator.CONDITION, model_server.CONDITION, collector.CONDITION),
        "The Kepler is of line v0.11, and what the message names does not exist in it, or not in the release of its "
        "image: it has no estimator and no model server, since it measures and does not estimate.",
        "Turn off what the message names. If nodes have no power meter, set `collector.release` to 'v0.7' instead.",
    ),
    ReasonEntry(
        "NotInstalled",
        (collector.CONDITION, monitoring.CONDITION),
        "Something that the operator relies on is not installed. The condition of `collector` is False: the shared "
        "ClusterRoleBinding of the exporters is missing. The condition of `monitoring` is True: the cluster has no "
        "Prometheus operator, and nothing scrapes the exporters by itself.",
        f"Apply `config/` again for the ClusterRoleBinding, then {RESYNC}. Install the Prometheus operator, then do "
        "the same, or configure your Prometheus to scrape Service `kepler-exporter`.",
    ),
    ReasonEntry(
        "NotWorkingInThisRelease",
        (estimator.CONDITION, model_server.CONDITION),
        "A field asks for what Kepler documents, and no release of line v0.7 can do: online training, filters of "
        "models, models for processes. With it, nodes would lose their power, or exporters would end.",
        "Leave the field out, or turn it off, as the message says. `docs/models.md` says what works instead.",
    ),
    ReasonEntry(
        "OwnedByAnother",
        RECONCILED_CONDITIONS,
        "An object with a name that the operator needs exists, and somebody else made it: by hand, by a Helm release "
        "or by another controller. Nothing is written.",
        f"Delete or remove the object as the message says and {RESYNC}. Or create the Kepler in another namespace. Or "
        "let the Kepler adopt the object by the annotation in the message: it is changed, and kept when the Kepler is "
        "deleted.",
    ),
    ReasonEntry(
        "PoolNotFound",
        (machine_config.CONDITION, READY),
        "`roles` names a role that has no MachineConfigPool.",
        f"Remove the role from `roles`. Or create the pool and {RESYNC_MACHINES}.",
    ),
    ReasonEntry(
        "PortTaken",
        (collector.CONDITION,),
        "Kepler v0.11 listens on port 8080 itself while it asks the API server for pods, and `collector.port` is the "
        "same.",
        "Set `collector.port` to another port.",
    ),
    ReasonEntry(
        "QuotaExceeded",
        (*OF_KEPLERS, *PODS),
        "A ResourceQuota of the namespace refuses a pod or claim.",
        "Set or lower the resources that the message names, or `model-server.storage.claim.size`, or have the "
        f"ResourceQuota raised. If a function's own condition has this reason, {RESYNC} afterwards. {RETRIED}",
    ),
    ReasonEntry(
        "RebootNotAllowed",
        (machine_config.CONDITION, READY),
        "The change needs MachineConfigs, with which OpenShift reboots the machines of a pool one after another, and "
        "`allow-reboot` is not set.",
        "Set `allow-reboot` of the KeplerMachineConfig to true when the machines may reboot.",
    ),
    ReasonEntry(
        "Reconciled",
        RECONCILED_CONDITIONS,
        "The function has brought its part to the desired state.",
        NOTHING,
    ),
    ReasonEntry(
        "RefusedByPolicy",
        (*RECONCILED_CONDITIONS, *PODS),
        "An admission policy or an admission webhook of the cluster refuses an object or a pod.",
        "Change what the message names, or ask whoever runs the policy for an exception. If a function's own condition "
        f"has this reason, {RESYNC} afterwards. {RETRIED}",
    ),
    ReasonEntry(
        "SourceRequired",
        (estimator.CONDITION,),
        "A power model needs a source of metrics that the KeplerCollectedMetric turns off.",
        "Turn the source on that the message names, or choose a model that does without.",
    ),
    ReasonEntry(
        "Waiting",
        (collector.CONDITION, estimator.CONDITION, monitoring.CONDITION),
        "The function waits for another condition to become True, and leaves what runs as it is.",
        "Mend the condition or create the resource that the message names. No further command is needed.",
    ),
)
