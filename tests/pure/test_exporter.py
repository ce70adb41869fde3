"""Every field of `collector`: what it changes in the DaemonSet, the Service and `kepler-cfm`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from crds.kepler import Kepler
from functions import collected_metric, collector
from operands import children, exporter, kepler_v07, namespaces
from operands.cfm import Key
from operands.repositories import repository
from runtime.adoption import MANAGED_BY
from runtime.declaration import Function, Observed
from runtime.objects import KEPLER, Ref
from runtime.outcome import Intent, Outcome
from runtime.settings import ALLOWED_IMAGES

KEY = Ref(KEPLER, "energy", "kepler")
KEPLERS = repository(kepler_v07.IMAGE)
DONE = {
    "type": collected_metric.CONDITION,
    "status": "True",
    "reason": "Reconciled",
    "message": "",
    "observedGeneration": 1,
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}
OPEN = {namespaces.ref(KEY): {"metadata": {"name": "energy", "labels": namespaces.LABELS}}}
ALL_DONE = [{**DONE, "type": awaited} for awaited in collector.FUNCTION.awaits]


def parent(**spec: Any) -> dict[str, Any]:
    """A Kepler whose configuration is settled."""
    return {
        "apiVersion": KEPLER.api_version,
        "kind": "Kepler",
        "metadata": {"name": "kepler", "namespace": "energy", "uid": "u", "generation": 1},
        "spec": {"collector": {name.replace("_", "-"): value for name, value in spec.items()}},
        "status": {"conditions": ALL_DONE},
    }


def config(kepler: dict[str, Any] | None = None, images: dict[str, str] | None = None, **data: str) -> dict[str, Any]:
    """`kepler-cfm` with the keys of every owner but `collector` as this Kepler wants them, and further ones."""
    seen = Observed(KEY, kepler or parent(), images=images or {})
    wanted = [intent.body["data"] for owner in collector.KEY_OWNERS for intent in owner.decided_keys(seen).intents]
    keys = {name: value for data_of_one in wanted for name, value in data_of_one.items()}
    entries = [_owned(owner) for owner in collector.KEY_OWNERS]
    described = {"name": "kepler-cfm", "labels": {**MANAGED_BY}, "managedFields": entries}
    return {"metadata": described, "data": keys | data}


def _owned(owner: Function) -> dict[str, Any]:
    fields = {
        "f:data": {f"f:{name}": {} for name in owner.keys},
        "f:metadata": {
            "f:labels": {f"f:{label}": {} for label in children.LABELS},
            "f:ownerReferences": {'k:{"uid":"u"}': {}},
        },
    }
    return {"manager": owner.manager, "operation": "Apply", "fieldsV1": fields}


def observed(kepler: dict[str, Any], found: dict[str, Any] | None, images: dict[str, str] | None = None) -> Observed:
    """What `collector` reads when nothing of its own exists yet."""
    objects: dict[Ref, Any] = dict.fromkeys(collector.FUNCTION.children(KEY))
    objects |= {children.cfm(KEY): found, children.binding(KEY): {"metadata": {"name": "kepler-exporter"}}, **OPEN}
    return Observed(KEY, kepler, objects, images=images or {})


def decide(kepler: dict[str, Any], **data: str) -> Outcome:
    """What `collector` wants."""
    return collector.desired(observed(kepler, config(kepler, None, **data)))


def intent(outcome: Outcome, ref: Callable[[Ref], Ref]) -> Any:
    """One of the intents, by its reference."""
    found: dict[Ref, Intent] = {intent.ref: intent for intent in outcome.intents}
    return found[ref(KEY)].body


def pod(**spec: Any) -> Any:
    """The exporter's pod for this `collector`."""
    return intent(decide(parent(**spec)), children.daemon_set)["spec"]["template"]["spec"]


def container(**spec: Any) -> Any:
    """The exporter's container for this `collector`."""
    return pod(**spec)["containers"][0]


