"""`kubectl get kepler` says why the pods do not come up: from the namespace's Events, read when they are needed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from local.stack import Stack
from tests.protocol.test_sweep import SweepRun
from tests.workbench import Workbench, kepler

SERVED = {"enabled": True, "storage": {"type": "claim", "claim": {"storage-class": "nosuch"}}}


def tells(workbench: Workbench, about: str, reason: str, message: str, kind_of: str = "Warning") -> None:
    """An Event as a controller or the kubelet writes it, now."""
    kind, _, name = about.partition("/")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    event: dict[str, Any] = {
        "metadata": {"generateName": f"{name}."},
        "involvedObject": {"kind": kind, "name": name, "namespace": workbench.namespace},
        "reason": reason,
        "message": message,
        "type": kind_of,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
    workbench.stack.api.create(f"/api/v1/namespaces/{workbench.namespace}/events", event)


@pytest.fixture
def deployed(workbench: Workbench) -> Workbench:
    """A Kepler with a model server, whose objects are there, and no pod yet."""
    workbench.apply(kepler(model_server=SERVED))
    workbench.settle()
    return workbench


def told(workbench: Workbench, condition: str = "Ready") -> tuple[str, str, str]:
    """Status, reason and message."""
    condition_now = workbench.conditions()[condition]
    return str(condition_now["status"]), str(condition_now["reason"]), str(condition_now["message"])


def test_a_missing_priority_class_is_named_in_ready(deployed: Workbench) -> None:
    """The step speaks of the class, not of the namespace."""
    missing = "no PriorityClass with name platform-critical was found"
    message = f'Error creating: pods "kepler-exporter-" is forbidden: {missing}'
    deployed.roll_out(desired=3, current=0, available=0)
    tells(deployed, "DaemonSet/kepler-exporter", "FailedCreate", message)
    deployed.settle()
    status, reason, text = told(deployed, "Available")
    assert (status, reason) == ("False", "PriorityClassMissing")
    assert "platform-critical" in text
    assert "change `collector.priority-class`" in text
    assert "namespace" not in text
    assert told(deployed)[1] == "PriorityClassMissing"


def test_an_image_that_cannot_be_pulled_is_named_and_forgotten_once_it_runs(deployed: Workbench) -> None:
    """The Event is still there, and nobody reads it any more."""
    deployed.roll_out(desired=2, current=2, available=1)
    tells(deployed, "Pod/kepler-exporter-x1", "Failed", 'Failed to pull image "quay.io/nobody/kepler:1": not found')
    deployed.settle()
    assert told(deployed, "Available")[:2] == ("False", "ImagePull")
    assert "1 of 2 nodes have a ready exporter" in told(deployed, "Available")[2]

    deployed.roll_out(desired=2, current=2, available=2)
    deployed.settle()
    assert told(deployed, "Available")[:2] == ("True", "Available")


def test_a_storage_class_that_is_not_there_is_named_for_the_model_server(deployed: Workbench) -> None:
    """By the claim's own Event, before anything of the pod's."""
    tells(
        deployed,
        "PersistentVolumeClaim/kepler-model-server-pvc",
        "ProvisioningFailed",
        'storageclass.storage.k8s.io "nosuch" not found',
    )
    deployed.settle()
    status, reason, message = told(deployed, "ModelServerAvailable")
    assert (status, reason) == ("False", "ClaimPending")
    assert '"nosuch" not found' in message


def test_a_claim_without_a_class_is_told_of_by_a_normal_event(workbench: Workbench) -> None:
    """The controller of claims gives this Event the type Normal; other Normal events are not read."""
    workbench.apply(kepler(model_server={"enabled": True, "storage": {"type": "claim"}}))
    workbench.settle()
    claim = "PersistentVolumeClaim/kepler-model-server-pvc"
    unbound = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    tells(workbench, claim, "FailedBinding", "no persistent volumes ... and no storage class is set", "Normal")
    tells(workbench, "Pod/kepler-model-server-6d-x", "FailedScheduling", unbound)
    workbench.asked("status")
    workbench.settle()
    status, reason, message = told(workbench, "ModelServerAvailable")
    assert (status, reason) == ("False", "ClaimPending")
    assert "create a default StorageClass" in message
    selectors = {str(read.query["fieldSelector"]) for read in workbench.asked("status") if "events" in read.path}
    about_claim = "involvedObject.kind=PersistentVolumeClaim,involvedObject.name=kepler-model-server-pvc"
    assert selectors == {"type=Warning", f"type=Normal,{about_claim}"}


def test_a_kepler_that_works_reads_no_events(workbench: Workbench) -> None:
    """The read is made only while a workload is not available."""
    workbench.apply(kepler())
    workbench.settle()
    workbench.roll_out(desired=1, current=1, available=1)
    workbench.settle()
    workbench.asked("status")
    workbench.resync("status")
    assert not [request.path for request in workbench.asked("status") if request.path.endswith("/events")]


def test_a_sweep_finds_a_cause_that_no_event_told(control_plane: Stack, deployed: Workbench) -> None:
    """What a kubelet says wakes nobody: where the looks later are over, the sweep asks for another."""
    deployed.roll_out(desired=1, current=1, available=0)
    deployed.settle()
    assert "status" not in SweepRun(control_plane).diverging(deployed.namespace)
    tells(deployed, "Pod/kepler-exporter-x1", "BackOff", "Back-off restarting failed container x in pod y")
    assert "Available" in str(SweepRun(control_plane).diverging(deployed.namespace)["status"])
