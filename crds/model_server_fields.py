"""`model-server` of a Kepler: the server of power models, and where it keeps them."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from crds.environment import ProxyEnv
from crds.fields import (
    Annotations,
    CelRule,
    Image,
    Labels,
    ObjectName,
    Port,
    Quantity,
    Seconds,
    Url,
    atomic,
    no_shown_default,
    text,
)
from crds.meta import SpecPart
from crds.pod_fields import NodeSelector, PullSecrets, Resources, Tolerations


class StorageType(StrEnum):
    """Where the model server keeps its models."""

    LOCAL = "local"
    HOSTPATH = "hostpath"
    NFS = "nfs"
    CLAIM = "claim"
    EXTERNAL = "external"


class AccessMode(StrEnum):
    """Who may mount the claim at one time."""

    ONE_NODE = "ReadWriteOnce"
    ONE_POD = "ReadWriteOncePod"
    MANY = "ReadWriteMany"


class OnDelete(StrEnum):
    """What becomes of the claim when nothing asks for it any more."""

    RETAIN = "Retain"
    DELETE = "Delete"


# Neither '.' nor '..' as a part of a path, which Kubernetes refuses or a kubelet would resolve.
NO_DOTS = r"!self.matches(r'(^|/)\.\.?(/|$)')"
# One or more parts, and a slash after them or none; in any script, and without spaces.
PARTS = r"[^/\x00-\x20\x7f]+(/[^/\x00-\x20\x7f]+)*/?"


def path_text(pattern: str, most: int, says: str) -> CelRule:
    """A path of at most `most` characters that matches `pattern` and has no part '.' or '..'."""
    return CelRule(f"size(self) <= {most} && self.matches(r'^{pattern}$') && {NO_DOTS}", says)


Directory = Annotated[
    str,
    Field(max_length=4096),
    path_text(
        f"/{PARTS}", 1024, "`{field}` must be an absolute path without '..' and spaces, such as '/var/lib/kepler'"
    ),
]
# All that some servers have, such as AWS EFS, is their root.
Export = Annotated[
    str,
    Field(max_length=4096),
    path_text(
        f"/({PARTS})?", 1024, "`{field}` must be an absolute path without '..' and spaces, such as '/srv/kepler'"
    ),
]


class HostPath(SpecPart):
    """A directory of the node."""

    path: Directory | None = None
    """The directory on the node, made where it is missing. `type` 'hostpath' needs it."""


class Nfs(SpecPart):
    """A directory of an NFS server."""

    server: (
        Annotated[
            str,
            Field(max_length=512),
            text(
                r"^[A-Za-z0-9:][A-Za-z0-9.:-]*$",
                253,
                "`{field}` must be a host name or an IP address, such as '10.0.0.5'",
            ),
        ]
        | None
    ) = None
    """Host name or IP address of the server. `type` 'nfs' needs it."""
    export: Export | None = None
    """The directory that the server exports. `type` 'nfs' needs it."""


class Claim(SpecPart):
    """A PersistentVolumeClaim, `kepler-model-server-pvc`."""

    size: Quantity = "5Gi"
    """How much is asked for."""
    storage_class: (
        Annotated[
            str,
            Field(max_length=512),
            CelRule(
                "self == '' || size(self) <= 253 && "
                r"self.matches(r'^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$')",
                "`{field}` must be the name of a StorageClass, such as 'standard'; {instead}",
            ),
        ]
        | None
    ) = None
    """StorageClass that provides the volume. Blank means the cluster's default; the empty string means none, for a
    volume made by hand."""
    access_mode: AccessMode = AccessMode.ONE_NODE
    """Who may mount the volume. One node is enough, since there is one pod."""
    on_delete: OnDelete = OnDelete.RETAIN
    """Whether the claim, and with it the models, is kept or deleted when the Kepler, or its `model-server`, goes."""


class Credentials(SpecPart):
    """Who we are to the store."""

    secret: ObjectName | None = None
    """Secret, in this namespace, with the keys 'accessKeyID' and 'accessSecret'. `type` 'external' needs it."""


class CertificateAuthority(SpecPart):
    """Who vouches for the certificate of the store."""

    config_map: ObjectName | None = None
    """ConfigMap, in this namespace, with certificates (PEM) that are trusted instead of the public ones. Blank means
    the public ones."""
    key: (
        Annotated[
            str,
            Field(max_length=512),
            text(
                "^[A-Za-z0-9._-]+$",
                253,
                "`{field}` must be a key of a ConfigMap: at most 253 letters, digits, '-', '_' and '.'; {instead}",
            ),
        ]
        | None
    ) = None
    """Key of the ConfigMap that holds them. Blank means 'ca.crt'."""


class External(SpecPart):
    """A bucket of an object store that speaks S3."""

    endpoint: Url | None = None
    """URL of the store. `type` 'external' needs it."""
    region: (
        Annotated[
            str,
            Field(max_length=256),
            text(
                "^[A-Za-z0-9][A-Za-z0-9-]*$", 63, "`{field}` must be letters, digits and '-', such as 'eu-1'; {instead}"
            ),
        ]
        | None
    ) = None
    """Region of the bucket, for stores that have regions."""
    bucket: (
        Annotated[
            str,
            Field(max_length=512),
            text(
                "^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$",
                255,
                "`{field}` must be 3 to 255 letters, digits, '-', '_' and '.', such as 'kepler-models'",
            ),
        ]
        | None
    ) = None
    """Name of the bucket. `type` 'external' needs it."""
    prefix: Annotated[
        str,
        Field(max_length=4096),
        path_text(f"({PARTS})?", 512, "`{field}` must be parts of a path joined by '/', such as 'models'; {instead}"),
    ] = ""
    """What the keys of all objects begin with. Blank means the whole bucket."""
    credentials: Credentials = Credentials()
    """Who we are to the store."""
    ca: CertificateAuthority = CertificateAuthority()
    """Who vouches for the certificate of the store, where that is not a public authority."""


def _needs(storage: StorageType, fields: dict[str, str], example: str) -> CelRule:
    """The type's block must hold the fields, by their path as CEL writes it."""
    present = []
    for path in fields:
        steps = path.split(".")
        present += [f"has(self.{'.'.join(steps[: end + 1])})" for end in range(len(steps))]
    names = ", ".join(f"`{name}`" for name in fields.values())
    return CelRule(
        f"!has(self.type) || self.type != '{storage}' || ({' && '.join(dict.fromkeys(present))})",
        f"`type` '{storage}' needs {names}, such as {example}",
        at=f".{storage}",
    )


