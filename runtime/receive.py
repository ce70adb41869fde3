"""What a process does with one event: reconcile what it concerns, or just take note of it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from events.report import Report
from runtime import reports, tracing
from runtime.client import Client, Transport
from runtime.event import Event
from runtime.function import Function
from runtime.objects import Ref
from runtime.protocol import reconcile
from runtime.wake import idle, parents


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
class Reconciler:
    """Receives events for one function.

    One event may concern several objects; each is reconciled with a client, and so a deadline, of its own. Raises
    `ApiError`s for the broker to deliver the event again: what was done by then is found done.
    """

    function: Function
    transport: Transport
    images: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, event: Event) -> Received:
        if not event.wakes or idle(self.function, event):
            return Received()
        client = self._client()
        found = parents(self.function, event, client)
        done = [self._reconcile(key, event) for key in found]
        said = tuple(report for report, _ in done if report is not None)
        return Received(said, len(client.calls) + sum(calls for _, calls in done))

    def _reconcile(self, key: Ref, event: Event) -> tuple[Report | None, int]:
        client, began = self._client(), time.monotonic()
        done = reconcile(self.function, key, client, images=self.images)
        said = reports.report(self.function, done, event, client.calls, (time.monotonic() - began) * 1000)
        if said is not None:
            tracing.record(said, event.traceparent)
        return said, len(client.calls)

    def _client(self) -> Client:
        return Client(self.transport, manager=self.function.manager)
