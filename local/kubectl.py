"""The real kubectl, as a user has it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from local.admin_client import Object
from local.local_errors import CommandFailed
from local.process import inherited

TIMEOUT = 60.0


@dataclass(frozen=True)
class Kubectl:
    """kubectl with one kubeconfig.

    `cache` is a discovery cache apart from the user's own: at each start, the same address is another cluster. A
    command that takes longer than `timeout` seconds is stopped.
    """

    program: str
    kubeconfig: Path
    cache: Path
    timeout: float = TIMEOUT

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl and return its standard output. Raises CommandFailed with its standard error."""
        command = [self.program, f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.cache}", *arguments]
        try:
            done = subprocess.run(
                command,
                input=stdin,
                stdin=None if stdin is not None else subprocess.DEVNULL,
                capture_output=True,
                text=True,
                env=inherited(),
                start_new_session=True,
                timeout=self.timeout,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CommandFailed(f"kubectl {' '.join(arguments[:3])}: {error}") from error
        if done.returncode:
            raise CommandFailed(f"kubectl {' '.join(arguments[:3])}: {done.stderr.strip()}")
        return done.stdout

    def render(self, folder: Path) -> list[Object]:
        """Return the objects of a kustomization or, without one, of a folder of plain YAML."""
        if (folder / "kustomization.yaml").exists():
            return documents(self("kustomize", str(folder)))
        return [manifest for file in sorted(folder.glob("*.yaml")) for manifest in documents(file.read_text())]

    def apply(self, objects: list[Object]) -> None:
        """Apply all objects in one call of `kubectl apply --server-side`."""
        if objects:
            self("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=yaml.safe_dump_all(objects))


def documents(text: str) -> list[Object]:
    """Return the objects of a YAML stream, without empty documents."""
    return [dict(document) for document in yaml.load_all(text, Loader=LOADER) if document]


# The loader in C is ten times as fast, which matters for CRDs; wheels have it, a build from source may not.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
