"""Installs the operator on the node as a user does: an image, a kustomization over `config/base`, `kubectl apply`.

Its exporter is Kepler's own code under the image reference of `config/base`, so the operator's image is the only change
to the configuration.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

from local import vendor
from local.admin_client import AdminClient, Object
from local.kubectl import Kubectl
from local.layout import DEFAULT, ROOT
from local.local_errors import BuildError, NotReady
from node.node_images import ROOT_USER, ProgramImage, ctr
from node.sandbox import Sandbox

BASE = ROOT / "config" / "base"
COMPACT = ROOT / "config" / "overlays" / "compact"
NAMESPACE = "kepler-operator"
# The name of the operator's image in `config/base`.
IMAGE = "kepler-on-knative"
REPOSITORY = f"dev.local/{IMAGE}"
EXPORTER_SETTING = "RELATED_IMAGE_KEPLER"
# As in Kepler's own image (kepler v0.7.12:build/Dockerfile).
EXPORTER_PATH = "/usr/bin/kepler"
EXPORTER_DATA = ("/var/lib/kepler/data", f"{vendor.STAMP}/{vendor.KEPLER_DATA}")

SERVICES = f"/apis/serving.knative.dev/v1/namespaces/{NAMESPACE}/services"
TRIGGERS = f"/apis/eventing.knative.dev/v1/namespaces/{NAMESPACE}/triggers"
BROKERS = f"/apis/eventing.knative.dev/v1/namespaces/{NAMESPACE}/brokers"
SOURCES = f"/apis/sources.knative.dev/v1/namespaces/{NAMESPACE}/apiserversources"
CLOCKS = f"/apis/sources.knative.dev/v1/namespaces/{NAMESPACE}/pingsources"
# Knative reports Triggers as Ready before their channel routes to them: the dispatcher skips a channel if its
# controller has not seen the last subscriber yet, but reports the subscribers nevertheless
# (eventing v0.50.0: pkg/reconciler/inmemorychannel/dispatcher/inmemorychannel.go).
CHANNELS = f"/apis/messaging.knative.dev/v1/namespaces/{NAMESPACE}/inmemorychannels"
AWAITED = (SERVICES, BROKERS, CHANNELS, TRIGGERS, SOURCES, CLOCKS)

READY_SECONDS = 180.0
BUILD_SECONDS = 1200.0


def version() -> str:
    """Return the tag of the operator's image in `config/base`."""
    return _containers(IMAGE)[0]["image"].rpartition(":")[2]  # type: ignore[no-any-return]


def exporter() -> ProgramImage:
    """Return Kepler's image under the reference that the functions' environment has in `config/base`."""
    settings = {entry["name"]: entry.get("value", "") for entry in _containers(IMAGE)[0]["env"]}
    return ProgramImage(settings[EXPORTER_SETTING], "kepler", ROOT_USER, EXPORTER_PATH, (EXPORTER_DATA,))


def archive(tag: str, folder: Path = DEFAULT / "image") -> Path:
    """Build the operator's image as `make image` does and return its archive. Raises BuildError."""
    made = folder / f"{IMAGE}-{tag}.tar"
    if (ROOT / "image" / "__main__.py").exists():
        command = [sys.executable, "-m", "image", "build", "--tag", f"{REPOSITORY}:{tag}", "--output", str(made)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
        if done.returncode:
            raise BuildError(f"`make image` failed: {(done.stderr or done.stdout).strip()[-500:]}")
    if not made.exists():
        raise BuildError(f"there is no {made}: `make image` writes it")
    return made


def tag_again(sandbox: Sandbox, old: str, new: str) -> None:
    """Give the imported image a second tag, like a release with the same content."""
    ctr(sandbox, "images", "tag", "--force", f"{REPOSITORY}:{old}", f"{REPOSITORY}:{new}")


def overlay(folder: Path, tag: str, patches: Sequence[Object] = (), *, config: Path = BASE) -> Path:
    """Write a kustomization over `config` that sets the operator's image, and return its folder.

    `patches` are strategic merge patches, such as an administrator adds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    base = Path("../" * len(folder.resolve().parts[1:])) / config.relative_to("/")
    content = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [str(base)],
        "images": [{"name": IMAGE, "newName": REPOSITORY, "newTag": tag}],
        "patches": [{"patch": yaml.safe_dump(patch)} for patch in patches],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(content))
    return folder


def apply(kubectl: Kubectl, folder: Path, selector: str = "") -> str:
    """Apply a kustomization, or its objects with some labels, as the installation guide says; return kubectl's report.

    CRDs and the objects of their kinds are in one configuration.
    """
    return kubectl("apply", "--server-side", "-k", str(folder), *(("-l", selector) if selector else ()))


def unready(api: AdminClient) -> list[str]:
    """Return the objects of Knative's kinds in the operator's namespace that are not Ready, each with its message."""
    return [sentence for path in AWAITED for manifest in api.items(path) if (sentence := _unready(manifest))]


def await_ready(api: AdminClient, seconds: float = READY_SECONDS) -> None:
    """Return when all Services, Triggers, Brokers and sources are Ready. Raises NotReady with their messages."""
    deadline = time.monotonic() + seconds
    while not api.items(SERVICES) or unready(api):
        if time.monotonic() > deadline:
            raise NotReady(f"not Ready after {seconds:.0f} s:\n" + "\n".join(unready(api)))
        time.sleep(0.25)


def _unready(manifest: Object) -> str:
    status = manifest.get("status", {})
    conditions = {condition["type"]: condition for condition in status.get("conditions", [])}
    ready = conditions.get("Ready", {"status": "Unknown"})
    current = status.get("observedGeneration", 0) >= manifest["metadata"]["generation"]
    if current and ready["status"] == "True":
        return ""
    name = f"{manifest.get('kind', 'object')} {manifest['metadata']['name']}"
    return f"{name}: {ready.get('reason', 'not reconciled yet')} {ready.get('message', '')}".strip()


def _containers(image: str) -> list[Object]:
    """Return the containers of Services in `config/base` that have an image of that name."""
    containers_of_image = []
    for file in sorted(BASE.glob("*.yaml")):
        for manifest in yaml.safe_load_all(file.read_text()):
            if manifest and manifest.get("kind") == "Service" and "template" in manifest.get("spec", {}):
                containers = manifest["spec"]["template"]["spec"]["containers"]
                containers_of_image += [
                    container for container in containers if container["image"].partition(":")[0] == image
                ]
    return containers_of_image
