"""`docs/troubleshooting.md`: every reason that a condition can have is there, and no other."""

import re

import pytest

from functions import status
from functions.function_catalogue import FUNCTIONS
from local.layout import ROOT
from operands.preflight import CONDITION as PREFLIGHT
from reasons import decision_reasons, troubleshooting, workload_reasons
from runtime.conditions import READY
from tests.given_reasons import UnknownReason, given, reasons

GIVEN = given()
ENTRIES = troubleshooting.BY_REASON
CONDITIONS = {
    *(condition for function in FUNCTIONS for condition in (function.condition, *function.summaries)),
    status.AVAILABLE,
    status.MODEL_SERVER_AVAILABLE,
    PREFLIGHT,
}


def test_every_reason_has_an_entry_and_every_entry_a_reason() -> None:
    """What the code gives to conditions, and what the page explains, are the same."""
    in_code, explained = {given_reason.reason for given_reason in GIVEN}, set(ENTRIES)
    assert in_code - explained == set(), "write an entry in reasons/decision_reasons.py or workload_reasons.py"
    assert explained - in_code == set(), "no condition has this reason any more: remove its entry"


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda one: str(one.name))
def test_an_entry_names_the_condition_of_each_function_that_gives_the_reason(function: object) -> None:
    """`status` has conditions of its own for what runs."""
    name, condition = getattr(function, "name"), getattr(function, "condition")  # noqa: B009
    own = {given_reason.reason for given_reason in GIVEN if given_reason.module == f"functions.{name}"}
    expected = {status.AVAILABLE, status.MODEL_SERVER_AVAILABLE, READY} if name == "status" else {condition, READY}
    assert own
    lacking = [reason for reason in own if reason in ENTRIES and not expected & {*ENTRIES[reason].conditions}]
    assert not lacking, f"add {condition} to the conditions of the entry for {lacking} in reasons/decision_reasons.py"


def test_entries_name_conditions_that_exist() -> None:
    """By their types, as `kubectl get -o yaml` shows them."""
    assert {condition for entry in ENTRIES.values() for condition in entry.conditions} <= CONDITIONS


def test_no_reason_has_two_entries() -> None:
    """The second would hide the first."""
    written = [*decision_reasons.ENTRIES, *workload_reasons.ENTRIES]
    assert len(written) == len(ENTRIES)


def test_a_link_leads_to_a_heading_of_the_page() -> None:
    """GitHub makes the anchor of a heading from its letters in lower case."""
    anchors = {heading.lower() for heading in re.findall(r"(?m)^## (\w+)$", (ROOT / troubleshooting.PAGE).read_text())}
    assert {troubleshooting.link(reason).partition("#")[2] for reason in ENTRIES} == anchors
    assert troubleshooting.link("ImagePull") == "docs/troubleshooting.md#imagepull"
    assert troubleshooting.link("NeverHeardOf") == ""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f():\n    return rejected('A', 'm')", {"A"}),
        ("def f():\n    return outcome.rejected('A', 'm')", {"A"}),
        ("def f():\n    return waiting(reason='A', message='m')", {"A"}),
        ("def f(x):\n    return Outcome(WORD, 'A' if x else 'B', 'm')", {"A", "B"}),
        ("def f():\n    return converged(message='m')", {"Reconciled"}),
        ("def f(x):\n    return FunctionCondition('T', STATUS, x.reason, 'm')", set()),
        ("def g():\n    return 'A', 's'\ndef f():\n    r, s = g()\n    return rejected(r, s)", {"A"}),
        ("def f():\n    return pending('m')", set()),
    ],
)
def test_a_reason_is_found_in_each_form(source: str, expected: set[str]) -> None:
    """A constant, a choice, a default, a returned tuple; a copy is no reason of its own."""
    assert reasons(source, "runtime.refusals") == expected


@pytest.mark.parametrize("argument", ["f'{x}'", "x", "x.upper()"])
def test_a_reason_that_nobody_can_tell_is_an_error(argument: str) -> None:
    """Else a reason could be without an entry, and no test would notice."""
    with pytest.raises(UnknownReason, match=r"runtime\.refusals:2"):
        reasons(f"def f(x):\n    return rejected({argument}, 'm')", "runtime.refusals")
