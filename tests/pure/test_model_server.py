"""Every field of `model-server`: what it changes in its own objects, in `kepler-cfm`, and as its readers see it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from effects.field_cases import EXTERNAL, PROMETHEUS
from functions import model_server
from operands import children, engine, model_store
from runtime.adoption import MANAGED_BY
from runtime.declaration import Observed
from runtime.objects import Ref
from runtime.outcome import Outcome
from runtime.settings import ALLOWED_IMAGES
from runtime.wake import idle
from tests.pure.test_exporter import KEY, OPEN, intent, parent
from tests.pure.test_wake import OURS, about
from tests.workbench import update

CLAIM = children.claim(KEY)


def kepler(*, estimator: bool = True, enabled: bool = True, **fields: Any) -> dict[str, Any]:
    """A Kepler with these fields of `model-server`; words are joined by hyphens."""
    manifest = parent()
    server = {name.replace("_", "-"): value for name, value in fields.items()}
    manifest["spec"] |= {"model-server": {"enabled": enabled, **server}, "estimator-sidecar": {"enabled": estimator}}
    return manifest


def decide(found: dict[str, Any], images: dict[str, str] | None = None, **there: Any) -> Outcome:
    """What `model_server` wants, where only the children in `there` exist."""
    objects: dict[Ref, Any] = {**dict.fromkeys(model_server.FUNCTION.children(KEY)), **OPEN}
    objects |= {getattr(children, name)(KEY): manifest for name, manifest in there.items()}
    return model_server.desired(Observed(KEY, found, objects, images=images or {}))


def deployment(**fields: Any) -> Any:
    """The Deployment's spec."""
    return intent(decide(kepler(**fields)), children.deployment)["spec"]


def pod(**fields: Any) -> Any:
    """The pod's spec."""
    return deployment(**fields)["template"]["spec"]


def config(**fields: Any) -> Any:
    """The data of the model server's own ConfigMap."""
    return intent(decide(kepler(**fields)), children.model_config)["data"]


def shared(**fields: Any) -> Any:
    """The keys of `kepler-cfm`."""
    return intent(decide(kepler(**fields)), children.cfm)["data"]


def volume(**storage: Any) -> Any:
    """The volume of the models."""
    [manifest] = [volume for volume in pod(storage=storage)["volumes"] if volume["name"] == model_store.VOLUME]
    return {name: value for name, value in manifest.items() if name != "name"}


def training(**more: Any) -> dict[str, Any]:
    """Fields of a model server that trains."""
    on = {"online": True, "prometheus-url": PROMETHEUS, **more}
    return {"training": on, "storage": {"type": "claim"}}


@dataclass(frozen=True)
class ModelServerCase:
    """Fields, where to look, and what is found there."""

    fields: dict[str, Any]
    look: Callable[..., Any]
    at: str
    found: Any