def test_the_pod_is_what_kepler_needs_on_a_node() -> None:
    """Privileged, in the host's PID namespace, with the host's directories and the configuration at both paths."""
    pod_spec = pod()
    assert pod_spec["hostPID"] is True
    assert pod_spec["serviceAccountName"] == "kepler"
    assert pod_spec["containers"][0]["securityContext"] == {"privileged": True}
    mounts = {
        volume_mount["mountPath"]: volume_mount.get("readOnly", False)
        for volume_mount in pod_spec["containers"][0]["volumeMounts"]
    }
    assert mounts == {
        "/lib/modules": True,
        "/sys": True,
        "/proc": False,
        "/var/run/secrets/kubernetes.io/serviceaccount": True,
        "/etc/kepler/kepler.config": True,
        "/etc/config": True,
    }
    assert {volume["name"] for volume in pod_spec["volumes"]} == {
        volume_mount["name"] for volume_mount in pod_spec["containers"][0]["volumeMounts"]
    }


def test_every_probe_asks_for_health() -> None:
    """Started, ready and alive are asked of `/healthz`, on the named port."""
    probes = [container()[f"{probe}Probe"]["httpGet"] for probe in ("startup", "readiness", "liveness")]
    assert probes == [{"path": "/healthz", "port": "http"}] * 3


def test_the_port_reaches_everything_that_names_it() -> None:
    """Flag, container port, Service and `BIND_ADDRESS`, which wins over the flag, agree."""
    outcome = decide(parent(port=9103))
    body = intent(outcome, children.daemon_set)["spec"]["template"]["spec"]["containers"][0]
    assert "-address=:9103" in body["args"]
    assert body["ports"][0]["containerPort"] == 9103
    assert intent(outcome, children.service)["spec"]["ports"][0]["port"] == 9103
    assert intent(outcome, children.cfm)["data"]["BIND_ADDRESS"] == ":9103"


TOLERATION = {"key": "gpu", "operator": "Exists"}
TERMS: dict[str, Any] = {"nodeSelectorTerms": []}
AFFINITY = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": TERMS}}


@dataclass(frozen=True)
class ExporterCase:
    """A field, its value, and where it ends up in the pod."""

    field: str
    value: Any
    there: Callable[[Any], Any]
    found: Any


