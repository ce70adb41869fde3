"""Where the model server keeps its models: the volume, the claim, and the copies from and to an object store."""

from typing import Any

from kubernetes.utils.quantity import parse_quantity

from crds.kepler import Kepler
from crds.model_server_fields import Claim, External, ModelServer, OnDelete, Storage, StorageType
from operands import children, engine
from runtime.differences import owned_fields
from runtime.objects import Manifest, Ref
from runtime.outcome import Intent
from runtime.ownership import reference

VOLUME = "mnt"
# The authorities that the copies trust.
CA_VOLUME, CA_DIRECTORY, CA_FILE = "ca", "/etc/kepler-ca", "ca.crt"
# The containers that copy models from and to an object store.
COPIES = PULL, PUSH = "pull", "push"
# Says on the claim itself what becomes of it; also how an event of a claim is told to be in order.
ON_DELETE = "sustainable-computing.io/on-delete"

# Waits, then copies, again and again; once more when the pod ends. `$1` is the pause, the rest the command.
AGAIN_AND_AGAIN = (
    "pause=$1; shift; trap 'kill $! 2>/dev/null; \"$@\"; exit $?' TERM; "
    'while :; do sleep "$pause" & wait $!; "$@"; done'
)


def directory(storage: Storage) -> str:
    """The directory of the models, in the pod."""
    return f"{engine.MNT_PATH}/{storage.path}"


def lasts(storage: Storage) -> bool:
    """Whether models outlive the pod."""
    return storage.type is not StorageType.LOCAL


def shared(storage: Storage) -> bool:
    """Whether two pods would have one directory, of which each removes the other's models when it loads its own."""
    return storage.type in (StorageType.HOSTPATH, StorageType.NFS, StorageType.CLAIM)


def volume(storage: Storage) -> dict[str, Any]:
    """The volume at `/mnt`."""
    sources: dict[StorageType, dict[str, Any]] = {
        StorageType.LOCAL: {"emptyDir": {}},
        StorageType.HOSTPATH: {"hostPath": {"path": storage.hostpath.path, "type": "DirectoryOrCreate"}},
        StorageType.NFS: {"nfs": {"server": storage.nfs.server, "path": storage.nfs.export}},
        StorageType.CLAIM: {"persistentVolumeClaim": {"claimName": children.CLAIM}},
        StorageType.EXTERNAL: {"emptyDir": {}},
    }
    return {"name": VOLUME, **sources[storage.type]}


def mounts(storage: Storage) -> list[dict[str, Any]]:
    """The volume, and once more its directory of the models, so that the kubelet makes it.

    The model server makes only '/mnt/models', and ends where another one is missing
    (MS:src/kepler_model/server/model_server.py, load_init_pipeline).
    """
    return [
        {"name": VOLUME, "mountPath": engine.MNT_PATH},
        {"name": VOLUME, "mountPath": directory(storage), "subPath": storage.path},
    ]


def copy_mounts(storage: Storage) -> list[dict[str, Any]]:
    """The mounts of a copy: the models, and the authorities that vouch for the store."""
    authorities = {"name": CA_VOLUME, "mountPath": CA_DIRECTORY, "readOnly": True}
    return [*mounts(storage), *([authorities] if storage.external.ca.config_map else [])]


def volumes(storage: Storage) -> list[dict[str, Any]]:
    """The volume of the models, and the one of the authorities where a store has its own."""
    ca = storage.external.ca
    if storage.type is not StorageType.EXTERNAL or not ca.config_map:
        return [volume(storage)]
    items = [{"key": ca.key or CA_FILE, "path": CA_FILE}]
    return [volume(storage), {"name": CA_VOLUME, "configMap": {"name": ca.config_map, "items": items}}]


def claim(parent: Manifest, key: Ref, actual: Manifest | None, wanted: Claim) -> Intent:
    """The claim in use, of which the API server lets only the size change, and that only grow.

    Where no class is named, one that is there keeps its own.
    """
    there = ((actual or {}).get("spec") or {}).get("storageClassName")
    name = there if wanted.storage_class is None else wanted.storage_class
    asked = {"requests": {"storage": wanted.size}}
    named = {} if name is None else {"storageClassName": name}
    spec = {"accessModes": [wanted.access_mode.value], "resources": asked, **named}
    return _claim(parent, key, spec, wanted.on_delete)


def fixed(key: Ref, actual: Manifest | None, wanted: Claim) -> str:
    """What of an existing claim would have to change and cannot, in the user's words; empty where nothing would.

    The API server says so, too (k8s.io/kubernetes v1.35:pkg/apis/core/validation, ValidatePersistentVolumeClaimUpdate),
    but of a claim, not of the field that it came from.
    """
    spec: Manifest = (actual or {}).get("spec") or {}
    there = {
        "access-mode": next(iter(spec.get("accessModes") or ()), None),
        "storage-class": spec.get("storageClassName"),
        "size": ((spec.get("resources") or {}).get("requests") or {}).get("storage"),
    }
    asked = {"access-mode": wanted.access_mode.value, "storage-class": wanted.storage_class, "size": str(wanted.size)}
    for field, value in asked.items():
        before = there[field]
        if before is None or value is None or value == before:
            continue
        if field == "size" and parse_quantity(value) >= parse_quantity(before):
            continue
        return (
            f"`model-server.storage.claim.{field}` is '{value}', and claim '{children.CLAIM}' has '{before}', which "
            f"cannot be changed: set it back, or run `kubectl delete -n {key.namespace} "
            f"deployment/{children.MODEL_SERVER} pvc/{children.CLAIM}`, which deletes the claim with the models in it, "
            "and both are made anew (a claim is there for as long as a pod uses it)"
        )
    return ""


