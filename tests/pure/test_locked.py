"""The locked Python packages: everything that the project asks for, in a version that it takes, by hash."""

import re
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local.layout import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CLI = tomllib.loads((ROOT / "distributions/kubectl-kepler/pyproject.toml").read_text())["project"]
LINE = re.compile(r"^([A-Za-z0-9._-]+)==([^ \\]+)", re.MULTILINE)
ENTRY = re.compile(r"^[A-Za-z0-9._-]+==[^\n]*\\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", re.MULTILINE)


def locked(name: str) -> dict[str, str]:
    """Versions by package, as a file has them."""
    return {canonicalize_name(package): version for package, version in LINE.findall(_text(name))}


def _text(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text()


def wanted(name: str) -> Iterator[Requirement]:
    """Requirements of the project; for `dev` also those of its extras and of the CLI's distribution."""
    extras = ("local", "dev") if name == "dev" else ()
    for line in (
        *PROJECT["dependencies"],
        *(line for extra in extras for line in PROJECT["optional-dependencies"][extra]),
        *(CLI["dependencies"] if name == "dev" else ()),
    ):
        requirement = Requirement(line)
        if requirement.name != PROJECT["name"]:
            yield requirement


@pytest.mark.parametrize("name", ["runtime", "dev"])
def test_everything_that_is_asked_for_is_locked(name: str) -> None:
    """`make lock` writes the files; whoever adds a package and forgets to is told."""
    versions = locked(name)
    missing = [
        str(requirement)
        for requirement in wanted(name)
        if not requirement.specifier.contains(versions.get(canonicalize_name(requirement.name), "0"))
    ]
    assert not missing, f"{missing}: run `make lock`"


@pytest.mark.parametrize("name", ["runtime", "dev"])
def test_every_package_is_locked_by_hash(name: str) -> None:
    """pip takes no other file then (`--require-hashes`), and no line names a registry."""
    text = _text(name)
    assert len(ENTRY.findall(text)) == len(LINE.findall(text)) > 30
    assert "://" not in text


def test_what_runs_in_a_cluster_is_what_was_tested() -> None:
    """Both files name one version of each package."""
    tested = locked("dev")
    assert {name: version for name, version in locked("runtime").items() if tested.get(name) != version} == {}
