"""Fields of our children that somebody else owns: named with owner and time, without what the control plane writes.

Real objects of the functions, changed by the real kubectl.
"""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.function_catalogue import FUNCTIONS
from runtime.declaration import writers
from runtime.field_owners import OwnedField, foreign_fields
from tests.protocol.test_causes_in_status import tells
from tests.workbench import Workbench, kepler, key

DAEMON_SET, DEPLOYMENT = "daemonset/kepler-exporter", "deployment/kepler-model-server"
SERVICE, CFM = "service/kepler-exporter", "configmap/kepler-cfm"
EVERYTHING = kepler(
    estimator_sidecar={"enabled": True},
    model_server={"enabled": True, "storage": {"type": "claim"}},
    collector={"priority-class": "system-node-critical"},
)
CONTAINER = {"spec": {"template": {"spec": {"containers": [{"name": "proxy", "image": "registry.example/proxy:1"}]}}}}


@pytest.fixture
def running(workbench: Workbench) -> Workbench:
    """A Kepler with everything that it can have."""
    workbench.apply(EVERYTHING)
    workbench.settle()
    return workbench


def foreign(workbench: Workbench, what: str) -> tuple[OwnedField, ...]:
    """The fields of a child that others own."""
    kind, _, name = what.partition("/")
    children = writers(FUNCTIONS, key(workbench.namespace))
    ours = next(child for ref, child in children.items() if (ref.kind.name.lower(), ref.name) == (kind, name))
    return foreign_fields(workbench.get(what), ours)


def patch(workbench: Workbench, what: str, body: Any, *arguments: str) -> None:
    """`kubectl patch`, by a strategic merge where the kind has one."""
    workbench.stack.kubectl("-n", workbench.namespace, "patch", what, "-p", json.dumps(body), *arguments)


def of_template(**fields: Any) -> dict[str, Any]:
    """A patch of a pod template's spec."""
    return {"spec": {"template": {"spec": fields}}}


def test_what_the_functions_made_is_all_theirs(running: Workbench) -> None:
    """Nothing that the API server fills in counts."""
    for ref, ours in writers(FUNCTIONS, key(running.namespace)).items():
        child = running.get(f"{ref.kind.name.lower()}/{ref.name}")
        assert child is None or foreign_fields(child, ours) == (), ref


@dataclass(frozen=True)
class FieldOwnersCase:
    """What somebody does with kubectl, and the fields, values and owners that are told of then."""

    title: str
    what: str
    commands: tuple[tuple[str, ...], ...]
    told: tuple[tuple[str, Any, str], ...]


def patched(what: str, body: Any, *arguments: str) -> tuple[str, ...]:
    """`kubectl patch`."""
    return ("patch", what, "-p", json.dumps(body), *arguments)


