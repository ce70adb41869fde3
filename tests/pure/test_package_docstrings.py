"""A package's docstring is its table of contents: each module and subpackage has a line there."""

import ast
import re
from pathlib import Path

import pytest

from local.layout import ROOT

PACKAGES = (
    "crds", "events", "runtime", "dead_letters", "sweeper", "operands", "audit", "functions", "reasons", "installation",
    "cli", "local", "image", "node", "benchmarks",
    "effects",
)  # fmt: skip
# Alembic's own folders, which hold one file a revision.
GENERATED = {"migrations"}


def packages() -> list[Path]:
    """Every package that is not a test, and their subpackages."""
    folders = [path.parent for package in PACKAGES for path in (ROOT / package).rglob("__init__.py")]
    return [path for path in folders if not GENERATED & {*path.parts}]


def members(package: Path) -> set[str]:
    """Names of a package's modules and folders."""
    modules = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}
    return modules | {path.name for path in package.iterdir() if path.is_dir()} - GENERATED - {"__pycache__"}


def tables(package: Path) -> list[list[str]]:
    """First words of the docstring's paragraphs that list something: most of their lines begin with a member."""
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
    paragraphs = [[line.split()[0] for line in paragraph.splitlines()] for paragraph in re.split(r"\n\n", docstring)]
    return [words for words in paragraphs if 2 * len(members(package) & {*words}) > len(words)]


@pytest.mark.parametrize("package", packages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_package_lists_its_modules(package: Path) -> None:
    """Add a line to the docstring in `__init__.py`, or take out the line of a module that is gone."""
    listed = [word for words in tables(package) for word in words]
    file = f"{package.relative_to(ROOT)}/__init__.py"
    assert members(package) - {*listed} == set(), f"add a line for each of these modules to the docstring in {file}"
    assert {*listed} - members(package) == set(), f"these modules are gone: take their lines out of {file}"
    assert len(listed) == len({*listed}), f"a module has two lines in {file}"
