"""What counts as a fight: a field that a function puts back again and again, since others change it each time."""

from dataclasses import dataclass
from typing import Any

import pytest

from audit.answers import fights
from cli.timeline.sentences import fight
from events.report import Field, Report, Write
from events.types import RESOURCE_DELETE
from tests.cli.report_samples import DAEMON_SET as EXPORTER
from tests.cli.report_samples import cause, report

POD = "spec.template.spec"


def put_back(
    seconds: float, *, by: str = "argocd", path: str = f"{POD}.hostPID", value: Any = True, **more: Any
) -> Report:
    """A report that a field was put back, after somebody had changed the DaemonSet."""
    known = {
        "cause": cause(seconds * 1000 - 5, EXPORTER, by=by),
        "changes": (Write(object=EXPORTER, action="changed", fields=(Field(path=path, before=False, after=value),)),),
    }
    return report("collector", seconds * 1000, 20, **{**known, **more})


OURS = frozenset({"kepler-collector", "kepler-estimator"})


@dataclass(frozen=True)
class FightCase:
    """Reports, and how often which field was put back, and who changed it."""

    title: str
    reports: tuple[Report, ...]
    expected: tuple[tuple[str, int, tuple[str, ...]], ...] = ()


FIGHTS = (
    FightCase("one drift", (put_back(1),)),
    FightCase("two", (put_back(1), put_back(60))),
    FightCase("again and again", tuple(map(put_back, (1, 60, 120, 180))), ((f"{POD}.hostPID", 4, ("argocd",)),)),
    FightCase(
        "several others",
        (put_back(1), put_back(60, by="flux"), put_back(90)),
        ((f"{POD}.hostPID", 3, ("argocd", "flux")),),
    ),
    FightCase("other fields each time", tuple(put_back(at, path=f"spec.x{at}") for at in (1, 2, 3))),
    FightCase("other values each time", tuple(put_back(at, value=at) for at in (1, 2, 3))),
    FightCase(
        "somebody who removes the field, and so owns none",
        tuple(put_back(at, by="kepler-collector") for at in (1, 2, 3)),
        ((f"{POD}.hostPID", 3, ()),),
    ),
    FightCase("an object of its own", tuple(put_back(at, cause=cause(0, by="x")) for at in (1, 2, 3))),
    FightCase("our own functions", tuple(put_back(at, by="kepler-estimator") for at in (1, 2, 3))),
    FightCase(
        "somebody whose change a controller has answered by a status, each time but one",
        (put_back(1), *(put_back(at, by="kube-controller-manager") for at in (2, 3))),
        ((f"{POD}.hostPID", 3, ("argocd",)),),
    ),
    FightCase(
        "an autoscaler",
        tuple(put_back(at, by="kube-controller-manager", path="spec.replicas") for at in (1, 2, 3)),
        (("spec.replicas", 3, ("kube-controller-manager",)),),
    ),
    FightCase("edits of the resource, each once", tuple(put_back(at, generation=at) for at in (1, 2, 3))),
)


@pytest.mark.parametrize("case", FIGHTS, ids=lambda case: case.title)
def test_what_counts_as_a_fight(case: FightCase) -> None:
    """The same field, for the same generation, put back after somebody else's change: three times or more."""
    shown = fights.fights(case.reports, OURS)
    assert tuple((fight.path, fight.count, fight.others) for fight in shown) == case.expected


def test_an_object_that_is_deleted_again_and_again() -> None:
    """Is told without an author, since Kubernetes keeps none."""
    gone = cause(0, EXPORTER, by="").model_copy(update={"type": RESOURCE_DELETE})
    made = (Write(object=EXPORTER, action="created"),)
    reports = tuple(put_back(at, cause=gone, changes=made) for at in (1, 2, 3))
    [shown] = fights.fights(reports, OURS)
    assert (shown.path, shown.count, shown.others) == ("", 3, ())
    assert "created it again 3 times since " in fight(shown)
    assert fight(shown).endswith("since it was deleted each time (Kubernetes does not record by whom)")
