"""The pod of the model server: its containers, volumes, images and resources, and every field that is the pod's own."""

from typing import Any

import pytest

from effects.field_cases import EXTERNAL
from operands import children, kepler_v07, model_server_start
from tests.pure.test_exporter import intent
from tests.pure.test_model_server import ModelServerCase, decide, deployment, kepler, pod


def test_the_server_is_ready_once_it_listens() -> None:
    """It listens once it has loaded what it can; its list of models is an error if it has none for RAPL."""
    server = pod()["containers"][0]
    assert (server["name"], server["args"]) == ("server-api", model_server_start.arguments())
    assert "command" not in server
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert server[probe]["tcpSocket"] == {"port": "http"}
        assert "httpGet" not in server[probe]
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


def test_the_pod_has_one_container() -> None:
    """The server; models are copied before it starts."""
    assert [container["name"] for container in pod()["containers"]] == ["server-api"]
    assert "initContainers" not in pod()


def test_the_image_defaults_in_the_environment() -> None:
    """The resource's image wins; then the environment's; then ours."""
    set_there = {
        kepler_v07.MODEL_SERVER_IMAGE_SETTING: "mirror/models:1",
        kepler_v07.RCLONE_IMAGE_SETTING: "mirror/rclone:1",
    }
    for image, images, expected in (
        ("mirror/models:2", set_there, "mirror/models:2"),
        (None, set_there, "mirror/models:1"),
        (None, {}, kepler_v07.MODEL_SERVER_IMAGE),
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
    """A quota on limits wants them of every container of a pod, the copy from an object store included."""
    limits = {"limits": {"cpu": "1", "memory": "1Gi"}}
    stored = {"type": "external", "external": EXTERNAL}

    def resources(**fields: Any) -> dict[str, Any]:
        pod_spec = pod(storage=stored, **fields)
        return {
            container["name"]: container["resources"]
            for container in (*pod_spec["containers"], *pod_spec["initContainers"])
        }

    assert resources(resources=limits) == dict.fromkeys(("server-api", "pull"), limits)
    assert resources() == {"server-api": kepler_v07.MODEL_SERVER_RESOURCES, "pull": kepler_v07.RCLONE_RESOURCES}


def test_a_key_of_the_user_changes_the_pods_and_a_stale_one_of_ours_does_not() -> None:
    """What of ours is about to be removed must not count: the pods would be rolled twice."""

    def digest(**there: str) -> str:
        outcome = decide(kepler(), model_config={"data": there})
        template = intent(outcome, children.deployment)["spec"]["template"]
        manifest: str = template["metadata"]["annotations"][children.CONFIG_HASH]
        return manifest

    assert digest(MODEL_TOPURL="http://mirror") != digest()
    assert digest(INITIAL_PIPELINE_URL="http://old") == digest()


STORAGES: list[dict[str, Any]] = [
    {"type": "local"},
    {"type": "hostpath", "hostpath": {"path": "/m"}},
    {"type": "external", "external": EXTERNAL},
    {"type": "external", "external": {**EXTERNAL, "bucket": "other"}},
]


def test_another_storage_is_another_configuration() -> None:
    """Its models are others, for which exporters are restarted."""
    digests = {
        deployment(storage=storage)["template"]["metadata"]["annotations"][children.CONFIG_HASH] for storage in STORAGES
    }
    assert len(digests) == len(STORAGES)


def test_proxies_reach_every_container_that_fetches() -> None:
    """The server, and the copy from an object store; neither has a token that could leave by one."""
    proxies = [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}, {"name": "NO_PROXY", "value": ".svc"}]
    stored = {"type": "external", "external": EXTERNAL}
    pod_spec = pod(env=proxies, storage=stored)
    containers = [*pod_spec["containers"], *pod_spec["initContainers"]]
    assert {container["name"] for container in containers} == {"server-api", "pull"}
    assert all(container["env"][-2:] == proxies for container in containers)
    assert pod_spec["automountServiceAccountToken"] is False
    assert "env" not in pod()["containers"][0]
