"""Runs a sweep: compares every object with its desired state, and requests a reconcile of each that differs.

Events are hints, and may get lost: the event source announces neither objects that existed before it, nor changes while
it is down. A *function* is one controller: it decides, for a resource of one kind (its *parent*), what the objects that
it writes should be. The sweep makes every function's decision for every parent in memory, and sends `resync.requested`
for the parents that differ. It writes nothing to the API server.
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
from runtime import failures, redact
from runtime.client import Client, Transport
from runtime.deadlines import SWEEP, SWEEP_AGAIN, SWEEP_PAUSE
from runtime.declaration import Function, Observed
from runtime.envelope import cloud_event, object_name
from runtime.errors import ApiError, Unavailable
from runtime.event import Event
from runtime.log_fields import object_field
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
class DivergingObject:
    """One object to reconcile again; `trace` is that of its generation, None if it is gone."""

    key: Ref
    trace: GenerationTrace | None
    reasons: dict[str, tuple[str, ...]]


@dataclass
class Sweep:
    """Receives events that request a sweep, and runs one sweep at a time.

    An event is ignored for `pause` seconds after the start of the last successful sweep: a process that an event has
    started sweeps at its start anyway. Of the events that come while a sweep runs, the first waits for its end, so that
    the process is not scaled to zero before; the others are ignored. For some seconds after a failed sweep, Unavailable
    is raised, so that the broker redelivers the event. `images` are the settings about images (`RELATED_IMAGE_*`) that
    the functions run with, too: with other settings, every decision would differ.

    A function that raises for one object is logged, and the sweep goes on: every other object has its turn.
    """

    functions: tuple[Function, ...]
    transport: Transport
    sink: Sink
    images: Mapping[str, str] = field(default_factory=dict)
    pause: float = SWEEP_PAUSE
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: threading.Lock = field(default_factory=threading.Lock)
    _last_success_began: float = float("-inf")
    _failed: float = float("-inf")

    def __call__(self, event: Event) -> Received:
        """Sweep if the event asks for it; return the number of API calls that were made for the event."""
        if event.type != PING:
            return Received()
        if not self._lock.acquire(blocking=False):
            self._await_running()
            return Received()
        try:
            if self._has_swept():
                log.info("swept a moment ago", extra={"event": event.id})
                return Received()
            if time.monotonic() - self._failed < min(self.pause, SWEEP_AGAIN):
                raise Unavailable("the last sweep failed a moment ago; it is tried again in some seconds")
            return self._sweep(event.id)
        finally:
            self._lock.release()

    def _await_running(self) -> None:
        """Wait for the sweep that runs, unless another event does. Raises Unavailable if it fails or does not end."""
        if not self._waiting.acquire(blocking=False):
            return
        try:
            if not self._lock.acquire(timeout=SWEEP):
                raise Unavailable(f"a sweep has not ended in {SWEEP:.0f} s; the event is retried")
            self._lock.release()
            if self._failed > self._last_success_began:
                raise Unavailable("the sweep that this event has waited for failed; the event is retried")
        finally:
            self._waiting.release()

    def _has_swept(self) -> bool:
        return time.monotonic() - self._last_success_began < self.pause

    def begin(self) -> None:
        """Sweep at the start of the process, unless an event has done so, to find objects and changes from before it.

        If this sweep fails, the next event makes up for it.
        """
        with self._lock:
            try:
                if not self._has_swept():
                    self._sweep(f"start-{uuid.uuid4()}")
            except Exception as error:
                failures.log_failure(error, {"event": "the start of the process"})

    def _sweep(self, cause: str) -> Received:
        try:
            return self._run(cause)
        except Exception:
            self._failed = time.monotonic()
            raise

    def _run(self, cause: str) -> Received:
        clock = time.monotonic()
        client = Client(self.transport, manager="kepler-sweep", seconds=SWEEP)
        count = Count()
        for diverging in self._diverging(client, count):
            count.diverging += 1
            log.info(
                "diverges",
                extra={
                    "reconciled": str(diverging.key),
                    "namespace": diverging.key.namespace,
                    "why": diverging.reasons,
                },
            )
            self.sink(resync_event(diverging, cause))
        milliseconds = (time.monotonic() - clock) * 1000
        swept = SweepData(
            resources=count.resources,
            diverging=count.diverging,
            calls=len(client.calls),
            milliseconds=round(milliseconds, 1),
        )
        log.info("swept", extra=swept.model_dump())
        self.sink(finished_event(swept, cause))
        self._last_success_began = clock
        return Received(calls=len(client.calls))

    def _diverging(self, client: Client, count: "Count") -> Iterator[DivergingObject]:
        for kind in dict.fromkeys(function.parent for function in self.functions):
            functions = tuple(function for function in self.functions if function.parent == kind)
            snapshot, namespaces_with_parents = Snapshot(client, functions, self.images), set()
            for manifest, observations in snapshot.observed():
                namespaces_with_parents.add(namespace(manifest))
                count.resources += 1
                reasons = {
                    function.name: differences
                    for function, observed in observations
                    if (differences := _divergence(function, observed))
                }
                if reasons:
                    yield DivergingObject(Ref(kind, namespace(manifest), name(manifest)), trace_of(manifest), reasons)
            yield from _orphans(snapshot, namespaces_with_parents)


def _divergence(function: Function, observed: Observed) -> tuple[str, ...]:
    """Return what a function would change; nothing, with a line in the log, if it raises for this object."""
    try:
        return divergence(function, observed)
    except ApiError:
        raise
    except Exception as error:
        defect = failures.redacted(error, function.name, redact.mask(observed.parent))
        key = observed.key
        failures.log_failure(defect, object_field(key.kind.name, key.namespace, key.name))
        return ()


@dataclass
class Count:
    """The progress of a sweep."""

    resources: int = 0
    diverging: int = 0


def _orphans(snapshot: Snapshot, namespaces_with_parents: set[str]) -> Iterator[DivergingObject]:
    """Yield one `DivergingObject` for each namespace that a shared object still refers to, though no parent is left.

    Shared objects are written for all parents together, such as a binding with a subject for each of their namespaces.
    They do not name the parent, so the key has a fixed name, and only its namespace counts.
    """
    for function in snapshot.functions:
        for key in function.keys_in_shared_objects({ref: snapshot.get(ref) for ref in function.shared_children}):
            if key.namespace not in namespaces_with_parents:
                yield DivergingObject(
                    key, None, {function.name: (f"no {key.kind.name} is left in namespace '{key.namespace}'",)}
                )


def resync_event(diverging: DivergingObject, cause: str) -> CloudEvent:
    """Return `resync.requested` of an object, for only those functions that would change something.

    It has the attributes of an event about the object, so Triggers treat it like one.
    """
    key = diverging.key
    identity = f"{cause}/{key.kind.name}/{key.namespace}/{key.name}"
    return cloud_event(
        RESYNC_REQUESTED,
        SOURCE,
        Resync(object=object_name(key), diverges=diverging.reasons),
        identity=f"sweep/{RESYNC_REQUESTED}/{identity}",
        key=key,
        # A span in the trace of the object's generation; an object that is gone gets a trace of its own.
        traceparent=(diverging.trace or detached_trace(identity)).within(identity),
        **functions_attribute(diverging.reasons),
    )


def finished_event(swept: SweepData, cause: str) -> CloudEvent:
    """Return `sweep.finished`. It is sent even if nothing differs: its age shows whether sweeps still run."""
    trace = detached_trace(cause).within(cause)
    return cloud_event(SWEEP_FINISHED, SOURCE, swept, identity=f"sweep/{SWEEP_FINISHED}/{cause}", traceparent=trace)
