"""A KeplerMachineConfig against a real API server, which knows OpenShift's two kinds for some of the tests."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from events.types import RESOURCE_DELETE
from local.layout import ROOT
from local.stack import Stack
from runtime.objects import MACHINE_CONFIG, NODES_CONFIG, NODES_POOL, Kind
from tests.offered.node_manifests import UNTOLD
from tests.workbench import Workbench, kepler, update

M5 = {"processor": "intel_xeon_platinum_8259cl", "cores": 96, "chips": 2, "memory": 377, "frequency": 3500}
MACHINES = f"{MACHINE_CONFIG.plural}.{MACHINE_CONFIG.group}"
CGROUP = "50-worker-cgroupv2"
KERNEL = "51-worker-kernel-devel"


def machines(name: str = "machines", **spec: Any) -> dict[str, Any]:
    """A KeplerMachineConfig with this spec."""
    return {**kepler(name, **spec), "kind": MACHINE_CONFIG.name}


# What lets the functions write MachineConfigs.
WRITES = "config/components/openshift/machine-configs.yaml"


def definition(kind: Kind) -> dict[str, Any]:
    """A minimal definition of one of OpenShift's kinds."""
    kept = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": kept, "status": kept}}
    served = {"name": kind.version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": kind.name, "plural": kind.plural, "singular": kind.name.lower(), "listKind": f"{kind.name}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {"group": kind.group, "names": names, "scope": "Cluster", "versions": [served]},
    }


@pytest.fixture(autouse=True)
def no_machines_left(workbench: Workbench) -> Iterator[None]:
    """They are in no namespace, so the next test would meet them."""
    yield
    workbench.stack.kubectl("delete", MACHINES, "--all")


@pytest.fixture
def openshift(control_plane: Stack, workbench: Workbench) -> Iterator[Workbench]:
    """A cluster that knows MachineConfigs and has a pool of three workers; the functions may write MachineConfigs."""
    kinds = (NODES_CONFIG, NODES_POOL)
    workbench.apply(*map(definition, kinds))
    defined = [f"crd/{kind.plural}.{kind.group}" for kind in kinds]
    control_plane.kubectl("wait", "--for=condition=Established", *defined, "--timeout=30s")
    workbench.apply(pool())
    control_plane.kubectl("apply", "-f", str(ROOT / WRITES))
    yield workbench
    control_plane.kubectl("delete", "-f", str(ROOT / WRITES))
    control_plane.kubectl("delete", *defined, "--timeout=60s")


def pool(*booted: str, state: str = "Updated", updated: int = 3) -> dict[str, Any]:
    """The pool of workers, whose machines have booted with these."""
    return {
        "apiVersion": NODES_POOL.api_version,
        "kind": NODES_POOL.name,
        "metadata": {"name": "worker"},
        "status": {
            "machineCount": 3,
            "updatedMachineCount": updated,
            "configuration": {"source": [{"name": text} for text in booted]},
            "conditions": [{"type": state, "status": "True"}],
        },
    }


def written(workbench: Workbench) -> dict[str, Any]:
    """The MachineConfigs there are, by name."""
    answer = json.loads(workbench.stack.kubectl("get", f"{NODES_CONFIG.plural}.{NODES_CONFIG.group}", "-o", "json"))
    return {item["metadata"]["name"]: item for item in answer["items"]}


def status(workbench: Workbench, name: str = "machines") -> Any:
    """The status, with its conditions by type."""
    status = workbench.get(f"{MACHINES}/{name}")["status"]
    return {**status, "conditions": {condition["type"]: condition for condition in status["conditions"]}}


def ready(workbench: Workbench, name: str = "machines") -> tuple[str, str]:
    """Status and reason of `Ready`."""
    ready = status(workbench, name)["conditions"]["Ready"]
    return ready["status"], ready["reason"]


def test_a_cluster_without_machine_configs(workbench: Workbench) -> None:
    """Is done at once, says why, and is at rest; `kubectl wait` sees it."""
    workbench.apply(machines(kernel_devel=True, allow_reboot=True))
    workbench.settle_machine()

    assert workbench.settle_machine() == 0
    assert ready(workbench) == ("True", "NotApplicable")
    reconciled = status(workbench)["conditions"]["MachineConfigReconciled"]
    assert (reconciled["reason"], reconciled["observedGeneration"]) == ("NotApplicable", 1)
    assert "`kernel-devel`" in reconciled["message"]
    workbench.stack.kubectl("wait", "--for=condition=Ready", f"{MACHINES}/machines", "--timeout=5s")


def test_its_own_report_makes_no_call(workbench: Workbench) -> None:
    """The echo of its status write is answered from the event alone."""
    workbench.apply(machines())
    workbench.settle_machine()
    workbench.asked("machine_config")

    workbench.wake("machine_config", update(workbench.get(f"{MACHINES}/machines")))

    assert not workbench.asked("machine_config")


