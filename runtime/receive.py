"""What a process does with one event: reconcile what it concerns, or just take note of it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from threading import Lock

from events.report import Report
from runtime import measures, reports, spans
from runtime.client import Client, Transport
from runtime.errors import ApiError
from runtime.event import Event
from runtime.function import Function
from runtime.objects import Ref
from runtime.outcome import Word
from runtime.protocol import Reconciled, reconcile
from runtime.seen import Seen
from runtime.spans import Course
from runtime.tracing import trace_of, trace_of_event
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
    """One object reconciled: the report, if there is one, the number of API calls and writes, and the outcome's word.

    The word is `gone` where there was nothing to decide on, and `idle` where the event brought no news.
    """

    report: Report | None = None
    calls: int = 0
    writes: int = 0
    word: str = measures.IDLE


GONE = "gone"


@dataclass(frozen=True)
class Reconciler:
    """Receives events for one function.

    One event may concern several objects; each is reconciled with a client, and so a deadline, of its own. Raises
    NotAnEvent for an event that can name no object, and `ApiError`s for the broker to deliver the event again: what
    was done by then is found done. `server` is the API server's URL, for the spans of calls.
    """

    function: Function
    transport: Transport
    images: Mapping[str, str] = field(default_factory=dict)
    turnstile: Turnstile[Event, Done] = field(default_factory=Turnstile)
    seen: Seen = field(default_factory=Seen)
    turn: Lock = field(default_factory=Lock)
    server: str = ""

    def __call__(self, event: Event) -> Received:
        if not event.wakes:
            return Received()
        check(event)
        if idle(self.function, event):
            measures.nothing_written(self.function.name, measures.IDLE)
            return Received()
        client = self._client()
        found = parents(self.function, event, client)
        turns = [self.turnstile.take(key, event, partial(self._turn, key)) for key in found]
        done = [turn for turn in turns if turn is not None]
        if done and not any(one.writes for one in done):
            measures.nothing_written(self.function.name, _reason(done))
        said = tuple(one.report for one in done if one.report is not None)
        return Received(said, len(client.calls) + sum(one.calls for one in done))

    def _turn(self, key: Ref, events: Sequence[Event]) -> Done:
        news = [event for event in events if self.seen.is_news(key, event)]
        return self._reconcile(key, news[-1]) if news else Done()

    def _reconcile(self, key: Ref, event: Event) -> Done:
        client, began, clock = self._client(), datetime.now(UTC), time.monotonic()

        def course() -> Course:
            return Course(began, (time.monotonic() - clock) * 1000, tuple(client.calls), self.server)

        try:
            done = reconcile(self.function, key, client, images=self.images, turn=self.turn)
        except Exception as error:
            word = measures.FAILED if isinstance(error, ApiError) else measures.DEFECT
            self._measure(word, course())
            spans.failed(self.function.name, key, event, course(), error)
            raise
        self.seen.note(key, done.seen)
        return self._told(done, event, course())

    def _told(self, done: Reconciled, event: Event, course: Course) -> Done:
        word = done.outcome.word.value if done.outcome else GONE
        self._measure(word, course)
        where = trace_of(done.parent) if done.parent else trace_of_event(event)
        said = reports.report(self.function, done, event, where, course)
        if said is not None:
            spans.record(said, where, course, done.parent)
        return Done(said, len(course.calls), len(done.changes), word)

    def _measure(self, word: str, course: Course) -> None:
        measures.reconciled(self.function.name, word, course.milliseconds, course.calls)

    def _client(self) -> Client:
        return Client(self.transport, manager=self.function.manager)


def _reason(done: Sequence[Done]) -> str:
    """Why nothing was written: the word of the first object that did not just turn out well, else what is common."""
    words = [one.word for one in done]
    others = [word for word in words if word not in (Word.CONVERGED.value, measures.IDLE)]
    if others:
        return others[0]
    return Word.CONVERGED.value if Word.CONVERGED.value in words else measures.IDLE
