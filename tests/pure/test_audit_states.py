"""How resources and conditions stand, and which of them a request selects."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from audit.answer_models import ListedResource, StateName
from audit.answers.live import ShownResource, shown_resource
from audit.answers.resource_pages import REASONS, SelectedPage, matching_resources, select_page
from audit.answers.selection import ResourceSelection, selected
from audit.answers.states import OF_LEVEL, ORDER, WORST, level
from audit.problems import HttpProblem

COMPANION = "KeplerCollectedMetric"
CREATED = "2026-11-25T12:00:00Z"


def condition(kind: str, status: str = "True", reason: str = "Reconciled", generation: int = 2) -> dict[str, Any]:
    """A condition of `status`; its message names its reason."""
    condition = {"type": kind, "status": status, "reason": reason, "message": f"the message of {reason}"}
    return {**condition, "observedGeneration": generation, "lastTransitionTime": CREATED}


def listed(*conditions: dict[str, Any], kind: str = "Kepler", name: str = "a/kepler", **meta: str) -> ShownResource:
    """A resource of generation 2 that carries these conditions."""
    namespace, _, own = name.partition("/")
    matching_resources = {
        "namespace": namespace,
        "name": own,
        "uid": name,
        "generation": 2,
        "creationTimestamp": CREATED,
    }
    manifest = {
        "apiVersion": "sustainable-computing.io/v1alpha1",
        "kind": kind,
        "metadata": {**matching_resources, **meta},
    }
    return shown_resource({**manifest, "status": {"conditions": list(conditions)}})


READY = condition("Ready", reason="Ready")


@dataclass(frozen=True)
class Stands:
    """A resource, and how it stands for which reason."""

    id: str
    resource: ShownResource
    state: StateName
    reason: str


@pytest.mark.parametrize("later", ["Ready", "MonitoringReconciled"])
def test_a_warning_stands_since_both_conditions_stand(later: str) -> None:
    """The later of the two times: that of `Ready`, or that of the condition that is open."""
    conditions = [READY, condition("MonitoringReconciled", reason="NotInstalled")]
    changed = "2026-11-26T12:00:00Z"
    shown = listed(*({**part, "lastTransitionTime": changed} if part["type"] == later else part for part in conditions))
    state = ListedResource.model_validate_json(shown.json).state
    assert (state.name, state.since) == ("warning", datetime(2026, 11, 26, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("message", "step"),
    [
        ("0 of 1 nodes have a ready exporter: no class: x; set `y`, or run `z`", "set `y`, or run `z`"),
        (
            "`size` is '1', and the claim has '2': set it back, or run `z`, which deletes",
            "set it back, or run `z`, which deletes",
        ),
        (
            "it is theirs: delete it and run `x`; or run `y`, which keeps it",
            "delete it and run `x`; or run `y`, which keeps it",
        ),
        ("Kepler 'a' was first: delete 'a'", "delete 'a'"),
        ("DaemonSet 'kepler-exporter' does not exist yet", ""),
    ],
)
def test_the_step_is_the_end_of_the_message_of_ready(message: str, step: str) -> None:
    """A command stands with the words that go with it; other conditions have no say."""
    other = {**condition("MonitoringReconciled", reason="NotInstalled"), "message": "none: run `kubectl kepler resync`"}
    shown = listed({**condition("Ready", "False", "Wrong"), "message": message}, other)
    assert ListedResource.model_validate_json(shown.json).state.step == step


def test_what_is_awaited_has_a_step_only_if_it_names_one() -> None:
    """Such as a field or a command."""
    for message, step in (
        ("it starts: it listens soon", ""),
        ("it waits: create it, or change `x`", "create it, or change `x`"),
    ):
        shown = listed({**condition("Ready", "Unknown", "Waiting"), "message": message})
        assert ListedResource.model_validate_json(shown.json).state.step == step


CASES = (
    Stands("ready", listed(READY, condition("Available")), "ready", "Ready"),
    Stands(
        "what is switched off is no fault", listed(READY, condition("Estimator", reason="Disabled")), "ready", "Ready"
    ),
    Stands("nothing scrapes", listed(READY, condition("Monitoring", reason="NotInstalled")), "warning", "NotInstalled"),
    Stands("ready, but a part is not", listed(READY, condition("MachineSpec", "False", "No")), "warning", "No"),
    Stands("not ready", listed(condition("Ready", "False", "NoNodes"), condition("X", "False")), "failed", "NoNodes"),
    Stands("waits", listed(condition("Ready", "Unknown", "Waiting")), "waiting", "Waiting"),
    Stands("nobody has looked", listed(), "unreported", "NotReported"),
    Stands("nobody has looked since the edit", listed(condition("Ready", generation=1)), "unreported", "NotReported"),
    Stands(
        "a function refuses the edit before `Ready` says so",
        listed(condition("Ready", generation=1), condition("X", "False", "Refused")),
        "failed",
        "Refused",
    ),
    Stands("a companion", listed(kind=COMPANION), "referenced", ""),
    Stands("without Ready the worst counts", listed(condition("X"), condition("Y", "Unknown", "Z")), "waiting", "Z"),
    Stands("deleted", listed(READY, deletionTimestamp=CREATED), "waiting", "Deleting"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_resource_stands_by_what_its_conditions_say(case: Stands) -> None:
    """Whichever functions wrote them; the answer says the same as what is counted, in the condition's own words."""
    answered = ListedResource.model_validate_json(case.resource.json).state
    assert (case.resource.state, case.resource.reason) == (case.state, case.reason)
    assert (answered.name, answered.reason) == (case.state, case.reason)
    assert answered.message
    if case.reason not in ("NotReported", "Deleting", ""):
        assert answered.message == f"the message of {case.reason}"


