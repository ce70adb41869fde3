"""A look some seconds later: sent once for each delay, and no more."""

import time
from collections.abc import Callable

from cloudevents.core.v1.event import CloudEvent

from runtime import requests
from runtime.errors import Unavailable
from runtime.objects import KEPLER, Ref
from runtime.rechecks import Rechecks

KEY, OTHER = Ref(KEPLER, "energy", "kepler"), Ref(KEPLER, "other", "kepler")
PATIENCE = 10.0


def made(key: Ref) -> CloudEvent:
    """The event that `status` sends itself."""
    return requests.recheck(key, "status")


def until(true: Callable[[], bool]) -> None:
    """Waits, but not for ever."""
    ends = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.001)


def test_each_delay_is_used_once_and_a_new_generation_begins_anew() -> None:
    """A function that waits for ever would never scale to zero."""
    sent: list[CloudEvent] = []
    rechecks = Rechecks(made, sent.append, delays=(0.0, 0.0))
    for count in (1, 2):
        rechecks.schedule(KEY, generation=1)
        until(lambda count=count: len(sent) == count)  # type: ignore[misc]
    rechecks.schedule(KEY, generation=1)
    assert not rechecks._due
    rechecks.schedule(KEY, generation=2)
    until(lambda: len(sent) == 3)
    assert sent[0].get_attributes()["namespace"] == "energy"
    assert sent[0].get_attributes()["functions"] == "/status/"


def test_a_question_after_a_long_time_begins_anew() -> None:
    """What a user removes an hour later is still looked for."""
    sent: list[CloudEvent] = []
    rechecks = Rechecks(made, sent.append, delays=(0.0,), reset=0.1)
    rechecks.schedule(KEY, generation=1)
    until(lambda: len(sent) == 1)
    time.sleep(0.2)
    rechecks.schedule(KEY, generation=1)
    until(lambda: len(sent) == 2)


def test_one_look_is_outstanding_for_an_object_and_none_once_it_is_settled() -> None:
    """However many events come meanwhile."""
    rechecks = Rechecks(made, lambda _: None, delays=(60.0, 60.0))
    for _ in range(5):
        rechecks.schedule(KEY, generation=1)
    rechecks.schedule(OTHER, generation=1)
    assert [key for _, key in sorted(rechecks._due)] == [KEY, OTHER]
    rechecks.cancel(KEY)
    rechecks.cancel(OTHER)
    assert not rechecks._due


def test_a_sink_that_is_away_costs_that_look_only() -> None:
    """The next one is asked for all the same; the sweep is there for the rest."""
    tried: list[CloudEvent] = []

    def away(event: CloudEvent) -> None:
        tried.append(event)
        raise Unavailable("the sink is away")

    rechecks = Rechecks(made, away, delays=(0.0,))
    rechecks.schedule(KEY, generation=1)
    rechecks.schedule(OTHER, generation=1)
    until(lambda: len(tried) == 2)


def test_an_unexpected_error_does_not_end_the_thread() -> None:
    """Later rechecks are sent, of this object and of others."""
    sent: list[CloudEvent] = []

    def send(event: CloudEvent) -> None:
        sent.append(event)
        if len(sent) == 1:
            raise ValueError("the token file is not text")

    rechecks = Rechecks(made, send, delays=(0.0, 0.0))
    rechecks.schedule(KEY, generation=1)
    until(lambda: len(sent) == 1)
    rechecks.schedule(OTHER, generation=1)
    until(lambda: len(sent) == 2)
