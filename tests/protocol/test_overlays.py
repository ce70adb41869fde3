"""Every overlay is rendered by kubectl's own kustomize, and taken by a real API server as far as it knows the kinds."""

import functools
import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from installation import compact, tenants, wiring
from installation.permissions import WRITES, rules
from installation.tenants import FUNCTIONS
from local.layout import DEFAULT, ROOT
from local.stack import KNATIVE, Stack
from operands import exporter, model_pod, repositories
from runtime.settings import NAMESPACE
from runtime.sink import MOUNTED_TOKEN
from tests.pure.test_exporter import KEY, parent

OVERLAYS = sorted(path.parent for path in (ROOT / "config/overlays").glob("*/kustomization.yaml"))
# Those that a kustomization of a user's own combines; `namespace` goes with a second kustomization.
# `compact` goes last, since it changes what the others add.
COMPONENTS = sorted(
    {path.parent.name for path in (ROOT / "config/components").glob("*/*.yaml")} - {"namespace", "compact"}
)
EACH = pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.name)


@functools.cache
def render(stack: Stack, name: str) -> list[dict[str, Any]]:
    """`kubectl kustomize` of an overlay, or of the base."""
    return stack.kubectl.render(ROOT / "config" / name)


def of(objects: list[dict[str, Any]], kind: str, api: str = "") -> dict[str, Any]:
    """The objects of a kind, by name."""
    return {
        manifest["metadata"]["name"]: manifest
        for manifest in objects
        if manifest["kind"] == kind and manifest["apiVersion"].startswith(api)
    }


