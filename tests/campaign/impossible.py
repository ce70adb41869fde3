"""What the schemas allow and cannot be: a condition says so and names the field, and what runs is left as it is."""

import ast
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from local.layout import ROOT
from operands import children, settled_config
from runtime.differences import ABSENT
from runtime.objects import (
    CLUSTER_ROLE_BINDING,
    COLLECTED_METRIC,
    CONFIG_MAP,
    KEPLER,
    MACHINE_CONFIG,
    NODES_POOL,
    Kind,
    Ref,
    uid,
)
from tests.campaign.full_specs import put
from tests.campaign.ground import Ground, Rejection, document
from tests.campaign.values import everything
from tests.faults.fault_world import FaultWorld
from tests.faults.steps import enforce
from tests.masks import unlike
from tests.protocol.test_machine_config_applied import pool

Act = Callable[[FaultWorld], None]
# Field by its path, and its value.
Change = tuple[str, Any]
TOO_NEW = "quay.io/sustainable_computing_io/kepler:v0.9.0"
# The first release of line v0.11, which reads no BMCs.
FIRST_NEW = "quay.io/sustainable_computing_io/kepler:v0.10.0"
NEW_LINE: tuple[Change, ...] = (("collector.release", "v0.11"), ("collector.image", ABSENT))
# Without what that line has not, from the beginning.
WITHOUT = ((KEPLER.name, "estimator-sidecar.enabled", False), (KEPLER.name, "model-server.enabled", False))
OLD_MODELS = "quay.io/sustainable_computing_io/kepler_model_server:v0.7.2"
COUNTED = "http://models/ec2/CounterOnly/model.zip"
DESCRIBED = (MACHINE_CONFIG.name, "machine-spec.m5.cores", 96)
MASTER = Ref(NODES_POOL, "", "master")
BINDING = Ref(CLUSTER_ROLE_BINDING, "", children.EXPORTER)
# Reasons that the control plane of the tests cannot give: it has IPv4 alone (`tests/pure/test_model_server.py`). And
# one that nothing mends, since a namespace that is being deleted goes (`tests/protocol/test_namespaces.py`).
ELSEWHERE = frozenset({"IPv4Required", "NamespaceTerminating"})


@dataclass(frozen=True)
class Impossible:
    """A change from where everything is on (and `given` besides), the reason it is rejected for, and what is said.

    `stage` is what others do before the change, `mend` how they take it back.
    """

    name: str
    reason: str
    says: str
    changes: tuple[Change, ...] = ()
    of: str = KEPLER.name
    given: tuple[tuple[str, str, Any], ...] = ()
    stage: Act = field(default=lambda _: None)
    mend: Act = field(default=lambda _: None)

    def __str__(self) -> str:
        return self.name


def drive(ground: Ground, case: Impossible) -> tuple[list[str], frozenset[Rejection]]:
    """What is wrong with how the case is rejected and cured, and everything that was rejected on the way."""
    specs = everything()
    for kind, path, value in case.given:
        specs = {**specs, kind: put(specs[kind], tuple(path.split(".")), value)}
    settled = ground.begin(specs)
    if settled.wrong:
        return [*settled.wrong], frozenset()
    ground.world.begin()
    case.stage(ground.world)
    problems = [*_changed(ground, case)]
    rejected = ground.rejections() - settled.rejections
    if not any(problem.reason == case.reason and case.says in problem.message for problem in rejected):
        problems.append(f"no condition says {case.reason} and {case.says}: {'; '.join(map(str, sorted(rejected)))}")
    problems += [f"what runs is changed: {problem}" for problem in unlike(settled.operands, ground.operands())]
    case.mend(ground.world)
    refused = ground.write(settled.specs)
    problems += [f"taken back, {problem}" for problem in ([refused] if refused else ground.rest())]
    problems += [f"taken back, {problem}" for problem in unlike(settled.state, ground.state())]
    if problems:
        ground.clear()
    return problems, rejected


def _changed(ground: Ground, case: Impossible) -> Iterator[str]:
    """The change, with nobody the wiser; what is wrong with how it comes to rest."""
    spec, queued = ground.specs[case.of], [*ground.world.queue]
    for path, value in case.changes:
        spec = put(spec, tuple(path.split(".")), value)
    refused = ground.write({**ground.specs, case.of: spec})
    assert [*ground.world.queue][: len(queued)] == queued
    yield from [f"the API server refuses it: {refused}"] if refused else ground.rest()


