"""Why pods do not come up, from Events as the real programs write them."""

from dataclasses import dataclass
from typing import Any

import pytest

from operands import pod_trouble
from operands.pod_trouble import Reason
from runtime.objects import KEPLER, Ref

KEY = Ref(KEPLER, "energy", "kepler")
EXPORTER, SERVER = pod_trouble.exporter(KEY), pod_trouble.server(KEY)
WRITTEN = "2026-11-29T05:00:00Z"


def event(
    reason: str, message: str, about: str = "Pod/kepler-exporter-x7k2p", time: str = "05:00:10"
) -> dict[str, Any]:
    """A Warning, as client-go's recorder writes it."""
    kind, _, name = about.partition("/")
    return {
        "involvedObject": {"kind": kind, "name": name, "namespace": "energy"},
        "reason": reason,
        "message": message,
        "type": "Warning",
        "lastTimestamp": f"2026-11-29T{time}Z",
        "metadata": {"creationTimestamp": WRITTEN},
    }


def workload(manager: str = "kepler-collector") -> dict[str, Any]:
    """A workload that its function wrote at `WRITTEN`."""
    return {"metadata": {"managedFields": [{"manager": manager, "operation": "Apply", "time": WRITTEN}]}}


@dataclass(frozen=True)
class PodTroubleCase:
    """What the cluster says, and the reason that follows, with a part of the step."""

    reason: Reason
    event: dict[str, Any]
    step: str


