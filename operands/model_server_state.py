"""The state of the model server for which exporters are restarted: for which configuration it first became available.

Exporters ask the model server once, at their start, and keep its weights, or their built-in ones, for as long as they
run (kepler v0.7.12:pkg/model/estimator/local/regressor/regressor.go, Start). The estimator keeps each model that it was
given (kepler-model-server v0.7.12:src/kepler_model/estimate/estimator.py, loaded_model). So exporters have to be
restarted once the server is available with a new configuration, and not whenever its pod is replaced.
"""

from crds.model_server_fields import StorageType
from operands.children import CONFIG_HASH
from runtime.conditions import conditions
from runtime.objects import Manifest, generation

# Annotation of the exporters' pod template that holds the state.
ANNOTATION = "sustainable-computing.io/model-server"


def is_wanted(kepler: Manifest) -> bool:
    """Return whether the Kepler asks for a model server."""
    server = (kepler.get("spec") or {}).get("model-server") or {}
    return bool(server.get("enabled"))


def has_claim(kepler: Manifest) -> bool:
    """Return whether the Kepler keeps the model server's models in a PersistentVolumeClaim."""
    server = (kepler.get("spec") or {}).get("model-server") or {}
    return (server.get("storage") or {}).get("type") == StorageType.CLAIM


def state(deployment: Manifest | None, before: str) -> str:
    """Return 'available/' and the hash of the configuration for which the model server was available last.

    `deployment` is the model server's; if it is None, the state is ''. `before` is the state that the exporters' pods
    have now, '' if none: it is returned as long as the server is not available for its present configuration.

    A Deployment has completed its rollout once all its pods are available, and its condition `Progressing` says so
    until its template changes, also while pods are replaced (k8s.io/kubernetes v1.35:
    pkg/controller/deployment/progress.go, syncRolloutStatus).
    """
    if deployment is None:
        return ""
    seen = (deployment.get("status") or {}).get("observedGeneration") == generation(deployment)
    progressing = conditions(deployment).get("Progressing") or {}
    if not seen or progressing.get("reason") != "NewReplicaSetAvailable":
        return before
    template = (deployment.get("spec") or {}).get("template") or {}
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    return f"available/{annotations.get(CONFIG_HASH, '')}"


def is_unavailable(deployment: Manifest) -> bool:
    """Return whether the model server is not available for its present configuration, so that no exporter waits."""
    return not state(deployment, "")


def noted(daemon_set: Manifest | None) -> str:
    """Return the state that the exporters' pods have now; '' if they have none."""
    template = ((daemon_set or {}).get("spec") or {}).get("template") or {}
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    return str(annotations.get(ANNOTATION, ""))
