"""Checks Knative itself: its version, its webhooks, and the CPU and state of the channel that carries events. Pure."""

import re
from collections.abc import Iterator

from audit.answers.checks import Check, fail, summed, warn
from cli import kinds
from cli.doctor.check import ClusterSnapshot, listed
from cli.doctor.expected import Overlay
from installation import wiring
from runtime.objects import CRD, DEPLOYMENT, Manifest, generation, metadata, name

AREA = "knative"
NAMESPACES = EVENTING, SERVING = "knative-eventing", "knative-serving"
# Part of Knative -> a CRD that it always has.
DEFINITIONS = {
    "Knative Eventing": "triggers.eventing.knative.dev",
    "Knative Serving": "services.serving.knative.dev",
}
OF_VERSION = "app.kubernetes.io/version"
# The oldest release that is supported (README.md); its modules are v0.50.
OLDEST = (1, 21)
OLDEST_MODULES = (0, 50)
# The in-memory channel: the first passes events on, the second creates channels. The official manifests
# (eventing v0.50:config/channels/in-memory-channel/deployments) have no CPU request for them.
CHANNEL = ("imc-dispatcher", "imc-controller")
# The name that the Broker's controller gives its channel (eventing v0.50:pkg/reconciler/broker/resources/channel.go).
BROKERS_CHANNEL = f"{wiring.BROKER}-kne-trigger"
OF_SLICE = "kubernetes.io/service-name"
# An admission webhook: namespace and name of its Service.
Asked = tuple[str, str]


def knative(snapshot: ClusterSnapshot) -> Iterator[Check]:
    """Check Knative where it is installed; `events` and `functions` report a part that is missing."""
    checks = [*_versions(snapshot), *_webhooks(snapshot), *_channel(snapshot)]
    there = [called for called in DEFINITIONS if not absent(snapshot, called)]
    if checks or there:
        yield from summed(AREA, checks, f"{' and '.join(there)}: not too old, and every webhook has an endpoint")


def _versions(snapshot: ClusterSnapshot) -> Iterator[Check]:
    for called, definition in DEFINITIONS.items():
        there = snapshot.find(CRD.name, definition)
        if not snapshot.may_see(CRD.name, definition):
            yield warn(AREA, f"you may not read the definitions of {called}", "ask for `get customresourcedefinitions`")
        elif there is not None and (version := _too_old(there)):
            sentence = f"{called} is of version {version}; {'.'.join(map(str, OLDEST))} is the oldest that is supported"
            yield warn(AREA, sentence, "upgrade it, one minor version after another: https://knative.dev/docs/install")


def _too_old(definition: Manifest) -> str:
    """Return the version of an object if it is older than supported; empty if it is newer or unknown."""
    version = str((metadata(definition).get("labels") or {}).get(OF_VERSION) or "")
    numbers = re.match(r"v?(\d{1,4})\.(\d{1,4})", version)
    if numbers is None:
        return ""
    major, minor = (int(part) for part in numbers.groups())
    oldest = OLDEST if major else OLDEST_MODULES
    return version if (major, minor) < oldest else ""


def _webhooks(snapshot: ClusterSnapshot) -> Iterator[Check]:
    if snapshot.webhooks is None:
        ask = "ask for `list validatingwebhookconfigurations,mutatingwebhookconfigurations`"
        yield warn(AREA, "you may not read Knative's admission webhooks", ask)
        return
    asked = required(snapshot.webhooks)
    if asked and snapshot.endpoints is None:
        ask = f"ask for `list endpointslices.discovery.k8s.io` in namespaces {EVENTING} and {SERVING}"
        yield warn(AREA, "you may not read whether Knative's admission webhooks have endpoints", ask)
        return
    ready = {_service(endpoint) for endpoint in snapshot.endpoints or () if _ready(endpoint)}
    for (namespace, service), resources in asked.items():
        if (namespace, service) not in ready:
            sentence = (
                f"webhook '{service}' in namespace '{namespace}' has no ready endpoint, and the API server refuses "
                f"every change of {listed(sorted(resources))} (`failurePolicy: Fail`)"
            )
            do = f"kubectl -n {namespace} get pods; kubectl -n {namespace} describe service {service}"
            yield fail(AREA, sentence, do)