def unused(parent: Manifest, key: Ref, actual: Manifest, manager: str, wanted: Claim) -> Intent:
    """A claim that nothing asks for any more: as it is, in the hands that `on-delete` says."""
    owned = owned_fields(actual, manager=manager).get("f:spec") or {}
    spec = {field: value for field, value in actual["spec"].items() if f"f:{field}" in owned}
    return _claim(parent, key, spec, wanted.on_delete)


def _claim(parent: Manifest, key: Ref, spec: Manifest, on_delete: OnDelete) -> Intent:
    """Return the claim; with an owner, garbage collection deletes it with the Kepler.

    Its labels name no instance: a tool that tracks applications by `app.kubernetes.io/instance` would take a claim
    without an owner for one that its application lost, and prune it with all models.
    """
    labels = children.labels(parent, "model-server", children.MODEL_SERVER)
    described = {
        "labels": {name: value for name, value in labels.items() if name != children.INSTANCE},
        "annotations": {ON_DELETE: on_delete.value},
        **({"ownerReferences": [reference(parent)]} if on_delete is OnDelete.DELETE else {}),
    }
    return Intent(children.claim(key), {"metadata": described, "spec": spec}, "model-server.storage.claim")


def made(actual: Manifest | None, manager: str) -> bool:
    """Whether a claim of our name is ours, and not one that somebody made by hand."""
    return actual is not None and bool(owned_fields(actual, manager=manager))


def intact(actual: Manifest, manager: str) -> bool:
    """Whether everything that we said of the claim still stands: whoever changes it takes it from us."""
    owned = owned_fields(actual, manager=manager)
    described, asked = owned.get("f:metadata") or {}, owned.get("f:spec") or {}
    annotations = (actual.get("metadata") or {}).get("annotations") or {}
    owners = len(described.get("f:ownerReferences") or {})
    held = owners == (1 if annotations.get(ON_DELETE) == OnDelete.DELETE else 0)
    size = ((asked.get("f:resources") or {}).get("f:requests") or {}).get("f:storage")
    labelled = f"f:{ON_DELETE}" in (described.get("f:annotations") or {})
    return held and labelled and size is not None and children.labelled(described)


def transfers(kepler: Kepler, image: str) -> dict[str, list[dict[str, Any]]]:
    """Beside an object store: models are pulled before the server starts, and pushed where there is a trainer.

    Both only add and replace: what somebody else put into the bucket stays.
    """
    server = kepler.spec.model_server
    if server.storage.type is not StorageType.EXTERNAL:
        return {}
    bucket, models = remote(server.storage.external), directory(server.storage)
    pull = _rclone(PULL, image, server, ["rclone"], copy(bucket, models))
    if not server.training.online:
        return {"initContainers": [pull]}
    repeated = ["sh", "-c", AGAIN_AND_AGAIN, "push", str(server.sampling_period), "rclone"]
    push = _rclone(PUSH, image, server, repeated, copy(models, bucket))
    return {"initContainers": [pull], "containers": [push]}


def remote(external: External) -> str:
    """The bucket, and the prefix in it, as rclone names them; the rest is in its environment."""
    return f":s3:{external.bucket}/{external.prefix}".rstrip("/")


def copy(source: str, target: str) -> list[str]:
    """rclone's arguments. Checksums, since the times of objects are those of their upload."""
    return ["copy", source, target, "--checksum", "--verbose"]


def environment(external: External) -> list[dict[str, Any]]:
    """Everything rclone must know of the store. The credentials are the Secret's, and nowhere else."""
    settings = {
        "RCLONE_S3_PROVIDER": "Other",
        "RCLONE_S3_ENDPOINT": external.endpoint,
        "RCLONE_S3_REGION": external.region,
        "RCLONE_S3_NO_CHECK_BUCKET": "true",  # the credentials need no right to make buckets
        "RCLONE_CA_CERT": f"{CA_DIRECTORY}/{CA_FILE}" if external.ca.config_map else None,
    }
    secrets = {"RCLONE_S3_ACCESS_KEY_ID": "accessKeyID", "RCLONE_S3_SECRET_ACCESS_KEY": "accessSecret"}
    return [
        *({"name": name, "value": value} for name, value in settings.items() if value),
        *(
            {"name": name, "valueFrom": {"secretKeyRef": {"name": external.credentials.secret, "key": key}}}
            for name, key in secrets.items()
        ),
    ]


def _rclone(name: str, image: str, server: ModelServer, command: list[str], arguments: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        **engine.pulled(image),
        "command": command,
        "args": arguments,
        "env": [*environment(server.storage.external), *server.env],
        "resources": server.resources or engine.RCLONE_RESOURCES,
        "securityContext": {"allowPrivilegeEscalation": False},
        "volumeMounts": copy_mounts(server.storage),
    }
