"""What a KeplerMachineConfig changes on OpenShift's pools, and what it says of nodes; what machines it describes."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from effects.cluster_objects import node, pool
from functions import machine_config, machine_spec
from operands import machine_spec_volume, openshift, preflight
from operands.openshift import POOL_FEATURES, Feature, PoolFeature
from runtime.conditions import READY
from runtime.declaration import Observed
from runtime.objects import COLLECTED_METRIC, KEPLER, MACHINE_CONFIG, Manifest, Ref
from runtime.outcome import Outcome
from runtime.ownership import ownership_conflict, reference
from runtime.statuses import conditions_of
from runtime.wake import nothing_to_do, parents
from tests.pure.test_wake import about, asked
from tests.workbench import update

KEY = Ref(MACHINE_CONFIG, "", "machines")
CGROUP = "50-worker-cgroupv2"
KERNEL = "51-worker-kernel-devel"
POOL_FEATURE = PoolFeature("worker", Feature.CGROUP_V2)


def parent(name: str = "machines", uid: str = "u", **spec: Any) -> dict[str, Any]:
    """A KeplerMachineConfig; words are joined by hyphens."""
    return {
        "apiVersion": MACHINE_CONFIG.api_version,
        "kind": MACHINE_CONFIG.name,
        "metadata": {"name": name, "uid": uid, "generation": 1},
        "spec": {field.replace("_", "-"): value for field, value in spec.items()},
    }


def made(piece: PoolFeature, *, by: Manifest | None = None) -> dict[str, Any]:
    """A MachineConfig that the parent made, or, without one, somebody by hand."""
    body = piece.intent(by or parent()).body
    described = {**body["metadata"], **({} if by else {"ownerReferences": []})}
    return {**body, "metadata": {**described, "name": piece.ref.name}}


def decide(
    config: Manifest, *manifests: Manifest, openshift_api: bool = True, nodes: tuple[Manifest, ...] = ()
) -> Outcome:
    """The decision over these pools and MachineConfigs; without pools, over an up-to-date 'worker'."""
    known = {manifest["metadata"]["name"]: manifest for manifest in (pool(), *manifests) if openshift_api}
    refs = (*machine_config.FUNCTION.children(KEY), *machine_config.FUNCTION.inputs(KEY))
    objects: dict[Ref, Manifest | None] = {ref: known.get(ref.name) for ref in refs}
    objects[openshift.API] = {"metadata": {"name": openshift.API.name}} if openshift_api else None
    return machine_config.desired(Observed(KEY, config, objects, {preflight.NODES: nodes}))


def said(outcome: Outcome, condition: str = READY) -> tuple[str, str, str]:
    """Status, reason and message of one condition."""
    condition_of_outcome = {name.type: name for name in conditions_of(machine_config.FUNCTION, outcome)}[condition]
    return condition_of_outcome.status.value, condition_of_outcome.reason, condition_of_outcome.message


def names(outcome: Outcome) -> tuple[list[str], list[str]]:
    """What is intended and what is to be absent."""
    return [intent.ref.name for intent in outcome.intents], [ref.name for ref in outcome.absent]


@dataclass(frozen=True)
class MachineConfigCase:
    """A feature of a role, and the MachineConfig it becomes."""

    field: str
    role: str
    name: str
    spec: dict[str, list[str]]


KERNEL_ARGUMENTS = {"kernelArguments": ["systemd.unified_cgroup_hierarchy=1", 'cgroup_no_v1="all"']}
EXTENSIONS = {"extensions": ["kernel-devel"]}
CASES = [
    MachineConfigCase("cgroup_v2", "master", "50-master-cgroupv2", KERNEL_ARGUMENTS),
    MachineConfigCase("cgroup_v2", "worker", "50-worker-cgroupv2", KERNEL_ARGUMENTS),
    MachineConfigCase("kernel_devel", "master", "51-master-kernel-devel", EXTENSIONS),
    MachineConfigCase("kernel_devel", "worker", "51-worker-kernel-devel", EXTENSIONS),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_feature_is_upstreams_machine_config(case: MachineConfigCase) -> None:
    """Name, role and content as upstream's manifests have them; it goes when the resource goes."""
    asked_for: dict[str, Any] = {case.field: True, "roles": [case.role]}
    config = parent(allow_reboot=True, **asked_for)
    (intent,) = decide(config, pool(case.role)).intents
    assert intent.ref.name == case.name
    assert intent.body["spec"] == case.spec
    assert intent.body["metadata"]["labels"]["machineconfiguration.openshift.io/role"] == case.role
    assert intent.body["metadata"]["ownerReferences"] == [reference(config)]


