"""The objects that the functions would write for some resources, as manifests to read or apply. Pure."""

from collections.abc import Iterator
from typing import Any

from cli.prediction.dry_run import UNKNOWN_UID
from cli.prediction.predict import Prediction
from runtime.objects import Manifest, Ref, metadata

ORDER = ("ServiceAccount", "ConfigMap", "PersistentVolumeClaim", "Service", "DaemonSet", "Deployment")
SERVERS_OWN = frozenset(
    {"managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink", "deletionTimestamp"}
)


def intended_objects(prediction: Prediction) -> list[Manifest]:
    """Return every object that a function intends, with the fields of all its writers.

    Fields that only the API server sets are left out, and owners that do not exist yet, since their uids are unknown.
    """
    intended = {intent.ref for decision in prediction.simulated.decisions for intent in decision.outcome.intents}
    objects = ((ref, prediction.memory.get(ref)) for ref in sorted(intended, key=_place))
    return [_bare(ref, manifest) for ref, manifest in objects if manifest is not None]


def _place(ref: Ref) -> tuple[str, int, str, str]:
    """Return a sort key: namespace, then referenced objects before those that refer to them."""
    order = ORDER.index(ref.kind.name) if ref.kind.name in ORDER else len(ORDER)
    return ref.namespace, order, ref.kind.name, ref.name


def _bare(ref: Ref, manifest: Manifest) -> Manifest:
    described = {key: value for key, value in metadata(manifest).items() if key not in SERVERS_OWN}
    owners = [owner for owner in described.pop("ownerReferences", ()) if owner.get("uid") != UNKNOWN_UID]
    address = {"name": ref.name, **({"namespace": ref.namespace} if ref.namespace else {})}
    body = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind", "metadata", "status")}
    kept = {**address, **described, **({"ownerReferences": owners} if owners else {})}
    return {"apiVersion": ref.kind.api_version, "kind": ref.kind.name, "metadata": kept, **body}


def as_list(objects: list[Manifest]) -> dict[str, Any]:
    """Return one JSON document with all objects."""
    return {"apiVersion": "v1", "kind": "List", "items": objects}


def with_separators(documents: Iterator[str]) -> str:
    """Return one YAML stream with all documents."""
    return "---\n".join(documents)