def test_every_state_and_level_has_its_place_in_the_order() -> None:
    """What is missing could not be sorted."""
    assert {*OF_LEVEL} == {*WORST}
    assert {*OF_LEVEL.values()} | {"referenced"} == {*ORDER}
    assert level("False", "Disabled", current=True) == "failed"
    assert level("True", "NotInstalled", current=False) == "stale"


RESOURCES = (
    *(listed(condition("Ready", "False", "NoNodes"), name=f"lab/bad-{number}") for number in range(3)),
    listed(condition("Ready", "False", "Other"), name="energy/bad"),
    listed(READY, name="energy/Kepler-West"),
    listed(kind=COMPANION, name="energy/default"),
)


def choose(wanted: dict[str, str], resources: tuple[ShownResource, ...] = RESOURCES) -> tuple[list[str], SelectedPage]:
    """The names on the page that a query string selects, and the selected page."""
    selection = selected(ResourceSelection, MultiDict(wanted))
    selected_page = select_page(matching_resources(resources, selection), selection)
    return [ListedResource.model_validate_json(item).object.name for item in selected_page.items], selected_page


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({}, ["bad-0", "bad-1", "bad-2", "bad", "Kepler-West", "default"]),
        ({"state": "failed"}, ["bad-0", "bad-1", "bad-2", "bad"]),
        ({"state": "failed", "reason": "Other"}, ["bad"]),
        ({"reason": "NoNodes"}, ["bad-0", "bad-1", "bad-2"]),
        ({"search": "kepler-west"}, ["Kepler-West"]),
        ({"search": "energy"}, ["bad", "Kepler-West", "default"]),
        ({"search": "bad ener"}, ["bad"]),
        ({"search": "lab/bad-1"}, ["bad-1"]),
        ({"search": ".*"}, []),
        ({"search": "lab", "state": "ready"}, []),
        ({"kind": COMPANION}, ["default"]),
        ({"limit": "2"}, ["bad-0", "bad-1"]),
        ({"limit": "2", "before": "4"}, ["Kepler-West", "default"]),
        ({"before": "99"}, []),
    ],
    ids=str,
)
def test_a_request_selects_resources(wanted: dict[str, str], names: list[str]) -> None:
    """By state, reason, words of namespace and name, kind, and page."""
    assert choose(wanted)[0] == names


def test_the_counts_are_what_one_may_choose_from() -> None:
    """They follow the search, not the state and reason that were chosen of them."""
    _, everything = choose({})
    assert everything.page.states == {"failed": 4, "ready": 1, "referenced": 1}
    assert [(reason.state, reason.reason, reason.count) for reason in everything.page.reasons] == [
        ("failed", "NoNodes", 3),
        ("failed", "Other", 1),
        ("ready", "Ready", 1),
    ]
    _, few = choose({"state": "ready", "reason": "Ready", "limit": "1"})
    assert few.page.states == everything.page.states
    assert few.page.reasons == everything.page.reasons
    assert (few.page.total, few.page.next) == (1, "")
    _, searched = choose({"search": "energy", "limit": "1"})
    assert searched.page.states == {"failed": 1, "ready": 1, "referenced": 1}
    assert (searched.page.total, searched.page.next) == (3, "1")


def test_reasons_in_one_answer_are_few() -> None:
    """Whoever may write a status may write any; the most frequent are told."""
    many = tuple(listed(condition("Ready", "False", f"R{number}"), name=f"a/{number}") for number in range(100))
    often = listed(condition("Ready", "False", "R99"), name="a/again")
    _, selected_page = choose({}, (*many, often))
    assert len(selected_page.page.reasons) == REASONS
    assert ("R99", 2) in {(reason.reason, reason.count) for reason in selected_page.page.reasons}
    assert selected_page.page.states == {"failed": 101}


@pytest.mark.parametrize("wanted", [{"state": "broken"}, {"limit": "1001"}, {"before": "-1"}, {"search": "x" * 201}])
def test_what_makes_no_sense_is_refused(wanted: dict[str, str]) -> None:
    """With the parameter's name."""
    with pytest.raises(HttpProblem, match=f"`{next(iter(wanted))}`"):
        choose(wanted)


def test_ten_thousand_resources_are_searched_in_a_moment() -> None:
    """A page of them is as large as a page of three hundred."""
    shown_resource = listed(condition("Ready", "False", "NoNodes"), name="lab/kepler")
    many = tuple(
        ShownResource(
            shown_resource.kind,
            "lab",
            f"kepler-{number:05}",
            shown_resource.state,
            shown_resource.reason,
            shown_resource.json,
        )
        for number in range(10_000)
    )
    began = time.perf_counter()
    _, selected_page = choose({"search": "lab 9"}, many)
    assert time.perf_counter() - began < 1
    assert len(selected_page.items) == 100
    assert sum(map(len, selected_page.items)) < 200_000
