"""Where the model server keeps its models: the volume, the claim, and the copy from an object store."""

from typing import Any

from crds.kepler import Kepler
from crds.model_server_fields import Claim, External, ModelServer, OnDelete, Storage, StorageType
from operands import children, kepler_v07
from runtime.differences import owned_fields
from runtime.kubernetes_client import parse_quantity
from runtime.objects import Manifest, Ref
from runtime.outcome import Intent
from runtime.ownership import reference

VOLUME = "mnt"
# The certificate authorities that the copy trusts.
CA_VOLUME, CA_DIRECTORY, CA_FILE = "ca", "/etc/kepler-ca", "ca.crt"
# The container that copies models from an object store.
PULL = "pull"
COMMAND = ["rclone"]
# Annotation with the claim's `on-delete`; `intact` uses it to recognize a claim that needs no change.
ON_DELETE = "sustainable-computing.io/on-delete"


def directory(storage: Storage) -> str:
    """Return the directory of the models, in the pod."""
    return f"{kepler_v07.MNT_PATH}/{storage.path}"


def place(storage: Storage) -> dict[str, Any]:
    """Return what tells one place of models from another, as JSON: the volume's source, and the bucket."""
    bucket = storage.external.model_dump(mode="json", by_alias=True) if storage.type is StorageType.EXTERNAL else {}
    return {"volume": volume(storage), "bucket": bucket}


def is_shared(storage: Storage) -> bool:
    """Return whether two pods would share one directory; each would remove the other's models when it loads its own."""
    return storage.type in (StorageType.HOSTPATH, StorageType.NFS, StorageType.CLAIM)


def volume(storage: Storage) -> dict[str, Any]:
    """Return the volume at `/mnt`."""
    sources: dict[StorageType, dict[str, Any]] = {
        StorageType.LOCAL: {"emptyDir": {}},
        StorageType.HOSTPATH: {"hostPath": {"path": storage.hostpath.path, "type": "DirectoryOrCreate"}},
        StorageType.NFS: {"nfs": {"server": storage.nfs.server, "path": storage.nfs.export}},
        StorageType.CLAIM: {"persistentVolumeClaim": {"claimName": children.CLAIM}},
        StorageType.EXTERNAL: {"emptyDir": {}},
    }
    return {"name": VOLUME, **sources[storage.type]}


def mounts(storage: Storage) -> list[dict[str, Any]]:
    """Return two mounts of the volume: all of it, and the directory of the models, so that the kubelet creates it.

    The model server creates only '/mnt/models', and exits if another directory is missing
    (kepler-model-server:src/kepler_model/server/model_server.py, load_init_pipeline).
    """
    return [
        {"name": VOLUME, "mountPath": kepler_v07.MNT_PATH},
        {"name": VOLUME, "mountPath": directory(storage), "subPath": storage.path},
    ]


def copy_mounts(storage: Storage) -> list[dict[str, Any]]:
    """Return the mounts of a copy: the models, and the object store's certificate authorities."""
    authorities = {"name": CA_VOLUME, "mountPath": CA_DIRECTORY, "readOnly": True}
    return [*mounts(storage), *([authorities] if storage.external.ca.config_map else [])]


def volumes(storage: Storage) -> list[dict[str, Any]]:
    """Return the volume of the models, and that of the certificate authorities if the object store has its own."""
    ca = storage.external.ca
    if storage.type is not StorageType.EXTERNAL or not ca.config_map:
        return [volume(storage)]
    items = [{"key": ca.key or CA_FILE, "path": CA_FILE}]
    return [volume(storage), {"name": CA_VOLUME, "configMap": {"name": ca.config_map, "items": items}}]


def claim(parent: Manifest, key: Ref, actual: Manifest | None, wanted: Claim) -> Intent:
    """Return the claim in use. The API server allows only its size to change, and only to grow.

    If no storage class is named, an existing claim keeps its own.
    """
    there = ((actual or {}).get("spec") or {}).get("storageClassName")
    name = there if wanted.storage_class is None else wanted.storage_class
    asked = {"requests": {"storage": wanted.size}}
    named = {} if name is None else {"storageClassName": name}
    spec = {"accessModes": [wanted.access_mode.value], "resources": asked, **named}
    return _claim(parent, key, spec, wanted.on_delete)