def required(webhooks: tuple[Manifest, ...]) -> dict[Asked, set[str]]:
    """Return Knative's Services without which the API server refuses changes, and the resources that each covers.

    `failurePolicy` is `Fail` if it is left out (admissionregistration.k8s.io/v1).
    """
    kinds: dict[Asked, set[str]] = {}
    for hook in (webhook for configuration in webhooks for webhook in configuration.get("webhooks") or ()):
        service = (hook.get("clientConfig") or {}).get("service") or {}
        if service.get("namespace") in (EVENTING, SERVING) and hook.get("failurePolicy") in (None, "Fail"):
            resources = kinds.setdefault((service["namespace"], service["name"]), set())
            resources |= {resource for rule in hook.get("rules") or () for resource in rule.get("resources") or ()}
    return kinds


def _service(endpoint_slice: Manifest) -> Asked:
    meta = metadata(endpoint_slice)
    return str(meta.get("namespace", "")), str((meta.get("labels") or {}).get(OF_SLICE, ""))


def _ready(endpoint_slice: Manifest) -> bool:
    """Return whether an EndpointSlice has a ready endpoint; one without `ready` is ready (discovery.k8s.io/v1)."""
    conditions = ((endpoint.get("conditions") or {}) for endpoint in endpoint_slice.get("endpoints") or ())
    return any(condition.get("ready") is not False for condition in conditions)


def _channel(snapshot: ClusterSnapshot) -> Iterator[Check]:
    if Overlay.KAFKA in snapshot.overlays:
        return
    yield from _routed(snapshot)
    hidden = [deployment_name for deployment_name in CHANNEL if not snapshot.may_see(DEPLOYMENT.name, deployment_name)]
    if hidden:
        sentence = f"you may not read Deployments {listed(hidden)} in namespace '{EVENTING}'"
        yield warn(AREA, sentence, f"ask for `get deployments.apps` in namespace '{EVENTING}'")
    there = [
        deployment for deployment_name in CHANNEL if (deployment := snapshot.find(DEPLOYMENT.name, deployment_name))
    ]
    if starved := [name(deployment) for deployment in there if not _requests_cpu(deployment)]:
        sentence = (
            f"{listed(starved)} of the in-memory channel {'have' if len(starved) > 1 else 'has'} no CPU request: many "
            "functions that start at once starve it, and events are lost until the next sweep"
        )
        do = f"kubectl -n {EVENTING} set resources deployment {' '.join(starved)} --requests=cpu=100m"
        yield warn(AREA, sentence, do)


def _routed(snapshot: ClusterSnapshot) -> Iterator[Check]:
    """Yield a failure if the dispatcher's routes are older than the Triggers; all of them are Ready nevertheless.

    The dispatcher ignores a channel whose status is behind its spec, and a controller that was starved or restarted may
    have left it in that state.
    """
    channel = snapshot.find(kinds.CHANNEL.name, BROKERS_CHANNEL)
    if channel is None:
        return
    observed = int((channel.get("status") or {}).get("observedGeneration") or 0)
    if observed < generation(channel):
        sentence = (
            f"InMemoryChannel '{BROKERS_CHANNEL}' is of generation {generation(channel)}, and Knative has taken up "
            f"{observed}: events may reach no function, although Broker and Triggers are Ready"
        )
        yield fail(AREA, sentence, f"kubectl -n {EVENTING} rollout restart deployment {' '.join(reversed(CHANNEL))}")


def _requests_cpu(deployment: Manifest) -> bool:
    """Return whether every container has a CPU request, or a limit, which counts as one."""
    template = (deployment.get("spec") or {}).get("template") or {}
    resources = [container.get("resources") or {} for container in (template.get("spec") or {}).get("containers") or ()]
    return all(
        "cpu" in {**(resource.get("limits") or {}), **(resource.get("requests") or {})} for resource in resources
    )


def absent(snapshot: ClusterSnapshot, called: str) -> bool:
    """Return whether a part of Knative is not installed; False if the user may not read that."""
    return snapshot.may_see(CRD.name, DEFINITIONS[called]) and snapshot.find(CRD.name, DEFINITIONS[called]) is None