CASES = [
    ExporterCase(
        "node_selector", {"disk": "ssd"}, lambda it: it["nodeSelector"], {"kubernetes.io/os": "linux", "disk": "ssd"}
    ),
    ExporterCase("node_selector", None, lambda it: it["nodeSelector"], {"kubernetes.io/os": "linux"}),
    ExporterCase("tolerations", [TOLERATION], lambda it: it["tolerations"], [TOLERATION]),
    ExporterCase("tolerations", None, lambda it: it["tolerations"], list(kepler_v07.TOLERATIONS)),
    ExporterCase("tolerations", [], lambda it: it.get("tolerations"), None),
    ExporterCase("priority_class", "high", lambda it: it["priorityClassName"], "high"),
    ExporterCase("affinity", AFFINITY, lambda it: it["affinity"], AFFINITY),
    ExporterCase("image_pull_secrets", [{"name": "s"}], lambda it: it["imagePullSecrets"], [{"name": "s"}]),
    ExporterCase("runtime_class", "nvidia", lambda it: it["runtimeClassName"], "nvidia"),
    ExporterCase("runtime_class", None, lambda it: it.get("runtimeClassName"), None),
    ExporterCase("log_level", 5, lambda it: it["containers"][0]["args"][-1], "-v=5"),
    ExporterCase("image", f"{KEPLERS}:c", lambda it: it["containers"][0]["image"], f"{KEPLERS}:c"),
    ExporterCase(
        "resources", {"limits": {"cpu": "1"}}, lambda it: it["containers"][0]["resources"], {"limits": {"cpu": "1"}}
    ),
    ExporterCase("resources", None, lambda it: it["containers"][0]["resources"], kepler_v07.RESOURCES),
    ExporterCase(
        "env", [{"name": "A", "value": "1"}], lambda it: it["containers"][0]["env"][-1], {"name": "A", "value": "1"}
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.field}={case.value}")
def test_fields_of_the_pod(case: ExporterCase) -> None:
    """Each field has its place, and its blank value a default."""
    assert case.there(pod(**{case.field: case.value})) == case.found


def test_labels_and_annotations_of_the_pods() -> None:
    """They are beside ours, which nobody's replace, and not on the DaemonSet; the selector stays as it was."""
    named = {"example.com/team": "energy"}
    taken = {"app.kubernetes.io/name": "other", children.CONFIG_HASH: "other"}
    plain = intent(decide(parent()), children.daemon_set)
    manifest = intent(decide(parent(pod_labels=named | taken, pod_annotations=named | taken)), children.daemon_set)
    described, ours = manifest["spec"]["template"]["metadata"], plain["spec"]["template"]["metadata"]
    assert described["labels"].items() >= (named | ours["labels"]).items()
    assert described["annotations"].items() >= (named | ours["annotations"]).items()
    assert manifest["spec"]["selector"] == plain["spec"]["selector"]
    assert manifest["metadata"] == plain["metadata"]


def test_annotations_of_the_service() -> None:
    """Blank leaves the Service without any of ours."""
    wanted = {"prometheus.io/scrape": "true"}
    manifest = intent(decide(parent(service_annotations=wanted)), children.service)
    assert manifest["metadata"]["annotations"] == wanted
    assert manifest["metadata"]["labels"] == intent(decide(parent()), children.service)["metadata"]["labels"]
    assert "annotations" not in intent(decide(parent()), children.service)["metadata"]


def test_credentials_of_bmcs_are_the_exporters_alone() -> None:
    """One key of the Secret, for one container, by the variable that Kepler reads; the user's own variable wins."""
    pod_spec, own = pod(redfish={"secret": "bmcs"}), {"name": "REDFISH_CRED_FILE_PATH", "value": "/mine.csv"}
    [volume] = [volume for volume in pod_spec["volumes"] if "secret" in volume]
    assert volume["secret"] == {"secretName": "bmcs", "items": [{"key": "redfish.csv", "path": "redfish.csv"}]}
    [mount] = [
        volume_mount
        for volume_mount in pod_spec["containers"][0]["volumeMounts"]
        if volume_mount["name"] == volume["name"]
    ]
    assert (mount["mountPath"], mount["readOnly"]) == ("/etc/redfish", True)
    named = {variable["name"]: variable.get("value") for variable in pod_spec["containers"][0]["env"]}
    assert named["REDFISH_CRED_FILE_PATH"] == "/etc/redfish/redfish.csv"
    there = container(redfish={"secret": "bmcs"}, env=[own])["env"]
    assert [entry for entry in there if entry["name"] == own["name"]] == [own]
    assert not any("secret" in volume for volume in pod()["volumes"])


def test_the_update_strategy_is_the_daemon_sets() -> None:
    """Blank leaves it to the API server's default."""
    chosen = intent(decide(parent(update_strategy={"type": "OnDelete"})), children.daemon_set)
    assert chosen["spec"]["updateStrategy"] == {"type": "OnDelete"}
    assert "updateStrategy" not in intent(decide(parent()), children.daemon_set)["spec"]


def test_sample_period_and_log_level_are_keys() -> None:
    """Whole seconds and a plain number, as Kepler parses them."""
    keys = exporter.keys(Kepler.model_validate(parent(sample_period="1m30s", log_level=4)))
    assert (keys[Key.SAMPLE_PERIOD_SEC], keys[Key.KEPLER_LOG_LEVEL]) == ("90", "4")


def test_the_image_defaults_in_the_environment() -> None:
    """The resource's image wins; then the environment's, so that an upgrade reaches existing resources; then ours."""
    set_there = {kepler_v07.IMAGE_SETTING: "mirror/kepler:1"}
    images = [
        collector.desired(observed(parent(**spec), config(), environment)).status["images"]["collector"]
        for spec, environment in (({"image": "mirror/kepler:2"}, set_there), ({}, set_there), ({}, {}))
    ]
    assert images == ["mirror/kepler:2", "mirror/kepler:1", kepler_v07.IMAGE]


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        (f"{KEPLERS}:release-0.7.12", "IfNotPresent"),
        (f"{KEPLERS}:latest", "Always"),
        (KEPLERS, "Always"),
        ("registry:5000/kepler", "Always"),
        (f"{KEPLERS}@sha256:{'0' * 64}", "IfNotPresent"),
    ],
)
def test_an_image_says_itself_when_it_is_pulled(image: str, policy: str) -> None:
    """The API server would go by the first image there was, and stay with that."""
    seen = observed(parent(image=image), config(), {ALLOWED_IMAGES: "registry:5000/kepler"})
    body = intent(collector.desired(seen), children.daemon_set)["spec"]["template"]["spec"]["containers"][0]
    assert (body["image"], body["imagePullPolicy"]) == (image, policy)


