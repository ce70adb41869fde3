"""Receives one event: the `Receiver` interface, and `Reconciler`, which reconciles the object that it concerns.

Called by `runtime.edge` for each delivery. `runtime.protocol` reads and writes the objects.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from typing import Protocol, runtime_checkable

from cloudevents.core.v1.event import CloudEvent

from events.report import Report
from runtime import failures, measures, reports, requests, spans
from runtime.client import Client, Transport
from runtime.deadlines import ANSWER, RECONCILE, Deadline
from runtime.declaration import Function
from runtime.errors import ApiError, Misconfigured, Unavailable
from runtime.event import Event, first_sent
from runtime.objects import Ref, generation
from runtime.protocol import Participant, reconcile_together
from runtime.rechecks import Rechecks
from runtime.reconciled import Reconciled
from runtime.seen import RecentVersions
from runtime.singleflight import SingleFlight
from runtime.sink import Sink
from runtime.spans import ReconcileTiming
from runtime.tracing import trace_of, trace_of_event
from runtime.wake import naming_error, nothing_to_do, parents
from runtime.workers import WAITING, Workers

log = logging.getLogger("kepler")


@dataclass(frozen=True)
class Received:
    """The result of one event: the report of the reconcile, if there is one, and the number of API calls."""

    reports: tuple[Report, ...] = ()
    calls: int = 0

    @property
    def reply(self) -> Report | None:
        """Return the report that the HTTP response carries; if there are several, the one with the most changes."""
        return max(self.reports, key=lambda report: len(report.changes), default=None)


Receiver = Callable[[Event], Received]


@dataclass(frozen=True)
class RelevantEvent:
    """An event that leads to a reconcile, without its object's content, and the work that does it."""

    event: Event
    work: Callable[[], Received]


@runtime_checkable
class SelectiveReceiver(Protocol):
    """A receiver that decides from the event alone whether there is work, and keeps little of the event after that."""

    def relevant(self, event: Event) -> RelevantEvent | None:
        """Return the event with the work to do, or None if there is none."""


@runtime_checkable
class LenientReceiver(Protocol):
    """A receiver that also takes events which cannot be decoded: those that no other function could take."""

    def receive_undecoded(self, event: Event) -> Received:
        """Receive an event of which only the attributes that name it are known (`runtime.event.decode_names`)."""


@runtime_checkable
class StartupReceiver(Protocol):
    """A receiver with work to do when its process starts, such as the first sweep."""

    def begin(self) -> None:
        """Start that work; called once, on a thread of its own."""


@dataclass(frozen=True)
class TurnResult:
    """The result of one reconcile: its report, if any, and the number of API calls."""

    report: Report | None = None
    calls: int = 0


@dataclass
class EventLimits:
    """The time limits of one event that leads to a reconcile; they begin when it is made.

    `wait` is for the turn and the slot together; no report or request is sent after `answer`; `reconcile` is the number
    of seconds that the reconcile may take.
    """

    wait: Deadline
    answer: Deadline
    reconcile: float

    @contextmanager
    def listing(self) -> Iterator[None]:
        """Take the time in this block from the reconcile: together they have `reconcile` seconds."""
        deadline = Deadline(self.reconcile)
        yield
        self.reconcile = deadline.left


# The outcome, in metrics, of a reconcile that had nothing to decide.
GONE = "gone"


@dataclass(frozen=True)
class ReconcileClock:
    """When a reconcile began; `server` is the API server's URL, for spans."""

    server: str
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    monotonic: float = field(default_factory=time.monotonic)

    def timing(self, participant: Participant) -> ReconcileTiming:
        """Return the time until the participant's last step, and its calls."""
        milliseconds = (participant.ended - self.monotonic) * 1000
        return ReconcileTiming(self.began, milliseconds, tuple(participant.client.calls), self.server)