URL = "http://kepler-model-server.energy.svc"
MADE = {"path": "/m", "type": "DirectoryOrCreate"}
CASES = [
    ModelServerCase({}, shared, "MODEL_SERVER_ENABLE", "true"),
    ModelServerCase({"enabled": False}, shared, "MODEL_SERVER_ENABLE", "false"),
    ModelServerCase({}, shared, "MODEL_SERVER_URL", f"{URL}:8100"),
    ModelServerCase({"port": 9000}, shared, "MODEL_SERVER_URL", f"{URL}:9000"),
    ModelServerCase({"port": 9000}, shared, "MODEL_SERVER_PORT", "9000"),
    ModelServerCase({"enabled": False, "port": 9000}, shared, "MODEL_SERVER_URL", f"{URL}:9000"),
    ModelServerCase({}, shared, "MODEL_SERVER_MODEL_REQ_PATH", "/model"),
    ModelServerCase({}, shared, "MODEL_SERVER_MODEL_LIST_PATH", "/best-models"),
    ModelServerCase({"port": 9000}, config, "MODEL_SERVER_PORT", "9000"),
    ModelServerCase({}, config, "MNT_PATH", "/mnt"),
    ModelServerCase({}, config, "MODEL_PATH", "/mnt/models"),
    ModelServerCase({"storage": {"path": "a/b"}}, config, "MODEL_PATH", "/mnt/a/b"),
    ModelServerCase({}, config, "RESOURCE_DIR", "/data/resource"),
    ModelServerCase({}, config, "INITIAL_PIPELINE_URL", None),
    ModelServerCase({"pipelines": ["http://a/1.zip", "http://b/2.zip"]}, config, "INITIAL_PIPELINE_URL", "http://a/1.zip,http://b/2.zip"),
    ModelServerCase({}, config, "SAMPLING_INTERVAL", "300"),
    ModelServerCase({"sampling_period": "1m"}, config, "SAMPLING_INTERVAL", "60"),
    ModelServerCase({"sampling_period": "1m"}, config, "PROM_QUERY_INTERVAL", "60"),
    ModelServerCase({"training": {"step": "15s"}}, config, "PROM_QUERY_STEP", "15"),
    ModelServerCase({}, config, "PROM_SERVER", None),
    ModelServerCase(training(), config, "PROM_SERVER", PROMETHEUS),
    ModelServerCase({"type": "local"}, volume, "emptyDir", {}),
    ModelServerCase({"type": "hostpath", "hostpath": {"path": "/m"}}, volume, "hostPath", MADE),
    ModelServerCase(
        {"type": "nfs", "nfs": {"server": "n", "export": "/e"}}, volume, "nfs", {"server": "n", "path": "/e"}
    ),
    ModelServerCase({"type": "claim"}, volume, "persistentVolumeClaim", {"claimName": "kepler-model-server-pvc"}),
    ModelServerCase({"type": "external", "external": EXTERNAL}, volume, "emptyDir", {}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.at}: {case.fields}")
def test_fields_of_the_configuration_and_the_volume(case: ModelServerCase) -> None:
    """Each field has its key, always as text; a blank one leaves the program's own default."""
    assert case.look(**case.fields).get(case.at) == case.found


def test_the_exporter_the_estimator_and_the_server_meet_at_one_address() -> None:
    """Both clients take another URL than their own default as it is, so scheme and port are in it."""
    keys, own = shared(port=9000), config(port=9000)
    assert keys["MODEL_SERVER_URL"] + keys["MODEL_SERVER_MODEL_REQ_PATH"] == f"{URL}:9000/model"
    assert keys["MODEL_SERVER_PORT"] == own["MODEL_SERVER_PORT"]
    assert pod(port=9000)["containers"][0]["ports"][0]["containerPort"] == 9000
    service = intent(decide(kepler(port=9000)), children.model_service)["spec"]
    assert (service["clusterIP"], service["ports"][0]["port"]) == ("None", 9000)
    assert service["selector"] == deployment()["selector"]["matchLabels"]
    assert service["selector"].items() <= deployment()["template"]["metadata"]["labels"].items()
    assert service["selector"] != children.selector(parent())


def test_the_server_asks_for_its_models_before_it_is_ready() -> None:
    """The list of models is an error while there are none: then it is neither started, ready nor, in time, alive."""
    server = pod()["containers"][0]
    assert (server["name"], server["args"]) == ("server-api", ["model-server"])
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert server[probe]["httpGet"] == {"path": "/best-models", "port": "http"}
    assert server["startupProbe"]["periodSeconds"] * server["startupProbe"]["failureThreshold"] == 600


def test_the_directory_of_the_models_is_made_by_the_kubelet() -> None:
    """The server ends where it does not exist, and makes none but '/mnt/models'."""
    mounts = {
        volume_mount["mountPath"]: volume_mount
        for volume_mount in pod(storage={"path": "a/b"})["containers"][0]["volumeMounts"]
    }
    assert mounts["/mnt"]["name"] == mounts["/mnt/a/b"]["name"]
    assert mounts["/mnt/a/b"]["subPath"] == "a/b"
    assert mounts["/etc/kepler/kepler.config"]["readOnly"] is True
    assert "/data" in mounts


@pytest.mark.parametrize(("kind", "strategy"), [("claim", "Recreate"), ("local", "RollingUpdate")])
def test_two_pods_never_share_a_directory(kind: str, strategy: str) -> None:
    """Each loads its models over the other's."""
    assert deployment(storage={"type": kind})["strategy"]["type"] == strategy


def test_the_trainer_is_beside_the_server_with_the_same_volumes() -> None:
    """What it makes is what the server loads when it starts again."""
    server, trainer = pod(**training())["containers"]
    assert (trainer["name"], trainer["args"]) == ("online-trainer", ["online-trainer"])
    assert trainer["volumeMounts"] == server["volumeMounts"]
    assert len(pod()["containers"]) == 1


@dataclass(frozen=True)
class RefusedFields:
    """Fields, and the reason and the field that the user is told."""

    fields: dict[str, Any]
    reason: str
    told: str


REFUSED = [
    RefusedFields({"training": {"online": True}}, "PrometheusRequired", "`model-server.training.prometheus-url`"),
    RefusedFields(
        {**training(), "storage": {"type": "local"}}, "StorageRequired", "`model-server.storage.type` 'local'"
    ),
    RefusedFields({**training(), "estimator": False}, "EstimatorRequired", "`estimator-sidecar.enabled`"),
    RefusedFields(
        training(headers={"secret": "t"}), "HeadersNotSupported", "`model-server.training.headers.secret` is 't'"
    ),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.reason)
def test_training_that_cannot_work_is_refused(case: RefusedFields) -> None:
    """The message says what to turn on, or off; what runs is left as it is, and off it is no matter."""
    outcome = decide(kepler(**case.fields))
    assert (outcome.word, outcome.reason, outcome.intents) == ("rejected", case.reason, ())
    assert case.told in outcome.message
    assert decide(kepler(**case.fields, enabled=False)).reason == "Disabled"


def test_the_image_defaults_in_the_environment() -> None:
    """The resource's image wins; then the environment's; then ours."""
    set_there = {engine.MODEL_SERVER_IMAGE_SETTING: "mirror/models:1", engine.RCLONE_IMAGE_SETTING: "mirror/rclone:1"}
    for image, images, expected in (
        ("mirror/models:2", set_there, "mirror/models:2"),
        (None, set_there, "mirror/models:1"),
        (None, {}, engine.MODEL_SERVER_IMAGE),
    ):
        outcome = decide(kepler(image=image), images)
        assert outcome.status == {"images": {"modelServer": expected}}
    external = {"type": "external", "external": EXTERNAL}
    spec = intent(decide(kepler(storage=external), set_there), children.deployment)["spec"]["template"]["spec"]
    assert [init_container["image"] for init_container in spec["initContainers"]] == ["mirror/rclone:1"]


def test_pull_secrets_are_those_of_the_exporter() -> None:
    """One registry has all images."""
    manifest = kepler()
    manifest["spec"]["collector"]["image-pull-secrets"] = [{"name": "s"}]
    template = intent(decide(manifest), children.deployment)["spec"]["template"]
    assert template["spec"]["imagePullSecrets"] == [{"name": "s"}]


TOLERATION = {"key": "models", "operator": "Exists"}
AMD64, ARM64 = ({"kubernetes.io/os": "linux", "kubernetes.io/arch": arch} for arch in ("amd64", "arm64"))
POD = [
    ModelServerCase({}, pod, "nodeSelector", AMD64),
    ModelServerCase({"node_selector": {"kubernetes.io/arch": "arm64"}}, pod, "nodeSelector", ARM64),
    ModelServerCase({"tolerations": [TOLERATION]}, pod, "tolerations", [TOLERATION]),
    ModelServerCase({}, pod, "tolerations", None),
    ModelServerCase({"priority_class": "high"}, pod, "priorityClassName", "high"),
    ModelServerCase({}, pod, "priorityClassName", None),
    ModelServerCase({"image_pull_secrets": [{"name": "s"}]}, pod, "imagePullSecrets", [{"name": "s"}]),
    ModelServerCase({}, pod, "imagePullSecrets", None),
    ModelServerCase({"runtime_class": "gvisor"}, pod, "runtimeClassName", "gvisor"),
    ModelServerCase({}, pod, "runtimeClassName", None),
]  # fmt: skip


@pytest.mark.parametrize("case", POD, ids=lambda case: f"{case.at}: {case.fields}")
def test_fields_of_the_pod(case: ModelServerCase) -> None:
    """Each field has its place; a blank one leaves the cluster's default, but nodes run Linux, and the image."""
    assert case.look(**case.fields).get(case.at) == case.found


def test_pull_secrets_of_the_server_are_beside_the_exporters() -> None:
    """Each once, whoever names it."""
    manifest = kepler(image_pull_secrets=[{"name": "models"}, {"name": "s"}])
    manifest["spec"]["collector"]["image-pull-secrets"] = [{"name": "s"}]
    template = intent(decide(manifest), children.deployment)["spec"]["template"]
    assert template["spec"]["imagePullSecrets"] == [{"name": "s"}, {"name": "models"}]


def test_labels_and_annotations_are_beside_ours() -> None:
    """On the pod and on the Service; nobody's replace ours, by which the Service finds the pod."""
    named = {"example.com/team": "energy"}
    taken = {"app.kubernetes.io/name": "other", children.CONFIG_HASH: "other"}
    plain, manifest = deployment(), deployment(pod_labels=named | taken, pod_annotations=named | taken)
    described, ours = manifest["template"]["metadata"], plain["template"]["metadata"]
    assert described["labels"].items() >= (named | ours["labels"]).items()
    assert described["annotations"].items() >= (named | ours["annotations"]).items()
    assert manifest["selector"] == plain["selector"]
    service = intent(decide(kepler(service_annotations=named)), children.model_service)
    assert service["metadata"]["annotations"] == named


def test_resources_are_of_each_container() -> None:
    """A quota on limits wants them of every container of a pod, the copies of an object store included."""
    limits = {"limits": {"cpu": "1", "memory": "1Gi"}}
    stored = {"type": "external", "external": EXTERNAL}

    def resources(**fields: Any) -> dict[str, Any]:
        pod_spec = pod(storage=stored, training={"online": True, "prometheus-url": PROMETHEUS}, **fields)
        return {
            container["name"]: container["resources"]
            for container in (*pod_spec["containers"], *pod_spec["initContainers"])
        }

    assert resources(resources=limits) == dict.fromkeys(("server-api", "online-trainer", "push", "pull"), limits)
    assert resources() == {
        **dict.fromkeys(("server-api", "online-trainer"), engine.MODEL_SERVER_RESOURCES),
        **dict.fromkeys(("push", "pull"), engine.RCLONE_RESOURCES),
    }


def test_a_key_of_the_user_changes_the_pods_and_a_stale_one_of_ours_does_not() -> None:
    """What of ours is about to be removed must not count: the pods would be rolled twice."""

    def digest(**there: str) -> str:
        outcome = decide(kepler(), model_config={"data": there})
        template = intent(outcome, children.deployment)["spec"]["template"]
        manifest: str = template["metadata"]["annotations"][children.CONFIG_HASH]
        return manifest

    assert digest(MODEL_TOPURL="http://mirror") != digest()
    assert digest(INITIAL_PIPELINE_URL="http://old") == digest()


def test_off_nothing_is_left_but_the_keys() -> None:
    """They say that there is no server."""
    outcome = decide(kepler(enabled=False))
    assert [intent.ref for intent in outcome.intents] == [children.cfm(KEY)]
    assert set(outcome.absent) == {children.deployment(KEY), children.model_service(KEY), children.model_config(KEY)}


def claim(on_delete: str = "Retain", *, owner: bool = False, ours: bool = True) -> dict[str, Any]:
    """A claim in the cluster, with or without an owner, made by us or by hand."""
    fields: dict[str, Any] = {
        "f:metadata": {
            "f:labels": {f"f:{label}": {} for label in children.LABELS},
            "f:annotations": {f"f:{model_store.ON_DELETE}": {}},
            **({"f:ownerReferences": {'k:{"uid":"u"}': {}}} if owner else {}),
        },
        "f:spec": {"f:accessModes": {}, "f:resources": {"f:requests": {"f:storage": {}}}},
    }
    entry = {"manager": "kepler-model-server" if ours else "kubectl", "operation": "Apply", "fieldsV1": fields}
    allowed = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": CLAIM.name,
            "uid": "c",
            "labels": dict(MANAGED_BY),
            "annotations": {model_store.ON_DELETE: on_delete},
            "managedFields": [entry],
            **({"ownerReferences": [OURS]} if owner else {}),
        },
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}, "volumeName": "v"},
    }
    return about(allowed)


