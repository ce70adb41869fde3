"""Every field of `model-server` but those of its pod and its claim: its keys, its address, and what is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from effects.field_cases import EXTERNAL, PROMETHEUS
from functions import model_server
from operands import children, model_store
from runtime.declaration import Observed
from runtime.objects import Ref
from runtime.outcome import Outcome
from runtime.settings import ALLOWED_IMAGES
from runtime.wake import nothing_to_do
from tests.pure.test_exporter import KEY, OPEN, intent, parent
from tests.pure.test_wake import OURS, about
from tests.workbench import update


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


def test_training_is_refused() -> None:
    """Upstream's trainer ends at its start, and an unready pod takes the server's address; off, it does not matter."""
    fields: dict[str, Any] = {"training": {"online": True, "prometheus-url": PROMETHEUS}, "storage": {"type": "claim"}}
    outcome = decide(kepler(**fields))
    assert (outcome.word, outcome.reason, outcome.intents) == ("rejected", "NotWorkingInThisRelease", ())
    assert "`model-server.training.online` is on" in outcome.message
    assert "turn it off" in outcome.message
    assert "`model-server.pipelines`" in outcome.message
    assert decide(kepler(**fields, enabled=False)).reason == "Disabled"


@dataclass(frozen=True)
class TrainingField:
    """A field of training by its path, and the fields of `model-server` that set it."""

    path: str
    fields: dict[str, Any]


UNUSED = (
    TrainingField("sampling-period", {"sampling_period": "1m"}),
    TrainingField("training.prometheus-url", {"training": {"prometheus-url": PROMETHEUS}}),
    TrainingField("training.step", {"training": {"step": "15s"}}),
    TrainingField("training.headers.secret", {"training": {"headers": {"secret": "token"}}}),
)


@pytest.mark.parametrize("case", UNUSED, ids=lambda case: case.path)
def test_fields_of_training_have_no_effect_and_the_condition_says_so(case: TrainingField) -> None:
    """What is written is the same as without them."""
    plain, outcome = decide(kepler()), decide(kepler(**case.fields))
    assert f"`model-server.{case.path}` has no effect" in outcome.message
    assert "no effect" not in plain.message
    assert [intent.body.get("data") for intent in outcome.intents] == [
        intent.body.get("data") for intent in plain.intents
    ]
    assert deployment(**case.fields) == deployment()


def test_off_nothing_is_left_but_the_keys() -> None:
    """They say that there is no server."""
    outcome = decide(kepler(enabled=False))
    assert [intent.ref for intent in outcome.intents] == [children.cfm(KEY)]
    assert set(outcome.absent) == {children.deployment(KEY), children.model_service(KEY), children.model_config(KEY)}


def test_events_of_the_models_configuration_are_always_looked_at() -> None:
    """A key that a user adds is for the pods, too."""
    allowed = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": children.MODEL_CONFIG}}
    assert not nothing_to_do(model_server.FUNCTION, update(about(allowed, ownerReferences=[OURS])))


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
