"""What `doctor` says of policies that are not as generated, and of installations with overlays."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest

from cli import kinds
from cli.doctor.check import ClusterSnapshot
from cli.doctor.expected import Overlay, objects, tenant_bindings
from cli.explanation.function_parts import Installation, Parts
from installation import contents
from operands import children
from runtime.objects import CLUSTER_ROLE_BINDING, CONFIG_MAP, SERVICE_ACCOUNT
from runtime.settings import NAMESPACE
from tests.cli.installations import KEPLERS, READY, all_checks, changed, parts, put, ref, troubles, well, without

Change = Callable[[ClusterSnapshot], ClusterSnapshot]


@dataclass(frozen=True)
class PolicyCase:
    """What is wrong, and the one line that says so: its level, what it contains and what it advises."""

    does: str
    spoilt: Change
    level: str
    says: str
    do: str


CASES = [
    PolicyCase(
        "a policy that is gone",
        without(ref(kinds.ADMISSION_POLICY, "kepler-privileged-fields")),
        "fail",
        "ValidatingAdmissionPolicy 'kepler-privileged-fields' does not exist: the API server does not refuse",
        "kubectl apply --server-side",
    ),
    PolicyCase(
        "a policy that has been changed",
        changed(ref(kinds.ADMISSION_POLICY, "kepler-privileged-fields"), put("spec.validations.0.expression", "true")),
        "fail",
        "'kepler-privileged-fields' is not as this version has it: `spec.validations[0].expression`",
        "kubectl apply --server-side",
    ),
    PolicyCase(
        "a policy that only warns",
        changed(
            ref(kinds.ADMISSION_POLICY_BINDING, "kepler-privileged-fields"), put("spec.validationActions", ["Warn"])
        ),
        "fail",
        "ValidatingAdmissionPolicyBinding 'kepler-privileged-fields' is not as this version has it",
        "kubectl apply --server-side",
    ),
    PolicyCase(
        "no NetworkPolicy",
        without(ref(kinds.NETWORK_POLICY, "kepler-functions")),
        "warn",
        "NetworkPolicy 'kepler-functions' does not exist: every pod of the cluster may send to the functions",
        "kubectl apply --server-side",
    ),
    PolicyCase(
        "no settings of images",
        without(ref(CONFIG_MAP, "kepler-images")),
        "fail",
        "ConfigMap 'kepler-images' does not exist: the policies that read it refuse",
        "kubectl apply --server-side",
    ),
    PolicyCase(
        "images of one registry only where policies read them",
        changed(
            ref(CONFIG_MAP, "kepler-images"), put("data.RELATED_IMAGE_KEPLER_MODEL_SERVER", "registry.example/kepler:1")
        ),
        "fail",
        "ConfigMap 'kepler-images' lacks 'quay.io/sustainable_computing_io/kepler_model_server' of the environment",
        "config/overlays/mirror",
    ),
    PolicyCase(
        "policies that may not be read",
        lambda seen: replace(seen, hidden=frozenset({ref(kinds.ADMISSION_POLICY, "kepler-privileged-fields")})),
        "warn",
        "you may not read 1 policies",
        "ask for `get validatingadmissionpolicies`",
    ),
    PolicyCase(
        "a user role that joins nothing",
        changed(ref(kinds.CLUSTER_ROLE, "kepler-edit"), put("metadata.labels", {})),
        "warn",
        "ClusterRole 'kepler-edit' does not join 'edit', 'admin'",
        "kubectl apply --server-side",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.does)
def test_a_guard_that_is_not_as_generated_is_one_line(case: PolicyCase) -> None:
    """It says what follows and what to do."""
    [line] = troubles(case.spoilt(well()))
    assert line.level == case.level
    assert case.says in line.says
    assert case.do in line.do


def with_objects(overlay: Overlay) -> Change:
    """What an overlay changes in roles, and brings."""

    def change(seen: ClusterSnapshot) -> ClusterSnapshot:
        there = dict(seen.objects)
        for manifest in objects(seen.namespace, {overlay}):
            at = next(
                (at for at in there if (at.kind.name, at.name) == (manifest["kind"], manifest["metadata"]["name"])),
                None,
            )
            if (at is not None and manifest["kind"] == "ClusterRole") or (at is not None and there[at] is None):
                there[at] = manifest
        return replace(seen, objects=there)

    return change


def without_policies(seen: ClusterSnapshot) -> ClusterSnapshot:
    """No ValidatingAdmissionPolicy of ours is there."""
    gone = [at for at in seen.objects if at.kind in (kinds.ADMISSION_POLICY, kinds.ADMISSION_POLICY_BINDING)]
    return replace(seen, objects={**seen.objects, **dict.fromkeys(gone)})


def with_database(seen: ClusterSnapshot) -> ClusterSnapshot:
    """The database of `audit` is named in a Secret."""
    by_name = dict(parts())
    service = put("spec.template.spec.containers.0.env", [{"name": "DATABASE", "valueFrom": {"secretKeyRef": {}}}])
    image = next(iter(seen.wanted("Service", "serving")))["spec"]["template"]["spec"]["containers"][0]["image"]
    changed_service = {"spec": {"template": {"spec": {"containers": [{"image": image}]}}}, "status": READY}
    service(changed_service)
    by_name["kepler-audit"] = Parts({"status": READY}, {"metadata": {"name": "kepler-audit"}, **changed_service})
    return replace(seen, installed=Installation(parts=by_name))


def mirrored(seen: ClusterSnapshot) -> ClusterSnapshot:
    """Images come from another registry, for the policies and for the functions."""
    mirror = {"RELATED_IMAGE_KEPLER": "registry.example/kepler:1"}
    by_name = dict(parts())
    for part in by_name.values():
        assert part.service is not None
        for variable in part.service["spec"]["template"]["spec"]["containers"][0]["env"]:
            variable["value"] = mirror.get(variable["name"], variable["value"])
    data = put("data.RELATED_IMAGE_KEPLER", mirror["RELATED_IMAGE_KEPLER"])
    return changed(ref(CONFIG_MAP, "kepler-images"), data)(replace(seen, installed=Installation(parts=by_name)))


def with_event_policy(seen: ClusterSnapshot) -> ClusterSnapshot:
    """The Broker takes events of those only that an EventPolicy names."""
    [policy] = contents.overlays()["components/event-policies/event-policies.yaml"]
    return replace(seen, objects={**seen.objects, ref(kinds.EVENT_POLICY, policy["metadata"]["name"]): policy})


def bound(seen: ClusterSnapshot) -> ClusterSnapshot:
    """With overlay `tenants`, and its RoleBindings in the namespace of the Kepler."""
    return replace(with_objects(Overlay.TENANTS)(seen), tenant_bindings=tenant_bindings(NAMESPACE, KEPLERS))


def in_one_service(seen: ClusterSnapshot) -> ClusterSnapshot:
    """All functions that reconcile are in one Service, with the one Trigger and ServiceAccount."""
    compact = {(entry["kind"], entry["metadata"]["name"]): entry for entry in objects(NAMESPACE, {Overlay.COMPACT})}
    other = (kinds.TRIGGER, SERVICE_ACCOUNT, kinds.ROLE_BINDING, CLUSTER_ROLE_BINDING, kinds.ADMISSION_POLICY)
    there = dict(seen.objects)
    for at in seen.objects:
        if at.kind in other and at.name != children.EXPORTER:
            manifest = compact.get((at.kind.name, at.name))
            there[at] = manifest and {**manifest, "status": READY}
    service = compact["Service", "kepler-compact"]
    left = {called: part for called, part in parts().items() if ("Service", called) in compact}
    both = {**left, "kepler-compact": Parts({"status": READY}, {**service, "status": READY})}
    return replace(seen, objects=there, installed=Installation(parts=both))


KAFKA = put("metadata.annotations", {"eventing.knative.dev/broker.class": "Kafka"})
OVERLAYS: Mapping[Overlay, Change] = {
    Overlay.COMPACT: in_one_service,
    Overlay.EVENT_POLICIES: with_event_policy,
    Overlay.KAFKA: changed(ref(kinds.BROKER, "default"), KAFKA),
    Overlay.MIRROR: mirrored,
    Overlay.NO_ADMISSION_POLICIES: without_policies,
    Overlay.NODES_PROXY: with_objects(Overlay.NODES_PROXY),
    Overlay.OPENSHIFT: with_objects(Overlay.OPENSHIFT),
    Overlay.POSTGRES: with_database,
    Overlay.TENANTS: bound,
}


@pytest.mark.parametrize("overlay", Overlay)
def test_what_an_overlay_changes_is_no_fault(overlay: Overlay) -> None:
    """It is named in one line, since somebody chose it."""
    seen = OVERLAYS[overlay](well())
    assert seen.overlays == {overlay}
    assert next(check.says for check in all_checks(seen) if check.area == "overlays").startswith(f"in use: {overlay}")
    assert troubles(seen) == []


def unbound(**spoilt: object) -> ClusterSnapshot:
    """The same, but for one RoleBinding: without it, or with other fields."""
    seen = bound(well())
    place, binding = next(iter(seen.tenant_bindings.items()))
    changed_binding = {**(binding or {}), **spoilt} if spoilt else None
    return replace(seen, tenant_bindings={**seen.tenant_bindings, place: changed_binding})


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        ({}, "does not exist: its function may write nothing there"),
        ({"roleRef": {"kind": "ClusterRole", "name": "view"}}, "gives another role"),
        ({"subjects": None}, "does not name its ServiceAccount"),
    ],
)
def test_a_tenants_namespace_without_its_role_bindings_is_told(spoilt: dict[str, object], says: str) -> None:
    """With the command that writes them."""
    [line] = troubles(unbound(**spoilt))
    assert (line.level, line.says) == ("fail", f"RoleBinding 'kepler-collector' in namespace 'energy' {says}")
    assert line.do.endswith("kubectl apply -n energy -f config/overlays/tenants/namespace/role-bindings.yaml")


def test_role_bindings_that_may_not_be_read_are_no_fault() -> None:
    """One line for all of them."""
    [line] = troubles(replace(bound(well()), tenant_bindings={}))
    assert (line.level, line.says) == ("warn", "you may not read RoleBindings in 'energy'")


@pytest.mark.parametrize("version", ["v1.31.4", "v1.32.0+k3s1", "v1.30"])
def test_an_older_cluster_needs_its_overlay(version: str) -> None:
    """Exporters ask the kubelet for pods, and only that overlay lets them there."""
    [line] = troubles(replace(well(), server=version))
    assert (line.area, line.level) == ("overlays", "fail")
    assert f"Kubernetes {version} is older than 1.33" in line.says
    assert "config/overlays/nodes-proxy" in line.do
    assert troubles(replace(with_objects(Overlay.NODES_PROXY)(well()), server=version)) == []


@pytest.mark.parametrize("version", ["v1.33.0", "v1.35.4+rke2r1", "v2.0.0", "", "unknown"])
def test_a_newer_cluster_needs_none(version: str) -> None:
    """Nor one whose version is not known."""
    assert troubles(replace(well(), server=version)) == []
