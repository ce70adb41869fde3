"""What of a trace belongs together, and what the end of it waited for."""

from datetime import timedelta

from audit.episodes import episodes
from events.report import Report
from tests.cli.reports import (
    COLLECTOR,
    DAEMON_SET,
    ESTIMATOR,
    EXPORTER,
    LAST,
    STATUS,
    T0,
    UNRELATED,
    call,
    cause,
    keep,
    report,
)

HOURS = 2 * 3600 * 1000


def awaited(*reports: Report) -> list[str]:
    """The functions that the end of the only episode waited for, in order."""
    kept = keep(*reports)
    (found,) = episodes(kept)
    functions = {one.id: one.report.function for one in kept}
    return [functions[identity] for identity in found.awaited]


def test_the_end_waited_for_whoever_wrote_what_woke_it() -> None:
    """`status` for `collector`, whose DaemonSet it looks at; that for `estimator`; for `machine_spec` nobody."""
    assert awaited(ESTIMATOR, UNRELATED, COLLECTOR, LAST) == ["estimator", "collector", "status"]


def test_one_alone_waited_for_nobody() -> None:
    """Nor is there anything in nothing."""
    assert awaited(UNRELATED) == ["machine_spec"]
    assert episodes(()) == ()


def test_a_write_may_be_heard_of_before_its_writer_has_the_answer() -> None:
    """As on a busy machine: the DaemonSet's event is sent 31 ms after the request began, which took 64 ms."""
    slow = report("collector", 60, 200, calls=(call(EXPORTER, 50, 64),))
    assert awaited(slow, report("status", 145, 500, cause=cause(141, DAEMON_SET))) == ["collector", "status"]


def test_what_was_written_after_the_event_was_sent_did_not_cause_it() -> None:
    """Two that write to one object at the same time do not wake each other in turns."""
    first = report("estimator", 10, 40, calls=(call(STATUS, 12),))
    second = report("status", 11, 40, calls=(call(STATUS, 10),))
    assert awaited(first, second) == ["status"]


def test_a_request_that_failed_woke_nobody() -> None:
    """Nor one that only read."""
    failed = call(EXPORTER, 5).model_copy(update={"status": 409})
    tried = report("collector", 60, 20, calls=(failed, call(EXPORTER, 10, verb="GET")))
    assert awaited(tried, LAST) == ["status"]


def test_what_happens_later_is_an_episode_of_its_own() -> None:
    """A sweep two hours later does not squeeze the first second into nothing."""
    later = report("collector", HOURS, 20, cause=cause(HOURS - 5, DAEMON_SET))
    first, second = episodes(keep(ESTIMATOR, COLLECTOR, later))
    assert (first.reports, first.milliseconds) == (("0", "1"), 155.0)  # from the first event, at 5 ms, to 160 ms
    assert (second.began, second.reports) == (T0 + timedelta(milliseconds=HOURS - 5), ("2",))