class Storage(SpecPart):
    """Where the model server keeps its models. Only the block named by `type` counts."""

    rules: ClassVar = (
        _needs(StorageType.HOSTPATH, {"hostpath.path": "hostpath.path"}, "'/var/lib/kepler'"),
        _needs(
            StorageType.NFS,
            {"nfs.server": "nfs.server", "nfs.export": "nfs.export"},
            "'10.0.0.5' and '/srv/kepler'",
        ),
        _needs(
            StorageType.EXTERNAL,
            {
                "external.endpoint": "external.endpoint",
                "external.bucket": "external.bucket",
                "external.credentials.secret": "external.credentials.secret",
            },
            "'https://s3.example.com', 'kepler' and 'kepler-s3'",
        ),
    )

    type: StorageType = StorageType.LOCAL
    """'local' is lost with the pod; 'hostpath' is a directory of its node; 'nfs' a directory of a server; 'claim' a
    PersistentVolumeClaim; 'external' a bucket of an object store, copied at the start. The server also serves models
    that somebody has put there."""
    path: Annotated[
        str,
        Field(max_length=4096),
        path_text(
            PARTS, 255, "`{field}` must be parts of a path joined by '/', without '..' and a leading '/'; {instead}"
        ),
    ] = "models"
    """Directory of the models, within the storage: `MODEL_PATH`, below '/mnt', in ConfigMap
    `kepler-model-server-cfm`."""
    claim: Annotated[Claim, no_shown_default()] = Claim()
    """The volume asked for with `type` 'claim'. Blank means 5Gi of the default StorageClass, kept on deletion."""
    hostpath: HostPath = HostPath()
    """The directory used with `type` 'hostpath'."""
    nfs: Nfs = Nfs()
    """The directory used with `type` 'nfs'."""
    external: External = External()
    """The bucket used with `type` 'external'."""


class Headers(SpecPart):
    """HTTP headers of the queries."""

    secret: ObjectName | None = None
    """Secret, in this namespace, whose keys are the names of headers. Blank means no extra headers."""