def test_elsewhere_than_on_openshift_there_is_nothing_to_do() -> None:
    """Said so, and what was asked for is named; the resource is `Ready`, since nothing is left to do."""
    outcome = decide(parent(cgroup_v2=True, allow_reboot=True), openshift_api=False)
    assert names(outcome) == ([], [])
    assert said(outcome)[:2] == ("True", "NotApplicable")
    assert "`cgroup-v2`" in said(outcome, machine_config.CONDITION)[2]
    assert outcome.status["pools"] == []


def test_without_leave_to_reboot_nothing_is_written() -> None:
    """The message says what would be, on which machines, and which field allows it."""
    outcome = decide(parent(cgroup_v2=True, kernel_devel=True))
    status, reason, message = said(outcome, machine_config.CONDITION)
    assert names(outcome) == ([], [])
    assert (status, reason) == ("False", "RebootNotAllowed")
    assert all(part in message for part in (CGROUP, KERNEL, "pool 'worker'", "`allow-reboot: true`"))
    assert said(outcome)[:2] == ("False", "RebootNotAllowed")


def test_without_leave_to_reboot_nothing_is_removed() -> None:
    """Switching a feature off reboots as switching it on does."""
    outcome = decide(parent(), made(POOL_FEATURE, by=parent()))
    assert names(outcome) == ([], [])
    assert f"remove {CGROUP}" in said(outcome, machine_config.CONDITION)[2]


def test_what_is_in_place_needs_no_leave() -> None:
    """Taking `allow-reboot` back after the machines have booted leaves everything as it is."""
    outcome = decide(parent(cgroup_v2=True), made(POOL_FEATURE, by=parent()), pool(booted=[CGROUP]))
    assert names(outcome) == ([], [])
    assert said(outcome)[:2] == ("True", "Ready")


def test_what_was_edited_by_hand_is_written_again_with_leave_only() -> None:
    """Its content reboots machines, whoever changes it."""
    edited = {**made(POOL_FEATURE, by=parent()), "spec": {"kernelArguments": ["quiet"]}}
    assert said(decide(parent(cgroup_v2=True), edited))[1] == "RebootNotAllowed"
    assert names(decide(parent(cgroup_v2=True, allow_reboot=True), edited)) == ([CGROUP], [])


def test_a_feature_and_a_role_switched_off_are_removed() -> None:
    """Of the role's MachineConfigs, those that the resource owns; what somebody made by hand stays."""
    there = [made(piece, by=parent()) for piece in POOL_FEATURES]
    assert names(decide(parent(cgroup_v2=True, allow_reboot=True), *there, pool("master"))) == (
        [CGROUP],
        ["50-master-cgroupv2", "51-master-kernel-devel", KERNEL],
    )
    by_hand = [made(piece) for piece in POOL_FEATURES]
    assert names(decide(parent(allow_reboot=True), *by_hand)) == ([], [])


def test_a_pool_that_does_not_exist_is_named() -> None:
    """A MachineConfig for it would wait for ever."""
    outcome = decide(parent(roles=["master"], cgroup_v2=True, allow_reboot=True))
    assert said(outcome)[:2] == ("False", "PoolNotFound")
    assert "`roles` names 'master'" in outcome.message
    assert not outcome.intents


@pytest.mark.parametrize(
    ("manifests", "status", "reason", "tells"),
    [
        (pool(booted=[CGROUP]), "True", "Ready", CGROUP),
        (pool(), "Unknown", "PoolUpdating", "has not begun"),
        (pool(state="Updating", updated=1), "Unknown", "PoolUpdating", "1 of 3 machines"),
        (pool(state="Updating", updated=1, paused=True), "Unknown", "PoolPaused", "`spec.paused`"),
        (pool(state="Degraded", updated=1), "False", "PoolDegraded", "disk is full"),
        (pool(state="Updating", updated=1, booted=[CGROUP]), "True", "Ready", CGROUP),  # for another's sake
    ],
)
def test_ready_follows_the_pool(manifests: Manifest, status: str, reason: str, tells: str) -> None:
    """`Ready` once every machine has booted with it; what was written is reconciled at once."""
    outcome = decide(parent(cgroup_v2=True, allow_reboot=True), manifests)
    assert said(outcome, machine_config.CONDITION)[:2] == ("True", "Reconciled")
    assert said(outcome)[:2] == (status, reason)
    assert tells in said(outcome)[2]