def environment(service: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the environment of a Knative Service's container."""
    variables: list[dict[str, Any]] = container(service)["env"]
    return variables


def container(service: dict[str, Any]) -> dict[str, Any]:
    """Return a Knative Service's only container."""
    [only] = service["spec"]["template"]["spec"]["containers"]
    return dict(only)


def is_known(manifest: dict[str, Any]) -> bool:
    """Whether an API server without Knative knows the kind; our own definitions are there already."""
    return not manifest["apiVersion"].startswith(KNATIVE) and manifest["kind"] != "CustomResourceDefinition"


def rehearse(stack: Stack, objects: list[dict[str, Any]], *arguments: str) -> str:
    """A server-side dry run of what the API server knows."""
    known = [entry for entry in objects if is_known(entry)]
    apply = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", *arguments, "-f", "-")
    return stack.kubectl(*apply, stdin=yaml.safe_dump_all(known))


@EACH
def test_an_overlay_is_taken(control_plane: Stack, overlay: Any) -> None:
    """Rendered without a word, and nothing in it is refused."""
    objects = render(control_plane, f"overlays/{overlay.name}")
    text = rehearse(control_plane, objects)
    assert text.count("serverside-applied") == sum(map(is_known, objects))


@pytest.mark.parametrize("pair", [*itertools.combinations(COMPONENTS, 2)], ids="+".join)
def test_two_overlays_are_combined_by_their_components(
    control_plane: Stack, tmp_path: Path, pair: tuple[str, str]
) -> None:
    """In either order, and each changes the objects that it changes alone."""
    base = by_place(render(control_plane, "base"))
    both, turned = (combined(control_plane, tmp_path, names) for names in (pair, pair[::-1]))
    assert both == turned
    for name in pair:
        alone = by_place(render(control_plane, f"overlays/{name}"))
        changed = {place for place in alone | base if alone.get(place) != base.get(place)}
        assert changed
        assert {place for place in changed if both.get(place) == base.get(place)} == set()


def combined(stack: Stack, folder: Path, components: Sequence[str]) -> dict[str, str]:
    """Return the objects of `config/base` with these components, as `docs/install.md` combines them."""
    if not (folder / "config").exists():
        (folder / "config").symlink_to(ROOT / "config")
    own = folder / "-".join(components)
    own.mkdir()
    paths = [f"../config/components/{name}" for name in components]
    (own / "kustomization.yaml").write_text(yaml.safe_dump({"resources": ["../config/base"], "components": paths}))
    return by_place(stack.kubectl.render(own))


def by_place(objects: list[dict[str, Any]]) -> dict[str, str]:
    """Return objects by kind and place; the order of rules, and of what a pod lists, has no meaning."""
    return {place(manifest): json.dumps(unordered(manifest), sort_keys=True) for manifest in objects}


def place(manifest: dict[str, Any]) -> str:
    """Return kind, version, namespace and name in one word."""
    metadata = manifest["metadata"]
    return f"{manifest['kind']}.{manifest['apiVersion']} {metadata.get('namespace')}/{metadata['name']}"


def unordered(value: Any) -> Any:
    """Return a value with every list in it sorted."""
    if isinstance(value, dict):
        return {key: unordered(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted(map(unordered, value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


def test_without_policies_there_is_everything_else(control_plane: Stack) -> None:
    """For clusters that do not know the kind."""
    base = render(control_plane, "base")
    without = render(control_plane, "overlays/no-admission-policies")
    assert without == [entry for entry in base if not entry["kind"].startswith("ValidatingAdmissionPolicy")]
    assert len(without) < len(base)


def test_an_old_kubelet_is_asked_through_its_proxy(control_plane: Stack) -> None:
    """One rule more, of one verb."""
    name = "kepler-exporter"
    before = of(render(control_plane, "base"), "ClusterRole")[name]["rules"]
    after = of(render(control_plane, "overlays/nodes-proxy"), "ClusterRole")[name]["rules"]
    assert after == [*before, {"apiGroups": [""], "resources": ["nodes/proxy"], "verbs": ["get"]}]


def test_a_mirror_is_written_in_one_place(control_plane: Stack) -> None:
    """From one ConfigMap it gets into every function's environment and the policies, each setting of them."""
    objects = render(control_plane, "overlays/mirror")
    settings = of(objects, "ConfigMap")["kepler-images"]["data"]
    assert settings.keys() == repositories.ENVIRONMENT.keys()
    assert not settings.items() & repositories.ENVIRONMENT.items() - {("ALLOWED_IMAGES", "")}
    services = of(objects, "Service", "serving.knative.dev")
    assert services
    for service in services.values():
        assert (
            settings.items() <= {variable["name"]: variable.get("value") for variable in environment(service)}.items()
        )
    policies = of(objects, "ValidatingAdmissionPolicy").values()
    named = [
        variable["expression"]
        for policy in policies
        for variable in policy["spec"].get("variables", [])
        if "images" in variable.values()
    ]
    assert named
    for expression in named:
        assert expression.split("'")[1::2] == [settings[name] for name in repositories.ENVIRONMENT]


def test_tenants_are_bound_one_by_one(control_plane: Stack) -> None:
    """Everywhere a function reads and reports; it writes workloads where a RoleBinding is, and all it could before."""
    objects = of(render(control_plane, "overlays/tenants"), "ClusterRole")
    for function in FUNCTIONS:
        everywhere, there = (objects[name]["rules"] for name in (function.manager, f"{function.manager}-tenant"))
        assert granted(everywhere) | granted(there) == granted(list(rules(function)))
        assert not granted(everywhere) & granted(there)
        written = {(resource, name) for resource, name, verb in granted(everywhere) if verb in WRITES}
        shared = {("clusterrolebindings", "kepler-exporter")} if function.name == "collector" else set()
        assert written == {("keplers/status", ""), ("configmaps", "kepler-cfm")} | shared
        assert {verb for _, _, verb in granted(there)} <= WRITES
    place = control_plane.kubectl
    bindings = ROOT / "config/overlays/tenants/namespace/role-bindings.yaml"
    place("apply", "-n", "default", "--dry-run=server", "-f", str(bindings))
    assert {binding["roleRef"]["name"] for binding in tenants.bindings()} <= objects.keys()


def test_writing_machine_configs_is_permitted_on_openshift_only(control_plane: Stack) -> None:
    """They reboot machines; elsewhere the kind does not exist, and nobody need be able to write it."""
    base = of(render(control_plane, "base"), "ClusterRole")
    there = of(render(control_plane, "overlays/openshift"), "ClusterRole")
    machine_configs = {
        resource for resource, _, verb in granted(base["kepler-machine-config"]["rules"]) if verb in WRITES
    }
    assert machine_configs == {"keplermachineconfigs/status"}
    added = granted(there["kepler-machine-config-openshift"]["rules"])
    assert {(resource, verb) for resource, _, verb in added} == {
        ("machineconfigs", verb) for verb in ("create", "patch", "delete")
    }
    assert all(name for _, name, _ in added)
    before, after = (granted(entry["kepler-exporter"]["rules"]) for entry in (base, there))
    assert after - before == {("securitycontextconstraints", "privileged", "use")}


def test_over_kafka_functions_send_to_kafkas_own_ingress(control_plane: Stack) -> None:
    """The Broker is of the class, and has the configuration, that Knative documents; nothing of the channel is left."""
    objects = render(control_plane, "overlays/kafka")
    [broker] = of(objects, "Broker").values()
    assert broker["metadata"]["annotations"] == {"eventing.knative.dev/broker.class": "Kafka"}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "name": "kafka-broker-config", "namespace": "knative-eventing"}
    assert broker["spec"] == {"config": config}
    for service in of(objects, "Service", "serving.knative.dev").values():
        [sink] = [variable["value"] for variable in environment(service) if variable["name"] == "K_SINK"]
        assert sink == f"http://kafka-broker-ingress.knative-eventing.svc/{NAMESPACE}/{wiring.BROKER}"


def test_an_installation_may_be_in_any_namespace(control_plane: Stack, tmp_path: Path) -> None:
    """As `docs/install.md` shows it; everything is then as if it had been generated for that namespace."""
    for folder in ("base", "crds", "components"):
        (tmp_path / folder).symlink_to(ROOT / "config" / folder)
    (tmp_path / "named").mkdir()
    named = {"resources": ["../base"], "namespace": "their-operator"}
    (tmp_path / "named/kustomization.yaml").write_text(yaml.safe_dump(named))
    own = {"resources": ["named"], "components": ["components/namespace"]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(own))
    elsewhere = json.dumps(control_plane.kubectl.render(tmp_path))
    renamed = json.loads(elsewhere.replace("their-operator", NAMESPACE))
    assert sorted(map(json.dumps, renamed)) == sorted(map(json.dumps, render(control_plane, "base")))
    assert NAMESPACE not in elsewhere


SHOWN = [
    (page.name, shown)
    for page in sorted((ROOT / "docs").glob("*.md"))
    for shown in re.findall(r"```yaml\n# own/kustomization\.yaml\n(.*?)```", page.read_text(), re.DOTALL)
]


@pytest.mark.parametrize(("page", "shown"), SHOWN, ids=[f"{page}-{at}" for at, (page, _) in enumerate(SHOWN)])
def test_a_kustomization_that_a_page_shows_is_rendered(
    control_plane: Stack, tmp_path: Path, page: str, shown: str
) -> None:
    """As it stands there, beside `config`; the one for another namespace with the one that it stands above."""
    (tmp_path / "config").symlink_to(ROOT / "config")
    (tmp_path / "own/named").mkdir(parents=True)
    (tmp_path / "own/kustomization.yaml").write_text(shown)
    text = (ROOT / "docs" / page).read_text()
    for named in re.findall(r"```yaml\n# own/named/kustomization\.yaml\n(.*?)```", text, re.DOTALL):
        (tmp_path / "own/named/kustomization.yaml").write_text(named)
    own = control_plane.kubectl.render(tmp_path / "own")
    services = of(own, "Service", "serving.knative.dev")
    assert len(own) >= len(render(control_plane, "overlays/compact" if compact.ACCOUNT in services else "base"))
    images = {container(service)["image"] for service in services.values()}
    assert images == {"REGISTRY/kepler-on-knative:0.1.0"} or "images:" not in shown


def test_telemetry_is_turned_on_as_its_page_shows(control_plane: Stack, tmp_path: Path) -> None:
    """Every function has the variable, and nothing else is changed."""
    [shown] = [shown for page, shown in SHOWN if page == "observability.md"]
    (tmp_path / "config").symlink_to(ROOT / "config")
    (tmp_path / "own").mkdir()
    (tmp_path / "own/kustomization.yaml").write_text(shown)
    own = control_plane.kubectl.render(tmp_path / "own")
    for service in of(own, "Service", "serving.knative.dev").values():
        assert environment(service).pop()["name"] == "OTEL_EXPORTER_OTLP_ENDPOINT"
    assert own == render(control_plane, "base")


def granted(rules: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    """Resource, name and verb of each permission."""
    return {
        (resource, name, verb)
        for rule in rules
        for resource in rule["resources"]
        for name in rule.get("resourceNames") or [""]
        for verb in rule["verbs"]
    }


def test_the_event_policy_names_who_is_there(control_plane: Stack) -> None:
    """Every sender is an object of `config/base`; the policy is as its definition has it."""
    objects = render(control_plane, "overlays/event-policies")
    [policy] = of(objects, "EventPolicy").values()
    there = {(manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"]) for manifest in objects}
    senders = [entry["ref"] for entry in policy["spec"]["from"] if "ref" in entry]
    assert {(sender["apiVersion"], sender["kind"], sender["name"]) for sender in senders} <= there
    for kind in ("ApiServerSource", "PingSource", "Trigger"):
        assert {sender["name"] for sender in senders if sender["kind"] == kind} == of(objects, kind).keys()
    functions = of(objects, "Service", "serving.knative.dev")
    accounts = [service["spec"]["template"]["spec"]["serviceAccountName"] for service in functions.values()]
    named = {entry["sub"] for entry in policy["spec"]["from"] if "sub" in entry}
    assert named == {f"system:serviceaccount:kepler-operator:{account}" for account in accounts}
    definition = yaml.safe_load((DEFAULT / "yaml/knative-crds/eventpolicy.yaml").read_text())
    [version] = definition["spec"]["versions"]
    assert f"{definition['spec']['group']}/{version['name']}" == policy["apiVersion"]
    known = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert policy["spec"].keys() <= known.keys()
    Draft202012Validator(version["schema"]["openAPIV3Schema"]).validate(policy)


def test_every_function_sends_with_a_token_for_the_broker(control_plane: Stack) -> None:
    """Where `runtime.sink` looks for it, and for no other audience."""
    for service in of(render(control_plane, "overlays/event-policies"), "Service", "serving.knative.dev").values():
        pod = service["spec"]["template"]["spec"]
        [volume] = [volume for volume in pod["volumes"] if volume["name"] == "oidc-token"]
        [source] = volume["projected"]["sources"]
        [mount] = [
            volume_mount
            for volume_mount in pod["containers"][0]["volumeMounts"]
            if volume_mount["name"] == "oidc-token"
        ]
        token = source["serviceAccountToken"]
        assert f"{mount['mountPath']}/{token['path']}" == MOUNTED_TOKEN
        assert token["audience"] == f"eventing.knative.dev/broker/{NAMESPACE}/{wiring.BROKER}"


@pytest.mark.parametrize("name", ["base", "overlays/postgres"])
def test_the_network_policy_is_of_every_function(control_plane: Stack, name: str) -> None:
    """By the labels that Knative passes on to their pods."""
    objects = render(control_plane, name)
    [policy] = of(objects, "NetworkPolicy").values()
    chosen = policy["spec"]["podSelector"]["matchLabels"].items()
    services = of(objects, "Service", "serving.knative.dev")
    assert len(services) > 1
    for service in services.values():
        assert chosen <= service["spec"]["template"]["metadata"]["labels"].items()
        assert service["metadata"]["namespace"] == policy["metadata"]["namespace"]


def test_the_sample_of_a_network_policy_is_of_the_operands(control_plane: Stack) -> None:
    """Their labels and default ports, whatever namespace it is applied to."""
    objects = list(yaml.safe_load_all((ROOT / "config/samples/network-policy/network-policy.yaml").read_text()))
    rehearse(control_plane, objects, "-n", "default")
    pods = {
        "kepler-exporter": exporter.daemon_set(parent(), KEY, exporter.PodInputs("x", {}, "x")),
        "kepler-model-server": model_pod.deployment(parent(), KEY, ("x", "x"), "x"),
    }
    for manifest in objects:
        template = pods[manifest["metadata"]["name"]].body["spec"]["template"]
        assert manifest["spec"]["podSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
        [port] = template["spec"]["containers"][0]["ports"]
        assert manifest["spec"]["ingress"][0]["ports"] == [{"port": port["containerPort"], "protocol": "TCP"}]
