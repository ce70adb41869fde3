"""Receives each event once for several functions: those that have something to do reconcile together.

The functions stay what they are in processes of their own: each has its field manager, its condition and its report.
They share the decoding of the event, the list of the objects that it concerns, one turn for each object, and what they
read in it (`runtime.protocol`).
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial

from events.report import Report
from runtime import failures, measures, requests
from runtime.client import Client
from runtime.deadlines import Deadline
from runtime.errors import ApiError
from runtime.event import Event, first_sent
from runtime.log_fields import object_field
from runtime.objects import Collection, Manifest, Ref
from runtime.protocol import Phase, reconcile_together
from runtime.receive import EventLimits, Received, ReconcileClock, Reconciler, RelevantEvent, TurnResult, send_requests
from runtime.reports import emitted
from runtime.singleflight import SingleFlight
from runtime.sink import Sink
from runtime.wake import Lister, parents
from runtime.workers import WAITING

log = logging.getLogger("kepler")


@dataclass(frozen=True)
class SharedEvent:
    """An event, and the names of the functions that it has work for."""

    event: Event
    functions: frozenset[str]


class OnceListed:
    """A `Lister` that keeps what it has listed, so that all functions choose parents from the same list."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._listed: dict[Collection, tuple[Manifest, ...]] = {}

    def list(self, collection: Collection) -> tuple[Manifest, ...]:
        """Return every object of the collection, as it was at the first call."""
        if collection not in self._listed:
            self._listed[collection] = tuple(self._client.list(collection))
        return self._listed[collection]


