"""Why the controllers of the exporter and of the model server cannot make pods: the steps out of it."""

from typing import Any

from operands.pod_trouble import BACK_OFF
from runtime.client import path
from tests import policies
from tests.offered.common_steps import ESTIMATED, LOCAL, PODS, SMALL, applied, both, edited_both
from tests.offered.operated_namespace import OperatedNamespace
from tests.offered.refusal_steps import NONE, PLENTY, SENTENCE, quota
from tests.offered.step_case import OfferedState, Step, StepCase
from tests.offered.workload_controllers import POD, QUOTA, WORKLOADS
from tests.workbench import kepler


def retried(offered: OfferedState) -> None:
    """Wait for the controllers' next try."""
    offered.offers(f"wait for the controller, which tries again within {BACK_OFF} minutes")
    offered.operated.controllers.back_off_ends()
    offered.operated.follow()


def tried_at_once(offered: OfferedState) -> None:
    """Have the controllers try at once by the commands."""
    for kind, called in WORKLOADS:
        offered.run("rollout restart", f"{kind.name.lower()}/{called}")


def closed(operated: OperatedNamespace) -> None:
    """A namespace that was opened once and is not any more; every pod is gone."""
    operated.apply(kepler(model_server=LOCAL))
    operated.stack.kubectl(
        "label", "namespace", operated.namespace, "pod-security.kubernetes.io/enforce=restricted", "--overwrite"
    )
    operated.kubectl("delete", "pods", "--all")


def opened(offered: OfferedState) -> None:
    """Run the command that opens the namespace, and wait."""
    offered.run("label namespace")
    retried(offered)


def without_pods(operated: OperatedNamespace) -> None:
    """A quota that leaves no pods."""
    quota(operated, ("pods",), NONE)
    operated.apply(kepler(model_server=LOCAL))


def quota_raised(offered: OfferedState) -> None:
    """Have the quota raised, and the controllers try."""
    offered.offers(f"have the ResourceQuota of namespace '{offered.operated.namespace}' raised")
    quota(offered.operated, ("pods",), PLENTY)
    tried_at_once(offered)


def limits_wanted(operated: OperatedNamespace) -> None:
    """A quota that wants a limit of each container."""
    quota(operated, ("limits.cpu",), NONE)
    operated.apply(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "quota"},
            "spec": {"hard": {"limits.cpu": "10"}},
        }
    )
    operated.apply(kepler(model_server=LOCAL, estimator_sidecar=ESTIMATED))


def limits_set(offered: OfferedState) -> None:
    """Set the resources of every container."""
    edited_both("resources", SMALL)(offered)
    offered.edit("estimator-sidecar.resources", SMALL)


def memory_bounded(operated: OperatedNamespace, most: str) -> None:
    """A LimitRange on containers, when it is in force: one of 300Mi is taken or not."""
    limit = {"type": "Container", "max": {"memory": most}}
    operated.apply(
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "range"}, "spec": {"limits": [limit]}}
    )
    asks = {"name": "probe", "image": "probe", "resources": {"requests": {"memory": "300Mi"}}}
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [asks]}}
    operated.until(lambda: operated.takes(pod) is (most != "100Mi"))


def out_of_range(operated: OperatedNamespace) -> None:
    """Containers that ask for more than the LimitRange allows, and so for more than the limit that it gives them."""
    memory_bounded(operated, "100Mi")
    operated.apply(kepler(model_server=LOCAL))


def range_widened(offered: OfferedState) -> None:
    """Have the LimitRange changed, and the controllers try."""
    offered.offers(f"have the LimitRange of namespace '{offered.operated.namespace}' changed")
    memory_bounded(offered.operated, "4Gi")
    tried_at_once(offered)


def class_created(what: str, body: dict[str, Any]) -> Step:
    """Create the class, and wait for the controllers."""

    def step(offered: OfferedState) -> None:
        offered.offers(f"create that {what}")
        offered.operated.obstacles.callback(offered.operated.kubectl, "delete", what, "missing")
        offered.operated.apply({**body, "kind": what, "metadata": {"name": "missing"}})
        retried(offered)

    return step


