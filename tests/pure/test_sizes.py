"""No module has more than 350 lines, and no function more than 40: `docs/style.md`, rule 2."""

import ast
from pathlib import Path

import pytest

from local.layout import ROOT
from tests.pure.test_unique_names import modules

# Lines of a module, and of a function from `def` to its last statement.
MODULE, FUNCTION = 350, 40


def too_long(path: Path, source: str) -> list[str]:
    """What of a module has too many lines, each with its place, its size, and what to do."""
    size = len(source.splitlines())
    module = [
        f"{path} has {size} lines, more than {MODULE}: split it by subject, each half with a docstring that says it"
    ]
    return (module if size > MODULE else []) + [
        f"{path}:{node.lineno} `{node.name}` has {lines} lines, more than {FUNCTION}: move a step of it to a function"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION
    ]


def test_no_module_and_no_function_is_too_long() -> None:
    """Shared fixtures and builders of two halves go to one place: the first half, or a small module beside it."""
    long = [text for path in modules() for text in too_long(path, (ROOT / path).read_text())]
    assert not long, "\n".join(long)


@pytest.mark.parametrize(("lines", "named"), [(39, []), (40, ["f"]), (349, ["f"]), (350, ["x.py has", "f"])])
def test_what_is_too_long_is_named(lines: int, named: list[str]) -> None:
    """The check itself, at its two bounds: a module of one function with so many lines in it, and its `def`."""
    long = too_long(Path("x.py"), "def f() -> None:\n" + "    pass\n" * lines)
    assert [any(word in text for text in long) for word in named] == [True] * len(named)
    assert len(long) == len(named)
