"""What a new function or type of event needs besides its code: each place that was forgotten is named."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.storage.intake import KEPT, LOGGED
from functions.function_catalogue import FUNCTIONS, LISTENERS, NAMES
from functions.reconcilers import RECONCILERS
from installation.event_catalogue import CATALOGUE
from local.layout import ROOT
from runtime.declaration import Function
from runtime.objects import KEPLER, NODES_CONFIG, PROMETHEUS_RULE, SERVICE_MONITOR, Ref

# Kinds that only some clusters have: the event source watches none of them, and the sweep looks after their objects.
OPTIONAL = frozenset(kind.group for kind in (SERVICE_MONITOR, PROMETHEUS_RULE, NODES_CONFIG))
MAP = ROOT / "docs" / "architecture.md"
README = ROOT / "README.md"


def imported_modules() -> Iterator[str]:
    """Every module of `functions` that a pure test imports."""
    for path in sorted((ROOT / "tests" / "pure").glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "functions":
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("functions."):
                yield str(node.module).removeprefix("functions.")


@pytest.mark.parametrize("name", [function.name for function in FUNCTIONS])
def test_a_function_has_a_pure_test(name: str) -> None:
    """Its decisions need no server."""
    assert name in set(imported_modules()), f"write tests/pure/test_{name}.py: no pure test imports functions.{name}"


@pytest.mark.parametrize("name", NAMES)
def test_a_function_is_in_the_map(name: str) -> None:
    """With its condition, and what it brings about."""
    rows = [line for line in MAP.read_text().splitlines() if line.startswith(f"| `{name}` | ")]
    assert len(rows) == 1, f"add a row for `{name}` to the functions in docs/architecture.md"
    conditions = {function.name: function.condition for function in FUNCTIONS}
    condition = f"`{conditions[name]}`" if name in conditions else "–"
    assert f"| {condition} |" in rows[0], f"write {condition} as the condition of `{name}` in docs/architecture.md"


@pytest.mark.parametrize("name", NAMES)
def test_a_function_is_in_what_works_today(name: str) -> None:
    """A reader of README finds every function with what it brings about."""
    _, _, section = README.read_text().partition("\n## What works today\n")
    assert f"`{name}`" in section.partition("\n## ")[0], f"name `{name}` in README's section 'What works today'"


def test_ready_waits_for_functions_of_keplers_alone() -> None:
    """A condition that is never written there would be waited for without end."""
    wrong = [function.name for function in RECONCILERS if function.gates_ready and function.parent != KEPLER]
    assert not wrong, f"{wrong} do not reconcile Keplers: set `gates_ready=False`"


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_whom_a_function_waits_for_reports_on_the_same_object(function: Function) -> None:
    """A condition of another kind of object is not in the parent's status."""
    reported = {reconciler.condition for reconciler in RECONCILERS if reconciler.parent == function.parent}
    assert set(function.awaits) <= reported


@pytest.mark.parametrize("path", sorted((ROOT / "functions").glob("*.py")), ids=lambda path: path.stem)
def test_a_function_is_listed(path: Path) -> None:
    """What is in no list has no Trigger, no Role and no condition, and nothing else would say so."""
    if re.search(r"(?m)^FUNCTION(: Function)? = Function\(", path.read_text()):
        assert path.stem in {function.name for function in FUNCTIONS}, (
            f"list {path.stem}.FUNCTION in functions/reconcilers.py (a function's `name` is its module's)"
        )


def test_the_map_has_no_function_that_is_gone() -> None:
    """A row that nobody takes out sends readers to a module that is not there, or is not listed."""
    rows = re.findall(r"(?m)^\| `(\w+)` \| (?:`\w+`|–) \|", MAP.read_text())
    assert {*rows} - {*NAMES} == set(), (
        "no function has this name: list it in functions/reconcilers.py, or take its row out"
    )


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_events_of_its_children_wake_a_function(function: Function) -> None:
    """Else an edit of one by somebody else stays until the sweep finds it."""
    sample = Ref(function.parent, "namespace" if function.parent.namespaced else "", "name")
    unheard = [
        str(ref)
        for ref in function.children(sample)
        if ref not in function.shared_children
        and ref.kind.group not in OPTIONAL
        and not any(wake.kind == ref.kind and (not wake.names or ref.name in wake.names) for wake in function.wakes)
    ]
    assert not unheard, (
        f"{function.name} writes {unheard}: add a `Wake` for each to `wakes` in functions/{function.name}.py"
    )


def test_no_key_has_two_owners() -> None:
    """By server-side apply they would take it from each other."""
    owners = [(key, function.name) for function in FUNCTIONS for key in sorted(function.keys)]
    assert len({key for key, _ in owners}) == len(owners), owners


def test_no_event_is_accepted_and_dropped() -> None:
    """What `audit` is said to accept it keeps, or notes in the log on purpose."""
    accepted = {event_type.type for event_type in CATALOGUE if "audit" in event_type.accepted_by}
    assert accepted - {*KEPT} - LOGGED == set(), "keep it (`KEPT`) or note it (`LOGGED`) in audit/storage/intake.py"
    assert ({*KEPT} | LOGGED) - accepted == set(), "`audit` keeps a type that the catalogue does not let it accept"


def test_what_is_kept_is_signed_and_not_only_logged() -> None:
    """Only our functions have the key, so what anybody else emits cannot be kept."""
    assert {*KEPT} & LOGGED == set(), "keep a type (`KEPT`) or only log it (`LOGGED`) in audit/storage/intake.py"
    unsigned = {event_type.type for event_type in CATALOGUE if not {*event_type.emitted_by} & {*NAMES}}
    assert unsigned & {*KEPT} == set(), (
        "no function emits these, and others cannot sign: only log them (`LOGGED`) in audit/storage/intake.py"
    )


def test_every_accepting_function_exists() -> None:
    """A name that is misspelled would be accepted by nobody."""
    names = {*NAMES}
    wrong = {name for event_type in CATALOGUE for name in event_type.accepted_by} - names
    assert not wrong, f"{wrong} are no functions: {sorted(names)} are"
    assert len(LISTENERS) + len(FUNCTIONS) == len(names)