def policy_on_pods(operated: OperatedNamespace) -> None:
    """A policy that takes no pods."""
    operated.obstacles.enter_context(policies.refusing(operated.stack, operated.namespace, POD, SENTENCE))
    operated.apply(kepler(model_server=LOCAL))


def exempted(offered: OfferedState) -> None:
    """Ask for an exception, and wait for the controllers."""
    offered.offers(SENTENCE, "ask whoever runs it for an exception")
    offered.operated.obstacles.close()
    retried(offered)


def uncounted(operated: OperatedNamespace) -> None:
    """A quota of which its controller has not counted yet what is used."""
    operated.controllers.counts = False
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "quota"}}
    hard = {"hard": {"pods": "10"}}
    operated.apply({**body, "spec": hard})
    operated.stack.api.apply(path(QUOTA, operated.namespace, "quota", "status"), {**body, "status": hard})
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "probe", "image": "probe"}]}}
    operated.until(lambda: not operated.takes(pod))
    operated.apply(kepler(model_server=LOCAL))


def counted(offered: OfferedState) -> None:
    """Mend what the message names, and have the controllers try."""
    offered.offers("status unknown for quota", "mend what the message names")
    offered.operated.controllers.counts = True
    offered.operated.follow()
    tried_at_once(offered)


def classed_by_another(operated: OperatedNamespace) -> None:
    """A priority class that somebody sets in the DaemonSet, and that does not exist."""
    operated.apply(kepler())
    operated.kubectl("delete", "pods", "--all")
    operated.patch("daemonset/kepler-exporter", {"spec": {"template": {"spec": {"priorityClassName": "missing"}}}})


def class_removed(offered: OfferedState) -> None:
    """Remove the field by the command that `explain` has for it; the controller then tries by itself."""
    offered.offers("(others set `spec.template.spec.priorityClassName`", "remove what others set by the commands of")
    offered.run("patch", "/spec/template/spec/priorityClassName")


PRIORITY = {"apiVersion": "scheduling.k8s.io/v1", "value": 1}
RUNTIME = {"apiVersion": "node.k8s.io/v1", "handler": "missing"}
CASES = (
    StepCase("PodsForbidden", PODS, closed, opened, leaves=("rollout",)),
    StepCase("QuotaExceeded", PODS, without_pods, quota_raised),
    StepCase("QuotaExceeded", PODS, limits_wanted, limits_set, name="limits", leaves=("rollout",)),
    StepCase("LimitRange", PODS, out_of_range, range_widened),
    StepCase("LimitRange", PODS, out_of_range, edited_both("resources", SMALL), name="less", leaves=("rollout",)),
    StepCase(
        "PriorityClassMissing",
        PODS,
        applied(both("priority-class", "missing")),
        edited_both("priority-class", "system-node-critical"),
        leaves=("rollout",),
    ),
    StepCase(
        "PriorityClassMissing",
        PODS,
        applied(both("priority-class", "missing")),
        class_created("PriorityClass", PRIORITY),
        name="create it",
        leaves=("rollout",),
    ),
    StepCase(
        "PriorityClassMissing", PODS[:1], classed_by_another, class_removed, name="of another", leaves=("rollout",)
    ),
    StepCase(
        "RuntimeClassMissing",
        PODS,
        applied(both("runtime-class", "missing")),
        edited_both("runtime-class", None),
        leaves=("rollout",),
    ),
    StepCase(
        "RuntimeClassMissing",
        PODS,
        applied(both("runtime-class", "missing")),
        class_created("RuntimeClass", RUNTIME),
        name="create it",
        leaves=("rollout",),
    ),
    StepCase("RefusedByPolicy", PODS, policy_on_pods, exempted, leaves=("rollout",)),
    StepCase("PodsNotCreated", PODS, uncounted, counted),
)
