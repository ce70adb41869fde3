"""Looks at everything, and asks for a reconcile of what is not as it should be.

Events are hints, and hints get lost: the event source tells nothing of what was there before it, nor of what happens
while it is away. So every function's decision is made in memory for every object there is, and `resync.requested` is
sent for those that differ from it. Nothing is written here.
"""

import logging
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cloudevents.core.v1.event import CloudEvent

from events.sweep_data import Resync, SweepData
from events.types import PING, RESYNC_REQUESTED, SWEEP_FINISHED
from runtime.client import Client, Transport
from runtime.deadlines import SWEEP, SWEEP_AGAIN, SWEEP_PAUSE
from runtime.declaration import Function
from runtime.envelope import cloud_event, object_name
from runtime.errors import ApiError, Unavailable
from runtime.event import Event
from runtime.objects import Ref, name
from runtime.receive import Received
from runtime.requests import functions_attribute
from runtime.sink import Sink
from runtime.tracing import GenerationTrace, detached_trace, trace_of
from sweeper.divergence import divergence
from sweeper.snapshot import Snapshot, namespace

log = logging.getLogger("kepler.sweep")

SOURCE = "functions/sweep"


@dataclass(frozen=True)
class Diverging:
    """One object that is to be looked at again; `trace` is its generation's, None where it is gone."""

    key: Ref
    trace: GenerationTrace | None
    why: dict[str, tuple[str, ...]]


@dataclass
class Sweep:
    """Receives what calls for a sweep; one at a time, and at most one in `pause` seconds, whoever asks.

    An event that was sent before a sweep began which has ended since asks for nothing more: a process that an event
    has started sweeps at its start. Whoever asks while a sweep runs, or soon after one has begun, gets no other. After
    one that failed, Unavailable is raised for some seconds: the broker asks again until they are over.
    """

    functions: tuple[Function, ...]
    transport: Transport
    sink: Sink
    images: Mapping[str, str] = field(default_factory=dict)
    pause: float = SWEEP_PAUSE
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _began: float = float("-inf")
    _failed: float = float("-inf")

    def __call__(self, event: Event) -> Received:
        if event.type != PING or not self._lock.acquire(blocking=False):
            return Received()
        try:
            if time.monotonic() - self._began < self.pause:
                log.info("swept a moment ago", extra={"event": event.id})
                return Received()
            if time.monotonic() - self._failed < min(self.pause, SWEEP_AGAIN):
                raise Unavailable("the last sweep failed a moment ago; it is tried again in some seconds")
            return self._sweep(event.id)
        finally:
            self._lock.release()

    def begin(self) -> None:
        """The sweep at the start of the process: of what was there before, and of what happened meanwhile.

        Where it fails, the next event makes up for it.
        """
        with self._lock:
            try:
                self._sweep(f"start-{uuid.uuid4()}")
            except ApiError as failed:
                log.warning("the sweep at the start failed", extra={"reason": failed.message})

    def _sweep(self, cause: str) -> Received:
        try:
            return self._look(cause)
        except Exception:
            self._failed = time.monotonic()
            raise

    def _look(self, cause: str) -> Received:
        clock = time.monotonic()
        client = Client(self.transport, manager="kepler-sweep", seconds=SWEEP)
        count = Count()
        for diverging in self._diverging(client, count):
            count.diverging += 1
            log.info(
                "diverges",
                extra={"reconciled": str(diverging.key), "namespace": diverging.key.namespace, "why": diverging.why},
            )
            self.sink(requested(diverging, cause))
        milliseconds = (time.monotonic() - clock) * 1000
        swept = SweepData(
            resources=count.resources,
            diverging=count.diverging,
            calls=len(client.calls),
            milliseconds=round(milliseconds, 1),
        )
        log.info("swept", extra=swept.model_dump())
        self.sink(finished(swept, cause))
        self._began = clock
        return Received(calls=len(client.calls))

    def _diverging(self, client: Client, count: "Count") -> Iterator[Diverging]:
        for parent in dict.fromkeys(function.parent for function in self.functions):
            functions = tuple(function for function in self.functions if function.parent == parent)
            snapshot, inhabited = Snapshot(client, functions, self.images), set()
            for manifest, seen in snapshot.observed():
                inhabited.add(namespace(manifest))
                count.resources += 1
                why = {
                    function.name: differences
                    for function, observed in seen
                    if (differences := divergence(function, observed))
                }
                if why:
                    yield Diverging(Ref(parent, namespace(manifest), name(manifest)), trace_of(manifest), why)
            yield from _left_over(snapshot, inhabited)


@dataclass
class Count:
    """How far a sweep has come."""

    resources: int = 0
    diverging: int = 0


def _left_over(snapshot: Snapshot, inhabited: set[str]) -> Iterator[Diverging]:
    """What a deletion that nobody heard of left in objects that all namespaces share."""
    for function in snapshot.functions:
        for key in function.orphan_keys({ref: snapshot.get(ref) for ref in function.installed}):
            if key.namespace not in inhabited:
                yield Diverging(key, None, {function.name: (f"nothing is left in namespace '{key.namespace}'",)})


def requested(diverging: Diverging, cause: str) -> CloudEvent:
    """Return `resync.requested` of an object, for the functions that would change something, and no others.

    Its attributes are those of an event about the object, so Triggers take it as one.
    """
    key = diverging.key
    identity = f"{cause}/{key.kind.name}/{key.namespace}/{key.name}"
    return cloud_event(
        RESYNC_REQUESTED,
        SOURCE,
        Resync(object=object_name(key), diverges=diverging.why),
        identity=f"sweep/{RESYNC_REQUESTED}/{identity}",
        key=key,
        traceparent=(diverging.trace or detached_trace(identity)).within(identity),
        **functions_attribute(diverging.why),
    )


def finished(swept: SweepData, cause: str) -> CloudEvent:
    """Return `sweep.finished`, also where nothing was to be done: its age tells whether sweeps go on."""
    trace = detached_trace(cause).within(cause)
    return cloud_event(SWEEP_FINISHED, SOURCE, swept, identity=f"sweep/{SWEEP_FINISHED}/{cause}", traceparent=trace)