POD = "spec.template.spec"
COUNTS = ("currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady")
CASES = (
    FieldOwnersCase(
        "a field that no function sets",
        DAEMON_SET,
        (patched(DAEMON_SET, of_template(schedulerName="own")),),
        ((f"{POD}.schedulerName", "own", "kubectl-patch"),),
    ),
    FieldOwnersCase(
        "under a name of its own, by an apply",
        SERVICE,
        (("patch", SERVICE, "--type=merge", "-p", '{"spec":{"externalName":"x.example"}}', "--field-manager=argocd"),),
        (("spec.externalName", "x.example", "argocd"),),
    ),
    FieldOwnersCase(
        "a container that is not ours is one field",
        DAEMON_SET,
        (patched(DAEMON_SET, CONTAINER, "--field-manager=injector"),),
        ((f"{POD}.containers[name=proxy]", "proxy", "injector"),),
    ),
    FieldOwnersCase(
        "a variable in our container",
        DAEMON_SET,
        (("set", "env", DAEMON_SET, "-c", "kepler-exporter", "PROXY=http://proxy.example"),),
        ((f"{POD}.containers[name=kepler-exporter].env[name=PROXY]", "PROXY", "kubectl-set"),),
    ),
    FieldOwnersCase(
        "a key of the user's own",
        CFM,
        (("patch", CFM, "--type=merge", "-p", '{"data":{"MAX_LOOKUP_RETRY":"7"}}'),),
        (("data.MAX_LOOKUP_RETRY", "7", "kubectl-patch"),),
    ),
    FieldOwnersCase(
        "a restart",
        DAEMON_SET,
        (("rollout", "restart", DAEMON_SET),),
        (("spec.template.metadata.annotations.kubectl.kubernetes.io/restartedAt", "", "kubectl-rollout"),),
    ),
    FieldOwnersCase(
        "an autoscaler, which is the control plane",
        DEPLOYMENT,
        (("scale", DEPLOYMENT, "--replicas=3"),),
        (("spec.replicas", 3, "kubectl"),),
    ),
    FieldOwnersCase(
        "a value that the API server fills in",
        DAEMON_SET,
        tuple(patched(DAEMON_SET, of_template(terminationGracePeriodSeconds=seconds)) for seconds in (31, 30)),
        (),
    ),
    FieldOwnersCase(
        "an account that is taken back, under its old name, too",
        DAEMON_SET,
        (patched(DAEMON_SET, of_template(serviceAccountName="default")),),
        ((f"{POD}.serviceAccountName", "default", "kubectl-patch"),),
    ),
    FieldOwnersCase("a label of the object", DAEMON_SET, (("label", DAEMON_SET, "team=energy"),), ()),
    FieldOwnersCase("an annotation of the object", DAEMON_SET, (("annotate", DAEMON_SET, "backup=yes"),), ()),
    FieldOwnersCase(
        "the counts that its controller keeps",
        DAEMON_SET,
        (
            patched(
                DAEMON_SET,
                {"status": dict.fromkeys(COUNTS, 1)},
                "--type=merge",
                "--subresource=status",
                "--field-manager=kube-controller-manager",
            ),
        ),
        (),
    ),
    FieldOwnersCase(
        "the revision that its controller keeps",
        DEPLOYMENT,
        (("annotate", DEPLOYMENT, "deployment.kubernetes.io/revision=7", "--field-manager=kube-controller-manager"),),
        (),
    ),
    FieldOwnersCase(
        "tokens of the account",
        "serviceaccount/kepler",
        (patched("serviceaccount/kepler", {"secrets": [{"name": "kepler-token-x"}]}),),
        (),
    ),
    FieldOwnersCase(
        "pull secrets of the account",
        "serviceaccount/kepler",
        (patched("serviceaccount/kepler", {"imagePullSecrets": [{"name": "registry"}]}),),
        (("imagePullSecrets", [{"name": "registry"}], "kubectl-patch"),),
    ),
    FieldOwnersCase(
        "pull secrets that OpenShift adds",
        "serviceaccount/kepler",
        (
            patched(
                "serviceaccount/kepler",
                {"imagePullSecrets": [{"name": "registry"}]},
                "--field-manager=openshift-controller-manager",
            ),
        ),
        (),
    ),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_what_others_do_is_told_with_its_owner(running: Workbench, case: FieldOwnersCase) -> None:
    """By path; what changes nothing that runs, and what the control plane writes, is left out."""
    began = datetime.now(UTC) - timedelta(seconds=2)
    for command in case.commands:
        running.stack.kubectl("-n", running.namespace, *command)
    owned_fields = foreign(running, case.what)
    rows = tuple((field.path, field.value, field.manager) for field in owned_fields)
    assert [(path, manager) for path, _, manager in rows] == [(path, manager) for path, _, manager in case.told]
    for (path, value, _), (_, expected, _) in zip(rows, case.told, strict=True):
        shown = value.get("name") if isinstance(value, dict) else value
        assert path.endswith("restartedAt") or shown == expected
    for field in owned_fields:
        # The API server keeps no time for what came through `scale`.
        assert (field.time is None) == (field.path == "spec.replicas")
        assert field.time is None or began <= field.time <= datetime.now(UTC) + timedelta(seconds=1)
        assert field.restart == field.path.endswith("restartedAt")


def test_a_field_that_a_function_takes_back_is_its_own_again(running: Workbench) -> None:
    """Only what stays is told."""
    patch(running, DAEMON_SET, of_template(priorityClassName="x"))
    assert [field.path for field in foreign(running, DAEMON_SET)] == [f"{POD}.priorityClassName"]
    running.settle()
    assert foreign(running, DAEMON_SET) == ()
    assert running.get(DAEMON_SET)["spec"]["template"]["spec"]["priorityClassName"] == "system-node-critical"


def test_an_adopted_object_tells_what_its_maker_set_beyond_defaults(workbench: Workbench) -> None:
    """A Service that was made by hand owns what the API server filled in, too."""
    ports = [{"name": "http", "port": 9102, "targetPort": "http"}, {"name": "debug", "port": 9999}]
    made = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kepler-exporter", "namespace": workbench.namespace},
        "spec": {"clusterIP": "None", "selector": {"app": "kepler"}, "ports": ports},
    }
    workbench.stack.kubectl("create", "-f", "-", stdin=json.dumps(made))
    adopting = kepler()
    adopting["metadata"]["annotations"] = {"sustainable-computing.io/adopt": "Service/kepler-exporter"}
    workbench.apply(adopting)
    workbench.settle()
    assert workbench.conditions()["CollectorReconciled"]["status"] == "True"
    owned_fields = foreign(workbench, SERVICE)
    assert [(field.path, field.manager) for field in owned_fields] == [
        ("spec.ports[port=9999,protocol=TCP]", "kubectl-create")
    ]


def test_the_condition_names_who_set_a_field_of_a_workload_that_does_not_come_up(workbench: Workbench) -> None:
    """With the time, before the step; and writes nothing more as long as nothing moves."""
    workbench.apply(kepler())
    workbench.settle()
    patch(workbench, DAEMON_SET, of_template(priorityClassName="x"))
    workbench.settle()
    time.sleep(1.1)  # an Event counts from the second in which the workload was last written
    workbench.roll_out(desired=2, current=0, available=0)
    tells(workbench, "DaemonSet/kepler-exporter", "FailedCreate", "no PriorityClass with name x was found")
    workbench.settle()
    available = workbench.conditions()["Available"]
    assert available["reason"] == "PriorityClassMissing"
    when = next(
        entry["time"]
        for entry in workbench.get(DAEMON_SET)["metadata"]["managedFields"]
        if entry["manager"] == "kubectl-patch" and "subresource" not in entry
    )
    at = when.replace("T", " ").replace("Z", " UTC")
    named = f"(others set `{POD}.priorityClassName` by kubectl-patch at {at} in DaemonSet 'kepler-exporter')"
    assert named in available["message"]
    assert available["message"].index(named) < available["message"].index("change `collector.priority-class`")
    assert workbench.settle() == 0
