"""What of a trace belongs together, and what the end of it waited for."""

from datetime import timedelta

from audit.answer_models import EpisodeCause
from audit.answers.episodes import episodes, in_short
from audit.episode_causes import PATHS, name_of
from events.report import Cause, Field, Report, Write
from events.types import RESOURCE_DELETE, RESYNC_REQUESTED
from tests.cli.report_samples import (
    COLLECTOR,
    DAEMON_SET,
    EDIT,
    ESTIMATOR,
    EXPORTER,
    KEPLER,
    LAST,
    STATUS,
    T0,
    UNRELATED,
    call,
    cause,
    keep,
    report,
    summary,
)

HOURS = 2 * 3600 * 1000


def awaited(*reports: Report) -> list[str]:
    """The functions that the end of the only episode waited for, in order."""
    kept = keep(*reports)
    (episode,) = episodes(kept)
    functions = {report_kept.id: report_kept.report.function for report_kept in kept}
    return [functions[identity] for identity in episode.awaited]


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


IMAGE = Field(path="spec.template.spec.containers[name=kepler].image", before="a", after="b")
PUT_BACK = (Write(object=DAEMON_SET, action="changed", fields=(IMAGE,)),)


def caused(*reports: Report, more: bool = False) -> tuple[EpisodeCause, ...]:
    """The causes of the episodes of a trace; a history tells the same."""
    kept = keep(*reports)
    causes = tuple(episode.cause for episode in episodes(kept, EDIT, more=more))
    short = tuple(summary(number, report_kept.report) for number, report_kept in enumerate(kept))
    assert tuple(episode.cause for episode in in_short(short, EDIT, more=more)) == causes
    return causes


def drift(woken: Cause) -> Report:
    """What `collector` put back two hours after the edit, since it was woken by this."""
    return report("collector", HOURS, 20, cause=woken, changes=PUT_BACK)


def test_the_first_episode_of_a_generation_was_caused_by_its_edit() -> None:
    """Also where a child's event came first, or a sweep found it: nothing else happened since."""
    for woken in (cause(5), cause(5, DAEMON_SET), cause(5).model_copy(update={"type": RESYNC_REQUESTED})):
        (causes,) = caused(report("collector", 10, 20, cause=woken))
        assert (causes.kind, causes.by, causes.time, causes.object) == ("edit", EDIT.by, EDIT.time, name_of(KEPLER))


def test_a_drift_was_caused_by_who_changed_the_child() -> None:
    """Not by the edit two hours before: it says what was put back, and who had changed it when."""
    changed = cause(HOURS - 5, DAEMON_SET, by="kubectl-patch").model_copy(update={"changed": T0 + timedelta(hours=2)})
    edit, causes = caused(COLLECTOR, drift(changed))
    assert edit.kind == "edit"
    assert (causes.kind, causes.object, causes.action) == ("object", DAEMON_SET, "changed")
    assert (causes.by, causes.time) == ("kubectl-patch", T0 + timedelta(hours=2))
    assert [(write.object, write.paths, write.fields) for write in causes.written] == [(DAEMON_SET, (IMAGE.path,), 1)]


def test_who_changed_the_child_is_known_to_the_function_that_put_it_back() -> None:
    """Also where another one, which the same event woke, reported first."""
    woken = cause(HOURS - 5, DAEMON_SET, by="kube-controller-manager")
    first = report("status", HOURS - 1, 20, cause=woken)
    edit, causes = caused(COLLECTOR, first, drift(woken.model_copy(update={"by": ""})))
    assert (edit.kind, causes.object, causes.by) == ("edit", DAEMON_SET, "")


def test_a_drift_is_none_of_the_edits_where_earlier_reports_are_not_there() -> None:
    """Forgotten, or left out of an answer that would be too long."""
    changed = cause(HOURS - 5, DAEMON_SET)
    assert caused(drift(changed))[0].kind == "object"
    assert caused(COLLECTOR, more=True)[0].kind != "edit"


def test_nobody_is_named_for_a_deletion() -> None:
    """The event shows who had changed the object last, and Kubernetes does not record who deleted it."""
    deleted = cause(HOURS - 5, DAEMON_SET, by="kubectl-patch").model_copy(update={"type": RESOURCE_DELETE})
    _, causes = caused(COLLECTOR, drift(deleted))
    assert (causes.action, causes.by, causes.time) == ("deleted", "", deleted.sent)


def test_a_request_says_who_asked() -> None:
    """Such as the sweep, about the resource itself."""
    asked = cause(HOURS - 5).model_copy(update={"type": RESYNC_REQUESTED, "source": "/kepler/functions/sweep"})
    _, causes = caused(COLLECTOR, drift(asked))
    assert (causes.kind, causes.source, causes.object, causes.by) == (
        "request",
        "/kepler/functions/sweep",
        name_of(KEPLER),
        "",
    )


def test_an_event_about_the_resource_itself_is_no_drift() -> None:
    """Somebody changed what is not its spec."""
    _, causes = caused(COLLECTOR, drift(cause(HOURS - 5)))
    assert (causes.kind, causes.action) == ("event", "changed")


def test_of_an_object_that_was_written_so_many_fields_are_named() -> None:
    """Once each, of however many reports; what is only reported in a status is left out."""
    fields = tuple(Field(path=f"data.{number}", before=1, after=2) for number in range(PATHS + 5))
    writes = (Write(object=DAEMON_SET, action="changed", fields=fields),)
    reported = (Write(object=name_of(KEPLER), action="reported", fields=fields),)
    first = report("collector", HOURS, 20, cause=cause(HOURS - 5, DAEMON_SET), changes=writes)
    again = report("status", HOURS + 50, 20, cause=cause(HOURS + 45, DAEMON_SET), changes=(*writes, *reported))
    _, causes = caused(COLLECTOR, first, again)
    assert [(write.fields, len(write.paths)) for write in causes.written] == [(2 * len(fields), PATHS)]
