"""What a process does with one event: reconcile what it concerns, or just take note of it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from events.report import Report
from runtime import reports, tracing
from runtime.client import Client, Transport
from runtime.event import Event
from runtime.function import Function
from runtime.objects import Ref
from runtime.protocol import reconcile
from runtime.seen import Seen
from runtime.turnstile import Turnstile
from runtime.wake import check, idle, parents


@dataclass(frozen=True)
class Received:
    """What came of an event: a report for each object that has one, and how many API calls it took in all."""

    reports: tuple[Report, ...] = ()
    calls: int = 0

    @property
    def reply(self) -> Report | None:
        """The one report that an HTTP answer can carry: that which changed most."""
        return max(self.reports, key=lambda said: len(said.changes), default=None)


Receiver = Callable[[Event], Received]


@dataclass(frozen=True)
class Done:
    """One object reconciled: the report, if there is one, and the number of API calls."""

    report: Report | None = None
    calls: int = 0


@dataclass(frozen=True)
class Reconciler:
    """Receives events for one function.

    One event may concern several objects; each is reconciled with a client, and so a deadline, of its own. Raises
    NotAnEvent for an event that can name no object, and `ApiError`s for the broker to deliver the event again: what
    was done by then is found done.
    """

    function: Function
    transport: Transport
    images: Mapping[str, str] = field(default_factory=dict)
    turnstile: Turnstile[Event, Done] = field(default_factory=Turnstile)
    seen: Seen = field(default_factory=Seen)
    turn: Lock = field(default_factory=Lock)

    def __call__(self, event: Event) -> Received:
        if not event.wakes:
            return Received()
        check(event)
        if idle(self.function, event):
            return Received()
        client = self._client()
        found = parents(self.function, event, client)
        turns = [self.turnstile.take(key, event, partial(self._turn, key)) for key in found]
        done = [turn for turn in turns if turn is not None]
        said = tuple(one.report for one in done if one.report is not None)
        return Received(said, len(client.calls) + sum(one.calls for one in done))

    def _turn(self, key: Ref, events: Sequence[Event]) -> Done:
        news = [event for event in events if self.seen.is_news(key, event)]
        return self._reconcile(key, news[-1]) if news else Done()

    def _reconcile(self, key: Ref, event: Event) -> Done:
        client, began = self._client(), time.monotonic()
        done = reconcile(self.function, key, client, images=self.images, turn=self.turn)
        self.seen.note(key, done.seen)
        said = reports.report(self.function, done, event, client.calls, (time.monotonic() - began) * 1000)
        if said is not None:
            tracing.record(said, event.traceparent)
        return Done(said, len(client.calls))

    def _client(self) -> Client:
        return Client(self.transport, manager=self.function.manager)