@dataclass(frozen=True)
class Unused:
    """A claim that nothing asks for, and what becomes of it."""

    on_delete: str
    found: dict[str, Any]
    owner: bool | None  # None: it is not written
    removed: bool


UNUSED = [
    Unused("Retain", claim(), owner=False, removed=False),
    Unused("Retain", claim("Delete", owner=True), owner=False, removed=False),
    Unused("Delete", claim("Delete", owner=True), owner=None, removed=True),
    Unused("Delete", claim(), owner=True, removed=False),  # removed in the next round, then as ours
    Unused("Delete", claim(ours=False), owner=None, removed=False),
    Unused("Retain", claim(ours=False), owner=None, removed=False),
]


@pytest.mark.parametrize("case", UNUSED, ids=lambda case: f"{case.on_delete} owner={case.owner} gone={case.removed}")
@pytest.mark.parametrize("fields", [{"enabled": False}, {"storage": {"type": "local"}}], ids=["off", "elsewhere"])
def test_a_claim_that_is_not_used_is_kept_or_removed(fields: dict[str, Any], case: Unused) -> None:
    """As `on-delete` says, whether the server is off or keeps its models elsewhere; never what somebody made."""
    storage = {**fields.get("storage", {}), "claim": {"on-delete": case.on_delete}}
    outcome = decide(kepler(**{**fields, "storage": storage}), claim=case.found)
    written = [intent.body for intent in outcome.intents if intent.ref == CLAIM]
    assert [bool(manifest["metadata"].get("ownerReferences")) for manifest in written] == [case.owner][
        : case.owner is not None
    ]
    assert (CLAIM in outcome.absent) is case.removed
    for manifest in written:  # only what is ours: the rest of a claim's spec cannot be written again
        assert manifest["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}


@pytest.mark.parametrize(("on_delete", "owners"), [("Retain", 0), ("Delete", 1)])
def test_the_claim_in_use(on_delete: str, owners: int) -> None:
    """Its size, class and access mode; with an owner it goes along with the Kepler."""
    wanted = {"size": "1Gi", "storage-class": "", "access-mode": "ReadWriteMany", "on-delete": on_delete}
    manifest = intent(decide(kepler(storage={"type": "claim", "claim": wanted})), children.claim)
    assert manifest["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "",
    }
    assert len(manifest["metadata"].get("ownerReferences", [])) == owners
    assert manifest["metadata"]["annotations"] == {model_store.ON_DELETE: on_delete}


def test_a_claim_without_a_class_takes_the_clusters_default() -> None:
    """Blank is not the empty string."""
    manifest = intent(decide(kepler(storage={"type": "claim"})), children.claim)
    assert "storageClassName" not in manifest["spec"]


def test_a_claim_that_is_there_keeps_its_class_where_none_is_named() -> None:
    """The cluster's default came to it when it was made, or a name that was taken out again: neither can change."""
    there = claim()
    there["spec"]["storageClassName"] = "fast"
    manifest = intent(decide(kepler(storage={"type": "claim"}), claim=there), children.claim)
    assert manifest["spec"]["storageClassName"] == "fast"


@pytest.mark.parametrize(
    ("field", "value", "changed"),
    [
        ("access-mode", "ReadWriteMany", False),
        ("size", "4Gi", False),
        ("size", "6Gi", True),
        ("size", "5120Mi", True),
        ("storage-class", "slow", False),
    ],
)
def test_what_of_a_claim_cannot_change_is_told_by_its_field(field: str, value: str, changed: bool) -> None:  # noqa: FBT001
    """It only grows; the server that runs is left as it is."""
    there = claim()
    there["spec"]["storageClassName"] = "fast"
    outcome = decide(kepler(storage={"type": "claim", "claim": {field: value}}), claim=there)
    assert (outcome.word == "converged") is changed
    if not changed:
        assert (outcome.reason, outcome.intents) == ("ClaimUnchangeable", ())
        assert f"`model-server.storage.claim.{field}` is '{value}'" in outcome.message


@pytest.mark.parametrize("manifest", [claim(), claim("Delete", owner=True)], ids=["kept", "owned"])
def test_events_of_a_claim_that_only_binds_are_idle(manifest: dict[str, Any]) -> None:
    """Whatever the volume controller does to it."""
    assert idle(model_server.FUNCTION, update({**manifest, "status": {"phase": "Bound"}}))


@pytest.mark.parametrize(
    "taken",
    [
        lambda fields: fields["f:metadata"].pop("f:labels"),
        lambda fields: fields["f:metadata"].pop("f:annotations"),
        lambda fields: fields["f:metadata"].pop("f:ownerReferences"),
        lambda fields: fields["f:spec"]["f:resources"].pop("f:requests"),
    ],
)
def test_events_of_a_claim_that_somebody_changed_are_not(taken: Callable[[Any], Any]) -> None:
    """Whoever changes or removes a field takes it from us."""
    manifest = claim("Delete", owner=True)
    taken(manifest["metadata"]["managedFields"][0]["fieldsV1"])
    assert not idle(model_server.FUNCTION, update(manifest))


def test_events_of_the_models_configuration_are_always_looked_at() -> None:
    """A key that a user adds is for the pods, too."""
    allowed = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": children.MODEL_CONFIG}}
    assert not idle(model_server.FUNCTION, update(about(allowed, ownerReferences=[OURS])))


def test_proxies_reach_every_container_that_fetches() -> None:
    """The server, the trainer, and both copies of an object store; none of them has a token that could leave by one."""
    proxies = [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}, {"name": "NO_PROXY", "value": ".svc"}]
    stored = {"type": "external", "external": EXTERNAL}
    pod_spec = pod(env=proxies, storage=stored, training={"online": True, "prometheus-url": PROMETHEUS})
    containers = [*pod_spec["containers"], *pod_spec["initContainers"]]
    assert {container["name"] for container in containers} == {"server-api", "online-trainer", "push", "pull"}
    assert all(container["env"][-2:] == proxies for container in containers)
    assert pod_spec["automountServiceAccountToken"] is False
    assert "env" not in pod()["containers"][0]