def test_any_key_of_the_configuration_changes_the_pods() -> None:
    """A key the user added counts as much as ours; nothing else in the ConfigMap does."""

    def digest(**data: str) -> str:
        template = intent(decide(parent(), **data), children.daemon_set)["spec"]["template"]
        found: str = template["metadata"]["annotations"][children.CONFIG_HASH]
        return found

    assert digest() == digest()
    assert digest(MINE="1") not in (digest(), digest(MINE="2"))


def test_labels_and_owner_of_every_child() -> None:
    """Each child is found by the event source's label, and goes with its Kepler."""
    for intent in decide(parent()).intents:
        if intent.ref != children.binding(KEY):
            described = intent.body["metadata"]
            assert described["labels"].items() >= MANAGED_BY.items(), intent.ref
            assert [owner["uid"] for owner in described["ownerReferences"]] == ["u"]


def test_nothing_is_written_until_the_others_have_reported() -> None:
    """A missing or older report, and keys that somebody took away, are awaited quietly."""
    unreported = parent()
    unreported["status"] = {}
    older = parent()
    older["metadata"]["generation"] = 2
    taken = config()
    del taken["metadata"]["managedFields"][0]["fieldsV1"]["f:data"]["f:ENABLE_GPU"]
    for kepler, found in ((unreported, config()), (older, config()), (parent(), taken), (parent(), None)):
        outcome = collector.desired(observed(kepler, found))
        assert outcome.writes_nothing
        assert not outcome.intents


def test_a_rejection_of_another_function_is_passed_on() -> None:
    """The user reads here, too, what to change; the exporter that runs stays."""
    blocked = parent()
    blocked["status"] = {"conditions": [{**DONE, "status": "False", "message": "create it"}, *ALL_DONE[1:]]}
    outcome = collector.desired(observed(blocked, config()))
    assert (outcome.word, outcome.writes_nothing, outcome.intents) == ("waiting", False, ())
    assert "create it" in outcome.message


@pytest.mark.parametrize("there", [[], [{"kind": "ServiceAccount", "name": "kepler", "namespace": "other"}]])
def test_the_binding_keeps_everybody_elses_subjects(there: list[dict[str, str]]) -> None:
    """Ours is added once, whoever else is in the list."""
    seen = observed(parent(), config())
    bound = {"metadata": {"name": "kepler-exporter"}, "subjects": there}
    outcome = collector.desired(Observed(KEY, seen.parent, {**seen.objects, children.binding(KEY): bound}))
    assert intent(outcome, children.binding)["subjects"] == [*there, collector.subject(KEY)]


def test_a_missing_binding_is_an_incomplete_installation() -> None:
    """The functions may not create it; the message says what to do."""
    seen = observed(parent(), config())
    outcome = collector.desired(Observed(KEY, seen.parent, {**seen.objects, children.binding(KEY): None}))
    assert outcome.reason == "NotInstalled"
    assert "apply `config/` again" in outcome.message


@pytest.mark.parametrize(
    "namespace",
    [
        None,
        {"metadata": {"name": "energy"}},
        {"metadata": {"name": "energy", "labels": {namespaces.LABEL: "baseline"}}},
        {"metadata": {"name": "energy", "labels": {"pod-security.kubernetes.io/warn": "privileged"}}},
    ],
)
def test_a_namespace_must_allow_privileged_pods_explicitly(namespace: Any) -> None:
    """Whoever has reported and whatever is in place; the message has the command."""
    seen = observed(parent(), config())
    there = {**seen.objects, namespaces.ref(KEY): namespace}
    outcome = collector.desired(Observed(KEY, seen.parent, there))
    assert (outcome.word, outcome.reason, outcome.intents) == ("rejected", "NamespaceNotAllowed", ())
    assert "`kubectl label namespace energy pod-security.kubernetes.io/enforce=privileged --overwrite`" in (
        outcome.message
    )