def reasons() -> frozenset[str]:
    """Every reason that the sources reject for, the first argument of `rejected`, but for those of `ELSEWHERE`."""
    files = [*(ROOT / "functions").glob("*.py"), *(ROOT / "operands").glob("*.py"), ROOT / "runtime" / "ownership.py"]
    calls = [node for file in files for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    named = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "rejected"]
    given = frozenset(str(reason.value) for reason in named if isinstance(reason, ast.Constant))
    assert given > ELSEWHERE
    return given - ELSEWHERE


def _second(kind: Kind, **spec: Any) -> dict[str, Any]:
    """Another resource of the kind."""
    words = {word.replace("_", "-"): value for word, value in spec.items()}
    return {**document(kind.name, words), "metadata": {"name": "other"}}


def _apply(manifest: dict[str, Any]) -> Act:
    return lambda world: world.apply(manifest)


def _delete(*refs: Ref) -> Act:
    """Each in the namespace, where its kind is in one."""

    def act(world: FaultWorld) -> None:
        for ref in refs:
            world.delete(Ref(ref.kind, world.namespace if ref.kind.namespaced else "", ref.name))

    return act


def _restore(ref: Ref, manifest: dict[str, Any]) -> Act:
    """As it was installed."""

    def act(world: FaultWorld) -> None:
        world.stack.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
        world.look(ref)

    return act


def _taken(world: FaultWorld) -> None:
    """Somebody else has a ConfigMap of a name that is needed."""
    theirs = {"apiVersion": "v1", "kind": CONFIG_MAP.name, "metadata": {"name": "theirs"}}
    world.apply(theirs)
    owner = world.objects[Ref(CONFIG_MAP, world.namespace, "theirs")]
    reference = {"apiVersion": "v1", "kind": CONFIG_MAP.name, "name": "theirs", "uid": uid(owner), "controller": True}
    world.apply({**theirs, "metadata": {"name": children.MODEL_CONFIG, "ownerReferences": [reference]}})


def _configured(text: str) -> Act:
    """A ConfigMap with which the user adds to the configuration of Kepler v0.11."""
    described = {"name": "wrong"}
    return _apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": described, "data": {"config.yaml": text}})


def _large(value: str | None) -> Act:
    """A key of the user's in `kepler-cfm`, or without a value, the key taken out."""
    return lambda world: world.patch(Ref(CONFIG_MAP, world.namespace, children.CFM), {"data": {"LARGE": value}})


