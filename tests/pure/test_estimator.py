"""Every field of `estimator-sidecar`: what it changes in `MODEL_CONFIG`, as both readers see it, and in the pods."""

from dataclasses import dataclass
from typing import Any

import pytest

from crds.kepler import Kepler
from functions import collector, estimator
from operands import children, kepler_v07, sidecar
from operands.cfm import Key
from runtime.declaration import Observed
from runtime.objects import COLLECTED_METRIC, Ref
from runtime.outcome import Outcome
from tests.kepler_reads import lines, words
from tests.pure.test_exporter import KEY, config, intent, observed, parent

URL = "http://models.energy.svc/ec2/rapl-sysfs/AbsPower/CounterOnly/SGDRegressorTrainer_0.zip"
BY_DEFAULT = {"NODE_TOTAL_ESTIMATOR": "true", "NODE_COMPONENTS_ESTIMATOR": "true"}
NOWHERE = {"NODE_TOTAL_INIT_URL": kepler_v07.NO_MODEL_URL, "NODE_COMPONENTS_INIT_URL": kepler_v07.NO_MODEL_URL}
SERVED = {"model-server": {"enabled": True}}


def kepler(models: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A Kepler with the estimator and these models."""
    manifest = parent()
    manifest["spec"] |= {"estimator-sidecar": {"enabled": True, "models": models or {}}, **more}
    return manifest


def decide(manifest: dict[str, Any], sources: dict[str, bool] | None = None) -> Outcome:
    """What `estimator` wants, where the KeplerCollectedMetric 'mine' has these sources on or off."""
    objects: dict[Ref, Any] = {children.cfm(KEY): None}
    if sources is not None:
        manifest["spec"]["collected-metric"] = "mine"
        spec = {"sources": {source: {"enabled": on} for source, on in sources.items()}}
        objects[Ref(COLLECTED_METRIC, "energy", "mine")] = {"metadata": {"name": "mine"}, "spec": spec}
    return estimator.desired(Observed(KEY, manifest, objects))


def written(manifest: dict[str, Any]) -> str:
    """`MODEL_CONFIG`."""
    value: str = intent(decide(manifest), children.cfm)["data"][Key.MODEL_CONFIG]
    return value


@dataclass(frozen=True)
class EstimatorCase:
    """Models, and what both readers make of them."""

    models: dict[str, Any]
    read: dict[str, str]


def key(name: str) -> str:
    """Return a field's name as `MODEL_CONFIG` spells it."""
    return name.replace("-", "_").upper()


SETTINGS = {"init-url": "http://m/b.zip", "trainer": "ExponentialRegressionTrainer"}
CASES = [
    EstimatorCase({}, BY_DEFAULT),
    EstimatorCase({"node-components": None}, BY_DEFAULT),
    EstimatorCase({"node-components": {"init-url": URL}}, {**BY_DEFAULT, "NODE_COMPONENTS_INIT_URL": URL}),
    EstimatorCase(
        {"node-total": {"init-url": "file:///models/acpi.zip"}},
        {**BY_DEFAULT, "NODE_TOTAL_INIT_URL": "file:///models/acpi.zip"},
    ),
    *(
        EstimatorCase({model: {setting: value}}, {**BY_DEFAULT, f"{key(model)}_{key(setting)}": value})
        for model in ("node-total", "node-components")
        for setting, value in SETTINGS.items()
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.models))
def test_both_readers_see_what_was_meant(case: EstimatorCase) -> None:
    """The exporter splits at white space, the estimator at line ends: one setting a line suits both."""
    text = written(kepler(case.models))
    assert words(text) == lines(text) == case.read


@dataclass(frozen=True)
class UnworkableModel:
    """A setting of a model that no estimator of line v0.7 can do, and what the message says of it."""

    models: dict[str, Any]
    field: str
    told: str


UNWORKABLE = [
    *(
        UnworkableModel(
            {model: {"filters": "mae:0.5"}},
            f"`estimator-sidecar.models.{model}.filters` is 'mae:0.5'",
            "rejects every model",
        )
        for model in ("node-total", "node-components")
    ),
    *(
        UnworkableModel({model: {setting: value}}, f"`estimator-sidecar.models.{model}`", "by ratio")
        for model in ("process-total", "process-components")
        for setting, value in {**SETTINGS, "filters": "n:2"}.items()
    ),
]


@pytest.mark.parametrize("case", UNWORKABLE, ids=lambda case: str(case.models))
def test_a_setting_that_leaves_a_node_without_power_is_refused(case: UnworkableModel) -> None:
    """Filters reject every model, and with models for processes the exporter panics; off, they do not matter."""
    outcome = decide(kepler(case.models))
    assert (outcome.word, outcome.reason, outcome.intents) == ("rejected", "NotWorkingInThisRelease", ())
    assert case.field in outcome.message
    assert case.told in outcome.message
    assert "leave it out" in outcome.message
    manifest = kepler(case.models)
    manifest["spec"]["estimator-sidecar"]["enabled"] = False
    assert decide(manifest).reason == "Disabled"


def test_a_model_server_that_is_not_there_yet_does_not_end_the_estimator() -> None:
    """Without a URL the estimator fetches a public model where the server has none, and ends if that fails."""
    assert words(written(kepler(**SERVED))) == {**BY_DEFAULT, **NOWHERE}
    mine = words(written(kepler({"node-total": {"init-url": URL}}, **SERVED)))
    assert mine == {**BY_DEFAULT, **NOWHERE, "NODE_TOTAL_INIT_URL": URL}


def test_where_models_come_from_is_said() -> None:
    """Nodes without a way to the internet need another place, or their estimator ends at its start."""
    public = "fetches it from 'raw.githubusercontent.com'"
    assert public in decide(kepler()).message
    assert "`estimator-sidecar.models.node-total.init-url`" in decide(kepler()).message
    both = {"node-total": {"init-url": URL}, "node-components": {"init-url": URL}}
    for manifest in (kepler(both), kepler(**SERVED)):
        assert public not in decide(manifest).message


def test_off_is_written_too() -> None:
    """The key is ours in any case: a value that somebody puts there does not survive."""
    outcome = decide(parent())
    assert intent(outcome, children.cfm)["data"] == {"MODEL_CONFIG": ""}
    assert (outcome.word, outcome.reason) == ("converged", "Disabled")


@dataclass(frozen=True)
class SourcesCase:
    """Sources that are on or off, the model, and the field to blame (None: it works)."""

    sources: dict[str, bool]
    url: str | None
    blamed: str | None


def model(group: str) -> str:
    """The URL of a model of this feature group, as a model database lays them out."""
    return URL.replace("CounterOnly", group)


SOURCES = [
    SourcesCase({"counter": False}, None, None),  # models of BPFOnly remain
    SourcesCase({"bpf": False}, None, None),
    SourcesCase({"counter": False, "bpf": False}, None, "`counter` or `bpf`"),
    SourcesCase({"counter": False}, model("CounterOnly"), "`counter`"),
    SourcesCase({"counter": False}, model("Basic"), "`counter`"),
    SourcesCase({"counter": False}, model("BPFOnly"), None),
    SourcesCase({"irq": False}, model("BPFIRQ"), "`irq`"),
    SourcesCase({"irq": False, "counter": False}, model("Full"), "`counter`, `irq`"),
    SourcesCase({"counter": False}, "http://models/mine.zip", None),  # the URL does not tell
    SourcesCase({"gpu": False, "cgroup": False, "kubelet": False}, model("Full"), None),
]


@pytest.mark.parametrize("case", SOURCES, ids=str)
def test_a_model_whose_source_is_off_is_refused(case: SourcesCase) -> None:
    """The message names the source, the resource that turns it off, and what to do."""
    outcome = decide(kepler({"node-components": {"init-url": case.url}}), case.sources)
    if case.blamed is None:
        assert outcome.word == "converged", outcome.message
        return
    assert (outcome.word, outcome.reason, outcome.intents) == ("rejected", "SourceRequired", ())
    assert case.blamed in outcome.message
    assert "'mine'" in outcome.message
    assert "enable" in outcome.message


def test_the_estimator_that_is_off_needs_no_source() -> None:
    """Whatever its models say."""
    manifest = parent()
    manifest["spec"]["estimator-sidecar"] = {"models": {"node-total": {"init-url": URL}}}
    assert decide(manifest, {"counter": False, "bpf": False}).reason == "Disabled"


def test_a_resource_that_does_not_exist_is_awaited() -> None:
    """`collected_metric` says what to do; the estimator only waits."""
    manifest = kepler()
    manifest["spec"]["collected-metric"] = "mine"
    objects: dict[Ref, Any] = {children.cfm(KEY): None, Ref(COLLECTED_METRIC, "energy", "mine"): None}
    outcome = estimator.desired(Observed(KEY, manifest, objects))
    assert (outcome.word, outcome.intents) == ("waiting", ())


def pod(manifest: dict[str, Any], images: dict[str, str] | None = None) -> Any:
    """The exporter's pod."""
    outcome = collector.desired(observed(manifest, config(manifest, images), images))
    return intent(outcome, children.daemon_set)["spec"]["template"]["spec"]


def test_the_sidecar_listens_before_the_exporter_starts() -> None:
    """A native sidecar, whose start is over when its socket is there; both share the socket's directory."""
    pod_spec = pod(kepler())
    [beside] = pod_spec["initContainers"]
    assert (beside["name"], beside["args"], beside["restartPolicy"]) == ("estimator", ["estimator"], "Always")
    assert beside["startupProbe"]["exec"]["command"] == ["test", "-S", "/tmp/estimator.sock"]
    mounts = {volume_mount["mountPath"]: volume_mount for volume_mount in beside["volumeMounts"]}
    assert mounts["/etc/kepler/kepler.config"] == {
        "name": "settled",
        "mountPath": "/etc/kepler/kepler.config",
        "readOnly": True,
    }
    shared = {"name": "tmp", "mountPath": "/tmp"}
    assert mounts["/tmp"] == shared
    assert shared in pod_spec["containers"][0]["volumeMounts"]
    assert [volume for volume in pod_spec["volumes"] if "emptyDir" in volume] == [
        {"name": "tmp", "emptyDir": {}},
        {"name": "mnt", "emptyDir": {}},
    ]


def test_without_the_estimator_nothing_of_it_is_there() -> None:
    """No sidecar, no volume, no mount."""
    pod_spec = pod(parent())
    assert "initContainers" not in pod_spec
    assert not [volume for volume in pod_spec["volumes"] if "emptyDir" in volume]
    assert "/tmp" not in {volume_mount["mountPath"] for volume_mount in pod_spec["containers"][0]["volumeMounts"]}


def test_the_image_defaults_in_the_environment() -> None:
    """The resource's image wins; then the environment's; then ours. It is told in the status while it is used."""
    set_there = {kepler_v07.MODEL_SERVER_IMAGE_SETTING: "mirror/models:1"}
    mine = kepler()
    mine["spec"]["estimator-sidecar"]["image"] = "mirror/models:2"
    for manifest, images, expected in (
        (mine, set_there, "mirror/models:2"),
        (kepler(), set_there, "mirror/models:1"),
        (kepler(), {}, kepler_v07.MODEL_SERVER_IMAGE),
    ):
        outcome = collector.desired(observed(manifest, config(manifest, images), images))
        assert outcome.status["images"]["estimator"] == expected
        assert pod(manifest, images)["initContainers"][0]["image"] == expected
    assert "estimator" not in collector.desired(observed(parent(), config())).status["images"]


def test_the_only_path_there_is_reaches_both_containers() -> None:
    """`mnt-path` is '/tmp', spelt out or not: the socket's path is built into both programs."""
    assert sidecar.image(Kepler.model_validate(parent()), {}) is None
    manifest = kepler()
    manifest["spec"]["estimator-sidecar"]["mnt-path"] = "/tmp"
    assert pod(manifest) == pod(kepler())


def test_fields_of_the_estimators_container() -> None:
    """Its resources and its proxies; the exporter beside it has neither."""
    limits, proxies = {"limits": {"memory": "1Gi"}}, [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}]
    manifest = kepler()
    manifest["spec"]["estimator-sidecar"] |= {"resources": limits, "env": proxies}
    wanted, plain = pod(manifest), pod(kepler())
    [beside] = wanted["initContainers"]
    assert (beside["resources"], beside["env"]) == (limits, proxies)
    assert wanted["containers"] == plain["containers"]
    [blank] = plain["initContainers"]
    assert blank["resources"] == kepler_v07.ESTIMATOR_RESOURCES
    assert "env" not in blank


