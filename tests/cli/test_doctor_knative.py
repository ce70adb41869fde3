"""What `doctor` says of Knative's objects that are not Ready, and of Knative itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from cli import kinds
from cli.doctor.knative_health import CHANNEL, DEFINITIONS, EVENTING, OF_VERSION
from cli.explanation.function_parts import Installation, Parts
from runtime.objects import CRD, DEPLOYMENT, Ref
from runtime.settings import VERSION
from tests.cli.installations import READY, changed, deployment, parts, put, ref, troubles, well, without
from tests.cli.knative_samples import (
    IMAGE,
    MISSING,
    Change,
    ended,
    endpoints,
    functions,
    pod,
    revision,
    status,
    trigger,
    waiting,
    webhook,
    with_channel,
)

COLLECTOR = ref(kinds.TRIGGER, "kepler-collector")


@dataclass(frozen=True)
class KnativeCase:
    """What is wrong, and the one line that says so: its level, what it contains and what it advises."""

    does: str
    spoilt: Change
    level: str
    says: str
    do: str


ANNOTATE = "kubectl -n kepler-operator annotate trigger --all kepler.io/seen=1 --overwrite"
UNPULLED = 'Back-off pulling image "kepler-on-knative:0.1.0": ErrImagePull: not found'
NO_CPU = "0/1 nodes are available: 1 Insufficient cpu."
NO_SETTING = "runtime.errors.Misconfigured: no sink to send events to"
CASES = [
    KnativeCase(
        "subscriber that waits for its back-off",
        trigger("SubscriberResolved", "address not set for Kind = Service"),
        "fail",
        "Trigger 'kepler-collector' is not Ready: Knative waits for its own back-off (up to 17 minutes) to look up the "
        "subscriber again: address not set for Kind = Service",
        ANNOTATE,
    ),
    KnativeCase(
        "dead-letter sink that waits for its back-off",
        trigger("DeadLetterSinkResolved", "address not set", "kepler-collector", "kepler-status"),
        "fail",
        "2 Triggers ('kepler-collector', 'kepler-status') are not Ready: Knative waits for its own back-off",
        ANNOTATE,
    ),
    KnativeCase(
        "broker that is not ready",
        trigger("BrokerReady", "ingress is not Ready"),
        "fail",
        "Trigger 'kepler-collector' is not Ready: neither is Broker 'default': ingress is not Ready",
        "kubectl -n kepler-operator describe broker default",
    ),
    KnativeCase(
        "subscription that is not ready",
        trigger("SubscriptionReady", "channel is not Ready"),
        "fail",
        "`SubscriptionReady`: channel is not Ready",
        "kubectl -n kepler-operator describe trigger kepler-collector",
    ),
    KnativeCase(
        "Trigger that no controller has seen",
        changed(COLLECTOR, put("status", {})),
        "fail",
        "no controller has set its status",
        "logs deployment/eventing-controller",
    ),
    KnativeCase(
        "image that cannot be pulled",
        functions(
            "kepler-collector",
            "kepler-status",
            pods=(
                pod(**waiting("ImagePullBackOff", UNPULLED)),
                pod("kepler-status", **waiting("ErrImagePull", "not found")),
            ),
        ),
        "fail",
        f"2 Knative Services ('kepler-collector', 'kepler-status') are not Ready: image '{IMAGE}' cannot be pulled "
        f"(ImagePullBackOff: {UNPULLED})",
        "name it by `images` in your overlay",
    ),
    KnativeCase(
        "image without a digest",
        functions(
            "kepler-collector",
            revisions=(
                revision(ContainerHealthy=("False", "ContainerMissing", f'Unable to fetch image "{IMAGE}": 401')),
            ),
        ),
        "fail",
        f'its image cannot be pulled (ContainerMissing: Unable to fetch image "{IMAGE}": 401)',
        "imagePullSecrets",
    ),
    KnativeCase(
        "container that exits",
        functions("kepler-collector", pods=(pod(**ended(1, "Error", NO_SETTING)),)),
        "fail",
        f"container 'user-container' exits with code 1: {NO_SETTING}",
        "kubectl -n kepler-operator logs kepler-collector-00001-x -c user-container --previous",
    ),
    KnativeCase(
        "container that needs more memory",
        functions("kepler-collector", pods=(pod(**ended(137, "OOMKilled", "")),)),
        "fail",
        "container 'user-container' needed more memory than its limit",
        "resources.limits.memory",
    ),
    KnativeCase(
        "container without its Secret",
        functions("kepler-audit", pods=(pod("kepler-audit", **waiting("CreateContainerConfigError", "no secret")),)),
        "fail",
        "container 'user-container' cannot start (CreateContainerConfigError: no secret)",
        "describe pod kepler-audit-00001-x",
    ),
    KnativeCase(
        "pod without room",
        functions(
            "kepler-collector", pods=(pod(**status(PodScheduled=("False", "Unschedulable", f"{NO_CPU} preemption"))),)
        ),
        "fail",
        f"Knative Service 'kepler-collector' is not Ready: a pod cannot be scheduled: {NO_CPU}",
        "add a node",
    ),
    KnativeCase(
        "pod without room, of a Service that was Ready before",
        lambda seen: replace(seen, pods=(pod(**status(PodScheduled=("False", "Unschedulable", NO_CPU))),)),
        "warn",
        f"Knative Service 'kepler-collector': a pod cannot be scheduled: {NO_CPU}",
        "add a node",
    ),
    KnativeCase(
        "Revision that failed",
        functions(
            "kepler-collector", revisions=(revision(ResourcesAvailable=("False", "FailedCreate", "exceeded quota")),)
        ),
        "fail",
        "its newest Revision does not run (FailedCreate: exceeded quota)",
        "kubectl -n kepler-operator describe revision kepler-collector-00001",
    ),
    KnativeCase(
        "Service that says no more",
        functions("kepler-collector"),
        "fail",
        MISSING[0],
        "kubectl -n kepler-operator describe ksvc kepler-collector",
    ),
    KnativeCase(
        "Revisions that may not be read",
        lambda seen: replace(seen, revisions=None),
        "warn",
        "you may not read the functions' Revisions",
        "ask for `list revisions.serving.knative.dev` in namespace 'kepler-operator'",
    ),
    KnativeCase(
        "pods that may not be read",
        lambda seen: replace(seen, pods=None),
        "warn",
        "you may not read the functions' pods",
        "ask for `list pods` in namespace 'kepler-operator'",
    ),
    KnativeCase(
        "no Knative Serving",
        lambda seen: without(Ref(CRD, "", DEFINITIONS["Knative Serving"]))(
            replace(seen, installed=Installation(parts=dict.fromkeys(parts(), Parts({"status": READY}, serving=False))))
        ),
        "fail",
        "the cluster has no Knative Serving: no function can run",
        "https://knative.dev/docs/install",
    ),
    KnativeCase(
        "an old Knative",
        changed(Ref(CRD, "", DEFINITIONS["Knative Eventing"]), put("metadata.labels", {OF_VERSION: "1.16.3"})),
        "warn",
        "Knative Eventing is of version 1.16.3; 1.21 is the oldest that is supported",
        "upgrade it",
    ),
    KnativeCase(
        "dispatcher without a CPU request",
        changed(Ref(DEPLOYMENT, EVENTING, CHANNEL[0]), lambda part: part.update(deployment(CHANNEL[0], {}))),
        "warn",
        "'imc-dispatcher' of the in-memory channel has no CPU request",
        "kubectl -n knative-eventing set resources deployment imc-dispatcher --requests=cpu=100m",
    ),
    KnativeCase(
        "a dispatcher that may not be read",
        lambda seen: replace(seen, hidden=frozenset({Ref(DEPLOYMENT, EVENTING, CHANNEL[0])})),
        "warn",
        "you may not read Deployments 'imc-dispatcher' in namespace 'knative-eventing'",
        "ask for `get deployments.apps`",
    ),
    KnativeCase(
        "a channel that the dispatcher has not taken up",
        lambda seen: with_channel(seen, generation=3, observed=2),
        "fail",
        "InMemoryChannel 'default-kne-trigger' is of generation 3, and Knative has taken up 2: events may reach no "
        "function, although Broker and Triggers are Ready",
        "kubectl -n knative-eventing rollout restart deployment imc-controller imc-dispatcher",
    ),
    KnativeCase(
        "a webhook that is away",
        lambda seen: replace(seen, webhooks=(webhook(),), endpoints=(endpoints(ready=False),)),
        "fail",
        "webhook 'eventing-webhook' in namespace 'knative-eventing' has no ready endpoint, and the API server refuses "
        "every change of 'brokers', 'triggers' (`failurePolicy: Fail`)",
        "kubectl -n knative-eventing get pods",
    ),
    KnativeCase(
        "webhooks that may not be read",
        lambda seen: replace(seen, webhooks=None),
        "warn",
        "you may not read Knative's admission webhooks",
        "ask for `list validatingwebhookconfigurations,mutatingwebhookconfigurations`",
    ),
    KnativeCase(
        "endpoints that may not be read",
        lambda seen: replace(seen, webhooks=(webhook(),), endpoints=None),
        "warn",
        "you may not read whether Knative's admission webhooks have endpoints",
        "ask for `list endpointslices.discovery.k8s.io`",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.does)
def test_a_trouble_of_the_cluster_is_one_line(case: KnativeCase) -> None:
    """It says what is wrong and what to do, and nothing else is reported."""
    lines = troubles(case.spoilt(well()))
    matching = [line for line in lines if case.says in line.says]
    assert [check.level for check in matching] == [case.level], lines
    assert case.do in matching[0].do
    assert len(lines) == 1, lines


QUIET: Mapping[str, Change] = {
    "a webhook with an endpoint": lambda seen: replace(
        seen, webhooks=(webhook(),), endpoints=(endpoints(ready=False), endpoints(ready=True))
    ),
    "a webhook that may fail": lambda seen: replace(seen, webhooks=(webhook(policy="Ignore"),)),
    "somebody else's webhook": lambda seen: replace(seen, webhooks=(webhook(namespace="cert-manager"),)),
    "a container that starts": lambda seen: replace(seen, pods=(pod(**waiting("ContainerCreating", "")),)),
    "a pod that ends": lambda seen: replace(seen, pods=(pod(**ended(137, "Error", ""), phase="Failed"),)),
    "a development version": changed(
        Ref(CRD, "", DEFINITIONS["Knative Eventing"]), put("metadata.labels", {OF_VERSION: "devel"})
    ),
    "a channel that is as it should be": lambda seen: with_channel(seen, generation=3, observed=3),
    "no in-memory channel": lambda seen: without(Ref(DEPLOYMENT, EVENTING, CHANNEL[0]))(
        without(Ref(DEPLOYMENT, EVENTING, CHANNEL[1]))(seen)
    ),
}


@pytest.mark.parametrize("change", QUIET.values(), ids=QUIET)
def test_what_is_no_trouble_is_not_reported(change: Change) -> None:
    """Pods that start or end, webhooks that answer, and what nobody needs."""
    assert troubles(change(well())) == []


def test_a_version_that_differs_is_told_once_for_all_functions() -> None:
    """As after an upgrade of the functions, or of this program alone."""
    by_name = dict(parts())
    for part in by_name.values():
        assert part.service is not None
        part.service["metadata"]["labels"][OF_VERSION] = "0.0.9"
    [line] = troubles(replace(well(), installed=Installation(parts=by_name)))
    assert line.level == "warn"
    assert line.says.endswith(f" and 9 more are of version 0.0.9, this program of {VERSION}")
    assert "install `kubectl kepler` of version 0.0.9" in line.do