def claim_change_error(key: Ref, actual: Manifest | None, wanted: Claim) -> str:
    """Return a message if an existing claim cannot be changed as requested, else an empty string.

    The message names the field of the Kepler. The API server refuses the change too (k8s.io/kubernetes
    v1.35:pkg/apis/core/validation, ValidatePersistentVolumeClaimUpdate), but names the claim's field.
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
        is_bound = ((actual or {}).get("status") or {}).get("phase") == "Bound"
        lost = "which deletes the claim with the models in it" if is_bound else "in which no models are yet"
        return (
            f"`model-server.storage.claim.{field}` is '{value}', and claim '{children.CLAIM}' has '{before}', which "
            f"cannot be changed: set it back, or run `kubectl delete -n {key.namespace} "
            f"deployment/{children.MODEL_SERVER} pvc/{children.CLAIM}`, {lost}, and "
            "both are made anew (a claim is there for as long as a pod uses it)"
        )
    return ""


def unused(parent: Manifest, key: Ref, actual: Manifest, manager: str, wanted: Claim) -> Intent:
    """Return a claim that is not in use any more: its spec as it is, with or without an owner as `on-delete` says."""
    owned = owned_fields(actual, manager=manager).get("f:spec") or {}
    spec = {field: value for field, value in actual["spec"].items() if f"f:{field}" in owned}
    return _claim(parent, key, spec, wanted.on_delete)


def _claim(parent: Manifest, key: Ref, spec: Manifest, on_delete: OnDelete) -> Intent:
    """Return the claim; if it has an owner, garbage collection deletes it with the Kepler.

    Its labels name no instance. Tools that track applications by `app.kubernetes.io/instance` would regard a claim
    without an owner as left over from its application, and prune it with all models.
    """
    labels = children.labels(parent, "model-server", children.MODEL_SERVER)
    described = {
        "labels": {name: value for name, value in labels.items() if name != children.INSTANCE},
        "annotations": {ON_DELETE: on_delete.value},
        **({"ownerReferences": [reference(parent)]} if on_delete is OnDelete.DELETE else {}),
    }
    return Intent(children.claim(key), {"metadata": described, "spec": spec}, "model-server.storage.claim")


def is_ours(actual: Manifest | None, manager: str) -> bool:
    """Return whether `manager` made the claim of our name, and not somebody by hand."""
    return actual is not None and bool(owned_fields(actual, manager=manager))


def intact(actual: Manifest, manager: str) -> bool:
    """Return whether `manager` still owns all fields that it wrote to the claim; whoever changes a field takes it."""
    owned = owned_fields(actual, manager=manager)
    described, asked = owned.get("f:metadata") or {}, owned.get("f:spec") or {}
    annotations = (actual.get("metadata") or {}).get("annotations") or {}
    owners = len(described.get("f:ownerReferences") or {})
    held = owners == (1 if annotations.get(ON_DELETE) == OnDelete.DELETE else 0)
    size = ((asked.get("f:resources") or {}).get("f:requests") or {}).get("f:storage")
    labelled = f"f:{ON_DELETE}" in (described.get("f:annotations") or {})
    return held and labelled and size is not None and children.labelled(described)


def copies(kepler: Kepler, image: str) -> list[dict[str, Any]]:
    """Return the container that copies models from an object store before the server starts.

    Empty if `storage.type` is not 'external'.
    """
    server = kepler.spec.model_server
    if server.storage.type is not StorageType.EXTERNAL:
        return []
    bucket, models = remote(server.storage.external), directory(server.storage)
    return [_rclone(image, server, copy(bucket, models))]


def remote(external: External) -> str:
    """Return bucket and prefix as rclone names them; its environment has the rest."""
    return f":s3:{external.bucket}/{external.prefix}".rstrip("/")


def copy(source: str, target: str) -> list[str]:
    """Return rclone's arguments. It compares checksums, since the times of objects are those of their upload."""
    return ["copy", source, target, "--checksum", "--verbose"]


def environment(external: External) -> list[dict[str, Any]]:
    """Return rclone's settings for the object store. The credentials stay in the Secret that the variables refer to."""
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


def _rclone(image: str, server: ModelServer, arguments: list[str]) -> dict[str, Any]:
    return {
        "name": PULL,
        **kepler_v07.pulled(image),
        "command": COMMAND,
        "args": arguments,
        "env": [*environment(server.storage.external), *server.env],
        "resources": server.resources or kepler_v07.RCLONE_RESOURCES,
        "securityContext": {"allowPrivilegeEscalation": False},
        "volumeMounts": copy_mounts(server.storage),
    }
