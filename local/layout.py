"""Where things lie: one folder for the state of a run, one for what is built once and shared."""

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
        """The built program of that name."""
        return str(self.programs / "bin" / name)

    def log(self, name: str) -> Path:
        """The log file of a part."""
        return self.state / "logs" / f"{name}.log"

    @property
    def databases(self) -> Path:
        """What functions keep."""
        return self.state / "kept"

    @property
    def yaml(self) -> Path:
        """YAML of Knative's and kwok's modules, copied there by the builder."""
        return self.programs / "yaml"

    @property
    def records(self) -> Path:
        """What runs: one JSON file a process."""
        return self.state / "run"

    @property
    def pki(self) -> Path:
        """Certificates, keys and tokens of this run."""
        return self.state / "pki"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.state / "kubeconfig"

    def kubeconfig_of(self, account: str) -> Path:
        """A ServiceAccount's own."""
        return self.state / "kubeconfigs" / account
