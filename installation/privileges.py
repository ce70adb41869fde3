"""Which fields of a Kepler need a permission of their own, and why the others do not.

A user who may edit a Kepler decides what runs privileged on every node. So fields that choose that need the verb `use`
on `keplers/privileged`; `installation.admission` makes a ValidatingAdmissionPolicy of this table. A test fails for a
field that is in neither list, and another test checks that each guarded field is really guarded.

Models are pickles (kepler-model-server v0.7.12:src/kepler_model/util/loader.py, load_pkl): a user who names the source
of models chooses code that runs where they are loaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass

MODELS = ("node-total", "node-components", "process-total", "process-components")


@dataclass(frozen=True)
class Guard:
    """A field below `spec` that needs the permission, and why; a block stands for every field in it.

    Values in `free` need no permission, and blank ones never do.
    """

    path: str
    why: str
    free: tuple[str, ...] = ()


# Injectors add containers and volumes to pods by labels and annotations of the pods; these pods run as root.
_ACTED_ON = "NetworkPolicies and webhooks go by it, and webhooks put containers of its choice into pods"
_EXPOSED = "controllers go by it, and make a Service public or give it a name"

GUARDED: tuple[Guard, ...] = (
    Guard("collector.image", "it is run with privileges on every node"),
    Guard("collector.env", "it can send what the exporter may read elsewhere, and hold what is in any Secret"),
    Guard("collector.priority-class", "pods of a high priority evict other pods"),
    Guard("collector.image-pull-secrets", "the Secrets that it names are used even if the user may not read them"),
    Guard("collector.redfish", "the Secret that it names is used even if the user may not read it"),
    Guard("collector.web-config", "the Secret that it names is used even if the user may not read it"),
    Guard("collector.runtime-class", "it decides how far the host is kept from what runs there"),
    Guard("collector.pod-labels", _ACTED_ON),
    Guard("collector.pod-annotations", _ACTED_ON),
    Guard("collector.service-annotations", _EXPOSED),
    Guard("estimator-sidecar.image", "it is run on every node, in the host's process namespace"),
    *(
        Guard(f"estimator-sidecar.models.{model}.init-url", "a model is code, run on every node beside the exporter")
        for model in MODELS
    ),
    Guard("estimator-sidecar.env", "a proxy sees and changes what is fetched, and it can hold what is in any Secret"),
    Guard("model-server.image", "it is run as root"),
    Guard("model-server.storage.type", "it can mount what is not this namespace's", free=("local", "claim")),
    Guard("model-server.storage.hostpath", "a directory of the node is written by root"),
    Guard("model-server.storage.nfs", "a directory of another machine is written by root"),
    Guard("model-server.storage.external", "models from there are code, and the Secret that it names is used for it"),
    Guard("model-server.pipelines", "models are code, run by the model server and by every estimator"),
    Guard("model-server.env", "a proxy sees and changes what is fetched, and it can hold what is in any Secret"),
    Guard("model-server.priority-class", "pods of a high priority evict other pods"),
    Guard("model-server.image-pull-secrets", "the Secrets that it names are used even if the user may not read them"),
    Guard("model-server.runtime-class", "it decides how far the host is kept from what runs there"),
    Guard("model-server.pod-labels", _ACTED_ON),
    Guard("model-server.pod-annotations", _ACTED_ON),
    Guard("model-server.service-annotations", _EXPOSED),
)

_BOUNDED = "of this namespace, whose quota bounds them; what asks for too much is not scheduled"
_MODEL_SERVER = "model-server"
_TRAINING = f"{_MODEL_SERVER}.training"

# Field or block -> why it needs no permission.
HARMLESS: Mapping[str, str] = {
    "scrape-interval": "how often Prometheus asks; the shortest is a second",
    "scape-interval": "the same, in an old spelling",
    "collected-metric": "which sources are read is no privilege",
    "exported-power": "what is exported is no privilege",
    "monitoring.labels": "which Prometheus collects: what there is to collect is not the user's to say",
    "collector.release": "chooses among the images that an administrator chose",
    "collector.pod-informer": "what exporters may ask is what administrators granted them",
    "collector.rapl-zones": "what is measured is no privilege",
    "collector.max-terminated": "how much is exported; the most is 100,000",
    "collector.additional-config": "a ConfigMap of this namespace; keys with paths, addresses and the host are refused",
    "collector.port": "of the pod, not of the node: exporters are not in the host's network",
    "collector.sample-period": "how often is measured; the shortest is a second",
    "collector.log-level": "how much is logged; logs are for who may read the pods'",
    "collector.node-selector": "takes nodes away",
    "collector.affinity": "takes nodes away",
    "collector.tolerations": "the image that an administrator chose, on more nodes: to measure nodes is its purpose",
    "collector.resources": _BOUNDED,
    "collector.machine-spec": "one of the descriptions that administrators wrote",
    "collector.update-strategy": "how fast what was chosen gets to the nodes",
    "estimator-sidecar.enabled": "the image that an administrator chose",
    "estimator-sidecar.mnt-path": "has one value",
    "estimator-sidecar.resources": _BOUNDED,
    **{f"estimator-sidecar.models.{model}.trainer": "chooses among the models there are" for model in MODELS},
    **{f"estimator-sidecar.models.{model}.filters": "refused by `estimator`" for model in MODELS},
    f"{_MODEL_SERVER}.enabled": "the image that an administrator chose, without a token, with Kepler's own models",
    f"{_MODEL_SERVER}.port": "of the pod",
    f"{_MODEL_SERVER}.sampling-period": "no effect in this release",
    f"{_MODEL_SERVER}.resources": _BOUNDED,
    f"{_MODEL_SERVER}.node-selector": "takes nodes away",
    f"{_MODEL_SERVER}.tolerations": "the image that an administrator chose, without a token, on one more node",
    f"{_MODEL_SERVER}.storage.path": "within the storage: neither '..' nor a leading '/' is taken",
    f"{_MODEL_SERVER}.storage.claim": "a claim of this namespace, bounded by its quota",
    f"{_TRAINING}.online": "refused by `model_server`",
    **{f"{_TRAINING}.{field}": "no effect in this release" for field in ("prometheus-url", "step", "headers")},
}