DAEMON_SET = "DaemonSet/kepler-exporter"
CASES = [
    PodTroubleCase(
        Reason.PODS_FORBIDDEN,
        event(
            "FailedCreate",
            'Error creating: pods "kepler-exporter-5z" is forbidden: violates PodSecurity "restricted:latest": host '
            "namespaces (hostPID=true)",
            DAEMON_SET,
        ),
        "kubectl label namespace energy pod-security.kubernetes.io/enforce=privileged --overwrite",
    ),
    PodTroubleCase(
        Reason.QUOTA_EXCEEDED,
        event(
            "FailedCreate",
            'Error creating: pods "kepler-exporter-5z" is forbidden: failed quota: limits: must specify limits.cpu '
            "for: kepler-exporter",
            DAEMON_SET,
        ),
        "`collector.resources`",
    ),
    PodTroubleCase(
        Reason.PRIORITY_CLASS_MISSING,
        event(
            "FailedCreate",
            'Error creating: pods "kepler-exporter-" is forbidden: no PriorityClass with name platform-critical '
            "was found",
            DAEMON_SET,
        ),
        "`collector.priority-class`",
    ),
    PodTroubleCase(
        Reason.RUNTIME_CLASS_MISSING,
        event(
            "FailedCreate",
            'Error creating: pods "kepler-exporter-9" is forbidden: pod rejected: RuntimeClass "nvidia" not found',
            DAEMON_SET,
        ),
        "`collector.runtime-class`",
    ),
    PodTroubleCase(
        Reason.LIMIT_RANGE,
        event(
            "FailedCreate",
            'Error creating: pods "kepler-exporter-9" is forbidden: maximum memory usage per Container is 200Mi, but '
            "limit is 400Mi",
            DAEMON_SET,
        ),
        "LimitRange",
    ),
    PodTroubleCase(
        Reason.REFUSED_BY_POLICY,
        event(
            "FailedCreate",
            'Error creating: admission webhook "validate.kyverno.svc-fail" denied the request: Pod was blocked',
            DAEMON_SET,
        ),
        "policy",
    ),
    PodTroubleCase(
        Reason.PODS_NOT_CREATED,
        event("FailedCreate", 'Error creating: pods "x" is forbidden: error looking up service account', DAEMON_SET),
        "kubectl describe -n energy daemonset/kepler-exporter",
    ),
    PodTroubleCase(
        Reason.IMAGE_PULL,
        event(
            "Failed",
            'Failed to pull image "quay.io/nobody/kepler:1": rpc error: code = NotFound desc = failed to resolve image',
        ),
        "`collector.image`",
    ),
    PodTroubleCase(Reason.IMAGE_PULL, event("Failed", "Error: ErrImagePull"), "`collector.image-pull-secrets`"),
    PodTroubleCase(
        Reason.CONTAINER_CONFIG, event("Failed", 'Error: secret "kepler-s3" not found'), "namespace 'energy'"
    ),
    PodTroubleCase(
        Reason.CRASH_LOOP,
        event("BackOff", "Back-off restarting failed container kepler-exporter in pod kepler-exporter-x7k2p_energy(u)"),
        "kubectl logs -n energy kepler-exporter-x7k2p -c kepler-exporter --previous",
    ),
    PodTroubleCase(
        Reason.UNSCHEDULABLE,
        event("FailedScheduling", "0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate"),
        "`collector.tolerations`",
    ),
    PodTroubleCase(
        Reason.VOLUME_NOT_MOUNTED, event("FailedMount", 'MountVolume.SetUp failed for volume "cfm"'), "the node"
    ),
    PodTroubleCase(
        Reason.CONTAINER_CONFIG,
        event("FailedMount", 'MountVolume.SetUp failed for volume "redfish" : secret "bmcs" not found'),
        "create what the message names in namespace 'energy'",
    ),
    PodTroubleCase(
        Reason.CONTAINER_CONFIG,
        event("FailedMount", 'MountVolume.SetUp failed for volume "ca" : references non-existent config key: ca.crt'),
        "create what the message names in namespace 'energy'",
    ),
    PodTroubleCase(
        Reason.SANDBOX_FAILED,
        event(
            "FailedCreatePodSandBox",
            'Failed to create pod sandbox: rpc error: code = Unknown desc = plugin type="calico" failed (add): timeout',
        ),
        "network plugin",
    ),
    PodTroubleCase(
        Reason.SANDBOX_FAILED,
        event("NetworkNotReady", "network is not ready: container runtime network not ready: NetworkReady=false"),
        "kubectl describe pods -n energy",
    ),
    PodTroubleCase(Reason.UNHEALTHY, event("Unhealthy", "Startup probe failed: connection refused"), "kubectl logs"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.event["message"][:40])
def test_an_event_tells_the_reason_its_sentence_and_a_step(case: PodTroubleCase) -> None:
    """The cluster's own words, and what to do in the Kepler's fields."""
    trouble = pod_trouble.trouble(EXPORTER, workload(), [case.event], missing=True)
    assert trouble is not None
    assert trouble.reason is case.reason
    assert case.event["message"].rstrip(".") in trouble.says
    assert case.step in trouble.step


@pytest.mark.parametrize(
    ("reason", "fields"),
    [
        (Reason.QUOTA_EXCEEDED, ("resources",)),
        (Reason.LIMIT_RANGE, ("resources",)),
        (Reason.PRIORITY_CLASS_MISSING, ("priority-class",)),
        (Reason.RUNTIME_CLASS_MISSING, ("runtime-class",)),
        (Reason.IMAGE_PULL, ("image", "image-pull-secrets")),
        (Reason.UNSCHEDULABLE, ("node-selector", "tolerations", "resources")),
    ],
)
def test_a_step_names_the_fields_of_the_workload(reason: Reason, fields: tuple[str, ...]) -> None:
    """The model server has fields of its own; the exporter's change nothing about it."""
    for operand, field, others in ((EXPORTER, "collector", "model-server"), (SERVER, "model-server", "collector")):
        step = pod_trouble.step(operand, reason)
        assert all(f"`{field}.{name}`" in step for name in fields)
        assert f"`{others}." not in step


def test_a_node_without_a_meter_ends_the_exporter_of_v011() -> None:
    """Its step names the line that works there; that of v0.7, which estimates, does not."""
    v011 = pod_trouble.exporter(KEY, {"spec": {"collector": {"release": "v0.11"}}})
    hint = "set `collector.release` to 'v0.7', the line that estimates power"
    assert hint in pod_trouble.step(v011, Reason.CRASH_LOOP)
    assert hint not in pod_trouble.step(pod_trouble.exporter(KEY, {"spec": {}}), Reason.CRASH_LOOP)


def test_the_exporters_quota_is_also_of_the_estimator() -> None:
    """A quota on limits wants them of each container of the pod."""
    assert "`estimator-sidecar.resources`" in pod_trouble.step(EXPORTER, Reason.QUOTA_EXCEEDED)


CLAIM = "PersistentVolumeClaim/kepler-model-server-pvc"
WAITS = event(
    "FailedScheduling",
    "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 nodes are available",
    "Pod/kepler-model-server-6d-x",
    "05:00:30",
)
UNSET = event("FailedBinding", "no persistent volumes available for this claim and no storage class is set", CLAIM)
UNKNOWN = event("ProvisioningFailed", 'storageclass.storage.k8s.io "nosuch" not found', CLAIM)
EXTERNAL = event("ExternalProvisioning", "Waiting for a volume to be created either by ...", CLAIM, "05:00:20")
REFUSED = event("ProvisioningFailed", 'failed to provision volume with StorageClass "x": out of space', CLAIM)
LOST = event("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!", CLAIM, "05:00:40")
NO_VOLUMES = event(
    "FailedScheduling",
    "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't find available persistent volumes to bind.",
    "Pod/kepler-model-server-6d-x",
)


@pytest.mark.parametrize(
    ("events", "cause", "step"),
    [
        ([WAITS], WAITS, "`kubectl describe pvc -n energy kepler-model-server-pvc`"),
        ([UNSET, WAITS], UNSET, "create a default StorageClass"),
        ([UNKNOWN, WAITS], UNKNOWN, "`kubectl delete pvc -n energy kepler-model-server-pvc`"),
        ([WAITS, EXTERNAL], EXTERNAL, "have that provisioner installed and running"),
        ([REFUSED, EXTERNAL, WAITS], REFUSED, "mend what the message names"),
        (
            [WAITS, LOST],
            LOST,
            "run `kubectl delete pvc -n energy kepler-model-server-pvc`, after which the model server",
        ),
        ([NO_VOLUMES], NO_VOLUMES, "create a volume of the claim's StorageClass"),
    ],
)
def test_a_claim_explains_the_pod_that_waits_for_it(
    events: list[dict[str, Any]], cause: dict[str, Any], step: str
) -> None:
    """The pod's own word comes later, and says less; no step speaks of nodes."""
    trouble = pod_trouble.trouble(SERVER, workload("kepler-model-server"), events, missing=False)
    assert trouble is not None
    assert (trouble.reason, trouble.says) == (Reason.CLAIM_PENDING, cause["message"].rstrip("."))
    assert step in trouble.step
    assert "make room" not in trouble.step


def test_a_volume_that_was_made_ends_what_was_said_of_the_claim() -> None:
    """The Events stay for an hour, while the server loads its models."""
    made = event("ProvisioningSucceeded", "Successfully provisioned volume pvc-1", CLAIM, "05:00:40")
    events = [UNKNOWN, EXTERNAL, WAITS, made]
    assert pod_trouble.trouble(SERVER, workload("kepler-model-server"), events, missing=False) is None


def test_a_volume_on_another_node_is_no_question_of_room() -> None:
    """The claim is bound, and its models are on that volume: it is not deleted."""
    message = "0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity."
    waits = event("FailedScheduling", message, "Pod/kepler-model-server-6d-x")
    trouble = pod_trouble.trouble(SERVER, workload("kepler-model-server"), [waits], missing=False)
    assert trouble is not None
    assert trouble.reason is Reason.UNSCHEDULABLE
    assert "have a node that reaches the claim's volume" in trouble.step
    assert "delete" not in trouble.step


def test_the_exporter_has_no_claim() -> None:
    """A volume that a webhook adds to its pods has no field of the Kepler."""
    waits = event("FailedScheduling", WAITS["message"])
    trouble = pod_trouble.trouble(EXPORTER, workload(), [waits], missing=False)
    assert trouble is not None
    assert trouble.reason is Reason.UNSCHEDULABLE


@pytest.mark.parametrize(
    "stale",
    [
        pytest.param(event("Failed", "Error: ErrImagePull", time="04:59:59"), id="from before the last edit"),
        pytest.param(event("Failed", "Error: ErrImagePull", "Pod/other-x"), id="of another workload"),
        pytest.param(
            event("FailedCreate", "exceeded quota: q", DAEMON_SET), id="that no pod can be made, while all are"
        ),
        pytest.param(event("NodeNotReady", "Node is not ready"), id="of no such kind"),
    ],
)
def test_what_says_nothing_of_these_pods_is_not_a_cause(stale: dict[str, Any]) -> None:
    """No cause is better than a wrong one."""
    assert pod_trouble.trouble(EXPORTER, workload(), [stale], missing=False) is None


def test_the_newest_event_counts_and_a_probe_only_where_nothing_else_is_said() -> None:
    """An image that was pulled at last, and then crashes."""
    manifests = [
        event("Failed", "Error: ErrImagePull", time="05:00:10"),
        event("BackOff", "Back-off restarting failed container x in pod y", time="05:01:10"),
        event("Unhealthy", "Startup probe failed", time="05:02:10"),
    ]
    trouble = pod_trouble.trouble(EXPORTER, workload(), manifests, missing=False)
    assert trouble is not None
    assert trouble.reason is Reason.CRASH_LOOP


@pytest.mark.parametrize("operand", [EXPORTER, SERVER], ids=["exporter", "server"])
def test_every_reason_has_a_step_for_each_workload(operand: pod_trouble.Operand) -> None:
    """None of them is empty, and none has what sets it apart from the sentence before it in a condition."""
    steps = [pod_trouble.step(operand, reason) for reason in Reason]
    assert all(steps)
    assert not [step for step in steps if "; " in step]


def test_an_event_of_the_new_api_has_its_time_in_its_series() -> None:
    """`lastTimestamp` is null there (k8s.io/api v0.35:events/v1, the series of a repeated event)."""
    repeated = {
        **event("FailedScheduling", "0/1 nodes are available"),
        "lastTimestamp": None,
        "eventTime": "2026-11-29T04:00:00.000000Z",
        "series": {"count": 9, "lastObservedTime": "2026-11-29T05:10:00.123456Z"},
    }
    trouble = pod_trouble.trouble(EXPORTER, workload(), [repeated], missing=False)
    assert trouble is not None
    assert trouble.reason is Reason.UNSCHEDULABLE
