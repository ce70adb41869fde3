"""What a KeplerMachineConfig waits for, what is wrong with machines and nodes, and the steps out of it.

A pool takes up MachineConfigs where a case says so: no event tells of it, so each step ends with a `resync`.
"""

import json
from collections.abc import Callable
from typing import Any

from crds.crd_files import definition as definition_of
from crds.kepler_machine_config import KeplerMachineConfig
from functions import machine_config, monitoring
from local.layout import ROOT
from operands import preflight
from runtime.client import path
from runtime.conditions import READY
from runtime.objects import CRD, MACHINE_CONFIG, NODE, NODES_CONFIG, NODES_POOL, PROMETHEUS_RULE, SERVICE_MONITOR
from tests import policies
from tests.offered.common_steps import applied, other
from tests.offered.node_manifests import add_node
from tests.offered.operated_namespace import OperatedNamespace
from tests.offered.step_case import Act, OfferedState, Step, StepCase
from tests.protocol.test_machine_config_applied import WRITES, definition, pool
from tests.protocol.test_monitoring_applied import MONITORS, RULES
from tests.workbench import kepler

OWN = machine_config.CONDITION
CGROUP = "50-worker-cgroupv2"
WANTED = other(MACHINE_CONFIG, "machines", cgroup_v2=True, allow_reboot=True)
AGAIN = "kubectl kepler resync KeplerMachineConfig/machines"
SENTENCE = "machines are changed on Sundays only"


def worker(operated: OperatedNamespace, *booted: str, paused: bool = False, **more: Any) -> None:
    """The pool of workers, whose machines have booted with these MachineConfigs."""
    operated.apply({**pool(*booted, **more), "spec": {"paused": paused}})


def in_state(state: str) -> Act:
    """A pool that is in a state when it is to take up a MachineConfig."""

    def act(operated: OperatedNamespace) -> None:
        operated.obstacles.callback(worker, operated)
        worker(operated, state=state, updated=1, paused=state == "Paused")
        operated.apply(WANTED)

    return act


def booted(offered: OfferedState, *words: str) -> None:
    """Let the machines boot, and run the commands that look again."""
    offered.offers(*words)
    offered.operated.obstacles.callback(worker, offered.operated)
    worker(offered.operated, CGROUP)
    for command in (*(command for command in offered.commands if "resync" in command), AGAIN):
        offered.operated.run(command)


def after(*words: str, act: Callable[[OfferedState], None] = lambda _: None) -> Step:
    """Do something that the message says by these words; then the machines boot, and the command is run."""

    def step(offered: OfferedState) -> None:
        act(offered)
        booted(offered, *words)

    return step


def two_machine_configs(operated: OperatedNamespace) -> None:
    """A first one that owns MachineConfigs, and a second."""
    operated.apply(other(MACHINE_CONFIG, "first", cgroup_v2=True, allow_reboot=True))
    operated.apply(other(MACHINE_CONFIG, "machines"))


def first_deleted(offered: OfferedState) -> None:
    """Delete the first, and run the command."""
    offered.offers("or delete 'first' and run")
    offered.operated.kubectl("delete", f"{MACHINE_CONFIG.plural}.{MACHINE_CONFIG.group}", "first")
    offered.operated.follow()
    offered.run("resync")


def without_pool(operated: OperatedNamespace) -> None:
    """A role whose pool does not exist."""
    operated.stack.kubectl("delete", f"{NODES_POOL.plural}.{NODES_POOL.group}", "master")
    operated.obstacles.callback(create_pool, operated)
    operated.apply(other(MACHINE_CONFIG, "machines", roles=["master", "worker"], cgroup_v2=True, allow_reboot=True))


def create_pool(operated: OperatedNamespace, *started: str) -> None:
    """The pool of control-plane machines."""
    operated.apply({**pool(*started), "metadata": {"name": "master"}})


def pool_created(offered: OfferedState) -> None:
    """Create the pool, run the command, and let the machines boot."""
    create_pool(offered.operated, "50-master-cgroupv2")
    booted(offered, "or create the pool and run")


def reboot_permitted(offered: OfferedState) -> None:
    """Set the field, and let the machines boot."""
    offered.edit("allow-reboot", value=True, offered="allow-reboot: true")
    booted(offered)


