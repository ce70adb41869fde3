"""Files from the Go modules, copied beside the programs so that starting the stack needs no Go.

These are Knative's own CRDs and ConfigMaps, the stages by which kwok simulates a kubelet, and the data of Kepler's
image, in the versions that go.mod pins.
"""

import hashlib
import shutil
import subprocess
from pathlib import Path

from local.local_errors import BuildError

STAMP = "yaml"
EVENTING = "knative.dev/eventing"
KWOK = "sigs.k8s.io/kwok"
KEPLER = "github.com/sustainable-computing-io/kepler"

CRDS = "knative-crds"
CONFIG_MAPS = "knative-configmaps"
STAGES = "kwok.yaml"
# What Kepler's image has in `/var/lib/kepler/data` (kepler v0.7.12:build/Dockerfile).
KEPLER_DATA = "kepler"

CRD_FILES = (
    *(f"config/core/resources/{kind}.yaml" for kind in ("broker", "trigger", "channel", "subscription")),
    *(f"config/core/resources/{kind}.yaml" for kind in ("eventpolicy", "eventtype")),
    *(f"config/core/resources/{kind}.yaml" for kind in ("apiserversource", "pingsource", "sinkbindings")),
    "config/channels/in-memory-channel/resources/in-memory-channel.yaml",
)
CONFIG_MAP_FILES = tuple(f"config/core/configmaps/{name}.yaml" for name in ("features", "logging", "observability"))
STAGE_FILES = (
    "kustomize/stage/node/fast/node-initialize.yaml",
    "kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "kustomize/stage/pod/fast/pod-ready.yaml",
    "kustomize/stage/pod/fast/pod-complete.yaml",
    "kustomize/stage/pod/fast/pod-delete.yaml",
)
KEPLER_FILES = (
    "data/cpus.yaml",
    *(
        f"data/model_weight/{source}_{kind}PowerModel.json"
        for source in ("acpi", "intel_rapl")
        for kind in ("Abs", "Dyn")
    ),
)


def vendored_digest(programs: Path) -> str:
    """Return a digest of the module files and of the list of copied files."""
    content = b"\0".join(file.read_bytes() for file in sorted(programs.glob("*/go.*")))
    return hashlib.sha256(
        content + "\0".join((*CRD_FILES, *CONFIG_MAP_FILES, *STAGE_FILES, *KEPLER_FILES)).encode()
    ).hexdigest()


def copy(go: str, programs: Path, target: Path) -> None:
    """Replace `target` by the current content of the modules."""
    draft = target.with_suffix(".tmp")
    shutil.rmtree(draft, ignore_errors=True)
    eventing = module(go, EVENTING, programs / "knative")
    for folder, files in ((CRDS, CRD_FILES), (CONFIG_MAPS, CONFIG_MAP_FILES)):
        (draft / folder).mkdir(parents=True)
        for file in files:
            # Not shutil.copy: the module cache is read-only, and its copies must not be.
            (draft / folder / Path(file).name).write_bytes((eventing / file).read_bytes())
    kwok = module(go, KWOK, programs / "kwok")
    (draft / STAGES).write_text("---\n".join((kwok / file).read_text() for file in STAGE_FILES))
    kepler = module(go, KEPLER, programs / "kepler")
    for file in KEPLER_FILES:
        copied = draft / KEPLER_DATA / Path(file).relative_to("data")
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes((kepler / file).read_bytes())
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)


def module(go: str, path: str, where: Path) -> Path:
    """Return the folder of a required module in Go's module cache. Raises BuildError with Go's error."""
    command = [go, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", path]
    process = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
    if process.returncode or not process.stdout.strip():
        raise BuildError(f"`go list -m {path}` failed in {where}: {process.stderr.strip()[-500:]}")
    return Path(process.stdout.strip())
