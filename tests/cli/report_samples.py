"""Reports and traces for the tests of whatever tells of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from audit.answer_models import Change, Edit, StoredReport, Summary, Trace
from audit.answers.episodes import episodes, in_short
from audit.episode_causes import wrote
from events.report import ApiCall, Cause, Field, ObjectName, Report, ReportedCondition, Subject, Write

T0 = datetime(2026, 1, 2, 12, tzinfo=UTC)
TRACE = "0" * 31 + "1"
KEPLER = Subject(
    api_version="sustainable-computing.io/v1alpha1", kind="Kepler", namespace="energy", name="kepler", uid="u"
)
DAEMON_SET = ObjectName(api_version="apps/v1", kind="DaemonSet", namespace="energy", name="kepler-exporter")
STATUS = "/apis/sustainable-computing.io/v1alpha1/namespaces/energy/keplers/kepler/status"
EXPORTER = "/apis/apps/v1/namespaces/energy/daemonsets/kepler-exporter"
PORT = Field(path="collector.port", before=9102, after=9103)
EDIT = Edit(object=KEPLER, generation=2, time=T0, by="kubectl-patch", first=False, verified=True, fields=(PORT,))


def at(milliseconds: float) -> datetime:
    """So long after the edit."""
    return T0 + timedelta(milliseconds=milliseconds)


def call(path: str, began: float, took: float = 5.0, verb: str = "PATCH") -> ApiCall:
    """One request."""
    return ApiCall(verb=verb, path=path, status=200, began=began, milliseconds=took)


def report(function: str, began: float, took: float, **more: Any) -> Report:
    """What a function did, so many milliseconds after the edit; its event was sent five before it began."""
    outcome = more.pop("outcome", "converged")
    reported_condition = ReportedCondition(type="R", status="True", reason="Because", message="as it is said")
    known = {
        "function": function,
        "trace": TRACE,
        "began": at(began),
        "outcome": outcome,
        "object": KEPLER,
        "generation": 2,
        "conditions": (reported_condition,),
        "changes": (),
        "calls": (),
        "rounds": 1,
        "milliseconds": took,
        "cause": cause(began - 5),
    }
    return Report.model_validate({**known, **more})


def cause(sent: float, about: ObjectName = KEPLER, by: str = "kubectl-patch") -> Cause:
    """An event about an object."""
    named = ObjectName(**{name: getattr(about, name) for name in ("api_version", "kind", "namespace", "name")})
    return Cause(id="1", type="dev.knative.apiserver.resource.update", source="s", sent=at(sent), object=named, by=by)


def keep(*reports: Report) -> tuple[StoredReport, ...]:
    """Each under its place as id, in the order in which they began."""
    return tuple(
        StoredReport(sequence=number, id=str(number), type="t", kept=report.began, report=report)
        for number, report in enumerate(sorted(reports, key=lambda report: report.began))
    )


def trace(*reports: Report, edit: Edit | None = EDIT, more: bool = False) -> Trace:
    """One change; `more` says that earlier reports are left out."""
    kept = keep(*reports)
    parts = episodes(kept, edit, more=more)
    return Trace(trace=TRACE, object=KEPLER, generation=2, edit=edit, reports=kept, episodes=parts, more=more)


def change(*reports: Report, edit: Edit | None = EDIT, more: bool = False) -> Change:
    """One change with its reports in short."""
    short = tuple(summary(number, report) for number, report in enumerate(reports))
    return Change(
        object=KEPLER,
        generation=2,
        trace=TRACE,
        began=T0,
        edit=edit,
        reports=short,
        episodes=in_short(short, edit, more=more),
        more=more,
    )


def summary(number: int, report: Report) -> Summary:
    """A report in short."""
    return Summary(
        sequence=number,
        id=str(number),
        type="t",
        kept=report.began,
        function=report.function,
        outcome=report.outcome,
        object=report.object,
        generation=report.generation,
        trace=report.trace,
        began=report.began,
        milliseconds=report.milliseconds,
        rounds=report.rounds,
        condition=report.conditions[0] if report.conditions else None,
        changes=tuple(wrote(report)),
        calls=len(report.calls),
        cause=report.cause,
    )


ESTIMATOR = report("estimator", 10, 40, calls=(call(STATUS, 30),))
COLLECTOR = report(
    "collector",
    60,
    100,
    cause=cause(50, by="kepler-estimator"),
    calls=(call(EXPORTER, 50), call(STATUS, 80)),
    changes=(Write(object=DAEMON_SET, action="changed", fields=(PORT,)),),
)
UNRELATED = report("machine_spec", 12, 5)
LAST = report("status", 300, 200, cause=cause(280, DAEMON_SET, by="kube-controller-manager"))