@dataclass(frozen=True)
class Families:
    """The address families of the Service, an image, and whether the server can be reached."""

    title: str
    families: tuple[str, ...]
    image: str | None = None
    refused: bool = False


FAMILIES = (
    Families("IPv4", ("IPv4",)),
    Families("both, IPv4 first", ("IPv4", "IPv6")),
    Families("before there is a Service", ()),
    Families("IPv6", ("IPv6",), refused=True),
    Families("both, IPv6 first", ("IPv6", "IPv4"), refused=True),
    Families("a mirror of upstream's image", ("IPv6",), "mirror/kepler_model_server:v0.7.12", refused=True),
    Families("an image of another name", ("IPv6",), "mirror/models:1"),
)


@pytest.mark.parametrize("case", FAMILIES, ids=lambda case: case.title)
def test_a_server_that_listens_on_ipv4_only_is_rejected_where_pods_have_ipv6(case: Families) -> None:
    """Upstream's listens on 0.0.0.0: the kubelet would restart it for ever."""
    service = {"metadata": {"name": "kepler-model-server"}, "spec": {"ipFamilies": [*case.families]}}
    images = {ALLOWED_IMAGES: "mirror/models,mirror/kepler_model_server"}
    outcome = decide(kepler(image=case.image), images, model_service=service if case.families else None)
    assert (outcome.reason == "IPv4Required") == case.refused, outcome.message
    assert not case.refused or "turn `model-server.enabled` off" in outcome.message