def test_ready_waits_for_what_is_removed() -> None:
    """A pool that still runs what was switched off is not done, unless somebody keeps it there by hand."""
    off = parent(allow_reboot=True)
    assert said(decide(off, pool(state="Updating", booted=[CGROUP])))[1] == "PoolUpdating"
    assert said(decide(off, pool(booted=[CGROUP]), made(POOL_FEATURE)))[1] == "Ready"


def test_the_pools_of_the_roles_are_in_the_status() -> None:
    """Counts and state, for the roles that the resource names."""
    outcome = decide(parent(), pool(state="Updating", updated=1), pool("master"))
    assert outcome.status["pools"] == [{"name": "worker", "state": "Updating", "machines": 3, "updated": 1}]


def test_that_machines_boot_is_no_reason_to_look_at_each_event() -> None:
    """An echo is one by what was decided, whatever the pools still do; a new generation is none."""
    condition = {"type": machine_config.CONDITION, "status": "True", "reason": "r", "message": "m"}
    config = {**parent(), "status": {"conditions": [{**condition, "observedGeneration": 1}]}}
    assert nothing_to_do(machine_config.FUNCTION, update(about(config)))
    later = {**config, "metadata": {**config["metadata"], "generation": 2}}
    assert not nothing_to_do(machine_config.FUNCTION, update(about(later)))


def test_the_second_one_of_a_cluster_says_which_is_first() -> None:
    """In the words of a cluster, not of a namespace; `Ready` says it, too."""
    theirs = made(POOL_FEATURE, by=parent("first", "other"))
    outcome = ownership_conflict(KEY, parent(), [(POOL_FEATURE.ref, theirs)])
    assert outcome is not None
    assert said(outcome) == ("False", "ClusterTaken", outcome.message)
    assert "'first'" in outcome.message
    assert "namespace" not in outcome.message


def test_nodes_that_qualify() -> None:
    """Linux with a kernel that is new enough, whatever it is built for."""
    outcome = decide(parent(), nodes=(node("a"), node("b", kernel="6.1.0", built="arm64")))
    status, reason, message = said(outcome, preflight.CONDITION)
    assert (status, reason) == ("True", "Supported")
    assert "1 amd64, 1 arm64" in message
    assert outcome.status["nodes"] == {"total": 2, "linux": 2, "supported": 2}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (node(system="windows", kernel="10.0.17763.1"), "node 'n' runs windows"),
        (node(kernel="3.10.0-1160.el7"), "node 'n' has kernel 3.10.0-1160.el7, and Kepler needs 4.18 or newer"),
        (node(kernel="4.17.9"), "kernel 4.17.9"),
        (node(kernel="unknown"), "kernel 'unknown'"),
        ({"metadata": {"name": "n"}}, "node 'n' has not reported its operating system yet"),
    ],
)
def test_a_node_that_does_not_qualify_is_named(wrong: Manifest, why: str) -> None:
    """With the reason; `Ready` is about what is to be written, and does not wait for it."""
    outcome = decide(parent(), nodes=(node("a"), wrong))
    status, reason, message = said(outcome, preflight.CONDITION)
    assert (status, reason) == ("False", "NotSupported")
    assert message.startswith("1 of 2 nodes cannot run the exporter: ")
    assert why in message
    assert outcome.status["nodes"]["supported"] == 1
    assert said(outcome)[0] == "True"


def test_at_most_three_nodes_are_named() -> None:
    """The rest is a number."""
    message = preflight.check(KEY, [node(name, "windows") for name in "edcba"]).message
    assert "node 'c'" in message
    assert "node 'd'" not in message
    assert " and 2 more; keep it off them" in message


def test_an_older_kernel_that_may_do_is_pointed_at() -> None:
    """4.18 qualifies; what its distribution has to have carried back is said."""
    condition = preflight.check(KEY, [node("old", kernel="4.18.0-553.el8"), node("new")])
    assert condition.status == "True"
    assert condition.message.endswith("'old'")
    assert "BTF" in condition.message


