"""Functions driven by hand against a real API server: deliver an event, see what was asked and what came of it."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cloudevents.core.bindings.http import to_binary_event
from cloudevents.core.v1.event import CloudEvent

from events.report import Report
from events.types import RESOURCE_UPDATE, RESYNC_REQUESTED
from functions.function_catalogue import FUNCTIONS
from local.admin_client import ObjectNotFound
from local.layout import ROOT
from local.stack import Stack
from operands import namespaces
from runtime.client import ApiResponse, Request, Transport, path
from runtime.event import Event, decode
from runtime.objects import KEPLER, MACHINE_CONFIG, Kind, Manifest, Ref
from runtime.receive import Received, Reconciler
from runtime.settings import NAMESPACE
from runtime.transport import connect
from tests.as_kubectl import NAMED, KubectlRequests

ALL = {function.name: function for function in FUNCTIONS}
# Those that a Kepler wakes: what a test of "every function" drives with one.
BY_NAME = {name: function for name, function in ALL.items() if function.parent == KEPLER}


@dataclass
class Recorder:
    """A transport that remembers what went through it."""

    send: Transport
    requests: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> ApiResponse:
        self.requests.append(request)
        return self.send(request)

    def take(self) -> list[Request]:
        """What was asked since the last time."""
        taken, self.requests = self.requests, []
        return taken


class Workbench:
    """One namespace, and every function at hand."""

    def __init__(self, stack: Stack, namespace: str) -> None:
        self.stack = stack
        self.namespace = namespace
        self._user = KubectlRequests(stack)
        self.recorders = {function.name: Recorder(transport(stack, function.manager)) for function in FUNCTIONS}

    def apply(self, *manifests: Manifest) -> None:
        """As a user applies them with kubectl, one after the other."""
        for manifest in manifests:
            self._user.apply(self.namespace, manifest)

    def patch(self, what: str, change: Manifest, *, subresource: str = "") -> None:
        """`kubectl patch --type merge`."""
        self._user.patch(self.namespace, what, change, subresource=subresource)

    def apply_sample(self, name: str) -> None:
        """Apply the samples and then the one called `name`, as its comment says, in this namespace; let all settle."""
        for folder in ("config/samples", f"config/samples/{name}"):
            rendered = self.stack.kubectl("kustomize", str(ROOT / folder))
            self.stack.kubectl("apply", "-f", "-", stdin=rendered.replace("kepler-system", self.namespace))
        self.settle(self.namespace)

    def delete(self, what: str) -> None:
        """`kubectl delete`, in the background."""
        self._user.delete(self.namespace, what)

    def get(self, what: str) -> Any:
        """The object by `resource/name`, or None; the resource is a plural, with its group or without, or a kind."""
        resource, _, name = what.partition("/")
        kind = NAMED[resource.lower()]
        try:
            return self.stack.api.get(path(kind, self.namespace if kind.namespaced else "", name))
        except ObjectNotFound:
            return None

    def kepler(self, name: str = "kepler") -> Any:
        """The Kepler as it is."""
        return self.get(f"keplers.sustainable-computing.io/{name}")

    def conditions(self, name: str = "kepler") -> dict[str, Mapping[str, Any]]:
        """Its conditions by type."""
        return {
            condition["type"]: condition
            for condition in (self.kepler(name).get("status") or {}).get("conditions") or []
        }

    def roll_out(self, desired: int = 1, current: int = 1, available: int = 1) -> None:
        """What the DaemonSet's controller writes, which does not run beside this API server: so many pods."""
        generation = self.get("daemonset/kepler-exporter")["metadata"]["generation"]
        counts = {"desiredNumberScheduled": desired, "currentNumberScheduled": current, "numberAvailable": available}
        more = {"updatedNumberScheduled": current, "numberMisscheduled": 0, "numberReady": available}
        status = {"observedGeneration": generation, **counts, **more}
        self.patch("daemonset/kepler-exporter", {"status": status}, subresource="status")

    def wake(self, function: str, event: Event) -> Received:
        """One event to one function, and to the same one what it sends to itself: a request for each object."""
        sent: list[CloudEvent] = []
        reconciler = Reconciler(ALL[function], self.recorders[function], sink=sent.append)
        results = [reconciler(event)]
        results += [reconciler(received(event)) for event in sent]
        reports = tuple(report for result in results for report in result.reports)
        return Received(reports, sum(result.calls for result in results))

    def resync(self, function: str, name: str = "kepler") -> Received:
        """`resync.requested` for a Kepler to one function."""
        return self.wake(function, resync(self.namespace, name))

    def settle(self, name: str = "kepler") -> int:
        """Every function in turn until none writes; the number of writes that took."""
        return rest(lambda: [report for function in BY_NAME for report in self.resync(function, name).reports])

    def settle_machine(self, name: str = "machines") -> int:
        """The same for a KeplerMachineConfig, which is in no namespace, and the functions that it wakes."""
        event = resync("", name, MACHINE_CONFIG)
        return rest(lambda: self.wake("machine_config", event).reports)

    def asked(self, function: str) -> list[Request]:
        """What a function asked of the API server since the last time."""
        return self.recorders[function].take()

    def events(self, what: str) -> Iterator[Event]:
        """An update event of an object, as ApiServerSource would send it now."""
        yield update(self.get(what))