BOUND = {
    "apiVersion": CLUSTER_ROLE_BINDING.api_version,
    "kind": CLUSTER_ROLE_BINDING.name,
    "metadata": {"name": children.EXPORTER},
    "roleRef": {"apiGroup": CLUSTER_ROLE_BINDING.group, "kind": "ClusterRole", "name": children.EXPORTER},
}
TRAINING, STORED, MODELS = "model-server.training", "model-server.storage", "estimator-sidecar.models"
SOURCES = COLLECTED_METRIC.name
OFF = (("sources.counter.enabled", False), ("sources.bpf.enabled", False))
NOT_WORKING = "NotWorkingInThisRelease"
COUNTING = ((KEPLER.name, f"{MODELS}.node-total.init-url", COUNTED),)
CASES: tuple[Impossible, ...] = (
    Impossible("no such metrics", "CollectedMetricNotFound", "`collected-metric`", (("collected-metric", "nowhere"),)),
    Impossible("no such power", "ExportedPowerNotFound", "`exported-power`", (("exported-power", "nowhere"),)),
    Impossible("training", NOT_WORKING, f"`{TRAINING}.online`", ((f"{TRAINING}.online", True),)),
    Impossible("a filter", NOT_WORKING, f"`{MODELS}.node-total.filters`", ((f"{MODELS}.node-total.filters", "mae:1"),)),
    Impossible(
        "a model for processes",
        NOT_WORKING,
        f"`{MODELS}.process-total`",
        ((f"{MODELS}.process-total.trainer", "SGDRegressorTrainer"),),
    ),
    Impossible(
        "a claim for more nodes",
        "ClaimUnchangeable",
        f"`{STORED}.claim.access-mode`",
        ((f"{STORED}.claim.access-mode", "ReadWriteMany"),),
        given=((KEPLER.name, f"{STORED}.type", "claim"),),
    ),
    Impossible("no source of power", "SourceRequired", "`counter` or `bpf`", OFF, SOURCES),
    Impossible("a model of what is off", "SourceRequired", "`counter`", OFF[:1], SOURCES, COUNTING),
    Impossible(
        "an exporter of another line",
        "ImageNotSupported",
        "`collector.image`",
        (("collector.image", TOO_NEW), ("collector.release", "v0.7")),
    ),
    Impossible(
        "an estimator of a line that has none",
        "NotInThisRelease",
        "`estimator-sidecar.enabled`",
        NEW_LINE,
        given=WITHOUT[1:],
    ),
    Impossible(
        "a model server of a line that has none",
        "NotInThisRelease",
        "`model-server.enabled`",
        NEW_LINE,
        given=WITHOUT[:1],
    ),
    Impossible(
        "BMCs of an older release of the line",
        "NotInThisRelease",
        "`collector.redfish.secret`",
        (*NEW_LINE, ("collector.image", FIRST_NEW), ("collector.redfish.secret", "bmcs")),
        given=WITHOUT,
    ),
    Impossible(
        "a port that the program has itself",
        "PortTaken",
        "`collector.port`",
        (*NEW_LINE, ("collector.port", 8080)),
        given=WITHOUT,
    ),
    Impossible(
        "additions that are nowhere",
        "ConfigurationNotFound",
        "`collector.additional-config`",
        (*NEW_LINE, ("collector.additional-config", "nowhere")),
        given=WITHOUT,
    ),
    Impossible(
        "additions that Kepler would exit at",
        "ConfigurationInvalid",
        "`monitor.staleness`",
        (*NEW_LINE, ("collector.additional-config", "wrong")),
        given=WITHOUT,
        stage=_configured("monitor: {staleness: 5}"),
        mend=_delete(Ref(CONFIG_MAP, "", "wrong")),
    ),
    Impossible(
        "an image from elsewhere", "ImageNotAllowed", "`collector.image`", (("collector.image", "mirror/kepler:1"),)
    ),
    Impossible(
        "a namespace without privileged pods",
        "NamespaceNotAllowed",
        "`kubectl label namespace faults pod-security.kubernetes.io/enforce=privileged --overwrite`",
        (("collector.port", 9103),),
        stage=enforce("baseline"),
        mend=enforce("privileged"),
    ),
    Impossible(
        "an old estimator",
        "ImageNotSupported",
        "`estimator-sidecar.image`",
        (("estimator-sidecar.image", OLD_MODELS),),
    ),
    Impossible(
        "an old model server", "ImageNotSupported", "`model-server.image`", (("model-server.image", OLD_MODELS),)
    ),
    Impossible(
        "a role without a pool",
        "PoolNotFound",
        "`roles`",
        (("roles", ["master", "worker"]),),
        MACHINE_CONFIG.name,
        stage=_delete(MASTER),
        mend=_restore(MASTER, {**pool(), "metadata": {"name": "master"}}),
    ),
    Impossible(
        "no leave to reboot",
        "RebootNotAllowed",
        "`allow-reboot: true`",
        (("kernel-devel", True), ("allow-reboot", False)),
        MACHINE_CONFIG.name,
    ),
    Impossible(
        "no binding",
        "NotInstalled",
        "apply `config/` again",
        (("collector.port", 9103),),
        stage=_delete(BINDING),
        mend=_restore(BINDING, BOUND),
    ),
    Impossible(
        "a second Kepler",
        "NamespaceTaken",
        "delete 'kepler'",
        stage=_apply(_second(KEPLER)),
        mend=_delete(Ref(KEPLER, "", "other")),
    ),
    Impossible(
        "two descriptions of a machine",
        "MachineSpecContradicts",
        "`machine-spec`",
        given=(DESCRIBED,),
        stage=_apply(_second(MACHINE_CONFIG, machine_spec={"m5": {"cores": 48}})),
        mend=_delete(Ref(MACHINE_CONFIG, "", "other")),
    ),
    Impossible(
        "a second KeplerMachineConfig",
        "ClusterTaken",
        "delete 'other'",
        stage=_apply(_second(MACHINE_CONFIG, cgroup_v2=True, allow_reboot=True)),
        mend=_delete(Ref(MACHINE_CONFIG, "", "other")),
    ),
    Impossible(
        "a name that is somebody else's",
        "OwnedByAnother",
        f"ConfigMap '{children.MODEL_CONFIG}'",
        (("model-server.enabled", True),),
        given=((KEPLER.name, "model-server.enabled", False),),
        stage=_taken,
        mend=_delete(Ref(CONFIG_MAP, "", children.MODEL_CONFIG), Ref(CONFIG_MAP, "", "theirs")),
    ),
    Impossible(
        "a configuration that pods cannot carry",
        "ConfigurationTooLarge",
        "such as key 'LARGE'",
        stage=_large("x" * settled_config.LIMIT),
        mend=_large(None),
    ),
    Impossible(
        "a variable from nowhere",
        "Invalid",
        "env[2].valueFrom",
        (("collector.env", [{"name": "ENABLE_MSR", "valueFrom": {}}]),),
    ),
)
