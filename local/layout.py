"""Paths of files: one folder for the state of a run, one for programs that are built once and shared."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = ROOT / ".local"


@dataclass(frozen=True)
class Layout:
    """Paths under `state` (of one run, made anew at each start) and `programs` (binaries and YAML, kept)."""

    state: Path
    programs: Path

    def program(self, name: str) -> str:
        """Return the path of the built program of that name."""
        return str(self.programs / "bin" / name)

    def log(self, name: str) -> Path:
        """Return the log file of a part."""
        return self.state / "logs" / f"{name}.log"

    @property
    def databases(self) -> Path:
        """Return the folder in which functions keep files."""
        return self.state / "kept"

    @property
    def yaml(self) -> Path:
        """Return the folder with the YAML of Knative's and kwok's modules, copied there by the builder."""
        return self.programs / "yaml"

    @property
    def records(self) -> Path:
        """Return the folder with one JSON file for each running process."""
        return self.state / "run"

    @property
    def pki(self) -> Path:
        """Return the folder with certificates, keys and tokens of this run."""
        return self.state / "pki"

    @property
    def kubeconfig(self) -> Path:
        """Return the administrator's kubeconfig."""
        return self.state / "kubeconfig"

    def kubeconfig_of(self, account: str) -> Path:
        """Return a ServiceAccount's kubeconfig."""
        return self.state / "kubeconfigs" / account