def test_without_the_overlay_no_machine_config_is_written(openshift: Workbench) -> None:
    """`config/base` only reads MachineConfigs; the condition names the folder that permits writing them."""
    openshift.stack.kubectl("delete", "-f", str(ROOT / WRITES))
    openshift.apply(machines(cgroup_v2=True, allow_reboot=True))
    openshift.settle_machine()
    reported = status(openshift)["conditions"]["MachineConfigReconciled"]
    assert (reported["status"], reported["reason"]) == ("False", "Forbidden")
    assert reported["message"].endswith(
        "lacks a permission: apply `config/overlays/openshift`, or its component with the overlay that is installed, "
        "then run `kubectl kepler resync KeplerMachineConfig/machines`"
    )
    assert not written(openshift)
    openshift.stack.kubectl("apply", "-f", str(ROOT / WRITES))
    openshift.settle_machine()
    assert set(written(openshift)) == {CGROUP}


def test_without_leave_to_reboot_nothing_is_written(openshift: Workbench) -> None:
    """The condition says what would be; leave given, it is, and is at rest."""
    openshift.apply(machines(kernel_devel=True, cgroup_v2=True))
    openshift.settle_machine()
    assert ready(openshift) == ("False", "RebootNotAllowed")
    assert CGROUP in status(openshift)["conditions"]["MachineConfigReconciled"]["message"]
    assert not written(openshift)

    openshift.patch(f"{MACHINES}/machines", {"spec": {"allow-reboot": True}})
    openshift.settle_machine()

    assert openshift.settle_machine() == 0
    objects = written(openshift)
    assert set(objects) == {CGROUP, KERNEL}
    arguments = ["systemd.unified_cgroup_hierarchy=1", 'cgroup_no_v1="all"']
    assert objects[CGROUP]["spec"] == {"kernelArguments": arguments}
    assert objects[KERNEL]["spec"] == {"extensions": ["kernel-devel"]}
    (owner,) = objects[KERNEL]["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"]) == (MACHINE_CONFIG.name, "machines")


def test_ready_follows_the_pool(openshift: Workbench) -> None:
    """Each look tells how far the machines have come, until all have booted."""
    openshift.apply(machines(cgroup_v2=True, allow_reboot=True))
    openshift.settle_machine()
    assert ready(openshift) == ("Unknown", "PoolUpdating")

    openshift.apply(pool(state="Updating", updated=1))
    openshift.settle_machine()
    assert "1 of 3 machines" in status(openshift)["conditions"]["Ready"]["message"]
    assert status(openshift)["pools"] == [{"name": "worker", "state": "Updating", "machines": 3, "updated": 1}]

    openshift.apply(pool(CGROUP))
    openshift.settle_machine()
    assert ready(openshift) == ("True", "Ready")
    assert openshift.settle_machine() == 0


def test_what_is_switched_off_is_removed(openshift: Workbench) -> None:
    """A feature, then the role; what was made by hand stays."""
    by_hand = {"apiVersion": NODES_CONFIG.api_version, "kind": NODES_CONFIG.name}
    openshift.apply({**by_hand, "metadata": {"name": "50-master-cgroupv2"}, "spec": {"kernelArguments": ["mine"]}})
    openshift.apply(machines(kernel_devel=True, cgroup_v2=True, allow_reboot=True))
    openshift.settle_machine()

    openshift.patch(f"{MACHINES}/machines", {"spec": {"kernel-devel": False}})
    openshift.settle_machine()
    assert set(written(openshift)) == {"50-master-cgroupv2", CGROUP}

    openshift.patch(f"{MACHINES}/machines", {"spec": {"roles": []}})
    openshift.settle_machine()
    assert openshift.settle_machine() == 0
    assert set(written(openshift)) == {"50-master-cgroupv2"}
    assert written(openshift)["50-master-cgroupv2"]["spec"] == {"kernelArguments": ["mine"]}


def test_an_edit_by_hand_is_put_right(openshift: Workbench) -> None:
    """With leave to reboot only; without, the condition tells."""
    openshift.apply(machines(cgroup_v2=True, allow_reboot=True))
    openshift.settle_machine()
    before = written(openshift)[CGROUP]["spec"]
    edit = {"spec": {"kernelArguments": ["quiet"]}}

    openshift.patch(f"machineconfigs.{NODES_CONFIG.group}/{CGROUP}", edit)
    openshift.patch(f"{MACHINES}/machines", {"spec": {"allow-reboot": False}})
    openshift.settle_machine()
    assert written(openshift)[CGROUP]["spec"] == edit["spec"]
    assert ready(openshift)[1] == "RebootNotAllowed"

    openshift.patch(f"{MACHINES}/machines", {"spec": {"allow-reboot": True}})
    openshift.settle_machine()
    assert written(openshift)[CGROUP]["spec"] == before


