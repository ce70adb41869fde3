"""What the distribution `kubectl-kepler` contains: `cli`, and the packages that it imports."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PACKAGES = (
    "cli",
    "crds",
    "dead_letters",
    "events",
    "functions",
    "installation",
    "operands",
    "reasons",
    "runtime",
    "sweeper",
)
# Modules for the server, which needs packages that are not dependencies here.
SERVER = ("functions/__main__.py", "functions/func.py", "runtime/edge.py")
# Of `audit` only the models of its answers, and what is computed from those: no store, no console.
AUDIT = (
    "__init__",
    "answer_models",
    "answers/__init__",
    "answers/checks",
    "answers/dead_letter_answers",
    "answers/episodes",
    "answers/foreign",
    "audit_listener",
    "episode_causes",
)


class RepositoryPackages(BuildHookInterface[Any]):
    """Adds the files of the repository's packages to the wheel; an editable install finds them by the path."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it writes a wheel; `version` is `standard` or `editable`."""
        if version != "editable":
            build_data["force_include"].update({str(REPOSITORY / name): name for name in contents()})


def contents() -> list[str]:
    """Return the paths of all files, relative to the repository."""
    files = (path for package in PACKAGES for path in (REPOSITORY / package).rglob("*") if path.is_file())
    names = [path.relative_to(REPOSITORY).as_posix() for path in files if "__pycache__" not in path.parts]
    return sorted([*(name for name in names if name not in SERVER), *(f"audit/{module}.py" for module in AUDIT)])