def send_requests(sink: Sink, events: Iterable[CloudEvent], deadline: Deadline) -> None:
    """Send one request for each object that an event concerns; a redelivery sends them again, under the same ids.

    Raises Unavailable if they cannot be sent in time, so that the event is delivered again.
    """
    for event in events:
        if not deadline.left:
            raise Unavailable(
                f"the Broker has not taken the requests of this event in {deadline.seconds:.0f} s; the event is "
                "delivered again, and the next sweep makes up for requests that are lost"
            )
        sink(event)


def _no_sink(_event: CloudEvent) -> None:
    raise Misconfigured("an event concerns several objects, and there is no sink to send requests to: set `K_SINK`")


@dataclass(frozen=True)
class Reconciler:
    """Receives events for one function.

    One event leads to the reconcile of one object, with one deadline. If an event concerns several objects, one request
    event for each is sent through `sink`. Raises `ApiError`, so that the broker redelivers the event; the retry finds
    the writes that were already made, and does not repeat them. An event whose attributes are not the name of a
    possible object is logged, counted and acknowledged.

    `workers` bounds how many reconciles run at once. `turns` allows one at a time for each object. `handled_versions`
    knows which versions of objects were already handled. `shared_objects_lock` serializes writes to objects that all
    parents share. `server` is the API server's URL, for spans. `seconds` is the time limit of one reconcile.
    `rechecks`, if set, schedules another reconcile where no event will announce a change. `patience` is the time limit
    of one request with its retries; None: that of the reconcile.
    """

    function: Function
    transport: Transport
    images: Mapping[str, str] = field(default_factory=dict)
    sink: Sink = _no_sink
    workers: Workers = field(default_factory=Workers)
    turns: SingleFlight[Event, TurnResult] = field(default_factory=lambda: SingleFlight(max_waiting=WAITING))
    handled_versions: RecentVersions = field(default_factory=RecentVersions)
    shared_objects_lock: Lock = field(default_factory=Lock)
    server: str = ""
    seconds: float = RECONCILE
    rechecks: Rechecks | None = None
    patience: float | None = None

    def __call__(self, event: Event) -> Received:
        relevant = self.relevant(event)
        return relevant.work() if relevant else Received()

    def relevant(self, event: Event) -> RelevantEvent | None:
        """Return the event, without its object's content, and its reconcile; None if this function has nothing to do.

        Decided from the event alone. Waiting events take little memory, however large they were.
        """
        if not self.has_work(event):
            return None
        slim = event.without_content()
        return RelevantEvent(slim, partial(self.reconcile_parents, slim))

    def has_work(self, event: Event) -> bool:
        """Return whether the event, by itself, may require a reconcile by this function."""
        if not (event.requests_reconcile and event.is_for(self.function.name)):
            return False
        if reason := naming_error(self.function, event):
            log.warning("an event names no object", extra={"event": event.id, "type": event.type, "reason": reason})
            measures.nothing_written(self.function.name, measures.NAMELESS)
            return False
        if nothing_to_do(self.function, event):
            measures.nothing_written(self.function.name, measures.IDLE)
            return False
        return True

    def reconcile_parents(self, event: Event) -> Received:
        """Reconcile the object that an event concerns; if it concerns several, send a request event for each."""
        limits = self.limits()
        with self.workers.slot(sent=event.sent), limits.listing():
            client = self.client(self.seconds)
            keys = tuple(parents(self.function, event, client))
        if len(keys) > 1:
            names = (self.function.name,)
            send_requests(self.sink, (requests.one_of_many(key, event, names) for key in keys), limits.answer)
            measures.nothing_written(self.function.name, measures.PASSED_ON)
            return Received(calls=len(client.calls))
        return self._await_reconcile(keys, event, client, limits)

    def limits(self) -> EventLimits:
        """Return the time limits of an event that has come just now."""
        return EventLimits(Deadline(self.workers.seconds), Deadline(ANSWER), self.seconds)

    def _await_reconcile(self, keys: Sequence[Ref], event: Event, client: Client, limits: EventLimits) -> Received:
        """Reconcile the object, if any, after the reconcile of it that is running, if one is."""

        def work(key: Ref, events: Sequence[Event]) -> TurnResult:
            dropped = self.turns.is_full(events)
            return self.reconcile_if_news(key, events, limits, dropped=dropped)

        shared = [self.turns.take(key, event, partial(work, key), limits.wait.left) for key in keys]
        # None if another thread runs the reconcile that this event shares; that thread reports it.
        results = [result for result in shared if result is not None]
        reports = tuple(result.report for result in results if result.report is not None)
        return Received(reports, len(client.calls) + sum(result.calls for result in results))

    def reconcile_if_news(
        self, key: Ref, events: Sequence[Event], limits: EventLimits, *, dropped: bool = False
    ) -> TurnResult:
        """Reconcile once for all these events, or not at all if none of them brings news.

        Only one thread at a time may call this for a key. Waits for a free worker until `limits.wait` expires.
        """
        news = self.news(key, events, dropped=dropped)
        if not news:
            measures.nothing_written(self.function.name, measures.IDLE)
            return TurnResult()
        with self.workers.slot(limits.wait.left, first_sent(news)):
            participant, clock = self.participant(key, limits.reconcile), ReconcileClock(self.server)
            reconcile_together((participant,), key, images=self.images, shared_objects_lock=self.shared_objects_lock)
            return self.finish(participant, news[-1], clock)

    def news(self, key: Ref, events: Sequence[Event], *, dropped: bool) -> list[Event]:
        """Return the events that may bring news.

        `dropped`: there were more events, which may have shown a new version, so each that is left counts as news.
        """
        return [event for event in events if dropped or self.handled_versions.is_news(key, event)]

    def participant(self, key: Ref, seconds: float) -> Participant:
        """Return this function as it takes part in a reconcile, which begins now."""
        return Participant(self.function, self.client(seconds), Reconciled(key))

    def finish(self, participant: Participant, event: Event, clock: "ReconcileClock") -> TurnResult:
        """Record metrics and spans of a reconcile that has ended, and return its result with the report.

        Raises the error that ended the function's part in it, redacted.
        """
        result, timing = participant.result, clock.timing(participant)
        if error := participant.error:
            word = measures.FAILED if isinstance(error, ApiError) else measures.DEFECT
            self._measure(word, timing)
            spans.failed(self.function.name, result.key, event, timing, error)
            # Without the original error, which is not redacted; a Defect has its traceback.
            raise failures.redacted(error, self.function.name, reports.mask_of(result)) from None
        self.handled_versions.note(result.key, result.seen)
        self._schedule_recheck(result.key, result)
        return self._result(result, event, timing)

    def _schedule_recheck(self, key: Ref, result: Reconciled) -> None:
        if self.rechecks and result.outcome and result.outcome.recheck and result.parent:
            self.rechecks.schedule(key, generation(result.parent))
        elif self.rechecks:
            self.rechecks.cancel(key)

    def _result(self, result: Reconciled, event: Event, timing: ReconcileTiming) -> TurnResult:
        """Record metrics and spans of a finished reconcile, and return its result with the report."""
        word = result.outcome.word.value if result.outcome else GONE
        self._measure(word, timing)
        trace = trace_of(result.parent) if result.parent else trace_of_event(event)
        report = reports.report(self.function, result, event, trace, timing)
        if report is not None:
            spans.record(report, trace, timing, result.parent)
        if not result.changes:
            measures.nothing_written(self.function.name, word)
        return TurnResult(report, len(timing.calls))

    def _measure(self, word: str, timing: ReconcileTiming) -> None:
        measures.reconciled(self.function.name, word, timing.milliseconds, timing.calls)

    def client(self, seconds: float) -> Client:
        """Return a client of the API server for one reconcile of at most this many seconds."""
        return Client(self.transport, manager=self.function.manager, seconds=seconds, patience=self.patience)
