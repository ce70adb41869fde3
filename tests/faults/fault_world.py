"""One namespace on a real API server, its events, and whoever wakes on them: one thing at a time, in a fixed order.

What Knative does here is what it does in a cluster, without its threads: a change becomes an event, the Triggers say
whom it wakes, a delivery that fails is tried again, and what is given up is a dead letter. So a run can be repeated to
the letter, and a fault put at any request or delivery of it.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from cloudevents.core.bindings.http import to_binary_event
from cloudevents.core.v1.event import CloudEvent

from events.types import PING, RESYNC_REQUESTED
from functions.function_catalogue import FUNCTIONS
from local.admin_client import AdminClient, ObjectNotFound
from local.stack import Stack
from operands import namespaces
from runtime import objects
from runtime.client import ApiResponse, Request, Transport, path
from runtime.declaration import Function
from runtime.errors import ApiError
from runtime.event import Event, decode
from runtime.objects import Manifest, Ref, controller, metadata, resource_version, terminates, uid
from runtime.receive import Receiver
from sweeper.sweep_run import Sweep
from tests.as_kubectl import KINDS, KubectlRequests
from tests.faults.cluster_rules import event_of, rolled_out
from tests.faults.destinations import PATIENCE, Destination, Form, destinations, process, transports
from tests.faults.traffic import Delivery, Died, ObservedRequest, ObservedWrite, addressed, changes
from tests.workbench import transport

# As the generated Triggers say: after this many tries, an event is a dead letter.
TRIES = 6
# A scenario here comes to rest after a hundred deliveries or two.
MOST = 3000

Tap = TypeVar("Tap", bound=Transport)

# What happens instead of one request of a delivery; the last argument would carry it out.
Fault = Callable[["FaultWorld", Delivery, Request, Transport], ApiResponse]


@dataclass
class FaultWorld:
    """Everything there is, and everything that is on its way.

    `at` and `fault` put a fault at one request of the run, counted from 0; `reroute` may change what is delivered,
    given its number. `form` is how the functions are installed. `refused` is an object of which a policy takes no
    write. `installed` is what is there before anybody does anything, and stays. `check` is asked after each write
    whether anything is wrong; what it says is a defect.
    """

    stack: Stack
    namespace: str
    installed: tuple[Ref, ...] = ()
    functions: tuple[Function, ...] = FUNCTIONS
    form: Form = Form.BASE
    at: int = -1
    fault: Fault | None = None
    reroute: Callable[[int, Delivery], Iterable[Delivery]] | None = None
    patience: float = PATIENCE
    check: Callable[["FaultWorld"], Iterable[str]] = lambda _: ()
    objects: dict[Ref, Manifest] = field(default_factory=dict)
    queue: deque[Delivery] = field(default_factory=deque)
    asked: list[ObservedRequest] = field(default_factory=list)
    writes: list[ObservedWrite] = field(default_factory=list)
    letters: list[Delivery] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    delivered: int = 0
    offered: int = 0
    postponed: list[Delivery] = field(default_factory=list)
    unheard: Destination | None = None
    refused: Ref | None = None
    _sends: dict[str, Transport] = field(default_factory=dict)
    _sweeping: Transport = field(init=False)
    _user: KubectlRequests = field(init=False)
    _destinations: tuple[Destination, ...] = field(init=False)
    _processes: dict[str, Receiver] = field(default_factory=dict)
    _delivering: Delivery | None = None
    _failing: Delivery | None = None
    _changed: list[tuple[Function, Ref]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._destinations = destinations(self.form, self.functions)
        self._sends = transports(self.stack, self.form, self.functions)
        self._sweeping = transport(self.stack, "kepler-sweep")
        self._user = KubectlRequests(self.stack)
        for ref in self.installed:
            self.look(ref)
        self.queue.clear()  # what is there before anybody watches has no event
        self.begin()
        self.restart()

    @property
    def api(self) -> AdminClient:
        """The API server, as its administrator."""
        return self.stack.api

    def restart(self) -> None:
        """New processes for every function: none remembers anything."""
        self._processes = self._started()

    def _started(self) -> dict[str, Receiver]:
        return {destination.name: self._process(destination) for destination in self._destinations}

    def _process(self, destination: Destination) -> Receiver:
        def ask(function: Function) -> Transport:
            return partial(self._ask, function)

        return process(destination, ask, self.receive, lambda: self.patience)

    def tap(self, tapping: Callable[[Transport], Tap]) -> dict[str, Tap]:
        """Puts something between the functions, the sweep too, and the API server; by their managers' names."""
        taps = {function.manager: tapping(self._sends[function.name]) for function in self.functions}
        self._sends = {function.name: taps[function.manager] for function in self.functions}
        taps["kepler-sweep"] = self._sweeping = tapping(self._sweeping)
        return taps

    def begin(self) -> None:
        """From here on requests, writes and deliveries are counted anew."""
        self.asked, self.writes, self.letters, self.defects, self.postponed = [], [], [], [], []
        self.delivered = self.offered = 0

    def disarm(self) -> None:
        """No faults from here on."""
        self.at, self.fault, self.reroute, self.patience, self.refused = -1, None, None, PATIENCE, None

    def clear(self) -> None:
        """Nothing is left, and nobody remembers anything."""
        self.disarm()
        self.queue.clear()
        self.begin()
        for ref in [*self.objects]:
            if ref not in self.installed:
                self.delete(ref)
        self.patch(Ref(objects.NAMESPACE, "", self.namespace), {"metadata": {"labels": namespaces.LABELS}})
        self.drain()
        self.begin()
        self.restart()

    # What a user and the cluster do.

    def apply(self, manifest: Manifest) -> None:
        """A user's `kubectl apply --server-side` of the whole object."""
        kind = next(
            kind for kind in KINDS if kind.name == manifest["kind"] and kind.api_version == manifest["apiVersion"]
        )
        ref = Ref(kind, self.namespace if kind.namespaced else "", manifest["metadata"]["name"])
        self.note("user", Request("PATCH", path(kind, ref.namespace, ref.name)), ref, self._applied(ref, manifest))

    def _applied(self, ref: Ref, manifest: Manifest, subresource: str = "") -> Manifest:
        return self.api.apply(path(ref.kind, ref.namespace, ref.name, subresource), {**manifest})

    def patch(self, ref: Ref, change: Mapping[str, Any], by: str = "user") -> None:
        """A user's `kubectl patch --type merge`."""
        what = f"{ref.kind.plural}.{ref.kind.group}".rstrip(".") + f"/{ref.name}"
        self._user.patch(self.namespace, what, change)
        self.look(ref, by)

    def delete(self, ref: Ref, by: str = "user") -> None:
        """A user's `kubectl delete`, in the background."""
        if ref in self.objects:
            where = path(ref.kind, ref.namespace, ref.name)
            self.api.delete(where)
            self.note(by, Request("DELETE", where), ref, self.read(ref))

    def collect_garbage(self) -> None:
        """As the garbage collector does: what was owned by something that is gone goes, too."""
        alive = {uid(manifest) for manifest in self.objects.values()}
        for ref, manifest in [*self.objects.items()]:
            owner = controller(manifest)
            if owner and owner.uid not in alive:
                self.delete(ref, by="garbage collector")

    def release_claims(self) -> None:
        """As the controller that protects claims does: one that is deleted and that no pod uses may go."""
        for ref, manifest in [*self.objects.items()]:
            if ref.kind is objects.PERSISTENT_VOLUME_CLAIM and terminates(manifest):
                self.patch(ref, {"metadata": {"finalizers": None}}, by="controller")

    def roll_out(self) -> None:
        """As the controllers of workloads do: what was asked for runs on two nodes."""
        for ref, manifest in [*self.objects.items()]:
            if body := rolled_out(ref, manifest):
                after = self._applied(ref, body, "status")
                self.note("controller", Request("PATCH", path(ref.kind, ref.namespace, ref.name, "status")), ref, after)

    def look(self, ref: Ref, by: str = "user") -> None:
        """Takes note of what somebody has done to an object by other means."""
        self.note(by, Request("PATCH", path(ref.kind, ref.namespace, ref.name)), ref, self.read(ref))

    def read(self, ref: Ref) -> Manifest | None:
        """An object as the API server has it."""
        try:
            return self.api.get(path(ref.kind, ref.namespace, ref.name))
        except ObjectNotFound:
            return None

    # What Knative does.

    def note(self, by: str, request: Request, ref: Ref, after: Manifest | None) -> None:
        """A request was carried out: where it changed something, whoever wakes on that is sent an event."""
        before = self.objects.get(ref)
        if (before and resource_version(before)) == (after and resource_version(after)):
            return
        if after is None:
            self.objects.pop(ref, None)
        else:
            after = {"apiVersion": ref.kind.api_version, "kind": ref.kind.name, **after}
            self.objects[ref] = after
        self.writes.append(ObservedWrite(request, by, ref, before, after))
        self.defects += self.check(self)
        if event := event_of(ref, before, after):
            self.send(event)

    def send(self, event: Event) -> None:
        """To whomever the Triggers let it through."""
        for destination in self._destinations:
            if destination is not self.unheard and destination.is_for(event):
                self._enqueue(Delivery(destination, event))

    def receive(self, event: CloudEvent) -> None:
        """An event that a function has sent to the Broker."""
        message = to_binary_event(event)
        self.send(decode(message.headers, message.body))

    def _enqueue(self, delivery: Delivery) -> None:
        number, self.offered = self.offered, self.offered + 1
        self.queue.extend([delivery] if self.reroute is None else self.reroute(number, delivery))

    def drain(self) -> None:
        """Everything that is on its way, and what comes of it, until nothing moves."""
        while True:
            while self.queue:
                self.deliver(self.queue.popleft(), self._processes)
            for control in (self.roll_out, self.release_claims, self.collect_garbage):
                if not self.queue:
                    control()
            if not self.queue:
                self.queue.extend(self.postponed)
                self.postponed = []
            if not self.queue:
                return

    def meanwhile(self, most: int = MOST) -> None:
        """While one process is in the middle of its work, others get what is on its way: so many deliveries at most."""
        others = self._started()
        held = self._delivering, self._failing, self._changed
        while self.queue and most:
            most -= 1
            self.deliver(self.queue.popleft(), others)
        self._delivering, self._failing, self._changed = held

    def sweep(self) -> int:
        """One sweep; how many reconciles it asked for, of this namespace's and of the whole cluster's objects."""
        asked: list[Event] = []

        def sink(event: CloudEvent) -> None:
            message = to_binary_event(event)
            asked.append(decode(message.headers, message.body))

        ping = Event("ping", PING, "/tests", "", "", "", "", "", {}, {})
        Sweep(self.functions, self._sweeping, sink)(ping)
        ours = [
            manifest
            for manifest in asked
            if manifest.type == RESYNC_REQUESTED and manifest.namespace in ("", self.namespace)
        ]
        for write in ours:
            self.send(write)
        return len(ours)

    def deliver(self, delivery: Delivery, processes: Mapping[str, Receiver]) -> None:
        """One event to one process; where that fails or dies, it is sent again."""
        self.delivered += 1
        assert self.delivered < MOST, f"no rest after {MOST} deliveries; the last: {delivery}"
        self._delivering, self._failing, self._changed = delivery, None, []
        try:
            processes[delivery.destination.name](delivery.event)
        except ApiError:
            self._again(delivery)
        except Died:
            self._processes[delivery.destination.name] = self._process(delivery.destination)
            self._again(delivery)
        except Exception as defect:
            self.defects.append(f"{delivery}: {type(defect).__name__}: {defect}")
        finally:
            self._delivering = self.unheard = None

    def _again(self, delivery: Delivery) -> None:
        """Once more soon; from the third time on only when everything else has come to rest, as back-off grows."""
        if delivery.attempt == TRIES:
            self.letters.append(delivery)
        else:
            waiting = self.queue if delivery.attempt == 1 else self.postponed
            waiting.append(replace(delivery, attempt=delivery.attempt + 1))

    # The way to the API server.

    def fail(self, delivery: Delivery) -> None:
        """From here on, nothing of this delivery reaches the API server."""
        self._failing = delivery

    def _ask(self, function: Function, request: Request) -> ApiResponse:
        delivery = self._delivering
        assert delivery is not None

        def through(wanted: Request) -> ApiResponse:
            return self._carry_out(function, wanted)

        if self._failing is delivery:
            return ApiResponse(500, {"message": "injected: still away"})
        number = len(self.asked)
        self.asked.append(ObservedRequest(delivery, request))
        if number == self.at and self.fault:
            fault, self.fault = self.fault, None
            return fault(self, delivery, request, through)
        return through(request)

    def _carry_out(self, function: Function, request: Request) -> ApiResponse:
        if self.refused and changes(request, self.refused):
            changed = (ref for changer, ref in self._changed if changer is function)
            self.defects += (f"{ref} was changed before {self.refused} was refused" for ref in changed)
            return ApiResponse(403, {"reason": "Forbidden", "message": f"injected: a policy refuses {self.refused}"})
        answer = self._sends[function.name](request)
        if request.writes and 200 <= answer.status < 300:
            gone = request.method == "DELETE" and not metadata(answer.body).get("finalizers")
            self.note(function.manager, request, addressed(request), None if gone else answer.body)
            if not request.path.endswith("/status") and addressed(request) not in function.shared_children:
                self._changed.append((function, addressed(request)))
        return answer
