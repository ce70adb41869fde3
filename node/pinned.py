"""The pinned programs of a node, and the official YAML that their modules contain.

`local.go_programs` builds the programs that the local stack has, too (control plane, kubectl, a Broker's data plane,
Kepler).
YAML is copied by whole folders, so that the applied objects are those of a release of Knative.
"""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from local import go_programs, vendor
from local.go_programs import Bundle, GoProgram
from local.layout import DEFAULT

FOLDER = Path(__file__).resolve().parent / "programs"
KUBERNETES = "k8s.io/kubernetes/cmd"
SERVING = "knative.dev/serving"
EVENTING = "knative.dev/eventing"
NETWORKING = "knative.dev/networking"
CACHING = "knative.dev/caching"
YAML = "node-yaml"

PROGRAMS = (
    GoProgram("pause", ".", module="pause"),
    GoProgram("kubelet", f"{KUBERNETES}/kubelet", module="cluster"),
    GoProgram("kube-proxy", f"{KUBERNETES}/kube-proxy", module="cluster"),
    GoProgram("coredns", ".", module="coredns"),
    *(
        GoProgram(f"serving-{name}", f"{SERVING}/cmd/{name}", module="serving")
        for name in ("controller", "webhook", "autoscaler", "activator", "queue")
    ),
    *(
        GoProgram(f"eventing-{path.replace('/', '-')}", f"{EVENTING}/cmd/{path}", module="cluster")
        for path in (
            "controller",
            "webhook",
            "jobsink",
            "requestreply",
            "auth_proxy",
            "mtchannel_broker",
            "in_memory/channel_controller",
        )
    ),
)


@dataclass(frozen=True)
class Copied:
    """Files of a module that match `pattern` below its root; they are copied to the folder `name`."""

    name: str
    module: str
    built_in: str
    pattern: str


# In the order of installation. Knative's own tests and tools are in other folders.
MANIFESTS = (
    Copied("networking", NETWORKING, "serving", "config/*.yaml"),
    Copied("caching", CACHING, "serving", "config/*.yaml"),
    Copied("serving", SERVING, "serving", "config/core/**/*.yaml"),
    Copied("eventing", EVENTING, "cluster", "config/core/**/*.yaml"),
    Copied("integrations", EVENTING, "cluster", "third_party/eventing-integrations-latest/*.yaml"),
    Copied("channel", EVENTING, "cluster", "config/channels/in-memory-channel/**/*.yaml"),
    Copied("broker", EVENTING, "cluster", "config/brokers/mt-channel-broker/**/*.yaml"),
)


def copied_digest(folder: Path) -> str:
    """Return a digest of the module files and of the list of copied files."""
    modules = sorted({copied.built_in for copied in MANIFESTS})
    content = b"\0".join((folder / module / name).read_bytes() for module in modules for name in ("go.mod", "go.sum"))
    return hashlib.sha256(content + repr(MANIFESTS).encode()).hexdigest()


def copy(go: str, folder: Path, target: Path) -> None:
    """Replace `target` by the current YAML of the modules."""
    draft = target.with_suffix(".tmp")
    shutil.rmtree(draft, ignore_errors=True)
    for copied in MANIFESTS:
        root = vendor.module(go, copied.module, folder / copied.built_in)
        for number, file in enumerate(sorted(root.glob(copied.pattern))):
            (draft / copied.name).mkdir(parents=True, exist_ok=True)
            # A number, since several folders of a module have files of the same name.
            (draft / copied.name / f"{number:03}-{file.name}").write_bytes(file.read_bytes())
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)


BUNDLE = Bundle(FOLDER, PROGRAMS, YAML, copied_digest, copy)


def build_all(target: Path = DEFAULT, say: go_programs.Say = print) -> None:
    """Build the programs of the local stack and of the node. Raises BuildError."""
    go_programs.build(target, say)
    go_programs.build(target, say, BUNDLE)