def rest(turn: Callable[[], Iterable[Report]]) -> int:
    """Turn after turn until one writes nothing; the number of writes until then."""
    writes = 0
    for _ in range(10):
        written = sum(len(report.changes) for report in turn())
        if not written:
            return writes
        writes += written
    raise AssertionError("the functions do not come to rest")


def create_namespace(
    stack: Stack,
    name: str,
    labels: Mapping[str, str] = namespaces.LABELS,
    annotations: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """A namespace that allows privileged pods, unless other labels are given."""
    metadata = {"name": name, "labels": dict(labels), "annotations": dict(annotations)}
    stack.api.create("/api/v1/namespaces", {"metadata": metadata})


@functools.cache
def transport(stack: Stack, manager: str) -> Transport:
    """A function's way to the API server, with the token of its own ServiceAccount: one for all tests of a stack."""
    kubeconfig = stack.kubeconfig_for(NAMESPACE, manager)
    return connect({"KUBECONFIG": str(kubeconfig)}, user_agent=f"{manager}/test")


def received(event: CloudEvent) -> Event:
    """An event of ours as a function gets it."""
    message = to_binary_event(event)
    return decode(dict(message.headers), message.body)


def resync(namespace: str, name: str, kind: Kind = KEPLER) -> Event:
    """A `resync.requested` event."""
    return Event(
        id=f"resync-{namespace}-{name}",
        type=RESYNC_REQUESTED,
        source="/tests",
        subject="",
        api_version=kind.api_version,
        kind=kind.name,
        namespace=namespace,
        name=name,
        object={},
        data={},
    )


def update(manifest: Manifest, kind: str = RESOURCE_UPDATE) -> Event:
    """An event about an object, in ApiServerSource's Resource mode."""
    meta = manifest["metadata"]
    return Event(
        id=f"{meta['uid']}-{meta['resourceVersion']}",
        type=kind,
        source="https://127.0.0.1",
        subject=f"/apis/{manifest['apiVersion']}/namespaces/{meta.get('namespace', '')}/x/{meta['name']}",
        api_version=manifest["apiVersion"],
        kind=manifest["kind"],
        namespace=meta.get("namespace", ""),
        name=meta["name"],
        object=manifest,
        data=manifest,
    )


def kepler(name: str = "kepler", **spec: Any) -> dict[str, Any]:
    """A Kepler with this spec; words are joined by hyphens."""
    fields = {field.replace("_", "-"): value for field, value in spec.items()}
    return {"apiVersion": KEPLER.api_version, "kind": KEPLER.name, "metadata": {"name": name}, "spec": fields}


def key(namespace: str, name: str = "kepler") -> Ref:
    """The Kepler's reference."""
    return Ref(KEPLER, namespace, name)