def role_left_out(offered: OfferedState) -> None:
    """Take the role out, and let the machines boot."""
    offered.edit("roles", ["worker"])
    booted(offered)


# Refusals


def not_permitted(operated: OperatedNamespace) -> None:
    """No permission to write MachineConfigs."""
    operated.stack.kubectl("delete", "-f", str(ROOT / WRITES))
    operated.obstacles.callback(operated.stack.kubectl, "apply", "-f", str(ROOT / WRITES))
    operated.apply(WANTED)


def permitted(offered: OfferedState) -> None:
    """Apply what the overlay adds, and run the command."""
    offered.offers("apply `config/overlays/openshift`, or its component with the overlay that is installed, then run")
    offered.operated.obstacles.close()
    offered.run("resync")
    booted(offered)


def policy(operated: OperatedNamespace) -> None:
    """A policy that takes no MachineConfigs."""
    refusing = policies.refusing(operated.stack, operated.namespace, NODES_CONFIG, SENTENCE)
    operated.obstacles.enter_context(refusing)
    operated.apply(WANTED)


def policy_lifted(offered: OfferedState) -> None:
    """Have the policy changed, and run the command."""
    offered.offers(SENTENCE, "have the policy changed, then run")
    offered.operated.obstacles.close()
    offered.run("resync")
    booted(offered)


def define_kernel_devel(operated: OperatedNamespace, schema: Any) -> None:
    """Our definition, with another schema of one field, when it is in force."""
    where = path(CRD, "", f"{MACHINE_CONFIG.plural}.{MACHINE_CONFIG.group}")
    crd: Any = definition_of(KeplerMachineConfig)
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    spec["kernel-devel"] = schema or spec["kernel-devel"]
    operated.stack.api.apply(where, crd)
    probe = other(MACHINE_CONFIG, "probe", kernel_devel="later")
    operated.until(lambda: operated.takes(probe) is (schema is not None))


def another_version(operated: OperatedNamespace) -> None:
    """A resource of another version."""
    define_kernel_devel(operated, {"type": "string"})
    operated.obstacles.callback(define_kernel_devel, operated, None)
    operated.kubectl("create", "-f", "-", stdin=json.dumps(other(MACHINE_CONFIG, "machines", kernel_devel="later")))


def one_version(offered: OfferedState) -> None:
    """Apply the definition of one version, then the resource."""
    offered.offers("apply `config/` of one version, then run `kubectl replace` with the resource")
    offered.operated.obstacles.close()
    offered.operated.kubectl("replace", "-f", "-", stdin=json.dumps(WANTED))
    offered.operated.follow()
    booted(offered)


def by_hand(operated: OperatedNamespace) -> None:
    """A MachineConfig of our name with other content."""
    labels = {"machineconfiguration.openshift.io/role": "worker", "app.kubernetes.io/managed-by": "Helm"}
    body = {"apiVersion": NODES_CONFIG.api_version, "kind": NODES_CONFIG.name, "spec": {"kernelArguments": ["quiet"]}}
    operated.apply({**body, "metadata": {"name": CGROUP, "labels": labels}}, WANTED)


def theirs_gone(offered: OfferedState) -> None:
    """Delete the MachineConfig, and run the command."""
    offered.offers(f"MachineConfig '{CGROUP}' (managed by 'Helm')", "delete it and run")
    offered.operated.stack.kubectl("delete", f"{NODES_CONFIG.plural}.{NODES_CONFIG.group}", CGROUP)
    offered.run("resync")
    booted(offered)


# Kinds and nodes


def undefined(*definitions: dict[str, Any], then: Any) -> Act:
    """A cluster without these kinds."""

    def act(operated: OperatedNamespace) -> None:
        names = [definition["metadata"]["name"] for definition in definitions]
        operated.stack.kubectl("delete", "crd", *names, "--timeout=60s")
        operated.obstacles.callback(define, operated, *definitions)
        operated.apply(then)

    return act


