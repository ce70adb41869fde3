"""A name leads to one place: no two classes or modules share one, and no module assigns a constant twice."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from local.layout import ROOT

# What Python, pytest and Alembic look for by its name.
GIVEN = {"__init__", "__main__", "conftest", "env"}
# Folders of what is built or installed here.
BUILT = {".venv", ".local", "node_modules", "build"}


def modules() -> Iterator[Path]:
    """Every Python file of the project, relative to its root."""
    for path in sorted(ROOT.rglob("*.py")):
        relative = path.relative_to(ROOT)
        if not BUILT & {*relative.parts}:
            yield relative


def classes() -> Iterator[tuple[str, str]]:
    """Every class with the place of its definition, classes within classes and functions included."""
    for path in modules():
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            if isinstance(node, ast.ClassDef):
                yield node.name, f"{path}:{node.lineno}"


def constants() -> Iterator[tuple[str, str]]:
    """Every constant of a module, as `path:NAME`, with the place of its assignment."""
    for path in modules():
        for node in ast.parse((ROOT / path).read_text()).body:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                assigned = (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))
                yield from ((f"{path}:{name}", f"line {node.lineno}") for name in assigned if name.isupper())


def repeated(named: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The names that stand for several things, with their places."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for name, place in named:
        places[name].append(place)
    return {name: there for name, there in places.items() if len(there) > 1}


@pytest.mark.parametrize(
    "named",
    [
        pytest.param(classes, id="classes"),
        pytest.param(lambda: ((path.stem, str(path)) for path in modules() if path.stem not in GIVEN), id="modules"),
    ],
)
def test_a_name_of_a_class_or_module_is_used_once(named: object) -> None:
    """Give the newer one a name that says what sets it apart, as `ApiResponse` and `BareResponse`."""
    assert callable(named)
    assert repeated(named()) == {}


def test_a_constant_is_assigned_once() -> None:
    """A second assignment with another value would change the first one's meaning without a trace."""
    assert repeated(constants()) == {}


def test_a_repeated_name_is_found_with_all_its_places() -> None:
    """The check itself: it sees two of one name, and lets one alone."""
    assert repeated([("A", "x:1"), ("B", "x:2"), ("A", "y:3")]) == {"A": ["x:1", "y:3"]}