def test_a_cluster_without_nodes() -> None:
    """Nothing is known yet."""
    assert preflight.check(KEY, []).reason == "NoNodes"


# Machine specs

M5 = {"processor": "intel_xeon_platinum_8259cl", "cores": 96, "chips": 2, "memory": 377, "frequency": 3500}
CONFIG_MAP = Ref(machine_spec_volume.config_map(Ref(KEPLER, "energy", "kepler")).kind, "energy", "kepler-machine-spec")
KEPLER_KEY = Ref(KEPLER, "energy", "kepler")


def describe(*configs: Manifest) -> Outcome:
    """The decision for a Kepler beside these KeplerMachineConfigs."""
    kepler = {
        "apiVersion": KEPLER.api_version,
        "kind": "Kepler",
        "metadata": {"name": "kepler", "namespace": "energy", "uid": "k", "generation": 1},
    }
    collections = {machine_spec.CONFIGS: configs}
    return machine_spec.desired(Observed(KEPLER_KEY, kepler, {CONFIG_MAP: None}, collections))


def keys(outcome: Outcome) -> dict[str, Any]:
    """The ConfigMap's keys, decoded."""
    (intent,) = outcome.intents
    return {name: json.loads(written) for name, written in intent.body["data"].items()}


def test_each_type_of_machine_is_a_key() -> None:
    """As upstream's ConfigMap has them; a field that is left out stays out."""
    assert keys(describe(parent(machine_spec={"m5.metal": M5, "edge": {"cores": 4}}))) == {
        "edge": {"cores": 4},
        "m5.metal": M5,
    }


def test_a_single_type_is_the_file_that_kepler_reads() -> None:
    """Mounted at /etc/kepler/models/machine it is found there; with more there is none to choose."""
    assert keys(describe(parent(machine_spec={"m5.metal": M5})))["spec.json"] == M5


def test_machines_of_several_resources_are_put_together() -> None:
    """Unless they contradict each other: then the user is told which."""
    first = parent("a", "1", machine_spec={"m5.metal": M5})
    assert set(keys(describe(first, parent("b", "2", machine_spec={"edge": {"cores": 4}})))) == {"m5.metal", "edge"}
    outcome = describe(first, parent("b", "2", machine_spec={"m5.metal": {"cores": 4}}))
    assert outcome.reason == "MachineSpecContradicts"
    assert "'a' and 'b' describe 'm5.metal'" in outcome.message


def test_without_machines_there_is_no_config_map() -> None:
    """Kepler finds out itself; so it is while the last resource is going."""
    going = parent(machine_spec={"m5.metal": M5})
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    for outcome in (describe(), describe(parent()), describe(going)):
        assert (outcome.word, outcome.intents, outcome.absent) == ("converged", (), (CONFIG_MAP,))


def test_a_machine_config_concerns_every_kepler_of_the_cluster() -> None:
    """It is in no namespace, and described machines are for all."""
    keplers = [{"metadata": {"name": "kepler", "namespace": name}, "spec": {}} for name in ("a", "b")]
    client, requests = asked(*keplers)
    event = update({**about(parent()), "metadata": {**about(parent())["metadata"], "namespace": ""}})
    refs = parents(machine_spec.FUNCTION, event, client)
    assert refs == (Ref(KEPLER, "a", "kepler"), Ref(KEPLER, "b", "kepler"))
    assert [request.path for request in requests] == ["/apis/sustainable-computing.io/v1alpha1/keplers"]


def test_a_machine_config_concerns_itself_in_no_namespace() -> None:
    """Whatever namespace an event claims: a cluster-scoped object has none."""
    client, requests = asked()
    assert parents(machine_config.FUNCTION, update(about(parent(), namespace="energy")), client) == (KEY,)
    assert not requests


def test_other_namespaced_resources_do_not_concern_the_collection() -> None:
    """A collection is of one kind."""
    assert not machine_spec.FUNCTION.concerns(KEPLER_KEY, {}, Ref(COLLECTED_METRIC, "energy", "x"))
    assert machine_spec.FUNCTION.concerns(KEPLER_KEY, {}, KEY)


def test_both_features_are_known() -> None:
    """Each has a name and a content of its own."""
    assert {piece.feature for piece in POOL_FEATURES} == set(Feature) == set(openshift.NAMES) == set(openshift.CONTENT)