def define(operated: OperatedNamespace, *definitions: dict[str, Any]) -> None:
    """Define these kinds."""
    for manifest in definitions:
        operated.stack.api.apply(path(CRD, "", manifest["metadata"]["name"]), manifest)
    names = [f"crd/{manifest['metadata']['name']}" for manifest in definitions]
    operated.stack.kubectl("wait", "--for=condition=Established", *names, "--timeout=30s")


def prometheus_installed(offered: OfferedState) -> None:
    """Install the Prometheus operator, and run the command."""
    offered.offers(SERVICE_MONITOR.name, PROMETHEUS_RULE.name, "install the Prometheus operator and run")
    define(offered.operated, MONITORS, RULES)
    offered.run("resync")


def node(operated: OperatedNamespace, name: str, **info: str) -> None:
    """A node that says what it runs."""
    add_node(operated.stack, name, **info)


def old_node(operated: OperatedNamespace) -> None:
    """A node whose kernel is too old."""
    node(operated, "node-2", kernelVersion="3.10.0")
    operated.obstacles.callback(operated.stack.api.delete, path(NODE, "", "node-2"))
    operated.apply(other(MACHINE_CONFIG, "machines"))


def upgraded(offered: OfferedState) -> None:
    """Upgrade the node, and run the command."""
    offered.offers("node 'node-2' has kernel 3.10.0", "or upgrade them and run", "`collector.node-selector`")
    node(offered.operated, "node-2", kernelVersion="6.8.0")
    offered.run("resync")


def no_nodes(operated: OperatedNamespace) -> None:
    """A cluster that has no nodes yet."""
    operated.stack.api.delete(path(NODE, "", "node-1"))
    operated.obstacles.callback(node, operated, "node-1")
    operated.apply(other(MACHINE_CONFIG, "machines"))


def node_added(offered: OfferedState) -> None:
    """Add a node, and run the command."""
    offered.offers("add one, then run")
    node(offered.operated, "node-1")
    offered.run("resync")


def case(reason: str, conditions: tuple[str, ...], state: Act, step: Step, **more: Any) -> StepCase:
    """Return a case of a KeplerMachineConfig."""
    return StepCase(reason, conditions, state, step, of=MACHINE_CONFIG, called="machines", **more)


BOTH = (OWN, READY)
CASES = (
    case("ClusterTaken", BOTH, two_machine_configs, first_deleted),
    case("PoolNotFound", BOTH, without_pool, pool_created),
    case("PoolNotFound", BOTH, without_pool, role_left_out, name="take it out"),
    case("RebootNotAllowed", BOTH, applied(other(MACHINE_CONFIG, "machines", cgroup_v2=True)), reboot_permitted),
    case("PoolUpdating", (READY,), in_state("Updating"), after("1 of 3 machines have rebooted", "looks at once")),
    case("PoolUpdating", (READY,), in_state("Updated"), after("it has not begun", "looks at once"), name="not begun"),
    case("PoolPaused", (READY,), in_state("Paused"), after("set `spec.paused` of the pool to 'false', then run")),
    case("PoolDegraded", (READY,), in_state("Degraded"), after("it is degraded", "mend that, then run")),
    case("Forbidden", (OWN,), not_permitted, permitted),
    case("RefusedByPolicy", (OWN,), policy, policy_lifted),
    case("Invalid", (OWN,), another_version, one_version, leaves=("kubectl replace",)),
    case("OwnedByAnother", (OWN,), by_hand, theirs_gone, leaves=("annotate",)),
    case(
        "NotApplicable",
        BOTH,
        undefined(definition(NODES_CONFIG), then=WANTED),
        lambda offered: offered.offers("has to be part of the nodes' own images"),
        still=True,
    ),
    case("Reconciled", (OWN,), applied(other(MACHINE_CONFIG, "machines")), lambda _: None, still=True),
    case("Ready", (READY,), applied(other(MACHINE_CONFIG, "machines")), lambda _: None, still=True),
    case("Supported", (preflight.CONDITION,), applied(other(MACHINE_CONFIG, "machines")), lambda _: None, still=True),
    case("NotSupported", (preflight.CONDITION,), old_node, upgraded),
    case("NoNodes", (preflight.CONDITION,), no_nodes, node_added),
    StepCase("NotInstalled", (monitoring.CONDITION,), undefined(MONITORS, RULES, then=kepler()), prometheus_installed),
)