@dataclass(frozen=True)
class ReconcilerGroup:
    """Receives events for the functions of `reconcilers`, in the order in which they decide.

    All have the same workers, images, transport and time limit, which one turn of all of them shares. The answer to an
    event carries one report; all others are sent through `sink`. A report that the Broker does not take is logged, and
    lost. If a function fails, the others go on to their ends, their reports are sent, and its error is raised, so that
    the broker redelivers the event. By then the others have nothing to do. `turns` allows one event at a time for each
    object, and merges the events that wait. If a turn fails that has dropped events, a request for all functions makes
    up for these. `executor`, if set, makes calls side by side: else a turn on a slow API server could use up its time
    with reading.
    """

    reconcilers: Sequence[Reconciler]
    sink: Sink
    turns: SingleFlight[SharedEvent, Received] = field(default_factory=lambda: SingleFlight(max_waiting=WAITING))
    executor: Executor | None = None

    def __call__(self, event: Event) -> Received:
        relevant = self.relevant(event)
        return relevant.work() if relevant else Received()

    def relevant(self, event: Event) -> RelevantEvent | None:
        """Return the event, without its object's content, and its work; None if no function has anything to do."""
        functions = frozenset(reconciler.function.name for reconciler in self.reconcilers if reconciler.has_work(event))
        if not functions:
            return None
        shared = SharedEvent(event.without_content(), functions)
        return RelevantEvent(shared.event, partial(self._reconcile_parents, shared))

    def _reconcile_parents(self, shared: SharedEvent) -> Received:
        """Reconcile the object that the event concerns; if it concerns several, send a request event for each."""
        first = self.reconcilers[0]
        limits = first.limits()
        with first.workers.slot(sent=shared.event.sent), limits.listing():
            client = first.client(first.seconds)
            concerned = self._concerned(shared, OnceListed(client))
        if len(concerned) > 1:
            events = (requests.one_of_many(key, shared.event, sorted(names)) for key, names in concerned.items())
            send_requests(self.sink, events, limits.answer)
            for name in set().union(*concerned.values()):
                measures.nothing_written(name, measures.PASSED_ON)
            return Received(calls=len(client.calls))
        for key, functions in concerned.items():
            item = SharedEvent(shared.event, frozenset(functions))
            work, request_again = partial(self._turn, key, limits), partial(self._request_again, key)
            received = self.turns.take(key, item, work, limits.wait.left, request_again)
            # None if another thread runs the turn that this event shares; that thread reports it.
            if received is not None:
                return Received(received.reports, received.calls + len(client.calls))
        return Received(calls=len(client.calls))

    def _concerned(self, shared: SharedEvent, client: Lister) -> Mapping[Ref, set[str]]:
        """Return each object that the event concerns, with the names of the functions that have to reconcile it."""
        functions: dict[Ref, set[str]] = {}
        for reconciler in self._of(shared.functions):
            for key in parents(reconciler.function, shared.event, client):
                functions.setdefault(key, set()).add(reconciler.function.name)
        return functions

    def _of(self, functions: frozenset[str]) -> Iterator[Reconciler]:
        return (reconciler for reconciler in self.reconcilers if reconciler.function.name in functions)

    def _turn(self, key: Ref, limits: EventLimits, items: Sequence[SharedEvent]) -> Received:
        """Let all functions with news reconcile together. Raises the first error, once the others have ended."""
        reconcilers = [reconciler for reconciler in self.reconcilers if reconciler.function.parent == key.kind]
        causes = self._causes(key, reconcilers, items)
        if not causes:
            return Received()
        first = self.reconcilers[0]
        with first.workers.slot(limits.wait.left, first_sent(item.event for item in items)):
            clock = ReconcileClock(first.server)
            participants = [reconciler.participant(key, limits.reconcile) for reconciler in reconcilers]
            for participant in participants:
                participant.phase = Phase.DECIDE if participant.function.name in causes else Phase.IDLE
            reconcile_together(
                participants,
                key,
                images=first.images,
                shared_objects_lock=first.shared_objects_lock,
                executor=self.executor,
            )
        latest = items[-1].event
        finished = [
            partial(reconciler.finish, participant, causes.get(participant.function.name, latest), clock)
            for reconciler, participant in zip(reconcilers, participants, strict=True)
            if participant.phase is Phase.DONE
        ]
        return self._received(key, finished, limits.answer)

    def _causes(self, key: Ref, reconcilers: Sequence[Reconciler], items: Sequence[SharedEvent]) -> Mapping[str, Event]:
        """Return the latest event with news for each function that has any, by the function's name."""
        dropped = self.turns.is_full(items)
        causes: dict[str, Event] = {}
        for reconciler in reconcilers:
            function_name = reconciler.function.name
            events = [item.event for item in items if dropped or function_name in item.functions]
            if news := reconciler.news(key, events, dropped=dropped):
                causes[function_name] = news[-1]
            elif events:
                measures.nothing_written(function_name, measures.IDLE)
        return causes

    def _request_again(self, key: Ref, latest: SharedEvent) -> None:
        """Request a reconcile of the object by all functions: a turn has failed, and events were dropped for it.

        The events that are redelivered are not for all functions that the dropped ones were for.
        """
        names = [reconciler.function.name for reconciler in self.reconcilers if reconciler.function.parent == key.kind]
        try:
            self.sink(requests.one_of_many(key, latest.event, names))
        except Exception as error:  # whatever it is, the turn's own error is the one to raise
            facts = {**object_field(key.kind.name, key.namespace, key.name), "reason": failures.reason(error)}
            log.warning(
                "events were dropped, and no request could be sent: the next sweep finds the object", extra=facts
            )

    def _received(self, key: Ref, finished: Sequence[Callable[[], TurnResult]], answer_deadline: Deadline) -> Received:
        """Send all reports but the one that answers; if a function failed, send all, and raise its error."""
        results: list[TurnResult] = []
        errors: list[Exception] = []
        for finish in finished:
            try:
                results.append(finish())
            except Exception as error:
                errors.append(error)
        reports = tuple(result.report for result in results if result.report is not None)
        received = Received(reports, sum(result.calls for result in results))
        self._send([report for report in reports if errors or report is not received.reply], answer_deadline)
        if errors:
            raised, *unraised = sorted(errors, key=lambda error: isinstance(error, ApiError))  # a defect before others
            for failure in unraised:
                failures.log_failure(failure, object_field(key.kind.name, key.namespace, key.name))
            raise raised
        return received

    def _send(self, reports: Sequence[Report], deadline: Deadline) -> None:
        """Send reports; log those that are lost. Once the Broker has not taken one, the rest is not tried."""
        reason = ""
        for report in reports:
            reason = reason or self._failure_to_send(report, deadline)
            if reason:
                facts = {"function": report.function, "trace": report.trace, "reason": reason}
                parent = object_field(report.object.kind, report.object.namespace, report.object.name)
                log.warning("a report is lost", extra={**facts, **parent})

    def _failure_to_send(self, report: Report, deadline: Deadline) -> str:
        """Send a report; return why it could not be sent, or an empty string."""
        if not deadline.left:
            return "there is no time left to send it"
        try:
            self.sink(emitted(report))
        except Exception as error:  # whatever it is, what was done is done, and the event need not come again
            return failures.reason(error)
        return ""