def test_exporter_and_estimator_read_the_same_type_of_machine() -> None:
    """Both look for one file; its key is the name of the type, of which a KeplerMachineConfig describes many."""
    manifest = kepler()
    manifest["spec"]["collector"] = {"machine-spec": "m5.metal"}
    wanted = pod(manifest)
    [volume] = [
        volume for volume in wanted["volumes"] if volume.get("configMap", {}).get("name") == "kepler-machine-spec"
    ]
    assert volume["configMap"]["items"] == [{"key": "m5.metal", "path": "spec.json"}]
    for container in (*wanted["containers"], *wanted["initContainers"]):
        mounted = [
            volume_mount["mountPath"]
            for volume_mount in container["volumeMounts"]
            if volume_mount["name"] == volume["name"]
        ]
        assert mounted == ["/etc/kepler/models/machine"]
    assert volume not in pod(kepler())["volumes"]


def test_the_token_is_the_exporters_alone() -> None:
    """The estimator beside it runs models, which are code; neither account nor pod mounts it by itself."""
    pod_spec = pod(kepler())
    mounts = {
        container["name"]: [volume_mount["mountPath"] for volume_mount in container["volumeMounts"]]
        for container in (*pod_spec["containers"], *pod_spec["initContainers"])
    }
    assert kepler_v07.TOKEN_PATH in mounts["kepler-exporter"]
    assert kepler_v07.TOKEN_PATH not in mounts["estimator"]
    assert pod_spec["automountServiceAccountToken"] is False
    [volume] = [volume for volume in pod_spec["volumes"] if "projected" in volume]
    assert [next(iter(source)) for source in volume["projected"]["sources"]] == [
        "serviceAccountToken",
        "configMap",
        "downwardAPI",
    ]
