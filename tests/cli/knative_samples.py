"""Objects of Knative as its controllers leave them, and clusters in which something of Knative is changed."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from cli import kinds
from cli.doctor.check import ClusterSnapshot
from cli.doctor.knative_health import BROKERS_CHANNEL, EVENTING
from cli.explanation.function_parts import Installation, Parts
from runtime.settings import VERSION
from tests.cli.installations import READY, changed, parts, put, ref

Change = Callable[[ClusterSnapshot], ClusterSnapshot]
CHANNEL_REF = ref(kinds.CHANNEL, BROKERS_CHANNEL)
IMAGE = f"kepler-on-knative:{VERSION}"
MISSING = (
    'Configuration "kepler-collector" does not have any ready Revision.',
    "RevisionMissing",
)


def status(**conditions: tuple[str, str, str]) -> dict[str, Any]:
    """A status with these conditions: status, reason, message."""
    return {
        "conditions": [
            {"type": kind, "status": value, "reason": reason, "message": message}
            for kind, (value, reason, message) in conditions.items()
        ]
    }


def trigger(part: str, message: str, *names: str) -> Change:
    """Triggers of these names are not Ready for a part of theirs, as Knative's controller would say it."""
    service_status = status(Ready=("False", part, message), **{part: ("False", part, message)})

    def spoil(seen: ClusterSnapshot) -> ClusterSnapshot:
        for name in names or ("kepler-collector",):
            seen = changed(ref(kinds.TRIGGER, name), put("status", service_status))(seen)
        return seen

    return spoil


def service(name: str = "kepler-collector", **more: Any) -> Parts:
    """A function with a Knative Service that is not Ready, as Serving v0.50 says it of one without a Revision."""
    message, reason = MISSING
    service_status = {**status(Ready=("False", reason, message)), "latestCreatedRevisionName": f"{name}-00001"}
    return Parts({"status": READY}, {"metadata": {"name": name}, "status": service_status, **more})


def functions(*names: str, pods: tuple[Mapping[str, Any], ...] = (), revisions: Any = ()) -> Change:
    """Functions of these names have no Revision that is Ready; what pods and Revisions there are."""
    spoilt = {name.replace("-", "_"): service(name) for name in names}
    return lambda seen: replace(seen, installed=Installation(parts=parts(**spoilt)), pods=pods, revisions=revisions)


def pod(name: str = "kepler-collector", **status: Any) -> dict[str, Any]:
    """A pod of a function, with this status."""
    return {
        "metadata": {"name": f"{name}-00001-x", "labels": {"serving.knative.dev/service": name}},
        "spec": {"containers": [{"name": "user-container", "image": IMAGE}]},
        "status": {"phase": "Pending", **status},
    }


def waiting(reason: str, message: str, **more: Any) -> dict[str, Any]:
    """The status of a pod with a container that waits."""
    state = {"waiting": {"reason": reason, "message": message}}
    return {"containerStatuses": [{"name": "user-container", "ready": False, "state": state, **more}]}


def ended(code: int, reason: str, message: str) -> dict[str, Any]:
    """The status of a pod with a container that ended, and is started again after a while."""
    last = {"terminated": {"exitCode": code, "reason": reason, "message": message}}
    return waiting("CrashLoopBackOff", "back-off 40s restarting failed container", lastState=last)


def revision(name: str = "kepler-collector", **conditions: tuple[str, str, str]) -> dict[str, Any]:
    """The first Revision of a function."""
    return {"metadata": {"name": f"{name}-00001"}, "status": status(**conditions)}


def webhook(service: str = "eventing-webhook", policy: str = "Fail", namespace: str = EVENTING) -> dict[str, Any]:
    """A configuration of Knative's, in which Triggers are shown to a webhook."""
    client = {"service": {"namespace": namespace, "name": service}}
    hook = {"clientConfig": client, "failurePolicy": policy, "rules": [{"resources": ["triggers", "brokers"]}]}
    return {"metadata": {"name": "validation.webhook.eventing.knative.dev"}, "webhooks": [hook]}


def endpoints(*, ready: bool) -> dict[str, Any]:
    """An EndpointSlice of Service 'eventing-webhook', with one endpoint."""
    labels = {"kubernetes.io/service-name": "eventing-webhook"}
    return {
        "metadata": {"namespace": EVENTING, "name": "eventing-webhook-x", "labels": labels},
        "endpoints": [{"conditions": {"ready": ready}}],
    }


def with_channel(seen: ClusterSnapshot, generation: int, observed: int) -> ClusterSnapshot:
    """The Broker's channel in this generation, of which Knative has taken up another."""
    channel = {
        "metadata": {"name": BROKERS_CHANNEL, "generation": generation},
        "status": {"observedGeneration": observed},
    }
    return replace(seen, objects={**seen.objects, CHANNEL_REF: channel})