class Training(SpecPart):
    """Training of new models from what Kepler measures. No release of Kepler's model server can do it."""

    online: bool = False
    """Whether the model server trains new models. 'true' is refused by condition `ModelServerReconciled`: the trainer
    of every release ends with an error before it has trained anything, and takes the server with it. Train elsewhere,
    and name the archive in `pipelines`."""
    prometheus_url: Url | None = None
    """Prometheus with Kepler's metrics, to train from. No effect: this release trains no models."""
    step: Seconds = Field("3s", validate_default=True)
    """Resolution of the queries. No effect: this release trains no models."""
    headers: Headers = Headers()
    """HTTP headers of the queries. No effect: this release trains no models."""


# The server takes what follows the last '/' for the name of a file and, up to '.zip', of a directory, which it replaces
# (kepler-model-server v0.7.12:src/kepler_model/server/model_server.py, load_init_pipeline).
Pipeline = Annotated[
    str,
    Field(max_length=2048),
    text(
        r"^https?://[^\s/,#?]+(/[^\s/,#?]*)*/[A-Za-z0-9][A-Za-z0-9_.+~%-]*\.zip$",
        1024,
        "each of `{field}` must begin with 'http://' or 'https://' and end with the name of an archive, such as "
        "'https://models.example.com/ec2-0.7.11.zip': letters, digits, '-', '_', '.', '+', '~' and '%' before '.zip', "
        "and no query; spaces, ',' and '#' are not allowed",
    ),
]
ARCHIVE_NAMES = "self.map(url, url.substring(url.lastIndexOf('/')).split('.zip')[0])"
NAMED_ONCE = CelRule(
    f"[{ARCHIVE_NAMES}].all(names, names.all(name, names.exists_one(other, other == name)))",
    "`{field}` must not name two archives of one name, such as 'ec2-0.7.11.zip': the second would replace the first; "
    "{instead}",
)


class ModelServer(SpecPart):
    """The server of power models, one for the namespace."""

    enabled: bool = False
    """Whether there is a model server: Deployment and Service `kepler-model-server`, and `MODEL_SERVER_ENABLE` in
    ConfigMap `kepler-cfm`."""
    image: Image | None = None
    """Image of the model server. Blank means the one of this release."""
    port: Port = 8100
    """TCP port of the model server: `MODEL_SERVER_PORT`, and `MODEL_SERVER_URL` in ConfigMap `kepler-cfm`."""
    storage: Storage = Storage()
    """Where the models are kept."""
    pipelines: Annotated[tuple[Pipeline, ...], Field(max_length=32), atomic(), NAMED_ONCE] = ()
    """Archives (zip) of models that the server fetches at every start: `INITIAL_PIPELINE_URL` in ConfigMap
    `kepler-model-server-cfm`. One that cannot be fetched is logged and left out. If several have models for one power
    meter, the last one serves them. Blank means those of Kepler's public model database; models in `storage` win over
    those, not over archives that are named here."""
    sampling_period: Seconds = Field("300s", validate_default=True)
    """Pause between trainings. No effect: this release trains no models. Not the exporter's `sample-period`."""
    training: Training = Training()
    """Training of new models, which this release cannot do."""
    env: ProxyEnv = ()
    """Environment variables of the model server's containers: the proxies that archives of models, and objects of a
    bucket, are fetched through. 'NO_PROXY' should hold what is reached without, such as '.svc'."""
    resources: Resources = Field(default_factory=dict)
    """CPU and memory of each container of the model server's pod: the server, and the copy of `storage` 'external'.
    Blank means requests of '100m' and '400Mi', for the copy of '10m' and '64Mi', and no limits."""
    node_selector: NodeSelector = Field(default_factory=dict)
    """Labels of the nodes the model server may run on, beside 'kubernetes.io/os: linux', such as 'kubernetes.io/arch'.
    Blank means any Linux node; with upstream's image one of 'kubernetes.io/arch: amd64', the only one it is built
    for."""
    tolerations: Tolerations = ()
    """Taints the model server runs in spite of. Blank means none."""
    priority_class: ObjectName | None = None
    """PriorityClass of the model server's pod. Blank means the cluster's default."""
    image_pull_secrets: PullSecrets = ()
    """Further Secrets, in this namespace, with the credentials of registries, beside those of
    `collector.image-pull-secrets`. Blank means none."""
    runtime_class: ObjectName | None = None
    """RuntimeClass of the model server's pod. Blank means the node's default."""
    pod_labels: Labels = Field(default_factory=dict)
    """Further labels of the model server's pod. Blank means none."""
    pod_annotations: Annotations = Field(default_factory=dict)
    """Further annotations of the model server's pod. Blank means none."""
    service_annotations: Annotations = Field(default_factory=dict)
    """Annotations of Service `kepler-model-server`. Blank means none."""