def test_the_second_of_a_cluster_says_which_is_first(openshift: Workbench) -> None:
    """It writes nothing, and its `Ready` says so."""
    openshift.apply(machines(cgroup_v2=True, allow_reboot=True))
    openshift.settle_machine()
    openshift.apply(machines("second", kernel_devel=True, allow_reboot=True))
    openshift.settle_machine("second")
    assert ready(openshift, "second") == ("False", "ClusterTaken")
    assert set(written(openshift)) == {CGROUP}


def node(workbench: Workbench, name: str, system: str, kernel: str) -> None:
    """A node as its kubelet would describe it."""
    workbench.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
    info = {"operatingSystem": system, "kernelVersion": kernel, "architecture": "amd64"}
    whole = dict.fromkeys(UNTOLD, "")
    workbench.patch(f"node/{name}", {"status": {"nodeInfo": whole | info}}, subresource="status")


@pytest.fixture
def nodes(workbench: Workbench) -> Iterator[None]:
    """Two that can run the exporter, and two that cannot."""
    nodes_by_name = {
        "new": ("linux", "6.1.0-18-amd64"),
        "rhel8": ("linux", "4.18.0-553.el8_10.x86_64"),
        "old": ("linux", "3.10.0-1160.el7.x86_64"),
        "win": ("windows", "10.0.17763.5576"),
    }
    for name, (system, kernel) in nodes_by_name.items():
        node(workbench, name, system, kernel)
    yield
    workbench.stack.kubectl("delete", "node", *nodes_by_name)


def test_every_node_is_looked_at(workbench: Workbench, nodes: None) -> None:  # noqa: ARG001
    """Counts in the status, and who cannot run the exporter and why; a heartbeat changes nothing."""
    workbench.apply(machines())
    workbench.settle_machine()

    objects = status(workbench)
    assert objects["nodes"] == {"total": 4, "linux": 3, "supported": 2}
    supported = objects["conditions"]["NodesSupported"]
    assert supported["status"] == "False"
    assert "node 'old' has kernel 3.10.0-1160.el7.x86_64" in supported["message"]
    assert "node 'win' runs windows" in supported["message"]
    assert ready(workbench)[0] == "True"

    workbench.patch("node/new", {"metadata": {"annotations": {"beat": "1"}}})
    assert workbench.settle_machine() == 0


def test_machines_are_described_beside_each_kepler(workbench: Workbench) -> None:
    """As upstream's ConfigMap; an edit reaches it, drift is mended, and without machines it is gone."""
    workbench.apply(machines(machine_spec={"m5.metal": M5}), kepler())
    workbench.settle()
    data = workbench.get("configmap/kepler-machine-spec")["data"]
    assert json.loads(data["m5.metal"]) == json.loads(data["spec.json"]) == M5

    workbench.patch(f"{MACHINES}/machines", {"spec": {"machine-spec": {"edge": {"cores": 4}}}})
    workbench.patch("configmap/kepler-machine-spec", {"data": {"m5.metal": "{}"}})
    workbench.wake("machine_spec", update(workbench.get(f"{MACHINES}/machines")))
    data = workbench.get("configmap/kepler-machine-spec")["data"]
    assert (json.loads(data["m5.metal"]), json.loads(data["edge"])) == (M5, {"cores": 4})
    assert "spec.json" not in data

    last = workbench.get(f"{MACHINES}/machines")
    workbench.stack.kubectl("delete", f"{MACHINES}/machines")
    workbench.wake("machine_spec", update(last, RESOURCE_DELETE))
    assert workbench.get("configmap/kepler-machine-spec") is None
    assert workbench.settle() == 0


def test_a_mount_that_the_user_adds_for_it_stays(workbench: Workbench) -> None:
    """As the sample says it: `collector` leaves a volume of somebody else's in the DaemonSet alone."""
    sample = (ROOT / "config/samples/machine-config/machine-config.yaml").read_text()
    command = "".join(line.removeprefix("#") for line in sample.splitlines() if line.startswith("#   "))
    patch = command.partition("--patch '")[2].rstrip("'")
    workbench.apply(kepler())
    workbench.settle()

    workbench.stack.kubectl("-n", workbench.namespace, "patch", "daemonset/kepler-exporter", "--patch", patch)
    assert workbench.settle() == 0
    workbench.patch("kepler/kepler", {"spec": {"collector": {"log-level": 2}}})
    workbench.settle()

    pod = workbench.get("daemonset/kepler-exporter")["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes["machine-spec"]["configMap"]["name"] == "kepler-machine-spec"
    assert "/etc/kepler/models/machine" in [
        volume_mount["mountPath"] for volume_mount in pod["containers"][0]["volumeMounts"]
    ]


def test_the_sample_is_taken(workbench: Workbench) -> None:
    """As it is in `config/samples`, which leaves it out of what is applied there."""
    samples = ROOT / "config/samples"
    assert "machine-config.yaml" not in (samples / "kustomization.yaml").read_text()
    workbench.stack.kubectl("apply", "-f", str(samples / "machine-config/machine-config.yaml"))
    workbench.settle_machine()
    assert ready(workbench) == ("True", "NotApplicable")
