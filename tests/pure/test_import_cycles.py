"""No module imports itself by way of others."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from local.layout import ROOT
from tests.pure.test_unique_names import modules


def dotted(path: Path) -> str:
    """Return the name under which a file is imported."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.Module, known: frozenset[str]) -> Iterator[str]:
    """Yield the modules of the project that a file imports while it loads; what a function imports comes later."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            below = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name for name in below if name in known)
            if node.module in known and not all(name in known for name in below):
                yield node.module


def graph() -> dict[str, set[str]]:
    """Return what each module imports."""
    paths = {dotted(path): path for path in modules()}
    known = frozenset(paths)
    return {name: {*imported(ast.parse((ROOT / path).read_text()), known)} for name, path in paths.items()}


def test_no_module_imports_itself_by_way_of_others() -> None:
    """What both need belongs into a third module."""
    TopologicalSorter(graph()).prepare()


def test_a_cycle_is_found() -> None:
    """The check itself."""
    known = frozenset({"a", "b.c"})
    assert [*imported(ast.parse("from b import c\nimport a\nimport os\ndef f():\n    import a"), known)] == ["b.c", "a"]
    with pytest.raises(CycleError):
        TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()
