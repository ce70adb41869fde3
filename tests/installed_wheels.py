"""Both distributions as users get them: from wheels, without the checkout, beside their dependencies only."""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local.layout import ROOT

CLI = ROOT / "distributions/kubectl-kepler"
OFFLINE = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-index")


@dataclass(frozen=True)
class InstalledWheel:
    """A folder with one installed wheel, and a folder with links to what it declares as dependencies."""

    packages: Path
    dependencies: Path

    def start(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start Python with these two folders and the standard library; nothing of the checkout is on its path."""
        path = os.pathsep.join((str(self.packages), str(self.dependencies)))
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return subprocess.Popen(
            [sys.executable, "-S", *arguments],
            env={**inherited, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})},
            cwd=self.packages.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run Python to its end."""
        process = self.start(*arguments, environment=environment)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def install(project: Path, folder: Path) -> InstalledWheel:
    """Build the wheel of a project and install it, both without a network."""
    pip = [sys.executable, "-m", "pip"]
    subprocess.run(
        [*pip, "wheel", *OFFLINE, "--no-build-isolation", "--wheel-dir", str(folder), str(project)], check=True
    )
    wheel = next(folder.glob("*.whl"))
    packages = folder / "packages"
    subprocess.run([*pip, "install", *OFFLINE, "--no-compile", "--target", str(packages), str(wheel)], check=True)
    dependencies = folder / "dependencies"
    dependencies.mkdir()
    metadata = next(packages.glob("*.dist-info/METADATA")).read_text()
    declared = [line.removeprefix("Requires-Dist: ") for line in metadata.splitlines() if "Requires-Dist: " in line]
    for name in sorted(closure(declared)):
        _link(name, dependencies)
    return InstalledWheel(packages, dependencies)


def closure(declared: Iterable[str], extra: str = "") -> set[str]:
    """Return the names of all distributions that requirements bring, by the metadata of those installed here."""
    waiting = [(line, extra) for line in declared]
    names: set[tuple[str, str]] = set()
    while waiting:
        line, chosen = waiting.pop()
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": chosen}):
            continue
        for wanted in ("", *sorted(requirement.extras)):
            key = (canonicalize_name(requirement.name), wanted)
            if key not in names:
                names.add(key)
                waiting += [(line, wanted) for line in distribution(requirement.name).requires or ()]
    return {name for name, _ in names}


def _link(name: str, folder: Path) -> None:
    files = distribution(name).files or ()
    for top in sorted({file.parts[0] for file in files} - {".."}):
        link = folder / top
        if not link.is_symlink():
            link.symlink_to(Path(str(distribution(name).locate_file(top))))
